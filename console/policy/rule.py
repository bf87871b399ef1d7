"""A socket rule, an exit program and the whole policy, as frozen values; every field in its canonical spelling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from console.model.words import Action, Audit, ExitPoint, Fail, Mode, RawSockets, Udp, YesNo

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
    """``192.0.2.1``, ``192.0.2.0/24``, ``192.0.2.1-192.0.2.9``, the same for IPv6, or ``*ANY``."""
    remote_port: str = ANY
    """``443``, ``1024-65535``, a service name such as ``https``, or ``*ANY``."""
    program: str = ANY
    """Absolute path, generic with a trailing ``*``, or ``*ANY``."""
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


@dataclass(frozen=True, slots=True)
class Policy:
    """Modes, rules, exit programs, settings and the meaning of service names, together: what a revision holds.

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
