"""Explains a decision: which rule decides, and why none of the rules before it does.

Reads the rules one by one, as the operator does, and shares nothing with the compiled form but the meaning of a field;
so it is a second opinion on `console.policy.decide` too. Slow: for people, not for sockets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from console.model.words import Mode, Outcome, YesNo
from console.policy.address_groups import Groups, group_of
from console.policy.checks import DIMENSIONS, check_policy
from console.policy.compiler import decision
from console.policy.decide import PASS
from console.policy.exit_programs import exit_programs_of
from console.policy.fields import address_intervals, port_interval
from console.policy.request import Decision, Request
from console.policy.rule import ALL, ANY, ExitProgram, Policy, Rule, SocksEntry
from console.policy.time_groups import is_active


@dataclass(frozen=True, slots=True)
class Passed:
    """A rule that was tried and did not match."""

    rule: Rule
    dimension: str
    """Name of the first field that did not match: one of `checks.DIMENSIONS`, or ``active`` for an inactive rule."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a request is answered as it is."""

    mode: Mode
    decision: Decision
    rule: Rule | None
    """The rule that decides; None when the exit point is *OFF."""
    earlier: tuple[Passed, ...]
    """The rules of the exit point before it, in ascending sequence."""
    exit_programs: tuple[ExitProgram, ...] = ()
    """What would be asked after the rules, because they allow; no explanation asks them."""
    members: Mapping[str, str] = field(default_factory=dict)
    """Field of the deciding rule that says an address group -> the narrowest member by which it matched."""


def explain(policy: Policy, request: Request, at_ns: int | None = None) -> Explanation:
    """Return how a policy answers a request, and why.

    Args:
        policy: With a port for each service name that a rule uses.
        request: The call.
        at_ns: When it is made, in nanoseconds since the epoch; None for no time at which any time group is active.

    Raises:
        PolicyError: The policy does not hold together, a service name has no port, or a time zone is not known.
    """
    check_policy(policy)
    mode = policy.modes[request.exit_point]
    if mode is Mode.OFF:
        return Explanation(mode, PASS, None, ())
    rules = (rule for rule in policy.rules if rule.exit_point is request.exit_point)
    *before, default = sorted(rules, key=lambda rule: rule.sequence)
    earlier: list[Passed] = []
    groups, active = Groups(policy.address_groups), _active(policy, at_ns)
    for rule in before:
        dimension = mismatch(rule, request, policy.services, groups, active)
        if dimension is None:
            return _explained(policy, request, rule, earlier, groups)
        earlier.append(Passed(rule, dimension))
    return _explained(policy, request, default, earlier, groups)


def _explained(policy: Policy, request: Request, rule: Rule, earlier: list[Passed], groups: Groups) -> Explanation:
    mode = policy.modes[request.exit_point]
    answer = decision(rule, mode)
    programs = exit_programs_of(policy, request.exit_point) if answer.outcome is Outcome.ALLOWED else ()
    return Explanation(mode, answer, rule, tuple(earlier), programs, _members(request, rule, groups))


