"""Display Keys: the name of each key that is pressed, and what it does; the first thing to ask when a key is wrong."""

from __future__ import annotations

from collections.abc import Mapping

from screens.panel import Exit, FunctionKey, Help, Panel, Reply, Return, Stay, Submission
from screens.panels.columns import cut
from screens.panels.help_texts import panel_help
from screens.panels.services import Services
from screens.terminal.attributes import Attribute
from screens.terminal.page import Page, Size

_FIRST_ROW = 8
_KEPT = 11
_FUNCTION_COLUMN, _MEANING_COLUMN = 32, 50
_LEAVES: Mapping[str, Reply] = {"F12": Return(), "F3": Exit(), "ENTER": Return()}
"""Functions that leave when they are pressed twice running."""
MEANINGS: Mapping[str, str] = {
    "UP": "Cursor up",
    "DOWN": "Cursor down",
    "LEFT": "Cursor left",
    "RIGHT": "Cursor right",
    "TAB": "To the next field",
    "BACKTAB": "To the field before",
    "HOME": "To the first field",
    "END": "Behind the field's text",
    "NEWLINE": "First field further down",
    "FIELDEXIT": "Clears the rest, goes on",
    "FIELDPLUS": "Field Exit, positive",
    "FIELDMINUS": "Field Exit, negative",
    "ERASEEOF": "Clears the rest",
    "ERASEINPUT": "Clears every field",
    "DELETE": "Deletes a character",
    "BACKSPACE": "Deletes to the left",
    "INSERT": "Insert mode on and off",
    "DUP": "Repeats an earlier value",
    "RESET": "Takes an error back",
    "REDRAW": "Draws the screen anew",
    "ATTN": "Attention menu",
    "SYSREQ": "System Request",
    "PRINT": "Prints the screen",
    "CLEAR": "Clear, which no panel uses",
    "PALETTE": "Finds keys and commands",
    "ENTER": "Enters what is typed",
    "ROLLUP": "Later rows",
    "ROLLDOWN": "Earlier rows",
    "TOP": "Top of the list",
    "BOTTOM": "Bottom of the list",
    "NONE": "Nothing",
}
"""Function -> what it is for; function keys are what each panel says of them."""


class DisplayKeys(Panel):
    """Keys do nothing here but show."""

    name = "DSPKEY"
    function_keys = (FunctionKey(3, "Exit"), FunctionKey(12, "Cancel"))
    watches_keys = True
    has_palette = False

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Begin with no key."""
        del arguments
        self._services = services
        self._seen: list[tuple[str, str]] = []

    def page(self, size: Size) -> Page:
        """Show the keys, the last one at the bottom, white."""
        page = Page(size)
        page.title("Display Keys")
        page.system(self._services.system)
        page.instruction(3, "Press keys: each shows here what it is, and does nothing.")
        page.instruction(4, "To leave, press F12, F3 or Enter twice, or click on F12=Cancel.")
        page.instruction(5, "A key that shows nothing is kept by the terminal; Ctrl+G and a plain key help.")
        for column, heading in ((2, "Key"), (_FUNCTION_COLUMN, "Function"), (_MEANING_COLUMN, "What it does")):
            page.text(_FIRST_ROW - 1, column, heading, Attribute.WHITE)
        for index, (key, function) in enumerate(self._seen):
            is_last = index + 1 == len(self._seen)
            attribute = Attribute.WHITE if is_last else Attribute.GREEN
            row = _FIRST_ROW + index
            page.text(row, 2, cut(key, _FUNCTION_COLUMN - 4), attribute)
            page.text(row, _FUNCTION_COLUMN, cut(function, _MEANING_COLUMN - _FUNCTION_COLUMN - 2), attribute)
            page.text(row, _MEANING_COLUMN, MEANINGS.get(function, ""), attribute)
        return page

    def see(self, key: str, function: str) -> Reply:
        """Show a key; the second F12, F3 or Enter running leaves."""
        is_again = self._seen[-1:] == [(key, function)]
        if is_again and function in _LEAVES:
            return _LEAVES[function]
        self._seen = [*self._seen[1 - _KEPT :], (key, function)]
        return Stay(redraw=True)

    def handle(self, submission: Submission) -> Reply:
        """Leave: only a click on the legend comes here."""
        return Exit() if submission.key == "F3" else Return()

    def help(self, key: str) -> Help | None:
        """Explain the panel; only a click asks."""
        return panel_help("display_keys", key, self.function_keys)
