"""Display attributes of a 5250: how a run of cells looks. Knows the codes, not the colours of any terminal."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Colour(StrEnum):
    """The seven colours; a theme gives each a tone."""

    GREEN = "green"
    WHITE = "white"
    RED = "red"
    TURQUOISE = "turquoise"
    YELLOW = "yellow"
    PINK = "pink"
    BLUE = "blue"


class Attribute(IntEnum):
    """An attribute byte.

    Column separators, which some of the codes also ask for, are drawn as nothing: no character terminal has them.

    Source: 5250 data stream, screen attributes; the codes are those of a colour display.
    """

    GREEN = 0x20
    GREEN_REVERSE = 0x21
    WHITE = 0x22
    WHITE_REVERSE = 0x23
    GREEN_UNDERLINE = 0x24
    GREEN_UNDERLINE_REVERSE = 0x25
    WHITE_UNDERLINE = 0x26
    NONDISPLAY = 0x27
    RED = 0x28
    RED_REVERSE = 0x29
    RED_BLINK = 0x2A
    RED_REVERSE_BLINK = 0x2B
    RED_UNDERLINE = 0x2C
    RED_UNDERLINE_REVERSE = 0x2D
    RED_UNDERLINE_BLINK = 0x2E
    TURQUOISE = 0x30
    TURQUOISE_REVERSE = 0x31
    YELLOW = 0x32
    YELLOW_REVERSE = 0x33
    TURQUOISE_UNDERLINE = 0x34
    TURQUOISE_UNDERLINE_REVERSE = 0x35
    YELLOW_UNDERLINE = 0x36
    PINK = 0x38
    PINK_REVERSE = 0x39
    BLUE = 0x3A
    BLUE_REVERSE = 0x3B
    PINK_UNDERLINE = 0x3C
    PINK_UNDERLINE_REVERSE = 0x3D
    BLUE_UNDERLINE = 0x3E

    @property
    def colour(self) -> Colour:
        """The colour of the characters."""
        return _COLOURS[self.name.partition("_")[0]]

    @property
    def reverse(self) -> bool:
        """Whether characters are dark on a coloured ground."""
        return "_REVERSE" in self.name

    @property
    def underline(self) -> bool:
        """Whether cells are underlined."""
        return "_UNDERLINE" in self.name

    @property
    def blink(self) -> bool:
        """Whether characters blink."""
        return "_BLINK" in self.name

    @property
    def reverse_image(self) -> Attribute:
        """The same colour in reverse image, as a field in error is shown.

        White, yellow and blue have no code for underlined reverse: on a real display that code hides the characters.
        """
        if self in _HIDES_IN_REVERSE:
            return Attribute[f"{self.colour.name}_REVERSE"]
        return Attribute(self | 1) if self is not Attribute.NONDISPLAY else Attribute.WHITE_REVERSE


_COLOURS = {colour.name: colour for colour in Colour} | {"NONDISPLAY": Colour.GREEN}
_HIDES_IN_REVERSE = frozenset(
    {
        Attribute.WHITE_UNDERLINE,
        Attribute.YELLOW_UNDERLINE,
        Attribute.BLUE_UNDERLINE,
        Attribute.RED_UNDERLINE_BLINK,
    }
)
