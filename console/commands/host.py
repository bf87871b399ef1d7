"""What this system knows of names: port numbers of services, groups of users."""

from __future__ import annotations

import grp
import os
import pwd
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from console.errors import CommandError
from console.model.words import YesNo
from console.policy.checks import services_used
from console.policy.rule import Policy, Rule, SocksEntry
from console.policy.time_groups import says_system_zone


def service_port(name: str) -> int | None:
    """Return the TCP port of a service name, None if this system does not know it."""
    try:
        return socket.getservbyname(name, "tcp")
    except OSError:
        return None


def resolve_services(rules: Iterable[Rule], entries: Iterable[SocksEntry] = ()) -> dict[str, int]:
    """Return the ports of the service names that rules and SOCKS entries use.

    Names that only inactive rules use may be unknown: those rules are never asked.

    Raises:
        CommandError: This system does not know a service that an active rule, or an entry, names.
    """
    ports: dict[str, int] = {}
    for rule in rules:
        for name in services_used([rule]) - ports.keys():
            port = service_port(name)
            if port is not None:
                ports[name] = port
            elif rule.active is YesNo.YES:
                raise CommandError("GWL0121", service=name, sequence=rule.sequence, exit_point=rule.exit_point)
    for entry in entries:
        for name in services_used([], [entry]) - ports.keys():
            port = service_port(name)
            if port is None:
                raise CommandError("GWL0128", service=name, sequence=entry.sequence)
            ports[name] = port
    return ports


_LOCAL_TIME = "/etc/localtime"
_ZONE_NAME = "/etc/timezone"
_DATABASE = "zoneinfo/"


def system_time_zone() -> str:
    """Return the name of this system's time zone in the IANA database; empty where the system does not say it.

    Of whoever runs the command, TZ is not asked: it is the operator's, and rules hold for everybody.

    Source: localtime(5); /etc/timezone is Debian's.
    """
    found = os.path.realpath(_LOCAL_TIME).rpartition(_DATABASE)[2] if os.path.islink(_LOCAL_TIME) else ""
    if not found or found.startswith("/"):
        with suppress(OSError, UnicodeDecodeError), open(_ZONE_NAME, encoding="ascii") as file:
            found = file.readline().strip()
    if not found and not os.path.exists(_LOCAL_TIME):
        found = "UTC"
    return found.removeprefix("posix/")


def resolved(policy: Policy) -> Policy:
    """Return a pending policy with what this system knows of its names: ports of services, the time zone.

    Raises:
        CommandError: This system does not know a service.
    """
    zone = system_time_zone() if says_system_zone(policy.time_groups) else ""
    return replace(policy, services=resolve_services(policy.rules, policy.socks), time_zone=zone)


def groups_of(user: str) -> frozenset[str]:
    """Return the names of a user's groups in upper case; none for a user who is not there.

    Args:
        user: In any case: user profiles are matched without regard to it.
    """
    account = _account(user)
    if account is None:
        return frozenset()
    names = (_group_name(gid) for gid in os.getgrouplist(account.pw_name, account.pw_gid))
    return frozenset(name.upper() for name in names)


def user_name(user: str) -> str:
    """Return a user's name in this system's own spelling; for a user who is not there, in lower case.

    Args:
        user: In any case.
    """
    account = _account(user)
    return user.lower() if account is None else account.pw_name


def _account(user: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(user.lower())
    except KeyError:
        return next((account for account in pwd.getpwall() if account.pw_name.upper() == user.upper()), None)


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
