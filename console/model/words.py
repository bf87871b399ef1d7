"""The words of the policy and the journal, as operators write them; every vocabulary once, used both ways."""

from __future__ import annotations

from enum import StrEnum

DEFAULT_SEQUENCE = 99999
"""Sequence number of the rule of an exit point that always exists and is always active."""


class ExitPoint(StrEnum):
    """Where a socket call stops and asks."""

    ACCEPT = "*ACCEPT"
    CONNECT = "*CONNECT"
    LISTEN = "*LISTEN"


EXIT_POINT_NAMES = {
    ExitPoint.ACCEPT: ("QIBM_QSO_ACCEPT", "ACPT0100", "Sockets accept()"),
    ExitPoint.CONNECT: ("QIBM_QSO_CONNECT", "CONN0100", "Sockets connect()"),
    ExitPoint.LISTEN: ("QIBM_QSO_LISTEN", "LSTN0100", "Sockets listen()"),
}
"""Exit point -> its registered name, format and text, as IBM i names them."""


class Mode(StrEnum):
    """What an exit point does with its rules."""

    ENFORCE = "*ENFORCE"
    MONITOR = "*MONITOR"
    """Decide and journal what would be rejected, and let everything pass."""
    OFF = "*OFF"
    """Ask nobody and journal nothing."""


class Action(StrEnum):
    """What a rule answers."""

    ALLOW = "*ALLOW"
    REJECT = "*REJECT"


class Fail(StrEnum):
    """How a rejected connect or listen fails."""

    EPERM = "*EPERM"
    REFUSED = "*REFUSED"
    """ECONNREFUSED."""
    TIMEOUT = "*TIMEOUT"
    """ETIMEDOUT, at once."""


class Audit(StrEnum):
    """Which decisions of a rule are journalled."""

    DFT = "*DFT"
    """What is allowed as the audit levels say, what is rejected always."""
    ALL = "*ALL"
    """All of them, whatever the audit levels are."""
    REJECT = "*REJECT"
    NONE = "*NONE"


class Udp(StrEnum):
    """What becomes of the datagrams of internet sockets."""

    IGNORE = "*IGNORE"
    """Nobody is asked, as on IBM i, which has no exit there."""
    DECIDE = "*DECIDE"
    """The connect exit point decides about connects of datagram sockets, and about each datagram with an address."""


class RawSockets(StrEnum):
    """What becomes of a program that makes a raw or packet socket, whose packets no rule sees."""

    REFUSE = "*REFUSE"
    """EPERM, as without the privilege."""
    ALLOW = "*ALLOW"


class SocksType(StrEnum):
    """How the connections that a SOCKS entry is for are made."""

    DIRECT = "*DIRECT"
    """As the program asked, past every SOCKS server."""
    SOCKS = "*SOCKS"
    """Through a SOCKS server of the entry."""


class SocksVersion(StrEnum):
    """What is spoken with the servers of a SOCKS entry."""

    V4 = "4"
    """IPv4 addresses and a user id that nobody checks; what IBM i speaks."""
    V4A = "4A"
    """The same, and the server may be asked to look up a name."""
    V5 = "5"
    """IPv6 and names as well, and user id and password (RFC 1928, RFC 1929)."""


class JobStatus(StrEnum):
    """What a job under a guard is doing."""

    ACTIVE = "*ACTIVE"
    ENDING = "*ENDING"
    """Runs still, and was asked to end."""
    ENDED = "*ENDED"
    LOST = "*LOST"
    """Its guard was killed: how the job ended is not known, or whether."""


class EndOption(StrEnum):
    """How a job is ended."""

    CONTROLLED = "*CNTRLD"
    """Asked to end (SIGTERM), and killed when it has not after a delay."""
    IMMEDIATE = "*IMMED"
    """Killed (SIGKILL)."""


class YesNo(StrEnum):
    """A choice of two."""

    YES = "*YES"
    NO = "*NO"


ALLOBJ, AUDIT, IOSYSCFG, JOBCTL, SECADM = "*ALLOBJ", "*AUDIT", "*IOSYSCFG", "*JOBCTL", "*SECADM"
SPECIAL_AUTHORITIES = {
    ALLOBJ: "Files and programs of this system",
    AUDIT: "The audit journal, and what is audited",
    IOSYSCFG: "Rules, exit points, SOCKS, workers",
    JOBCTL: "Jobs, and the messages of operators",
    SECADM: "User profiles",
}
"""Special authorities, and what each is for."""


class Outcome(StrEnum):
    """What became of a decided call."""

    ALLOWED = "*ALLOWED"
    REJECTED = "*REJECTED"
    MONITOR = "*MONITOR"
    """Would have been rejected, were the exit point in *ENFORCE."""


class SkType(StrEnum):
    """Entry type of an SK journal entry; L is ours, the others are IBM's."""

    ACCEPT = "A"
    CONNECT = "C"
    LISTEN = "L"
    PORT = "P"
    """A port that could not be had."""
    INBOUND = "I"
    """The first datagram that a socket received from a peer."""
    OUTBOUND = "O"
    """The first datagram that a socket sent to a peer."""


SK_TYPES = {ExitPoint.ACCEPT: SkType.ACCEPT, ExitPoint.CONNECT: SkType.CONNECT, ExitPoint.LISTEN: SkType.LISTEN}
"""Exit point -> type of the SK entry that its decisions make."""


class AddressFamily(StrEnum):
    """Address family of a journal entry, as in the SK layout."""

    IPV4 = "*IPV4"
    IPV6 = "*IPV6"
