"""Decides: the reference for every engine.

First match decides: the rules of an exit point are tried in ascending sequence, and the default rule, which matches
everything, comes last. Written down naively that is a loop over rules, and 10,000 rules cost a millisecond at each
connect. Here the question is turned round. For each dimension (user, program, addresses, ports) a table answers with
the *set* of rules that match in it, a bit a rule; a rule matches when its bit is in all the sets. The cost is one
lookup and one AND a dimension: 2 machine words for a hundred rules, 157 for ten thousand.

The rule to be tried first has the *highest* bit and the default rule bit 0, the reverse of the paper. The first
rule that matches is then the length of the result, which Python keeps with every int, whereas the lowest set bit takes
a subtraction and an AND over all its digits (half a microsecond at ten thousand rules); and a set of late rules is a
short int.

Why this and not a decision tree: the tables are built in one sweep each and cannot explode; a dimension about which no
rule says anything costs nothing, and most policies speak about two or three; and the sets are plain 64-bit words, so
that the kernel engine can hold the same tables and be tested against this one.

Time is the one dimension that is not looked up at each call. A policy whose rules name time groups is taken for a
period (`CompiledPolicy.at`), up to the next moment at which one of those groups comes into force or goes: the sets that
a decision begins with are those of the rules that hold in it. Whoever decides asks, before each decision, whether it is
still that period, which is a look at the clock, and for a policy without time groups a look at a flag. What remembers
decisions remembers them for that policy object, and has nothing left of them when the next period has another.

Knows nothing of how the tables are made (see `console.policy.compiler`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from console.model.words import ExitPoint, Mode, Outcome, RawSockets, Udp
from console.policy.request import Decision, Request
from console.policy.routes import Routes
from console.policy.rule import ExitProgram, SocksEntry
from console.policy.time_groups import Schedule
from console.policy.vectors import Names, Ranges

PASS = Decision(Outcome.ALLOWED, sequence=0, errno=0, journal=False, alert=False)
"""The answer of an exit point that is *OFF: no rule was asked."""


@dataclass(frozen=True, slots=True)
class Table:
    """The compiled rules of one exit point; a dimension is None when every rule matches everything in it."""

    decisions: tuple[Decision, ...]
    """What each rule answers, the default rule's first; bit i of a set of rules stands for number i here."""
    every: int
    """The set of all its rules; of those with a time group, the ones that hold now."""
    users: Names | None
    programs: Names | None
    local_addresses: Ranges | None
    local_ports: Ranges | None
    remote_addresses: Ranges | None
    remote_ports: Ranges | None
    times: Mapping[str, int] = field(default_factory=dict)
    """Name of a time group -> the rules that hold only in it."""

    def during(self, active: frozenset[str]) -> Table:
        """Return the table for a time in which some time groups are active."""
        if not self.times:
            return self
        every = (1 << len(self.decisions)) - 1
        for name, rules in self.times.items():
            if name not in active:
                every &= ~rules
        return replace(self, every=every)

    def whatever_the_time(self) -> Table:
        """Return the table that allows only what this one allows at any time: a rule that holds at times only rejects.

        What it allows, the rules allow at every time: rules before that one are none of those that always hold, nor of
        those that reject at times, and what is left of them allows.
        """
        every, timed = (1 << len(self.decisions)) - 1, 0
        for rules in self.times.values():
            timed |= rules
        for at, decision in enumerate(self.decisions):
            if decision.outcome is Outcome.ALLOWED and timed >> at & 1:
                every &= ~(1 << at)
        return replace(self, every=every)


@dataclass(frozen=True, slots=True, eq=False)
class CompiledPolicy:
    """A policy ready to decide; made by `console.policy.compiler.compile_policy`.

    Threads: Any.
    """

    revision: int
    modes: Mapping[ExitPoint, Mode]
    tables: Mapping[ExitPoint, Table | None]
    """None where the mode is *OFF."""
    uses_groups: bool
    """Whether `Request.groups` must be filled in."""
    uses_programs: bool
    """Whether `Request.program` must be filled in."""
    exit_programs: Mapping[ExitPoint, tuple[ExitProgram, ...]]
    """What is asked after the rules have allowed, in order; empty where the mode is *OFF."""
    has_exit_programs: bool
    """Whether any exit point asks one: all that a policy without any costs a call is this look."""
    udp: Udp
    raw_sockets: RawSockets
    has_socks: bool
    """Whether there is any SOCKS entry: all that a policy without any costs a connect is this look."""
    routes: Routes | None
    """The SOCKS entries; None when there are none."""
    schedule: Schedule | None = None
    """When which rules hold; None when no active rule names a time group."""
    is_timed: bool = False
    """Whether it is only for a period: all that a policy without time groups costs a call is this look."""
    begins_ns: int = 0
    """First moment that it is for, in nanoseconds since the epoch, if it is only for a period."""
    ends_ns: int = 0
    """First moment that it is no longer for. One that was just compiled is for no moment at all: rules with a time
    group do not hold in it."""

    def is_for(self, moment_ns: int) -> bool:
        """Return whether it may decide at a moment, in nanoseconds since the epoch."""
        return not self.is_timed or self.begins_ns <= moment_ns < self.ends_ns

    def at(self, moment_ns: int) -> CompiledPolicy:
        """Return the policy for a moment: itself as long as it is for that one, else another object.

        Args:
            moment_ns: Nanoseconds since the epoch.
        """
        if self.schedule is None or self.is_for(moment_ns):
            return self
        period = self.schedule.period(moment_ns)
        tables = {point: table and table.during(period.active) for point, table in self.tables.items()}
        return replace(self, tables=tables, begins_ns=period.begins_ns, ends_ns=period.ends_ns)

    def whatever_the_time(self) -> CompiledPolicy:
        """Return the policy for when nobody knows what time it is: what the time decides about is rejected."""
        tables = {point: table and table.whatever_the_time() for point, table in self.tables.items()}
        return replace(self, tables=tables)

    def route(self, user: str, groups: frozenset[str], address: int, port: int) -> SocksEntry | None:
        """Return the SOCKS entry that a connection takes; None for none: it goes directly. See `Routes.route`."""
        return self.routes.route(user, groups, address, port) if self.routes is not None else None

    def decide(self, request: Request) -> Decision:
        """Return the answer of the first rule that matches.

        Raises nothing: the default rule matches every request.
        """
        exit_point, user, groups, program, local_address, local_port, remote_address, remote_port = request
        table = self.tables[exit_point]
        if table is None:
            return PASS
        rules = table.every
        if table.remote_ports is not None:
            rules &= table.remote_ports.at(remote_port)
        if table.remote_addresses is not None:
            rules &= table.remote_addresses.at(remote_address)
        if table.users is not None:
            rules &= table.users.of(user, groups)
        if table.local_ports is not None:
            rules &= table.local_ports.at(local_port)
        if table.local_addresses is not None:
            rules &= table.local_addresses.at(local_address)
        if table.programs is not None:
            rules &= table.programs.of(program)
        return table.decisions[rules.bit_length() - 1]
