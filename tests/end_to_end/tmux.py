"""A terminal with somebody at its keyboard: a private tmux server, keys in, the screen out."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.end_to_end.command import until

_SCREEN_DEADLINE_S = 20.0
_MOST_FIELDS = 60


class Tmux:
    """One terminal that runs one command. The server is private: nothing else on the machine is touched by it."""

    def __init__(
        self, command: Sequence[str], directory: Path, size: tuple[int, int] = (80, 24), **environment: str
    ) -> None:
        self._server = f"greenwall-{secrets.token_hex(6)}"
        self._environment = _environment(directory, environment)
        columns, rows = size
        self._status_file = directory / f"{self._server}.status"
        # The shell writes the status down: tmux is now and then late to know it of a pane that is gone already.
        told = ["sh", "-c", '"$@"; echo $? >"$0"', str(self._status_file), *command]
        options = ["start-server", ";", "set", "-g", "remain-on-exit", "on", ";", "set", "-g", "status", "off", ";"]
        window = ["new-session", "-d", "-x", str(columns), "-y", str(rows), "-c", str(directory)]
        self._tmux(*options, *window, *told)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def close(self) -> None:
        """End the terminal and what runs in it."""
        subprocess.run([*self._prefix, "kill-server"], env=self._environment, capture_output=True, check=False)

    @property
    def _prefix(self) -> list[str]:
        return ["tmux", "-u", "-L", self._server, "-f", "/dev/null"]

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._prefix, *arguments], env=self._environment, capture_output=True, text=True, timeout=20, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def screen(self) -> str:
        """Return what the terminal shows."""
        return self._tmux("capture-pane", "-p")

    def row(self, number: int) -> str:
        """Return one row, counted from 1."""
        return self.screen().split("\n")[number - 1]

    def cursor(self) -> tuple[int, int]:
        """Return row and column of the cursor, counted from 1."""
        column, row = self._tmux("display-message", "-p", "#{cursor_x} #{cursor_y}").split()
        return int(row) + 1, int(column) + 1

    def resize(self, columns: int, rows: int) -> None:
        """Make the terminal another size."""
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def press(self, *keys: str) -> None:
        """Press keys, named as tmux names them: ``F6``, ``Enter``, ``Tab``."""
        self._tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        """Type text as it is."""
        self._tmux("send-keys", "-l", text)

    def enter(self, text: str) -> None:
        """Type text where the cursor is, and press Enter."""
        self.type(text)
        self.press("Enter")

    def move_to(self, label: str) -> None:
        """Press Tab until the cursor is in a row that shows a label; fails with the last screen."""
        for _ in range(_MOST_FIELDS):
            before = self.cursor()
            if label in self.row(before[0]):
                return
            self.press("Tab")
            until(lambda before=before: self.cursor() != before, "the cursor to move", _SCREEN_DEADLINE_S)
        raise AssertionError(f"no input field beside {label!r}\n{self.screen()}")

    def fill(self, label: str, value: str) -> None:
        """Key a value into the field beside a label; Field Exit clears what is left of the old one."""
        self.move_to(label)
        before = self.cursor()
        self.type(value)
        self.press("C-k")
        until(lambda: self.cursor()[0] != before[0], f"the cursor to leave {label!r}", _SCREEN_DEADLINE_S)

    def wait_for(self, text: str, deadline_s: float = _SCREEN_DEADLINE_S) -> str:
        """Return the screen as soon as it shows a text; fails with the last screen."""
        try:
            return until(lambda: screen if text in (screen := self.screen()) else "", repr(text), deadline_s)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.screen()}") from None

    def wait_until_gone(self, text: str, deadline_s: float = _SCREEN_DEADLINE_S) -> None:
        """Return as soon as the screen no longer shows a text; fails with the last screen."""
        try:
            until(lambda: text not in self.screen(), f"{text!r} to go", deadline_s)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.screen()}") from None

    def wait_for_end(self, deadline_s: float = _SCREEN_DEADLINE_S) -> int:
        """Return the exit status of the command as soon as it has ended; fails with the last screen."""
        try:
            return int(until(self._status, "the command to end", deadline_s))
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.screen()}") from None

    def _status(self) -> str:
        """Return the exit status of the command as a number, empty while it runs."""
        return self._status_file.read_text().strip() if self._status_file.exists() else ""


def _environment(directory: Path, changes: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of server and command: no tmux around it, and a locale that every Debian has."""
    kept = {name: value for name, value in os.environ.items() if name not in ("TMUX", "TMUX_PANE", "NO_COLOR")}
    return kept | {"TMUX_TMPDIR": str(directory), "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"} | dict(changes)
