"""A page: everything a panel puts on the screen, described and not yet drawn.

A panel makes a new Page each time it is asked. The page knows the 5250's rules of layout (rows and columns from 1, text
from column 2, message row last); it must not know what is typed, which terminal draws it, or which keys there are.
Text from outside is made safe on the way in and cut at the right edge, never wrapped; `room` keeps texts apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.printable import printable
from screens.terminal.attributes import Attribute
from screens.terminal.field_format import PLAIN, Field, FieldFormat, Stretch

HELP_PANEL = "*PANEL"
"""Help key of the title and of every place that has no other."""
HELP_KEYS = "*KEYS"
"""Help key of the function-key legend."""
HELP_OPTIONS = "*OPTIONS"
"""Help key of an option legend; panels give it to their Opt column, too."""
HELP_MESSAGE = "*MESSAGE"
"""Help key of the message row while a message is on it; the application answers this one itself."""

CUT = ">"
"""The last cell of a text that is shown in part."""

COMMAND = "CMD"
"""Name of the command line's field."""


@dataclass(frozen=True, slots=True)
class Size:
    """Rows and columns of a page; the status row of the terminal is not among them."""

    rows: int
    columns: int


NORMAL = Size(24, 80)
WIDE = Size(27, 132)


@dataclass(frozen=True, slots=True)
class Text:
    """Protected text, safe to show, within the page."""

    row: int
    column: int
    text: str
    attribute: Attribute
    is_over: bool = False
    """Whether it is to lie over another text: what was looked for, and found there."""
    whole: str = ""
    """All of it, where the right edge cuts it."""


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle with help of its own."""

    row: int
    column: int
    rows: int
    columns: int
    help_key: str

    def contains(self, row: int, column: int) -> bool:
        """Say whether a cell lies in it."""
        return 0 <= row - self.row < self.rows and 0 <= column - self.column < self.columns


def leader(label: str, width: int, *, colon: bool = False) -> str:
    """Return a label with dot leaders.

    Dots stand on every second cell, so that they align from row to row; a label of odd length gets a second blank.

    Args:
        label: The words; leading blanks indent, as for a qualifier.
        width: Cells in all; use an even number.
        colon: End with a colon, as before an output value; input fields have none.
    """
    text = printable(label)[:width]
    dots = "".join("." if index % 2 else " " for index in range(width))
    padded = text + dots[len(text) :] if len(text) % 2 == 0 else text + (" " + dots[len(text) + 1 :])
    padded = padded[:width]
    return padded[:-1] + ":" if colon else padded


@dataclass(frozen=True, slots=True)
class Cut:
    """A value that is shown only in part."""

    region: Region
    label: str
    """What the value is."""
    text: str
    """The whole of it, safe to show."""


class Page:
    """What a panel shows: texts, input fields, help regions, where the legend goes, where the cursor starts."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self.texts: list[Text] = []
        """In the order given; later ones are drawn over earlier ones, fields over all."""
        self.fields: dict[str, Field] = {}
        """By name, in the order given."""
        self.regions: list[Region] = []
        """Later ones lie over earlier ones."""
        self.cuts: list[Cut] = []
        """What F22 shows whole."""
        self.legend_row = size.rows - 2
        """First row of the function-key legend, which the application draws from the panel's `function_keys`."""
        self.legend_rows = 2
        """Rows the legend may use; 0 for none."""
        self.cursor: str | tuple[int, int] | None = None
        """Where the cursor starts: a field's name or (row, column); None means the first input field, or row 1
        column 1 of a page without input fields."""

    def text(
        self,
        row: int,
        column: int,
        text: str,
        attribute: Attribute = Attribute.GREEN,
        help_key: str = "",
        *,
        is_over: bool = False,
    ) -> None:
        """Put text on the page.

        Args:
            row: From 1; a row outside the page shows nothing.
            column: From 1.
            text: Made safe, one cell a character; what the right edge cuts ends in `CUT`.
            attribute: How it looks.
            help_key: What F1 asks for while the cursor is on it, if it has help of its own.
            is_over: Whether it is to lie over another text.
        """
        if not (1 <= row <= self.size.rows and 1 <= column <= self.size.columns):
            return
        whole, room = printable(text), self.size.columns - column + 1
        is_cut = bool(whole[room:].strip())
        shown = whole[: room - 1] + CUT if is_cut else whole[:room]
        if is_cut:
            self.cut(row, column, room, "Whole text", whole)
        if shown:
            self.texts.append(Text(row, column, shown, attribute, is_over, whole if is_cut else ""))
            if help_key:
                self.region(row, column, 1, len(shown), help_key)

    def field(
        self,
        name: str,
        row: int,
        column: int,
        length: int,
        value: str = "",
        *,
        format: FieldFormat = PLAIN,  # noqa: A002 - the 5250's own word for it
        attribute: Attribute = Attribute.GREEN_UNDERLINE,
        help_key: str = "",
        continued: Sequence[Stretch] = (),
        modified: bool = False,
    ) -> None:
        """Put an input field on the page.

        Args:
            name: What the panel calls it; unique on the page. List rows use names such as ``OPT.3``.
            row: From 1.
            column: From 1; the cell before belongs to the field's attribute, leave it blank.
            length: Cells on this row.
            value: Shown at first; made safe, clipped to the field.
            format: What may be typed; see `field_format` for the usual ones.
            attribute: How it looks; a field that the panel's reply calls wrong is shown in reverse image.
            help_key: What F1 asks for; the field's name if empty.
            continued: Further rows of the same field.
            modified: Whether it counts as typed already: its modified data tag is preset.

        Raises:
            ValueError: It leaves the page, touches another field or has a name already used: a bug of the panel.
        """
        stretches = (Stretch(row, column, length), *continued)
        for stretch in stretches:
            self._check_free(name, stretch)
        if name in self.fields:
            raise ValueError(f"field {name} is there twice")
        shown = printable(value)[: sum(stretch.length for stretch in stretches)]
        self.fields[name] = Field(name, stretches, shown, attribute, format, help_key or name, modified)

    def _check_free(self, name: str, new: Stretch) -> None:
        inside = 1 <= new.row <= self.size.rows and new.column >= 1 and new.end - 1 <= self.size.columns
        if not inside or new.length < 1:
            raise ValueError(f"field {name} leaves the page at row {new.row} column {new.column}")
        for other in self.fields.values():
            for old in other.stretches:
                if old.row == new.row and old.column < new.end and new.column < old.end:
                    raise ValueError(f"field {name} lies over field {other.name}")

    def region(self, row: int, column: int, rows: int, columns: int, help_key: str) -> None:
        """Give a rectangle a help key: a list column, a legend, a heading."""
        self.regions.append(Region(row, column, rows, columns, help_key))

    def cut(self, row: int, column: int, columns: int, label: str, text: str) -> None:
        """Say that a cell shows only a part of a text, for F22 to show the whole."""
        self.cuts.append(Cut(Region(row, column, 1, columns, ""), label, printable(text)))

    def cut_at(self, row: int, column: int) -> Cut | None:
        """Return the value under a cell that is shown in part."""
        return next((cut for cut in self.cuts if cut.region.contains(row, column)), None)

    def help_key_at(self, row: int, column: int) -> str:
        """Return the help key under a cell: field, region, legend, else `HELP_PANEL`."""
        for field in self.fields.values():
            if any(Region(s.row, s.column, 1, s.length, "").contains(row, column) for s in field.stretches):
                return field.help_key
        for region in reversed(self.regions):
            if region.contains(row, column):
                return region.help_key
        if self.legend_rows and self.legend_row <= row < self.legend_row + self.legend_rows:
            return HELP_KEYS
        return HELP_PANEL

    # The parts that most panels have, at the places where operators look for them.

    def title(self, title: str, panel_id: str = "") -> None:
        """Centre the title on row 1, white; a menu's id goes to column 2."""
        shown = printable(title)[: self.size.columns]
        self.text(1, (self.size.columns - len(shown)) // 2 + 1, shown, Attribute.WHITE)
        if panel_id:
            self.text(1, 2, panel_id[:10], Attribute.GREEN)

    def system(self, name: str) -> None:
        """Show the system's name at the right of row 2: label in column 62, name in 72 to 79."""
        self.text(2, self.size.columns - 18, "System:", Attribute.GREEN)
        self.text(2, self.size.columns - 8, name[:8], Attribute.GREEN)

    def instruction(self, row: int, text: str) -> None:
        """Show what to do, blue, from column 2."""
        self.text(row, 2, text, Attribute.BLUE)

    def option_legend(self, row: int, options: Sequence[tuple[int, str]], rows: int = 1) -> None:
        """Show what the options mean, blue, from column 4: ``2=Change   4=Remove``.

        Args:
            row: First row.
            options: Number and meaning.
            rows: How many rows it may take; what does not fit is left out.
        """
        last, column = row + rows - 1, 4
        for number, meaning in options:
            words = f"{number}={meaning}"
            if column > 4 and column + len(words) - 1 > self.size.columns - 1:
                row, column = row + 1, 4
            if row > last:
                return
            self.text(row, column, words, Attribute.BLUE, HELP_OPTIONS)
            column += len(words) + 3

    def label(self, row: int, column: int, label: str, width: int = 32, *, colon: bool = False) -> None:
        """Show a label with dot leaders, green; see `leader`."""
        self.text(row, column, leader(label, width, colon=colon), Attribute.GREEN)

    def more(self, row: int, *, more: bool) -> None:
        """Show ``More...`` or ``Bottom``, white, ending one column before the edge."""
        words = "More..." if more else "Bottom"
        self.text(row, self.size.columns - len(words), words, Attribute.WHITE)

    def command_line(self, row: int, value: str = "", *, label: str = "Command", rows: int = 1) -> None:
        """Show a command line, its label on the row above.

        The field is called `COMMAND`. With one row it ends two columns before the edge; with more it runs on over the
        whole of the next ones.

        Args:
            row: Where ``===>`` goes.
            value: A command to show in it.
            label: ``Command``, ``Selection or command`` or ``Parameters or command``.
            rows: 1 to 3.
        """
        self.text(row - 1, 2, label, Attribute.GREEN)
        self.text(row, 2, "===>", Attribute.GREEN)
        columns = self.size.columns
        if rows == 1:
            self.field(COMMAND, row, 7, columns - 8, value)
        else:
            continued = tuple(Stretch(row + after, 2, columns - 2) for after in range(1, rows))
            self.field(COMMAND, row, 7, columns - 7, value, continued=continued)

    def legend(self, row: int, rows: int = 2) -> None:
        """Say where the function-key legend goes; 0 rows for none."""
        self.legend_row, self.legend_rows = row, rows
