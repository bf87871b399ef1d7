"""What a long turn says of itself while it runs: one line, which the banner shows on row 2."""

from __future__ import annotations

from console.errors import RequestEnded
from console.request_end import is_to_end


class Progress:
    """The line that shows; empty for none.

    Threads:
        The turn writes it, the banner's thread reads it; a text is replaced as a whole.
    """

    def __init__(self) -> None:
        self.text = ""
        """What to show."""
        self._has_told = False

    def tell(self, text: str) -> None:
        """Show another line; an empty one ends it.

        Raises:
            RequestEnded: The operator wants no more of this request.
        """
        if text and is_to_end():
            self.text = ""
            raise RequestEnded
        self.text = text
        self._has_told = self._has_told or bool(text)

    def take_end(self) -> bool:
        """Say, once, whether there was something to show that is over now: the banner is then out of date."""
        is_over = self._has_told and not self.text
        self._has_told = self._has_told and not is_over
        return is_over
