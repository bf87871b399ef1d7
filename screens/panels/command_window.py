"""The command line window, on top of panels that have no command line of their own."""

from __future__ import annotations

from screens.panel import FunctionKey, Help, Window
from screens.panels.command_panel import COMMAND_KEYS, CommandPanel
from screens.panels.help_texts import panel_help
from screens.panels.services import Services
from screens.terminal.page import COMMAND, Page, Size

_ROWS = 4
_COLUMNS = 76
"""With the border, the window ends one row above the message row."""


class CommandWindow(CommandPanel):
    """A command line in a window at the bottom; it stays until F12, so that several commands can be run."""

    name = "CMDLIN"
    window = Window(_ROWS, _COLUMNS, row=-_ROWS - 2)
    function_keys: tuple[FunctionKey, ...] = COMMAND_KEYS
    is_task_entry = True

    def __init__(self, services: Services) -> None:
        """Open it with an empty line."""
        super().__init__(services)

    def page(self, size: Size) -> Page:
        """Show the line."""
        page = Page(size)
        page.command_line(2, self.line.text)
        page.legend(size.rows, rows=1)
        page.cursor = COMMAND
        return page

    def help(self, key: str) -> Help | None:
        """Explain the command line."""
        return panel_help("command_window", key, self.function_keys)
