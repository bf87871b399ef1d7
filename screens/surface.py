"""The widget that draws a terminal and hands it keys, clicks and pasted text. It decides nothing."""

from __future__ import annotations

from itertools import groupby
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Offset, Region
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from screens.key_tables import Layout
from screens.keymap import KeyMap, UnknownSequence
from screens.terminal.attributes import Attribute
from screens.terminal.buffer import Cell
from screens.terminal.fields import KeyingError
from screens.terminal.keys import Function, Pasted, Press, Typed
from screens.terminal.page import NORMAL
from screens.terminal.terminal import Terminal
from screens.themes import looks_of, style

_UNKNOWN_KEY = "KBD0027"
_PATIENCE_S = 0.05
"""How long an answer may take before ``X SYSTEM`` shows: most come sooner, and cost one drawing instead of three."""
_TWICE = 2
_Drawn = tuple[str, Style]


class Surface(Widget, can_focus=True):
    """Draws a `Terminal` at the top left of the screen."""

    DEFAULT_CSS = "Surface { width: 100%; height: 100%; }"
    ALLOW_SELECT: ClassVar[bool] = False

    class Pressed(Message):
        """A key that the terminal does not answer itself."""

        def __init__(self, key: Function) -> None:
            super().__init__()
            self.key = key

    class Watched(Message):
        """A key while keys are watched: it does nothing but be told of."""

        def __init__(self, key: str, function: str) -> None:
            super().__init__()
            self.key = key
            """As Textual calls it, and key maps do."""
            self.function = function
            """What it would do."""

    def __init__(
        self, terminal: Terminal, *, theme: str = "green", underscores: bool = False, rings: bool = True
    ) -> None:
        """Draw a terminal.

        Args:
            terminal: What to draw.
            theme: A key of `themes.THEMES`.
            underscores: Draw underscores in blank input cells, for terminals that cannot underline.
            rings: Ring the terminal's bell at keying errors.
        """
        super().__init__()
        self.terminal = terminal
        self.watches = False
        """Whether keys are only watched, for DSPKEY."""
        self._keymap = KeyMap()
        self._theme = theme
        self._underscores = underscores
        self._rings = rings
        self._drawn: list[list[_Drawn]] = []
        self._drawn_of: list[tuple[list[Cell], int]] = []
        """What each row of `_drawn` was made of: its cells, and the column of the cursor if it is there, else 0."""
        self._looks = looks_of(theme)
        self._late: Timer | None = None
        """Shows the locked keyboard, unless the answer comes first."""

    def use(self, theme: str, layout: Layout) -> None:
        """Go on with other colours and another key map."""
        if theme != self._theme:
            self._theme = theme
            self._looks = looks_of(theme)
            self.repaint_all()
        if layout is not self._keymap.layout:
            self._keymap = KeyMap(layout)

    @property
    def is_too_small(self) -> bool:
        """Whether the terminal window cannot show a page."""
        return self.size.width < NORMAL.columns or self.size.height < NORMAL.rows

    def text(self) -> list[str]:
        """Return the rows as text: the page's, then the status row if there is one. Hidden fields are blank."""
        return self.terminal.text()

    def repaint(self) -> None:
        """Draw what changed since the last time, and nothing else: lines to a far terminal are slow."""
        if self.terminal.keyboard.rings:
            self.terminal.keyboard.rings = False
            if self._rings:
                self.app.bell()
        if self._late is not None:
            self._late.stop()
            self._late = None
        before, self._drawn = self._drawn, self._draw()
        row, column = self.terminal.cursor
        self.app.cursor_position = Offset(column - 1, row - 1)
        if len(before) != len(self._drawn):
            self.refresh()
            return
        for y, (old, new) in enumerate(zip(before, self._drawn, strict=True)):
            changed = None if old is new else _changed_span(old, new)
            if changed:
                self.refresh(Region(changed[0], y, changed[1] - changed[0], 1))

    def repaint_all(self) -> None:
        """Draw everything anew."""
        self._drawn, self._drawn_of = [], []
        self.repaint()

    def render_line(self, y: int) -> Strip:
        """Return one row for Textual to show."""
        ground = style(self._theme, Attribute.GREEN)
        if self.is_too_small:
            words = f"Needs 80x24, have {self.size.width}x{self.size.height}" if y == 0 else ""
            return Strip([Segment(words, ground)]).adjust_cell_length(self.size.width, ground)
        if y >= len(self._drawn):
            return Strip.blank(self.size.width, ground)
        segments = [
            Segment("".join(character for character, _ in run), look)
            for look, run in groupby(self._drawn[y], key=lambda cell: cell[1])
        ]
        return Strip(segments).adjust_cell_length(self.size.width, ground)

    def press(self, press: Press) -> None:
        """Press a key as if it came from the keyboard."""
        key = self.terminal.press(press)
        if key is None:
            self.repaint()
            return
        if self._late is None:
            self._late = self.set_timer(_PATIENCE_S, self.repaint)
        self.post_message(self.Pressed(key))

    def on_key(self, event: events.Key) -> None:
        """Translate a key and press it. Nothing of Textual's own (focus, quitting) may see it."""
        event.stop()
        event.prevent_default()
        if self.is_too_small:
            return
        press = self._keymap.translate(event.key, event.character)
        self.terminal.prefix = self._keymap.prefix
        if self.watches:
            self.repaint()
            self.post_message(self.Watched(event.key, _told(press, self._keymap.prefix)))
            return
        if isinstance(press, UnknownSequence):
            self.terminal.refuse(KeyingError(_UNKNOWN_KEY))
        elif press is not None:
            self.press(press)
            return
        self.repaint()

    def on_paste(self, event: events.Paste) -> None:
        """Paste into the field under the cursor."""
        event.stop()
        if not self.is_too_small:
            self.press(Pasted(event.text))

    def on_click(self, event: events.Click) -> None:
        """Press the function key whose words were clicked, or bring the cursor to the place."""
        event.stop()
        if self.is_too_small:
            return
        act = self.terminal.double_click if event.chain == _TWICE else self.terminal.click
        key = act(event.y + 1, event.x + 1)
        if key is not None:
            self.press(key)
        self.repaint()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Show later rows."""
        event.stop()
        self._roll(Function.ROLLUP)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Show earlier rows."""
        event.stop()
        self._roll(Function.ROLLDOWN)

    def _roll(self, key: Function) -> None:
        """Roll unless a reply is pending: a wheel sends many notches, which nobody means to queue."""
        if not self.is_too_small and not self.terminal.keyboard.is_busy:
            self.press(key)

    def _draw(self) -> list[list[_Drawn]]:
        """Return the rows as they are drawn; those that are what they were are the same objects."""
        cursor_row, cursor_column = self.terminal.cursor
        made_of = [
            (cells, cursor_column if row == cursor_row else 0) for row, cells in enumerate(self.terminal.rows(), 1)
        ]
        before, self._drawn_of = self._drawn_of, made_of
        if len(before) != len(made_of):
            return [self._draw_row(*each) for each in made_of]
        return [
            drawn if old == new else self._draw_row(*new)
            for drawn, old, new in zip(self._drawn, before, made_of, strict=True)
        ]

    def _draw_row(self, cells: list[Cell], cursor: int) -> list[_Drawn]:
        looks = self._looks
        row = [(character, looks[attribute]) for character, attribute in cells]
        if self._underscores:
            row = [
                ("_" if cell.character == " " and cell.attribute.underline else cell.character, look)
                for cell, (_, look) in zip(cells, row, strict=True)
            ]
        if cursor:
            cell = cells[cursor - 1]
            row[cursor - 1] = (cell.character, style(self._theme, cell.attribute, is_cursor=True))
        return row


def _told(press: Press | UnknownSequence | None, prefix: str) -> str:
    """Say what a key does, for people who look for a key that does it."""
    if isinstance(press, Function):
        return press.value
    if isinstance(press, Typed):
        return f"Types {press.character}"
    return f"Prefix {prefix}" if prefix else "NONE"


def _changed_span(old: list[_Drawn], new: list[_Drawn]) -> tuple[int, int] | None:
    """Return the first changed cell and the one after the last, from 0; None if nothing changed."""
    if len(old) != len(new):
        return 0, max(len(old), len(new))
    changed = [index for index, (one, other) in enumerate(zip(old, new, strict=True)) if one != other]
    return (changed[0], changed[-1] + 1) if changed else None
