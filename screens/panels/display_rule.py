"""Display Socket Rule: everything a pending rule says, and whether it is in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from console.commands.keywords import BLANK, RULE_VALUES, SEQUENCE
from console.commands.listing import shown_sequence
from console.model.words import DEFAULT_SEQUENCE, EXIT_POINT_NAMES, ExitPoint
from console.policy.checks import KEYWORDS
from console.policy.fields import DFT
from console.policy.rule import Rule
from console.store.revisions import lasting_policy
from console.store.rules import get_rule
from screens.panel import Help
from screens.panels.display import Display, Line
from screens.panels.help_texts import file_help, read_help
from screens.panels.services import Services

_FIELDS = {keyword: name for name, keyword in KEYWORDS.items()}


class DisplayRule(Display):
    """Shows one rule of the pending policy."""

    name = "DSPSOCRUL"
    title = "Display Socket Rule"
    module = "display_rule"
    _prompts: ClassVar[Mapping[str, str]] = {parameter.keyword: parameter.prompt for parameter in RULE_VALUES}

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Show a rule.

        Args:
            services: What panels share.
            arguments: EXITPNT and SEQNBR.

        Raises:
            StoreError: There is no such rule.
        """
        super().__init__(services)
        exit_point = ExitPoint(arguments["EXITPNT"])
        number = arguments["SEQNBR"]
        sequence = DEFAULT_SEQUENCE if number == DFT else int(number)
        with services.context.opened() as session:
            self._rule = get_rule(session, exit_point, sequence)
            self._revision, active = lasting_policy(session)
        self._active = next((rule for rule in active.rules if _place(rule) == _place(self._rule)), None)

    def help(self, key: str) -> Help | None:
        """Return help on the panel, or the command's help on a value."""
        return super().help(key) or file_help(read_help("ADDSOCRUL"), key, self._prompts.get(key, ""))

    def lines(self) -> Sequence[Line]:
        """Return every field, with the prompts of the commands as labels."""
        rule = self._rule
        values = [(parameter, str(getattr(rule, _FIELDS[parameter.keyword]))) for parameter in RULE_VALUES]
        return [
            Line("Exit point", f"{rule.exit_point}   {EXIT_POINT_NAMES[rule.exit_point][0]}", "EXITPNT"),
            Line(SEQUENCE.prompt, shown_sequence(rule.sequence), "SEQNBR"),
            *(Line(parameter.prompt, value or BLANK, parameter.keyword) for parameter, value in values),
            Line(f"In active revision {self._revision}", self._state(), "*STATE"),
        ]

    def _state(self) -> str:
        if self._active is None:
            return "No: added, waits for activation"
        return "Yes" if self._active == self._rule else "Otherwise: changed, waits for activation"


def _place(rule: Rule) -> tuple[ExitPoint, int]:
    return rule.exit_point, rule.sequence
