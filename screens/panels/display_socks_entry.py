"""Display SOCKS Entry: everything a pending entry says but its password, and whether it is in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from console.commands.socks_entries import shown_values
from console.commands.socks_keywords import ENTRY_VALUES, SEQUENCE
from console.store.revisions import lasting_policy
from console.store.socks_entries import get_socks_entry
from screens.panel import Help
from screens.panels.display import Display, Line
from screens.panels.help_texts import file_help, read_help
from screens.panels.services import Services


class DisplaySocksEntry(Display):
    """Shows one SOCKS entry of the pending policy."""

    name = "DSPSOCKSE"
    title = "Display SOCKS Entry"
    module = "display_socks_entry"
    _prompts: ClassVar[Mapping[str, str]] = {each.keyword: each.prompt for each in (SEQUENCE, *ENTRY_VALUES)}

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Show an entry.

        Args:
            services: What panels share.
            arguments: SEQNBR.

        Raises:
            StoreError: There is no such entry.
        """
        super().__init__(services)
        with services.context.opened() as session:
            self._entry = get_socks_entry(session, int(arguments["SEQNBR"]))
            self._revision, active = lasting_policy(session)
        self._active = next((each for each in active.socks if each.sequence == self._entry.sequence), None)

    def help(self, key: str) -> Help | None:
        """Return help on the panel, or the command's help on a value."""
        return super().help(key) or file_help(read_help("ADDSOCKSE"), key, self._prompts.get(key, ""))

    def lines(self) -> Sequence[Line]:
        """Return every field, with the prompts of the commands as labels."""
        return [
            Line(SEQUENCE.prompt, str(self._entry.sequence), "SEQNBR"),
            *(Line(*told) for told in shown_values(self._entry)),
            Line(),
            Line(f"In active revision {self._revision}", self._state(), "*STATE"),
        ]

    def _state(self) -> str:
        if self._active is None:
            return "No: added, waits for activation"
        return "Yes" if self._active == self._entry else "Otherwise: changed, waits for activation"