def _active(policy: Policy, at_ns: int | None) -> frozenset[str]:
    """Return the names of the time groups that are active at a moment, of those that rules name."""
    if at_ns is None:
        return frozenset()
    moment = datetime.fromtimestamp(at_ns // 1_000_000_000, UTC)
    used = {rule.time_group for rule in policy.rules if rule.active is YesNo.YES}
    groups = (group for group in policy.time_groups if group.name in used)
    return frozenset(group.name for group in groups if is_active(group, moment, policy.time_zone))


def _members(request: Request, rule: Rule, groups: Groups) -> dict[str, str]:
    """Return by which member of its groups a rule matches a request."""
    found = {}
    for name in ("local_address", "remote_address"):
        group = group_of(getattr(rule, name))
        member = groups.member(group, getattr(request, name)) if group is not None else None
        if member is not None:
            found[name] = member
    return found


def mismatch(
    rule: Rule, request: Request, services: Mapping[str, int], groups: Groups, active: frozenset[str]
) -> str | None:
    """Return the first field of a rule that keeps it from matching a request; None when it matches.

    Args:
        rule: The rule.
        request: The call.
        services: Port of each service name.
        groups: The address groups.
        active: Names of the time groups that are active when the call is made.

    Raises:
        PolicyError: A service name that is not among the services, or a group that is not there.
    """
    if rule.active is not YesNo.YES:
        return "active"
    matches = {
        "user": matches_user(rule.user, request.user, request.groups),
        "local_address": matches_address(rule.local_address, request.local_address, groups),
        "local_port": matches_port(rule.local_port, request.local_port, services),
        "remote_address": matches_address(rule.remote_address, request.remote_address, groups),
        "remote_port": matches_port(rule.remote_port, request.remote_port, services),
        "program": matches_program(rule.program, request.program),
        "time_group": rule.time_group == ANY or rule.time_group in active,
    }
    return next((name for name in DIMENSIONS if not matches[name]), None)


@dataclass(frozen=True, slots=True)
class PassedEntry:
    """A SOCKS entry that was tried before the one that a connection takes."""

    entry: SocksEntry
    dimension: str
    """Name of the first field that did not match: one of `ROUTE_DIMENSIONS`."""


@dataclass(frozen=True, slots=True)
class RouteExplanation:
    """Why a connection goes the way it goes."""

    entry: SocksEntry | None
    """The entry that it takes; None when none matches: it goes directly."""
    earlier: tuple[PassedEntry, ...]
    """The entries before it, or all of them, in ascending sequence."""


ROUTE_DIMENSIONS = ("remote_address", "remote_port", "user")
"""The fields of a SOCKS entry that say what it matches."""


def explain_route(policy: Policy, user: str, groups: frozenset[str], address: int, port: int) -> RouteExplanation:
    """Return which way a connection goes, and why.

    Args:
        policy: With a port for each service name that an entry uses.
        user: User profile in upper case.
        groups: Names of the user's groups in upper case.
        address: Destination, in the one 128-bit space of `console.policy.request`.
        port: Destination port.

    Raises:
        PolicyError: The policy does not hold together, or a service name has no port.
    """
    check_policy(policy)
    earlier: list[PassedEntry] = []
    for entry in sorted(policy.socks, key=lambda entry: entry.sequence):
        matches = {
            "remote_address": matches_address(entry.remote_address, address, Groups()),
            "remote_port": matches_port(entry.remote_port, port, policy.services),
            "user": matches_user(entry.user, user, groups),
        }
        dimension = next((name for name in ROUTE_DIMENSIONS if not matches[name]), None)
        if dimension is None:
            return RouteExplanation(entry, tuple(earlier))
        earlier.append(PassedEntry(entry, dimension))
    return RouteExplanation(None, tuple(earlier))


def matches_user(value: str, user: str, groups: frozenset[str]) -> bool:
    """Return whether the user of a rule matches a user with these groups."""
    if value.startswith("%"):
        return value[1:] in groups
    return value in (ALL, user) or (value.endswith("*") and user.startswith(value[:-1]))


def matches_program(value: str, program: str) -> bool:
    """Return whether the program of a rule matches a path."""
    return value in (ANY, program) or (value.endswith("*") and program.startswith(value[:-1]))


def matches_address(value: str, address: int, groups: Groups) -> bool:
    """Return whether the address of a rule matches an address.

    Raises:
        PolicyError: It says a group that is not there.
    """
    name = group_of(value)
    if name is not None:
        return groups.member(name, address) is not None
    return any(low <= address <= high for low, high in address_intervals(value))


def matches_port(value: str, port: int, services: Mapping[str, int]) -> bool:
    """Return whether the port of a rule matches a port.

    Raises:
        PolicyError: A service name that is not among the services.
    """
    low, high = port_interval(value, services)
    return low <= port <= high
