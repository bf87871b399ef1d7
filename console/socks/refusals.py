"""How an exchange can fail, and what the program and the operator are told of it: one table.

The errno of a connect is always one that connect(2) gives without any SOCKS server, because programs know those and
decide by them whether to try the next address, the same one later, or nothing more:

* EACCES: somebody on the way has a rule against it. connect(2) has EACCES and EPERM for "a local firewall rule"; EPERM
  is what Greenwall's own rules answer, so EACCES tells that it was not they. A server that does not know us, or that
  we cannot log in to, is the same to the program: it may not pass.
* ECONNREFUSED: nobody is there to talk to: the destination refuses, or the server does not say why, or it speaks
  no SOCKS at all. What it was is in the message and the journal.
* ENETUNREACH for IPv6 where the server has none: what a host without IPv6 says, and what makes programs try IPv4.
* ETIMEDOUT for version 5's "TTL expired", because that is what Dante, microsocks and their like answer when their own
  connect fails with ETIMEDOUT.

Whatever befalls a BIND after its first reply is told to accept, as ECONNABORTED: IBM i's errno for a server that gives
up waiting, and accept(2)'s for a connection that came to nothing.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from console.errors import SocksError
from console.socks.words import Place


class Reason(StrEnum):
    """Why there is no connection."""

    UNREACHABLE = "unreachable"
    NOT_LISTENING = "not listening"
    SILENT = "silent"
    NO_REPLY = "no reply"
    """It has answered before; what takes long is probably its own connect."""
    HUNG_UP = "hung up"
    """It has answered before; OpenSSH says "no" in this way."""
    CLOSED = "closed"
    GARBAGE = "garbage"
    NO_METHOD = "no method"
    NOT_AUTHENTICATED = "not authenticated"
    USER_NOT_CONFIRMED = "user not confirmed"
    BAD_CREDENTIALS = "bad credentials"

    REFUSED = "refused"
    NOT_ALLOWED = "not allowed"
    NO_NETWORK = "no network"
    NO_HOST = "no host"
    DESTINATION_REFUSED = "destination refused"
    DESTINATION_SILENT = "destination silent"
    NO_COMMAND = "no command"
    NO_ADDRESS_TYPE = "no address type"

    BAD_NAME = "bad name"
    NO_NAMES = "no names"
    NO_IPV6 = "no ipv6"
    BAD_ADDRESS = "bad address"

    NOBODY_CAME = "nobody came"
    WRONG_PEER = "wrong peer"


class Refusal(NamedTuple):
    """What one reason leads to."""

    errno: int
    """For the connect or Rbind that waits for it."""
    message_id: str
    blames_server: bool
    """Whether the server itself failed: its operator is told, and the next server of an entry may do better."""


REFUSALS: Mapping[Reason, Refusal] = {
    # The way to the server, and how it behaves.
    Reason.UNREACHABLE: Refusal(errno.EHOSTUNREACH, "GWL0801", True),
    Reason.NOT_LISTENING: Refusal(errno.ECONNREFUSED, "GWL0802", True),
    Reason.SILENT: Refusal(errno.ETIMEDOUT, "GWL0803", True),
    Reason.CLOSED: Refusal(errno.ECONNREFUSED, "GWL0804", True),
    Reason.GARBAGE: Refusal(errno.ECONNREFUSED, "GWL0805", True),
    Reason.NO_METHOD: Refusal(errno.EACCES, "GWL0806", True),
    Reason.NOT_AUTHENTICATED: Refusal(errno.EACCES, "GWL0807", True),
    Reason.USER_NOT_CONFIRMED: Refusal(errno.EACCES, "GWL0808", True),
    Reason.BAD_CREDENTIALS: Refusal(errno.EACCES, "GWL0809", True),
    # What it answered about the destination.
    Reason.REFUSED: Refusal(errno.ECONNREFUSED, "GWL080A", False),
    Reason.NOT_ALLOWED: Refusal(errno.EACCES, "GWL080B", False),
    Reason.NO_NETWORK: Refusal(errno.ENETUNREACH, "GWL080C", False),
    Reason.NO_HOST: Refusal(errno.EHOSTUNREACH, "GWL080D", False),
    Reason.DESTINATION_REFUSED: Refusal(errno.ECONNREFUSED, "GWL080E", False),
    Reason.DESTINATION_SILENT: Refusal(errno.ETIMEDOUT, "GWL080F", False),
    Reason.NO_COMMAND: Refusal(errno.EOPNOTSUPP, "GWL0810", False),
    Reason.NO_ADDRESS_TYPE: Refusal(errno.ENETUNREACH, "GWL0811", False),
    Reason.NO_REPLY: Refusal(errno.ETIMEDOUT, "GWL0818", False),
    Reason.HUNG_UP: Refusal(errno.ECONNREFUSED, "GWL0819", False),
    # What cannot be asked for in the version spoken.
    Reason.BAD_NAME: Refusal(errno.EHOSTUNREACH, "GWL0812", False),
    Reason.NO_NAMES: Refusal(errno.EHOSTUNREACH, "GWL0813", False),
    Reason.NO_IPV6: Refusal(errno.ENETUNREACH, "GWL0814", False),
    Reason.BAD_ADDRESS: Refusal(errno.ENETUNREACH, "GWL0815", False),
    # After BIND's first reply.
    Reason.NOBODY_CAME: Refusal(errno.ECONNABORTED, "GWL0816", False),
    Reason.WRONG_PEER: Refusal(errno.ECONNABORTED, "GWL0817", False),
}

REPLIES_4: Mapping[int, Reason] = {
    91: Reason.REFUSED,
    92: Reason.USER_NOT_CONFIRMED,  # no identd answers at the client
    93: Reason.USER_NOT_CONFIRMED,  # identd names another user
}
"""Reply code of version 4 -> reason; 90 is success (SOCKS: A protocol for TCP proxy across firewalls)."""

REPLIES_5: Mapping[int, Reason] = {
    1: Reason.REFUSED,
    2: Reason.NOT_ALLOWED,
    3: Reason.NO_NETWORK,
    4: Reason.NO_HOST,
    5: Reason.DESTINATION_REFUSED,
    6: Reason.DESTINATION_SILENT,
    7: Reason.NO_COMMAND,
    8: Reason.NO_ADDRESS_TYPE,
}
"""Reply code of version 5 -> reason; 0 is success (RFC 1928, section 6). 9 to 255 are assigned to nothing."""

CONNECT_ERRNOS: Mapping[int, Reason] = {
    errno.ECONNREFUSED: Reason.NOT_LISTENING,
    errno.ETIMEDOUT: Reason.SILENT,
}
"""Errno of the connect to the server -> reason; all others are `Reason.UNREACHABLE`, and stay what they are."""

AFTER_BIND = errno.ECONNABORTED
"""Whatever happens while an inbound connection is waited for."""


def failure(reason: Reason, server: str, destination: Place, detail: str = "", number: int = 0) -> SocksError:
    """Return the error of a reason.

    Args:
        reason: What happened.
        server: What messages call the server.
        destination: What was asked of it.
        detail: For the blank of that name, if the message has one.
        number: An errno that takes the place of the table's; 0 for none.
    """
    refusal = REFUSALS[reason]
    return SocksError(
        refusal.message_id,
        reason=reason,
        errno=number or refusal.errno,
        blames_server=refusal.blames_server,
        server=server,
        destination=str(destination),
        detail=detail,
    )
