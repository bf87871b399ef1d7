"""Display Alert: everything an alert says, and for what it is raised now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from console.commands.alert_keywords import ALERT, ALERT_VALUES, alert_values
from console.commands.alerts import read_alert
from console.model.alerts import AlertState
from console.store.alerts import list_states
from screens.panel import Help
from screens.panels.display import Display, Line
from screens.panels.help_texts import file_help, read_help
from screens.panels.services import Services

_MOST = 100


class DisplayAlert(Display):
    """Shows one alert."""

    name = "DSPALR"
    title = "Display Alert"
    module = "display_alert"
    _prompts: ClassVar[Mapping[str, str]] = {each.keyword: each.prompt for each in (ALERT, *ALERT_VALUES)}

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Show an alert.

        Args:
            services: What panels share.
            arguments: ALERT.

        Raises:
            AlertError: There is no such alert.
        """
        super().__init__(services)
        self._alert = read_alert(services.context, arguments["ALERT"])
        with services.context.opened() as session:
            self._states = list_states(session, self._alert.name)

    def help(self, key: str) -> Help | None:
        """Return help on the panel, or the command's help on a value."""
        return super().help(key) or file_help(read_help("ADDALR"), key, self._prompts.get(key, ""))

    def lines(self) -> Sequence[Line]:
        """Return every value, with the prompts of the commands as labels, then what is raised."""
        values = alert_values(self._alert)
        return [
            Line(ALERT.prompt, self._alert.name, "ALERT"),
            *(Line(each.prompt, values[each.keyword], each.keyword) for each in ALERT_VALUES),
            Line(),
            *self._raised(),
        ]

    def _raised(self) -> list[Line]:
        if not self._states:
            return [Line("Raised now", "No", "*RAISED")]
        more = len(self._states) - _MOST
        return [
            Line("Raised now", f"for {len(self._states)}", "*RAISED"),
            *(part for state in self._states[:_MOST] for part in _state_lines(state)),
            *([Line(text=f"  and {more} more")] if more > 0 else []),
        ]


def _state_lines(state: AlertState) -> list[Line]:
    key = state.key or "all entries together"
    since = f"{state.raised_at.astimezone():%Y-%m-%d %H:%M:%S}"
    last = f"{state.last_at.astimezone():%H:%M:%S}"
    numbers = f"entries {state.first_number} to {state.last_number}"
    told = f"    since {since}, last met {last}: {state.count} entries; {numbers}"
    return [Line.heading(f"  {key}"), Line(text=told)]
