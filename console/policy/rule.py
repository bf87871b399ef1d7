"""A socket rule, an exit program, a SOCKS entry and the whole policy, as frozen values.

Every field is in its canonical spelling.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from console.model.words import (
    Action,
    Audit,
    ExitPoint,
    Fail,
    Mode,
    RawSockets,
    SocksType,
    SocksVersion,
    Udp,
    YesNo,
)
from console.policy.request import MAPPED
from console.policy.secret import Secret

ANY = "*ANY"
"""Special value of an address, port or program: matches everything."""
ALL = "*ALL"
"""Special value of a user: matches everyone."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the answer.

    Build one with `console.policy.checks.make_rule`, which checks each value and spells it canonically; a Rule built
    directly is taken as already canonical.
    """

    exit_point: ExitPoint
    sequence: int
    """1 to 99998; 99999 is the default rule, always there and always active."""
    user: str = ALL
    """``ALICE``, generic ``ABC*``, OS group ``%WHEEL`` or ``*ALL``; upper case."""
    local_address: str = ANY
    """As `remote_address`; accept: the incoming address; listen: the address listened on; connect: the bound one."""
    local_port: str = ANY
    """As `remote_port`; accept and listen: the listening port."""
    remote_address: str = ANY
    """``192.0.2.1``, ``192.0.2.0/24``, ``192.0.2.1-192.0.2.9``, the same for IPv6, an address group as ``%DMZ``, or
    ``*ANY``."""
    remote_port: str = ANY
    """``443``, ``1024-65535``, a service name such as ``https``, or ``*ANY``."""
    program: str = ANY
    """Absolute path, generic with a trailing ``*``, or ``*ANY``."""
    time_group: str = ANY
    """Name of the time group in which the rule holds, or ``*ANY`` for always."""
    action: Action = Action.ALLOW
    fail: Fail = Fail.EPERM
    audit: Audit = Audit.DFT
    message: YesNo = YesNo.NO
    active: YesNo = YesNo.YES
    text: str = ""
    """At most 50 characters."""


@dataclass(frozen=True, slots=True)
class ExitProgram:
    """A program that an exit point asks after the rules have allowed; built by `console.policy.exit_programs`."""

    exit_point: ExitPoint
    number: int
    """2 to 2147483647: programs are asked in ascending order, and the first that rejects ends it. Program 1 is the
    rules."""
    program: str
    """Python entry point, ``module:function``."""
    time_limit_ms: int = 1000
    """1 to 60000; an answer that takes longer is a rejection."""
    text: str = ""
    """At most 50 characters."""


SOCKS_PORT = 1080
"""Port of a SOCKS server that names none (IANA service ``socks``)."""


@dataclass(frozen=True, slots=True)
class SocksServer:
    """Where a SOCKS server is."""

    host: str
    """IPv4 or IPv6 address, or a name in lower case, which whoever connects looks up."""
    port: int = SOCKS_PORT

    @property
    def label(self) -> str:
        """Host and port, always both: what the journal and messages call it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        """Return it as operators write it: without the port where it is the usual one."""
        return self.host if self.port == SOCKS_PORT else self.label


@dataclass(frozen=True, slots=True)
class SocksEntry:
    """Which way connections to some destinations take; built by `console.policy.socks_entries`.

    Entries are tried in ascending sequence, the first that matches decides, and what none matches goes directly.
    """

    sequence: int
    """1 to 99998."""
    remote_address: str = ANY
    """Destination, spelt as in a rule."""
    remote_port: str = ANY
    user: str = ALL
    type: SocksType = SocksType.SOCKS
    servers: tuple[SocksServer, ...] = ()
    """Tried in this order until one answers; empty for *DIRECT, and only then."""
    version: SocksVersion = SocksVersion.V5
    user_id: str = ""
    """Who the servers are told connects; empty: the user profile for versions 4 and 4A, nobody for 5."""
    password: Secret = Secret()  # noqa: RUF009 -- frozen: nobody can change the one that entries share
    """For version 5; empty with a user id: it was not imported and must be given before activation."""
    time_limit_ms: int = 30_000
    """1 to 600000; how long one server may take, from the connect to its last reply."""
    text: str = ""
    """At most 50 characters."""

    def reaches(self, address: int) -> bool:
        """Return whether the entry's servers can be asked for an address: those of versions 4 and 4A know IPv4 only."""
        return self.type is SocksType.DIRECT or self.version is SocksVersion.V5 or address >> 32 == MAPPED >> 32


ALWAYS = "*ALL"
"""Special value of a time group's days and times: every day, and the whole day."""
UNBOUNDED = "*NONE"
"""Special value of a time group's dates: no such bound."""
SYSTEM = "*SYSTEM"
"""Special value of a time group's time zone: the system's, by its name when the revision was made."""


@dataclass(frozen=True, slots=True)
class AddressGroup:
    """Addresses under a name, which rules say as ``%NAME``; built by `console.policy.address_groups`."""

    name: str
    members: tuple[str, ...] = ()
    """Addresses, networks and ranges, spelt as in a rule, in ascending order; one with ``!`` in front is excluded,
    whatever other member it is in. Never another group."""
    text: str = ""
    """At most 50 characters."""


@dataclass(frozen=True, slots=True)
class TimeGroup:
    """Times under a name, in which rules hold; built by `console.policy.time_groups`.

    It is active when a clock on the wall of its time zone shows one of its times, on one of its days, within its dates.
    A time that goes over midnight belongs to the day on which it begins.
    """

    name: str
    days: str = ALWAYS
    """``*MON *TUE`` in the order of the week, or ``*ALL``."""
    times: str = ALWAYS
    """``08:00-12:00 22:00-06:00``, the first minute included and the last not, or ``*ALL``."""
    from_date: str = UNBOUNDED
    """First day, ``2026-12-24``, or ``*NONE``."""
    to_date: str = UNBOUNDED
    """Last day, or ``*NONE``."""
    time_zone: str = SYSTEM
    """Name in the IANA database, ``Europe/Berlin`` or ``UTC``; or ``*SYSTEM``."""
    text: str = ""
    """At most 50 characters."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Modes, rules, groups, exit programs, SOCKS entries, settings and service names: what a revision holds.

    The three default rules are always among `rules`; rules are in ascending order of exit point and sequence.
    """

    modes: Mapping[ExitPoint, Mode] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    services: Mapping[str, int] = field(default_factory=dict)
    """Service name -> TCP port, for the names that rules use; fixed when a revision is made."""
    udp: Udp = Udp.IGNORE
    raw_sockets: RawSockets = RawSockets.REFUSE
    exit_programs: tuple[ExitProgram, ...] = ()
    """In ascending order of exit point and number."""
    socks: tuple[SocksEntry, ...] = ()
    """In ascending order of sequence."""
    address_groups: tuple[AddressGroup, ...] = ()
    """In ascending order of name."""
    time_groups: tuple[TimeGroup, ...] = ()
    """In ascending order of name."""
    time_zone: str = ""
    """What ``*SYSTEM`` stands for in time groups, fixed when a revision is made; empty where none says it."""
