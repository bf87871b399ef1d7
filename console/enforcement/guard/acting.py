"""Makes a call for a job as its caller would: with the caller's ids, in the caller's network.

Knows what of a caller shows in the sockets it makes; must not know which calls are made.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager

from console.enforcement.credentials import acting_as
from console.enforcement.guard.identity import effective_capabilities, effective_ids
from console.enforcement.guard.supervisor import Attempt, Supervisor, Undecidable
from console.errors import CallerGone

_OWN_NETWORK = "/proc/thread-self/ns/net"
_OWN_USERS = "/proc/thread-self/ns/user"
_NET_BIND_SERVICE = 1 << 10
"""CAP_NET_BIND_SERVICE (linux/capability.h)."""


def as_caller(supervisor: Supervisor, attempt: Attempt) -> AbstractContextManager[None]:
    """Return a context in which calls are made with the effective ids of the caller.

    Raises:
        CallerGone: It has ended.
        Undecidable: Its ids cannot be read.
    """
    try:
        return acting_as(effective_ids(attempt.caller))
    except OSError as error:
        raise _unreadable(supervisor, attempt, error) from error


def is_in_our_network(supervisor: Supervisor, attempt: Attempt) -> bool:
    """Say whether the calling thread is in our network namespace; a thread cannot change it while it calls.

    Raises:
        CallerGone: It has ended.
        Undecidable: It cannot be told.
    """
    try:
        theirs = os.stat("ns/net", dir_fd=attempt.caller.directory.number)
    except OSError as error:
        raise _unreadable(supervisor, attempt, error) from error
    ours = os.stat(_OWN_NETWORK)
    return (theirs.st_dev, theirs.st_ino) == (ours.st_dev, ours.st_ino)


def may_bind_privileged_ports(supervisor: Supervisor, attempt: Attempt) -> bool:
    """Say whether the calling thread is root to us too, not in a user namespace of its own, and may do what root may.

    Raises:
        CallerGone: It has ended.
        Undecidable: It cannot be told.
    """
    try:
        if effective_ids(attempt.caller).user:
            return False
        theirs = os.stat("ns/user", dir_fd=attempt.caller.directory.number)
        capabilities = effective_capabilities(attempt.caller)
    except OSError as error:
        raise _unreadable(supervisor, attempt, error) from error
    return os.path.samestat(theirs, os.stat(_OWN_USERS)) and bool(capabilities & _NET_BIND_SERVICE)


def _unreadable(supervisor: Supervisor, attempt: Attempt, error: OSError) -> Exception:
    if isinstance(error, FileNotFoundError | ProcessLookupError) and not supervisor.backend.is_waiting(attempt.call):
        return CallerGone("GWL0402")
    return Undecidable(f"caller not readable: {error.strerror}")
