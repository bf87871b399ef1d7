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

Knows nothing of how the tables are made (see `console.policy.compiler`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from console.model.words import ExitPoint, Mode, Outcome, RawSockets, Udp
from console.policy.request import Decision, Request
from console.policy.routes import Routes
from console.policy.rule import ExitProgram, SocksEntry
from console.policy.vectors import Names, Ranges

PASS = Decision(Outcome.ALLOWED, sequence=0, errno=0, journal=False, alert=False)
"""The answer of an exit point that is *OFF: no rule was asked."""


@dataclass(frozen=True, slots=True)
class Table:
    """The compiled rules of one exit point; a dimension is None when every rule matches everything in it."""

    decisions: tuple[Decision, ...]
    """What each rule answers, the default rule's first; bit i of a set of rules stands for number i here."""
    every: int
    """The set of all its rules."""
    users: Names | None
    programs: Names | None
    local_addresses: Ranges | None
    local_ports: Ranges | None
    remote_addresses: Ranges | None
    remote_ports: Ranges | None


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
