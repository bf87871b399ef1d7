"""A list as commands print it, on the screen: for commands that have no panel of their own."""

from __future__ import annotations

from collections.abc import Sequence

from console.errors import CommandError
from console.messages import Message, describe, message
from screens.panel import Exit, FunctionKey, Help, Panel, Reply, Return, Stay, Submission
from screens.panels.help_texts import panel_help
from screens.panels.replies import DONE, roll
from screens.panels.report import Extent, Place, find, go, ruler
from screens.panels.services import Services
from screens.terminal.attributes import Attribute
from screens.terminal.field_format import UPPER
from screens.terminal.page import Page, Size

_RULER_ROW = 5
_FIRST_ROW = 6
_ROWS_BELOW = 4
"""From ``More...`` to the bottom."""
_SHIFT = 40
"""Columns that F19 and F20 move: half a screen, so that the eye keeps its place."""
_AT_EDGE = "GWL0778"
_CONTROL = "CONTROL"
_FIND = "FIND"
_FIELD_COLUMN = 21


class DisplayListing(Panel):
    """Shows lines; the operator rolls, shifts and searches."""

    name = "DSPLST"
    is_wide = True

    is_secret = False

    def __init__(self, services: Services, title: str, lines: Sequence[str], *, is_secret: bool = False) -> None:
        """Show lines.

        Args:
            services: What panels share.
            title: Title of the panel.
            lines: The list, each line safe to show.
            is_secret: Whether they must not be printed to a file.
        """
        self.is_secret = is_secret
        self._services = services
        self._title = title
        self._lines = lines
        self._place = Place(0, 0)
        self._wanted = ""
        self._found: Place | None = None
        self._is_at_end = False
        """Whether what is looked for was not found any more: F16 then begins at the top."""
        self._rows = 1
        self._columns = 80

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """Left and right only where lines are longer than the screen."""
        keys = [FunctionKey(3, "Exit"), FunctionKey(12, "Cancel"), FunctionKey(16, "Repeat find")]
        if self._extent.columns > self._columns:
            keys += [FunctionKey(19, "Left", attention=True), FunctionKey(20, "Right", attention=True)]
        return tuple(keys)

    def page(self, size: Size) -> Page:
        """Show as many lines as fit, the heading always first."""
        page = Page(size)
        self._columns = size.columns - 2
        page.title(self._title)
        page.system(self._services.system)
        last = size.rows - _ROWS_BELOW
        self._rows = last - _FIRST_ROW - 1
        self._draw_control(page)
        left = self._place.column
        page.text(_RULER_ROW, 2, ruler(left, self._columns), Attribute.TURQUOISE, "RULER")
        if self._lines:
            page.text(_FIRST_ROW, 2, self._lines[0][left : left + self._columns])
        for index, line in enumerate(self._body[self._place.line : self._place.line + self._rows]):
            page.text(_FIRST_ROW + 1 + index, 2, line[left : left + self._columns])
        self._draw_found(page)
        page.more(last, more=self._place.line + self._rows < len(self._body))
        page.instruction(last + 1, "Press Enter to continue.")
        return page

    def handle(self, submission: Submission) -> Reply:
        """Roll, shift, search, or go back."""
        self._wanted = submission.values.get(_FIND, self._wanted).strip()
        match submission.key:
            case "ROLLUP" | "ROLLDOWN" as key:
                top, messages = roll(key, self._place.line, self._rows, len(self._body), "report")
                return self._show(Place(top, self._place.column), messages)
            case "F16":
                return self._find()
            case "F19":
                return self._shift(f"W-{_SHIFT}", "left")
            case "F20":
                return self._shift(f"W+{_SHIFT}", "right")
            case "F3":
                return Exit()
            case "F12":
                return Return()
            case _:
                return self._enter(submission)

    def help(self, key: str) -> Help | None:
        """Return help on the panel, its fields or the keys."""
        return panel_help("display_listing", key, self.function_keys)

    @property
    def _body(self) -> Sequence[str]:
        return self._lines[1:]

    @property
    def _extent(self) -> Extent:
        longest = max(map(len, self._lines), default=0)
        return Extent(len(self._body), longest, self._rows, self._columns)

    def _enter(self, submission: Submission) -> Reply:
        """Go where Control says, or look for what was typed; back when nothing was.

        Raises:
            CommandError: Control takes no such word.
        """
        control = submission.values.get(_CONTROL, "").strip()
        if control:
            # Line numbers count the heading, which always shows.
            place = f"{max(1, int(control) - 1)}" if control.isascii() and control.isdecimal() else control
            return self._show(go(place, self._place, self._extent), cursor=_CONTROL)
        if self._wanted and _FIND in submission.modified:
            self._found, self._is_at_end = None, False
            return self._find()
        return Return(DONE)

    def _shift(self, by: str, side: str) -> Reply:
        """Show columns further to a side; say so where there are none."""
        place = go(by, self._place, self._extent)
        return self._show(place, (message(_AT_EDGE, side=side),) if place == self._place else ())

    def _find(self) -> Reply:
        if not self._wanted:
            return Stay(cursor=_FIND)
        after = Place(0, -1) if self._is_at_end else self._found or Place(self._place.line, -1)
        try:
            found = find(self._wanted, self._body, after)
        except CommandError as error:
            self._is_at_end = True
            # Drawn anew, so that the text counts as looked for, and the next Enter goes back.
            return Stay((describe(error),), errors=(_FIND,), redraw=True)
        is_in_sight = self._place.column <= found.column and found.column + len(self._wanted) <= (
            self._place.column + self._columns
        )
        widest = max(0, self._extent.columns - self._columns)
        column = self._place.column if is_in_sight else min(max(0, found.column - _SHIFT), widest)
        reply = self._show(Place(found.line, column), cursor=_FIND)
        self._found = found
        return reply

    def _show(self, place: Place, messages: tuple[Message, ...] = (), *, cursor: str | None = None) -> Stay:
        """Show another part; what was found stands out no more, and Find begins at what shows."""
        self._place, self._found, self._is_at_end = place, None, False
        return Stay(messages, redraw=True, cursor=cursor)

    def _draw_control(self, page: Page) -> None:
        page.label(3, 2, "Control", 18)
        page.field(_CONTROL, 3, _FIELD_COLUMN, 8, format=UPPER)
        first = min(self._place.line + 2, len(self._lines))
        page.text(3, 36, f"Line {first} of {len(self._lines)}", help_key="LINE")
        page.text(3, 60, f"Columns {self._place.column + 1}-{self._place.column + self._columns}", help_key="RULER")
        page.label(4, 2, "Find", 18)
        page.field(_FIND, 4, _FIELD_COLUMN, 40, self._wanted)

    def _draw_found(self, page: Page) -> None:
        """Let the text that was found stand out, at the top of what shows."""
        if self._found is None:
            return
        start = self._found.column - self._place.column
        shown = self._body[self._found.line][self._found.column :][: min(len(self._wanted), self._columns - start)]
        page.text(_FIRST_ROW + 1, 2 + start, shown, Attribute.WHITE_REVERSE, is_over=True)
