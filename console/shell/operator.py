"""Who runs a verb, and the context that commands get from the shell."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from console.clock import system_clock
from console.commands.authority import check_authority, refusals_recorded
from console.commands.definition import Context
from console.commands.registry import find
from console.people.sign_on import SignedOn, profile_of_host_user
from console.people.ways_in import name_of_user

if TYPE_CHECKING:
    from console.store.engine import Store

_JOB_NUMBERS = 1_000_000

SHOWN_BY: Mapping[str, str] = {
    "rules": "WRKSOCRUL",
    "exit-points": "WRKREGINF",
    "socks": "WRKSOCKSE",
    "policy": "CMPSOCPCY",
    "revisions": "WRKSOCPCY",
    "journal": "DSPJRN",
    "jobs": "WRKSOCJOB",
    "coverage": "DSPSOCCOV",
    "connections": "WRKTCPSTS",
    "alerts": "WRKALR",
    "messages": "DSPMSG",
    "system-values": "WRKSYSVAL",
    "workers": "WRKSOCWRK",
}
"""Subject of ``greenwall show`` -> the command that shows the same, and has the same authority."""


def user_profile() -> str:
    """Return the user profile of this process: its real user, in upper case, or the number of one without a name."""
    return name_of_user(os.getuid())


def host_user(store: Store) -> SignedOn:
    """Return who started this process, with what their profile may do; the first of a store is its security officer.

    Raises:
        SignOnError: They have no profile, or it is disabled.
        StoreError: The store cannot be read or written.
    """
    return profile_of_host_user(store, user_profile(), system_clock)


def shell_context(store: Store) -> Context:
    """Return what a command from the shell may use.

    The job is named after the process: its number are the last six digits of the process id.

    Raises:
        SignOnError: Who started this has no profile, or it is disabled.
        StoreError: The store cannot be read or written.
    """
    who = host_user(store)
    job = f"{os.getpid() % _JOB_NUMBERS:06}/{who.name}/SHELL"
    return Context(store=store, user=who.name, job=job, authorities=who.authorities, limited=who.limited)


def admit(store: Store, command: str, verb: str) -> Context:
    """Let who started this do with a verb of the shell what a command does; return what it may use.

    Args:
        store: The store.
        command: The command that does the same, and has the same authority.
        verb: The verb as it was given, for the audit journal.

    Raises:
        AuthorityError: They may not; that is in the audit journal.
        SignOnError: They have no profile, or it is disabled.
        StoreError: The store cannot be read or written.
    """
    context = shell_context(store)
    with refusals_recorded(context, f"greenwall {verb}"):
        check_authority(find(command), None, context, keyed=True)
    return context
