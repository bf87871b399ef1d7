"""Display Test of Alert: when an alert would have been raised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.commands.alert_test import Told, events_of
from screens.panel import Help
from screens.panels.display import Display, Line
from screens.panels.help_texts import file_help, read_help
from screens.panels.services import Services

_HEADING = "  When                 Event     Entries  Lasted      For"


class DisplayAlertTest(Display):
    """Shows what became of TSTALR."""

    name = "TSTALR"
    title = "Display Test of Alert"
    module = "display_alert_test"
    keeps_prompt = True
    """F12 goes back to the prompter, so that another time can be tried; Enter leaves both."""

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Show what the command found.

        Args:
            services: What panels share.
            arguments: The values of TSTALR, and what the alert would have told.
        """
        super().__init__(services)
        self._arguments = arguments
        self._events = events_of(arguments)

    def lines(self) -> Sequence[Line]:
        """Return the alert, the time, and each thing that it would have told."""
        asked = [
            Line("Alert", self._arguments["ALERT"], "ALERT"),
            Line("Starting date and time", self._arguments["FROMTIME"], "FROMTIME"),
            Line("Ending date and time", self._arguments["TOTIME"], "TOTIME"),
            Line(),
        ]
        if not self._events:
            return [*asked, Line("Result", "It would not have been raised", "*RESULT")]
        return [
            *asked,
            Line("Result", f"{len(self._events)} notices", "*RESULT"),
            Line(),
            Line.heading(_HEADING),
            *(Line(text=_row(each)) for each in self._events),
        ]

    def help(self, key: str) -> Help | None:
        """Return help on the panel, or the command's help on a value."""
        return super().help(key) or file_help(read_help("TSTALR"), key)


def _row(each: Told) -> str:
    return f"  {each.at:19}  {each.event:9} {each.entries:>7}  {each.lasted:10}  {each.key}"
