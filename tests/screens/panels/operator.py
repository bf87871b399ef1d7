"""An operator without a terminal: types into fields, presses AID keys, and reads the screen."""

from __future__ import annotations

import os
from pathlib import Path

from screens.panel import Panel
from screens.session import Outcome, Session
from screens.terminal.page import NORMAL, Size

GOLDEN = Path(__file__).parent.parent / "golden"


class Operator:
    """Works a stack of panels from the first one."""

    def __init__(self, first: Panel, size: Size = NORMAL) -> None:
        self.session = Session(first, size)
        self.outcome = Outcome(self.session.frame)

    @property
    def buffer(self):
        return self.session.frame.buffer

    def type(self, **texts: str) -> Operator:
        for name, text in texts.items():
            self.type_into(name, text)
        return self

    def type_into(self, name: str, text: str) -> Operator:
        assert len(text) <= len(self.buffer.contents[name])
        self.buffer.contents[name].assign(text, modified=True)
        self.buffer.move(*self.buffer.start_of(name))
        return self

    def option(self, row_id: str, number: str) -> Operator:
        return self.type_into(f"OPT.{row_id}", number)

    def go_to(self, name: str) -> Operator:
        self.buffer.move(*self.buffer.start_of(name))
        return self

    def press(self, key: str) -> Operator:
        frame = self.session.frame
        assert key in ("ENTER", "ROLLUP", "ROLLDOWN") or int(key[1:]) in frame.keys, f"{key} is not in the legend"
        place = (self.buffer.row, self.buffer.column)
        self.outcome = self.session.submit(key, place, self.buffer.page.help_key_at(*place))
        wanted = self.outcome.cursor or next(iter(self.outcome.errors), None)
        if isinstance(wanted, tuple):
            self.buffer.move(*wanted)
        elif wanted:
            self.go_to(wanted)
        return self

    def enter(self, **texts: str) -> Operator:
        return self.type(**texts).press("ENTER")

    def command(self, text: str) -> Operator:
        return self.enter(CMD=text)

    @property
    def title(self) -> str:
        return self.rows[0].strip()

    @property
    def rows(self) -> list[str]:
        return [self.row(number) for number in range(1, self.buffer.size.rows + 1)]

    def row(self, number: int) -> str:
        return "".join(cell.character for cell in self.session.frame.cells(number))

    @property
    def shown(self) -> str:
        return "\n".join(self.rows)

    @property
    def message_ids(self) -> list[str]:
        return [message.message_id for message in self.outcome.messages]

    @property
    def message(self) -> str:
        return self.outcome.messages[0].text

    @property
    def options(self) -> dict[str, str]:
        """Return the options that show as typed, by row."""
        return {name[4:]: text for name, text in self.buffer.values.items() if name.startswith("OPT.") and text}

    def matches(self, name: str) -> bool:
        """Compare the screen with a file of tests/screens/golden; underscores stand for blank input cells.

        With GREENWALL_GOLDEN=write in the environment the file is written instead.
        """
        rows = []
        for number in range(1, self.buffer.size.rows + 1):
            cells = self.session.frame.cells(number)
            assert len(cells) == self.buffer.size.columns
            blank = ("_" if cell.attribute.underline and cell.character == " " else cell.character for cell in cells)
            rows.append("".join(blank))
        path = GOLDEN / f"{name}.txt"
        text = "".join(f"{index:02}|{row}|\n" for index, row in enumerate(rows, 1))
        if os.environ.get("GREENWALL_GOLDEN") == "write":
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")
        return True
