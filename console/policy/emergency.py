"""What a policy becomes in an emergency: one exit point lets everything pass, or nothing. Pure."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from console.model.words import DEFAULT_SEQUENCE, Action, ExitPoint, Mode, YesNo
from console.policy.rule import Policy


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
