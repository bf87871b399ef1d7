"""Turns a policy into the tables that decide.

Knows which fields of a rule make which table, and what each rule answers under each mode. It must not know how a
request is decided (see `console.policy.decide`) or where policies come from.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from errno import ECONNREFUSED, EPERM, ETIMEDOUT
from typing import TypeVar

from console.model.words import Action, Audit, ExitPoint, Fail, Mode, Outcome, YesNo
from console.policy.address_groups import Groups
from console.policy.checks import check_policy
from console.policy.decide import CompiledPolicy, Table
from console.policy.exit_programs import exit_programs_of
from console.policy.fields import port_interval
from console.policy.request import Decision
from console.policy.routes import compile_routes
from console.policy.rule import ALL, ANY, Policy, Rule
from console.policy.socks_entries import check_complete
from console.policy.time_groups import Schedule
from console.policy.vectors import Names, Ranges

_Lookup = TypeVar("_Lookup")

ERRNOS: Mapping[Fail, int] = {Fail.EPERM: EPERM, Fail.REFUSED: ECONNREFUSED, Fail.TIMEOUT: ETIMEDOUT}
"""How a rejected call fails -> its errno. IBM i's is EPERM; the others are what a filter on the way would cause."""


def compile_policy(policy: Policy, revision: int = 0) -> CompiledPolicy:
    """Compile a policy, whole or not at all.

    Args:
        policy: With a port for each service name that a rule uses.
        revision: Number to put on the result; 0 for a pending policy.

    Raises:
        PolicyError: The policy does not hold together, a service name has no port, a SOCKS entry has no password, or a
            time zone is not known.
    """
    check_policy(policy)
    check_complete(policy.socks)
    groups = Groups(policy.address_groups)
    tables = {exit_point: _table(policy, exit_point, groups) for exit_point in ExitPoint}
    used = [table for table in tables.values() if table is not None]
    exit_programs = {exit_point: exit_programs_of(policy, exit_point) for exit_point in ExitPoint}
    routes = compile_routes(policy.socks, policy.services)
    schedule = _schedule(policy, {name for table in used for name in table.times})
    return CompiledPolicy(
        revision=revision,
        modes=dict(policy.modes),
        tables=tables,
        uses_groups=any(table.users is not None and table.users.uses_groups for table in used)
        or (routes is not None and routes.uses_groups),
        uses_programs=any(table.programs is not None for table in used) or any(exit_programs.values()),
        exit_programs=exit_programs,
        has_exit_programs=any(exit_programs.values()),
        udp=policy.udp,
        raw_sockets=policy.raw_sockets,
        has_socks=routes is not None,
        routes=routes,
        schedule=schedule,
        is_timed=schedule is not None,
    )


def _schedule(policy: Policy, names: Collection[str]) -> Schedule | None:
    if not names:
        return None
    return Schedule([group for group in policy.time_groups if group.name in names], policy.time_zone)


def active_rules(policy: Policy, exit_point: ExitPoint) -> list[Rule]:
    """Return the active rules of an exit point in the order in which their bits stand: the default rule first."""
    rules = [rule for rule in policy.rules if rule.exit_point is exit_point and rule.active is YesNo.YES]
    return sorted(rules, key=lambda rule: rule.sequence, reverse=True)


def _table(policy: Policy, exit_point: ExitPoint, groups: Groups) -> Table | None:
    mode = policy.modes[exit_point]
    if mode is Mode.OFF:
        return None
    rules = active_rules(policy, exit_point)

    def addresses(values: Sequence[str]) -> Ranges:
        return Ranges([groups.intervals(value) for value in values])

    def ports(values: Sequence[str]) -> Ranges:
        return Ranges([(port_interval(value, policy.services),) for value in values])

    whole = Table(
        decisions=tuple(decision(rule, mode) for rule in rules),
        every=(1 << len(rules)) - 1,
        users=_dimension([rule.user for rule in rules], ALL, _users),
        programs=_dimension([rule.program for rule in rules], ANY, _programs),
        local_addresses=_dimension([rule.local_address for rule in rules], ANY, addresses),
        local_ports=_dimension([rule.local_port for rule in rules], ANY, ports),
        remote_addresses=_dimension([rule.remote_address for rule in rules], ANY, addresses),
        remote_ports=_dimension([rule.remote_port for rule in rules], ANY, ports),
        times=_times(rules),
    )
    return whole.during(frozenset())


def _times(rules: Sequence[Rule]) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for index, rule in enumerate(rules):
        if rule.time_group != ANY:
            found[rule.time_group] = found.get(rule.time_group, 0) | 1 << index
    return found


def _dimension(values: list[str], everything: str, make: Callable[[Sequence[str]], _Lookup]) -> _Lookup | None:
    return None if all(value == everything for value in values) else make(values)


def _users(values: Sequence[str]) -> Names:
    return Names(values, special=ALL, groups=True)


def _programs(values: Sequence[str]) -> Names:
    return Names(values, special=ANY)


def decision(rule: Rule, mode: Mode) -> Decision:
    """Return what a rule answers when its exit point is in a mode other than *OFF."""
    outcome = Outcome.ALLOWED
    if rule.action is Action.REJECT:
        outcome = Outcome.MONITOR if mode is Mode.MONITOR else Outcome.REJECTED
    return Decision(
        outcome=outcome,
        sequence=rule.sequence,
        errno=ERRNOS[rule.fail] if outcome is Outcome.REJECTED else 0,
        journal=rule.audit is not Audit.NONE and (rule.audit is not Audit.REJECT or outcome is not Outcome.ALLOWED),
        alert=rule.message is YesNo.YES,
        by_level=rule.audit is Audit.DFT and outcome is Outcome.ALLOWED,
    )
