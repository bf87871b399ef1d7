"""All commands by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from console.commands import (
    address_groups,
    alert_destinations,
    alert_test,
    alerts,
    audit_report,
    connections,
    exit_points,
    exit_programs,
    forwarding,
    imported,
    jobs,
    journal,
    journal_copy,
    messages,
    policy,
    policy_compare,
    policy_import,
    receivers,
    revisions,
    rules,
    security_auditing,
    session,
    settings,
    sockets,
    socks_entries,
    socks_test,
    ssh_sessions,
    system_values,
    time_groups,
    user_profiles,
    user_profiles_keys,
    workers,
)
from console.commands.definition import Command
from console.errors import CommandError

_MODULES = (
    rules,
    address_groups,
    time_groups,
    exit_points,
    exit_programs,
    socks_entries,
    socks_test,
    settings,
    policy,
    policy_compare,
    policy_import,
    revisions,
    journal,
    receivers,
    journal_copy,
    audit_report,
    forwarding,
    imported,
    alerts,
    alert_destinations,
    alert_test,
    messages,
    jobs,
    system_values,
    security_auditing,
    sockets,
    connections,
    workers,
    ssh_sessions,
    user_profiles,
    user_profiles_keys,
    session,
)

COMMANDS: Mapping[str, type[Command]] = MappingProxyType(
    {name: command for module in _MODULES for command in module.COMMANDS for name in (command.name, *command.aliases)}
)
"""Name -> class, by subject; a command with a second name is there twice."""


def find(name: str) -> type[Command]:
    """Return a command by its name, in any case.

    Raises:
        CommandError: There is none.
    """
    command = COMMANDS.get(name.upper())
    if command is None:
        raise CommandError("GWL0101", name=name, column=1, nearest="none")
    return command
