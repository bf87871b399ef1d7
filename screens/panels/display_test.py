"""Display Test of Socket Rules: which rule would decide the call that was described, and why none before it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.commands.listing import shown_sequence
from console.commands.policy_test import ask
from console.model.words import Mode, Outcome
from console.policy.checks import KEYWORDS
from console.policy.explain import Passed
from console.policy.rule import Rule
from screens.panel import Help
from screens.panels.display import Display, Line
from screens.panels.help_texts import file_help, read_help
from screens.panels.services import Services

_NONE = "*NONE"
_NOW = "*CURRENT"
_CALL = (
    ("User profile", "USRPRF"),
    ("Program", "PGM"),
    ("Local address", "LCLADR"),
    ("Local port", "LCLPORT"),
    ("Remote address", "RMTADR"),
    ("Remote port", "RMTPORT"),
    ("Time of the call", "TIME"),
)
_MEANS = {
    Outcome.ALLOWED: "the call would go on",
    Outcome.REJECTED: "the call would be refused",
    Outcome.MONITOR: "it would be refused in *ENFORCE; in *MONITOR it goes on",
}
_HEADING = "  Sequence  Action   Why"


class DisplayTest(Display):
    """Shows what became of TSTSOCRUL."""

    name = "TSTSOCRUL"
    title = "Display Test of Socket Rules"
    module = "display_test"
    keeps_prompt = True
    """F12 goes back to the prompter, so that another call can be tried; Enter leaves both."""

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Ask the policy.

        Args:
            services: What panels share.
            arguments: The values of TSTSOCRUL.

        Raises:
            ConsoleError: The call makes no sense, or the policy cannot be asked.
        """
        super().__init__(services)
        self._arguments = arguments
        self._request, self._explanation = ask(services.context, arguments)

    def lines(self) -> Sequence[Line]:
        """Return the call, the answer, and each rule that was tried."""
        return [*self._call(), Line(), *self._answer(), Line(), *self._tried()]

    def help(self, key: str) -> Help | None:
        """Return help on the panel, or the command's help on a value."""
        return super().help(key) or file_help(read_help("TSTSOCRUL"), key)

    def _call(self) -> list[Line]:
        values = {**self._arguments, "USRPRF": self._request.user}
        given = [(label, keyword) for label, keyword in _CALL if values[keyword] not in (_NONE, _NOW)]
        return [
            Line("Exit point", self._request.exit_point.value, "EXITPNT"),
            *(Line(label, values[keyword], keyword) for label, keyword in given),
            Line("Policy", self._arguments["POLICY"], "POLICY"),
        ]

    def _answer(self) -> list[Line]:
        told = self._explanation
        if told.rule is None:
            return [Line("Result", f"Not asked: the exit point is {Mode.OFF}, the call would go on", "*RESULT")]
        decision = told.decision
        return [
            Line("Result", f"{decision.outcome}: {_MEANS[decision.outcome]}", "*RESULT"),
            Line("Rule that decides", shown_sequence(told.rule.sequence), "*RULE"),
            *(Line(f"{KEYWORDS[name]} matched by member", found, "*MEMBER") for name, found in told.members.items()),
            Line("Journalled", "Yes" if decision.journal else "No", "*JOURNALLED"),
            *(
                Line("Exit program asked after it", f"{program.number}   {program.program}", "*EXITPGM")
                for program in told.exit_programs
            ),
        ]

    def _tried(self) -> list[Line]:
        told = self._explanation
        if told.rule is None:
            return []
        rows = [_row(passed.rule, _why(passed)) for passed in told.earlier]
        return [Line.heading(_HEADING), *rows, _row(told.rule, "matches, and decides")]


def _row(rule: Rule, why: str) -> Line:
    return Line(text=f"  {shown_sequence(rule.sequence):>8}  {rule.action.value:8} {why}")


def _why(passed: Passed) -> str:
    if passed.dimension == "active":
        return "is not active"
    return f"{KEYWORDS[passed.dimension]} {getattr(passed.rule, passed.dimension)} does not match"
