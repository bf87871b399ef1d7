"""The confirmation before what cannot be taken back: lists what is meant; only Enter goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic

from screens.panel import Exit, FunctionKey, Help, Panel, Reply, Return, Stay, Submission
from screens.panels.columns import Column, RowT, draw_headings, draw_row
from screens.panels.help_texts import panel_help
from screens.panels.replies import DONE, roll
from screens.panels.services import Services
from screens.terminal.attributes import Attribute
from screens.terminal.page import HELP_KEYS, HELP_PANEL, Page, Size

_FIRST_ROW = 8
_CELLS_COLUMN = 7


class Confirm(Panel, Generic[RowT]):
    """Lists the rows that an option was typed on; returns `DONE` when Enter confirms them."""

    name = "CONFIRM"
    function_keys = (FunctionKey(3, "Exit"), FunctionKey(12, "Cancel"))

    def __init__(
        self,
        services: Services,
        *,
        title: str,
        choice: str,
        columns: Sequence[Column[RowT]],
        rows: Sequence[tuple[str, RowT]],
        module: str,
    ) -> None:
        """Ask for a confirmation.

        Args:
            services: What panels share.
            title: Title of the panel.
            choice: The option, as its legend has it: ``4=Remove``.
            columns: What to show of a row.
            rows: The option typed, and the row.
            module: Help file of the list, which explains the columns.
        """
        self._services = services
        self._title = title
        self._choice = choice
        self._columns = columns
        self._rows = rows
        self._module = module
        self._top = 0
        self._shown = 1

    def page(self, size: Size) -> Page:
        """Show the rows."""
        page = Page(size)
        page.title(self._title)
        page.system(self._services.system)
        page.instruction(3, f"Press Enter to confirm your choices for {self._choice}.")
        page.instruction(4, "Press F12 to return to change your choices.")
        page.text(_FIRST_ROW - 1, 2, "Opt", Attribute.WHITE)
        last = size.rows - 4
        draw_headings(page, _FIRST_ROW - 1, _CELLS_COLUMN, self._columns, rows=last - _FIRST_ROW)
        self._shown = last - _FIRST_ROW
        for index, (option, row) in enumerate(self._rows[self._top : self._top + self._shown]):
            page.text(_FIRST_ROW + index, 3, option)
            draw_row(page, _FIRST_ROW + index, _CELLS_COLUMN, self._columns, row)
        page.more(last, more=self._top + self._shown < len(self._rows))
        return page

    def handle(self, submission: Submission) -> Reply:
        """Confirm with Enter, go back with F12."""
        match submission.key:
            case "ENTER":
                return Return(DONE)
            case "F3":
                return Exit()
            case "ROLLUP" | "ROLLDOWN" as key:
                self._top, messages = roll(key, self._top, self._shown, len(self._rows))
                return Stay(messages, redraw=True)
            case _:
                return Return()

    def help(self, key: str) -> Help | None:
        """Explain confirming, or a column as the list does."""
        if key in (HELP_PANEL, HELP_KEYS):
            return panel_help("confirm", key, self.function_keys)
        return panel_help(self._module, key, self.function_keys)
