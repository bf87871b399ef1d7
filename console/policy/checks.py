"""Makes rules and policies that hold together: every value checked, and every value against the others.

Knows what a rule may say and what a policy must have. It must not know how rules are written down or decided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

from console.model.words import DEFAULT_SEQUENCE, Action, Audit, ExitPoint, Fail, Mode, RawSockets, Udp, YesNo
from console.policy.address_groups import Groups, check_address_groups, check_rule_address
from console.policy.exit_programs import check_exit_programs, program_place
from console.policy.fields import (
    DFT,
    check_port,
    check_program,
    check_sequence,
    check_text,
    check_user,
    check_word,
    is_service,
    refusal,
)
from console.policy.rule import ANY, AddressGroup, ExitProgram, Policy, Rule, SocksEntry, TimeGroup
from console.policy.socks_entries import check_socks_entries
from console.policy.time_groups import check_rule_time, check_time_groups
from console.policy.vectors import Cover

CHECKS: Mapping[str, Callable[..., str]] = MappingProxyType(
    {
        "exit_point": check_word(ExitPoint),
        "sequence": check_sequence,
        "user": check_user,
        "local_address": check_rule_address,
        "local_port": check_port,
        "remote_address": check_rule_address,
        "remote_port": check_port,
        "program": check_program,
        "time_group": check_rule_time,
        "action": check_word(Action),
        "fail": check_word(Fail),
        "audit": check_word(Audit),
        "message": check_word(YesNo),
        "active": check_word(YesNo),
        "text": check_text,
    }
)
"""Field of a rule -> its check, in the order in which fields are written and shown."""

KEYWORDS: Mapping[str, str] = MappingProxyType(
    {
        "exit_point": "EXITPNT",
        "sequence": "SEQNBR",
        "user": "USRPRF",
        "local_address": "LCLADR",
        "local_port": "LCLPORT",
        "remote_address": "RMTADR",
        "remote_port": "RMTPORT",
        "program": "PGM",
        "time_group": "TIMGRP",
        "action": "ACTION",
        "fail": "FAIL",
        "audit": "AUD",
        "message": "MSG",
        "active": "ACTIVE",
        "text": "TEXT",
    }
)
"""Field of a rule -> its keyword in the command language."""

DIMENSIONS = ("user", "local_address", "local_port", "remote_address", "remote_port", "program", "time_group")
"""The fields of a rule that say what it matches."""

DEFAULTS: Mapping[str, object] = MappingProxyType({field.name: field.default for field in fields(Rule)})
"""Field of a rule -> what it is when nothing is said."""


def make_rule(**given: object) -> Rule:
    """Make a rule from the texts of its fields.

    Args:
        given: Values by field name, as text, number or word; ``exit_point`` and ``sequence`` are required, the others
            have the defaults of `Rule`. A sequence of 99999 or ``*DFT`` makes the default rule.

    Raises:
        PolicyError: A value cannot be taken, alone or beside another; its ``keyword`` is the field's name.
    """
    checked: dict[str, object] = {name: CHECKS[name](_spelt(name, value), name) for name, value in given.items()}
    sequence = checked["sequence"]
    checked["sequence"] = DEFAULT_SEQUENCE if sequence == DFT else int(str(sequence))
    rule = Rule(**checked)  # type: ignore[arg-type]
    check_rule(rule)
    return rule


def _spelt(name: str, value: object) -> str:
    return DFT if name == "sequence" and str(value) == str(DEFAULT_SEQUENCE) else str(value)


def check_rule(rule: Rule) -> None:
    """Check the fields of a rule against each other.

    Raises:
        PolicyError: They contradict each other; its ``keyword`` is the name of the field to change.
    """
    if rule.exit_point is ExitPoint.LISTEN:
        for name in ("remote_address", "remote_port"):
            if (value := getattr(rule, name)) != ANY:
                raise refusal("GWL0214", keyword=name, value=value)
    # A rejected accept goes on waiting: there is no call that could fail. Whether the peer hears of it may be said.
    if rule.exit_point is ExitPoint.ACCEPT and rule.fail is Fail.TIMEOUT:
        raise refusal("GWL0217", keyword="fail", value=rule.fail)
    if rule.sequence == DEFAULT_SEQUENCE:
        _check_default(rule)


def _check_default(rule: Rule) -> None:
    for name in DIMENSIONS:
        if (value := getattr(rule, name)) != DEFAULTS[name]:
            raise refusal("GWL0215", keyword=name, value=value, must=DEFAULTS[name])
    if rule.active is not YesNo.YES:
        raise refusal("GWL0216", keyword="active", value=rule.active)


def rule_fields(rule: Rule) -> dict[str, str]:
    """Return every field of a rule as text, by its name, in the order of `CHECKS`."""
    return {name: str(getattr(rule, name)) for name in CHECKS}


def default_rule(exit_point: ExitPoint) -> Rule:
    """Return the default rule of a fresh policy: it allows and journals."""
    return Rule(exit_point, DEFAULT_SEQUENCE)


def make_policy(
    modes: Mapping[ExitPoint, Mode],
    rules: Iterable[Rule],
    services: Mapping[str, int] | None = None,
    *,
    udp: Udp = Udp.IGNORE,
    raw_sockets: RawSockets = RawSockets.REFUSE,
    exit_programs: Iterable[ExitProgram] = (),
    socks: Iterable[SocksEntry] = (),
    address_groups: Iterable[AddressGroup] = (),
    time_groups: Iterable[TimeGroup] = (),
    time_zone: str = "",
) -> Policy:
    """Make a policy: everything in order, default rules and modes (``*ENFORCE``) added where they are missing.

    Raises:
        PolicyError: Two rules or two exit programs of an exit point, or two SOCKS entries, have the same number, or a
            rule names a group that is not there.
    """
    given = list(rules)
    has_default = {rule.exit_point for rule in given if rule.sequence == DEFAULT_SEQUENCE}
    given += [default_rule(exit_point) for exit_point in ExitPoint if exit_point not in has_default]
    given.sort(key=_place)
    all_modes = {exit_point: modes.get(exit_point, Mode.ENFORCE) for exit_point in ExitPoint}
    policy = Policy(
        modes=all_modes,
        rules=tuple(given),
        services=dict(services or {}),
        udp=udp,
        raw_sockets=raw_sockets,
        exit_programs=tuple(sorted(exit_programs, key=program_place)),
        socks=tuple(sorted(socks, key=lambda entry: entry.sequence)),
        address_groups=tuple(sorted(address_groups, key=lambda group: group.name)),
        time_groups=tuple(sorted(time_groups, key=lambda group: group.name)),
        time_zone=time_zone,
    )
    check_policy(policy)
    return policy


def _place(rule: Rule) -> tuple[str, int]:
    return rule.exit_point.value, rule.sequence


def check_policy(policy: Policy) -> None:
    """Check that a policy has what every policy must have, each thing once.

    A decision rests on the default rule being the last, active, and for everything: a policy that was read back from a
    store and says otherwise would let another rule decide in its place.

    Raises:
        PolicyError: A mode or default rule is missing, a default rule does not match everything, a number is out of
            range, or there twice in an exit point, a rule names a group that is not there, or a group, an exit program
            or a SOCKS entry is not one.
    """
    check_exit_programs(policy.exit_programs)
    check_socks_entries(policy.socks)
    check_address_groups(policy.address_groups)
    check_time_groups(policy.time_groups)
    named = Named(policy.address_groups, policy.time_groups)
    seen: set[tuple[str, int]] = set()
    for rule in policy.rules:
        if not 1 <= rule.sequence <= DEFAULT_SEQUENCE:
            raise refusal("GWL0213", keyword="sequence", value=rule.sequence, last=DEFAULT_SEQUENCE - 1)
        if rule.sequence == DEFAULT_SEQUENCE:
            _check_default(rule)
        if _place(rule) in seen:
            raise refusal("GWL0218", keyword="sequence", value=rule.sequence, exit_point=rule.exit_point)
        seen.add(_place(rule))
        named.check(rule)
    for exit_point in ExitPoint:
        if exit_point not in policy.modes:
            raise refusal("GWL0219", keyword="exit_points", value=exit_point)
        if (exit_point.value, DEFAULT_SEQUENCE) not in seen:
            raise refusal("GWL021A", keyword="rules", value=exit_point)


class Named:
    """The groups that rules may name."""

    def __init__(self, address_groups: Iterable[AddressGroup], time_groups: Iterable[TimeGroup]) -> None:
        """Take the groups of a policy."""
        self._addresses = Groups(address_groups)
        self._times = frozenset(group.name for group in time_groups)

    def check(self, rule: Rule) -> Rule:
        """Return a rule whose groups are there.

        Raises:
            PolicyError: One of them is not; its ``keyword`` is the name of the field that says it.
        """
        self._addresses.check(rule.local_address, "local_address")
        self._addresses.check(rule.remote_address, "remote_address")
        if rule.time_group != ANY and rule.time_group not in self._times:
            raise refusal("GWL02B5", keyword="time_group", value=rule.time_group)
        return rule


def services_used(rules: Iterable[Rule], entries: Iterable[SocksEntry] = ()) -> frozenset[str]:
    """Return the service names that rules and SOCKS entries use as ports.

    Their numbers belong in `Policy.services` at activation.
    """
    ports = [port for rule in rules for port in (rule.local_port, rule.remote_port)]
    ports += [entry.remote_port for entry in entries]
    return frozenset(port for port in ports if is_service(port))


@dataclass(frozen=True, slots=True)
class Shadowed:
    """A rule that can never decide. Message GWL021B says so."""

    rule: Rule
    by: Rule
    """An earlier rule that matches everything it matches."""


def warnings(policy: Policy) -> tuple[Shadowed, ...]:
    """Return the active rules that can never decide, because one earlier active rule matches all that they match.

    Default rules are left out: they must be there. Rules that only several others together cover are not found.

    Raises:
        PolicyError: A service name that is not among the services of the policy.
    """
    found: list[Shadowed] = []
    groups = Groups(policy.address_groups)
    for exit_point in ExitPoint:
        rules = [rule for rule in policy.rules if rule.exit_point is exit_point and rule.active is YesNo.YES]
        rules.sort(key=_place, reverse=True)
        cover = Cover(rules, policy.services, groups)
        for rule in reversed(rules):
            by = rules[cover.first(rule)]
            if by is not rule and rule.sequence != DEFAULT_SEQUENCE:
                found.append(Shadowed(rule, by))
    return tuple(found)
