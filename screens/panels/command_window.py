"""The command line window, on top of panels that have no command line of their own."""

from __future__ import annotations

from screens.panel import Exit, FunctionKey, Help, Reply, Return, Stay, Submission, Window
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

    def handle(self, submission: Submission) -> Reply:
        """Run or prompt a command, bring an earlier one back, or close the window."""
        self.line.remember(submission)
        match submission.key:
            case "F3":
                return Exit()
            case "F12":
                return Return()
            case "F4":
                return self.line.prompt()
            case "F9":
                return self.line.retrieve()
            case "ENTER" if self.line.text:
                return self.line.enter()
            case _:
                return Stay()

    def resume(self, value: object) -> Reply:
        """Show the window again, empty once its command has been carried out."""
        reply = self.line.resume(value)
        if reply is None:
            self.line.clear()
        return reply or Stay(redraw=True)

    def help(self, key: str) -> Help | None:
        """Explain the command line."""
        return panel_help("command_window", key, self.function_keys)
