"""What a policy becomes in an emergency: one exit point lets everything pass, or nothing. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum

from console.model.words import DEFAULT_SEQUENCE, Action, ExitPoint, Mode, YesNo
from console.policy.rule import Policy, Rule


class Emergency(StrEnum):
    """What an exit point does in an emergency, whatever its rules say."""

    ALLOW = "*ALLOW"
    """Rules are asked, what they would reject is journalled, and everything passes."""
    REJECT = "*REJECT"
    """Everything is rejected, and journalled as the default rule says."""


def overridden(policy: Policy, exit_point: ExitPoint, emergency: Emergency) -> Policy:
    """Return a policy in which one exit point does what an emergency asks for; all else is as it was."""
    if emergency is Emergency.ALLOW:
        return replace(policy, modes={**policy.modes, exit_point: Mode.MONITOR})
    others = (rule for rule in policy.rules if rule.exit_point is not exit_point)
    default = next(rule for rule in policy.rules if rule.exit_point is exit_point and rule.sequence == DEFAULT_SEQUENCE)
    only = replace(default, action=Action.REJECT, active=YesNo.YES, text="Emergency")
    rules = sorted((*others, only), key=lambda rule: (rule.exit_point, rule.sequence))
    return replace(policy, modes={**policy.modes, exit_point: Mode.ENFORCE}, rules=tuple(rules))


def found_overrides(before: Policy, now: Policy) -> Mapping[ExitPoint, Emergency]:
    """Return what an emergency overrides, told by what it made of a policy.

    An exit point that would do the same without the emergency is not among them.

    Args:
        before: The policy that is in force after the emergency.
        now: The one that is in force meanwhile.
    """
    pairs = ((point, does) for point in ExitPoint for does in Emergency)
    return {
        point: does
        for point, does in pairs
        if _of(now, point) == _of(overridden(before, point, does), point) and _of(now, point) != _of(before, point)
    }


def _of(policy: Policy, exit_point: ExitPoint) -> tuple[Mode | None, tuple[Rule, ...]]:
    """Return all that an emergency can change of an exit point."""
    rules = tuple(rule for rule in policy.rules if rule.exit_point is exit_point)
    return policy.modes.get(exit_point), rules
