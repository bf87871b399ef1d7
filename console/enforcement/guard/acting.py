"""Makes a call for a job as its caller would: with the caller's ids, in the caller's network.

Knows what of a caller shows in the sockets it makes; must not know which calls are made.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path

from console.enforcement.credentials import acting_as
from console.enforcement.guard.identity import effective_capabilities, effective_ids
from console.enforcement.guard.supervisor import Attempt, Supervisor, Undecidable
from console.errors import CallerGone

_OWN_NETWORK = "/proc/thread-self/ns/net"
_OWN_USERS = "/proc/thread-self/ns/user"
NET_BIND_SERVICE = 1 << 10
"""CAP_NET_BIND_SERVICE (linux/capability.h)."""
_FIRST_FREE_PORT = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
_USUAL_FIRST_FREE_PORT = 1024


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
    return os.path.samestat(theirs, os.stat(_OWN_USERS)) and bool(capabilities & NET_BIND_SERVICE)


def may_bind_as_it_is(supervisor: Supervisor, attempt: Attempt) -> bool:
    """Say whether the calling thread, in our network namespace, has the capability that privileged ports take there.

    Raises:
        CallerGone: It has ended.
        Undecidable: It cannot be told.
    """
    try:
        theirs = os.stat("ns/user", dir_fd=attempt.caller.directory.number)
        capabilities = effective_capabilities(attempt.caller)
    except OSError as error:
        raise _unreadable(supervisor, attempt, error) from error
    return bool(capabilities & NET_BIND_SERVICE) and os.path.samestat(theirs, os.stat(_OWN_USERS))


def is_privileged(port: int) -> bool:
    """Say whether a port of our network namespace takes a capability (ip(7), ip_unprivileged_port_start)."""
    try:
        first_free = int(_FIRST_FREE_PORT.read_text(encoding="ascii"))
    except (OSError, ValueError):
        first_free = _USUAL_FIRST_FREE_PORT
    return 0 < port < first_free


def _unreadable(supervisor: Supervisor, attempt: Attempt, error: OSError) -> Exception:
    if isinstance(error, FileNotFoundError | ProcessLookupError) and not supervisor.backend.is_waiting(attempt.call):
        return CallerGone("GWL0402")
    return Undecidable(f"caller not readable: {error.strerror}")
