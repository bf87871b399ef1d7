"""Search Help Index: every help text there is, found by words in it (F11 in help, STRSCHIDX)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.messages import message
from screens.help_window import HelpWindow
from screens.panel import Exit, FunctionKey, Help, Panel, Push, Reply, Return, Stay, Submission
from screens.panels.columns import cut
from screens.panels.help_index import Topic, find_topics
from screens.panels.help_texts import panel_help
from screens.panels.replies import roll
from screens.panels.services import Services
from screens.terminal.attributes import Attribute
from screens.terminal.field_format import PLAIN, UPPER
from screens.terminal.page import HELP_OPTIONS, Page, Size

_WORDS = "WORDS"
_FIRST_ROW = 9
_TOPIC_COLUMN = 6
_OPTION = "OPT."
_BAD_OPTION = "GWL0703"
_NOTHING = "GWL0736"


class SearchHelp(Panel):
    """Asks for words, and lists the topics that have all of them."""

    name = "SCHIDX"
    function_keys = (FunctionKey(3, "Exit"), FunctionKey(5, "Refresh"), FunctionKey(12, "Cancel"))

    def __init__(self) -> None:
        """Begin with all topics."""
        self._words = ""
        self._found: Sequence[Topic] = find_topics("")
        self._top = 0
        self._rows = 1

    def page(self, size: Size) -> Page:
        """Show the words, and a page of the topics."""
        page = Page(size)
        page.title("Search Help Index")
        page.instruction(3, "Type words to search for, press Enter.")
        page.label(4, 2, "Words", 14)
        page.field(_WORDS, 4, 17, 40, self._words, format=PLAIN)
        page.instruction(6, "Type options, press Enter.")
        page.option_legend(7, ((5, "Display topic"),))
        page.text(_FIRST_ROW - 1, 2, "Opt", Attribute.WHITE, HELP_OPTIONS)
        page.text(_FIRST_ROW - 1, _TOPIC_COLUMN, f"Topic ({len(self._found)} found)", Attribute.WHITE, "TOPIC")
        last = size.rows - 4
        self._rows = last - _FIRST_ROW + 1
        shown = self._found[self._top : self._top + self._rows]
        for row, topic in enumerate(shown, _FIRST_ROW):
            place = self._top + row - _FIRST_ROW
            page.field(f"{_OPTION}{place}", row, 3, 1, format=UPPER, help_key=HELP_OPTIONS)
            page.text(row, _TOPIC_COLUMN, cut(topic.title, size.columns - _TOPIC_COLUMN - 1), help_key="TOPIC")
        page.more(last + 1, more=self._top + self._rows < len(self._found))
        page.cursor = _WORDS
        return page

    def handle(self, submission: Submission) -> Reply:
        """Search, show topics, or roll."""
        match submission.key:
            case "F3":
                return Exit()
            case "F12":
                return Return()
            case "F5":
                return self._search("")
            case "ROLLUP" | "ROLLDOWN" as key:
                self._top, messages = roll(key, self._top, self._rows, len(self._found))
                return Stay(messages, redraw=True)
            case _:
                return self._enter(submission)

    def resume(self, value: object) -> Reply:
        """Show the list as it was."""
        del value
        return Stay()

    def help(self, key: str) -> Help | None:
        """Explain searching."""
        return panel_help("search_help", key, self.function_keys)

    def _enter(self, submission: Submission) -> Reply:
        words = submission.values[_WORDS].strip()
        typed = {name: text.strip() for name, text in submission.values.items() if name.startswith(_OPTION)}
        chosen = {name: text for name, text in typed.items() if text}
        wrong = next((name for name, text in chosen.items() if text != "5"), None)
        if wrong is not None:
            return Stay((message(_BAD_OPTION, option=chosen[wrong], allowed="5"),), errors=(wrong,))
        if chosen:
            return self._show(int(next(iter(chosen)).removeprefix(_OPTION)))
        if words != self._words:
            return self._search(words)
        row = submission.cursor.row - _FIRST_ROW
        if not submission.cursor.field and 0 <= row < min(self._rows, len(self._found) - self._top):
            return self._show(self._top + row)
        return Stay(redraw=True)

    def _show(self, place: int) -> Reply:
        topic = self._found[place]
        return Push(HelpWindow(Help(topic.title, topic.text), enlarged=True))

    def _search(self, words: str) -> Reply:
        self._words, self._top = words, 0
        self._found = find_topics(words)
        told = () if self._found else (message(_NOTHING, words=words),)
        return Stay(told, redraw=True)


def open_search(services: Services, arguments: Mapping[str, str]) -> SearchHelp:
    """Open it from a command."""
    del services, arguments
    return SearchHelp()
