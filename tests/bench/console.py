"""How soon the console shows its first panel, and how soon what a key does, in a terminal of its own.

    python -m tests.bench.console make STORE-FILE [ENTRIES [RULES]]     a store with a journal and a policy of that size
    python -m tests.bench.console start [STORE-FILE] [--rounds N]       from command to first panel
    python -m tests.bench.console keys STORE-FILE [--rounds N] [--quiet SECONDS]
                                                                        from key to painted, on menus and lists
    python -m tests.bench.console imports                               what the console loads, the dearest first

What a key does is painted when the last byte of it has come, and nothing more for a while. Each figure is there twice:
as the clock has it, and as processor time of the console, which other work on the machine hardly moves. Where the two
are far apart, the clock has measured the machine.

Aims: first panel within 1.0 s; a key within 30 ms, in 95 of 100 cases.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.journal import make as make_journal
from tests.bench.policies import policy_document

_FIRST_AIM_S, _KEY_AIM_S = 1.0, 0.030
_FIRST_PANEL = "Main Menu"
_QUIET_S = 0.4
"""Longer than any list takes to be read: the panel has come when nothing comes any more."""
_IDLE_S = 3.0
_LOADS = 6
_NOTHING = 8
"""A key that has brought nothing for so many times the quiet brings nothing: nobody waits for it."""
_LONGEST_S = 30.0
_READ = 65536
_RULES = 10_000
_ENTRIES = 1_000_000
_TAB, _ENTER, _DOWN = b"\t", b"\r", b"\x1b[B"
_PAGE_DOWN, _PAGE_UP = b"\x1b[6~", b"\x1b[5~"
_F3, _F5, _F11, _F12 = b"\x1bOR", b"\x1b[15~", b"\x1b[23~", b"\x1b[24~"


class Console:
    """The console on a pseudo-terminal."""

    def __init__(self, store: Path, *, columns: int = 80, rows: int = 24, quiet_s: float = _QUIET_S) -> None:
        self._quiet_s = quiet_s
        self._controller, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        environment.pop("NO_COLOR", None)
        command = [sys.executable, "-m", "console", "--store", f"sqlite:///{store}"]
        self.began = time.monotonic()
        self._process = subprocess.Popen(
            command, stdin=terminal, stdout=terminal, stderr=terminal, env=environment, start_new_session=True
        )
        os.close(terminal)
        self.shown = b""

    def rest(self) -> float:
        """Wait until all is loaded; return what the console uses when nobody does anything, in seconds a second."""
        idle = 0.0
        for _ in range(_LOADS):
            used, began = self.used_s, time.monotonic()
            while (left := began + _IDLE_S - time.monotonic()) > 0:
                self._read(left)
            before, idle = idle, (self.used_s - used) / _IDLE_S
            if before and idle > before / 2:
                break
        return idle

    def close(self) -> None:
        """End the console."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        os.close(self._controller)

    @property
    def used_s(self) -> float:
        """Processor time of the console so far, exact to the nanosecond (clock_getcpuclockid(3))."""
        return time.clock_gettime((~self._process.pid << 3) | 2)

    def wait_for(self, words: str) -> tuple[float, float]:
        """Return seconds and processor seconds since the start, as soon as some words have come."""
        end = time.monotonic() + _LONGEST_S
        while words.encode() not in self.shown:
            if time.monotonic() > end or not self._read(end - time.monotonic()):
                raise SystemExit(f"{words!r} does not show:\n{self.shown[-2000:]!r}")
        return time.monotonic() - self.began, self.used_s

    def press(self, keys: bytes) -> tuple[float, float] | None:
        """Return seconds and processor seconds from a key to the last byte that it brings; None if it brings none."""
        used, began = self.used_s, time.monotonic()
        os.write(self._controller, keys)
        painted = began
        while self._read(self._quiet_s * (1 if painted > began else _NOTHING)):
            painted = time.monotonic()
        return (painted - began, self.used_s - used) if painted > began else None

    def _read(self, timeout_s: float) -> bool:
        readable, _, _ = select.select([self._controller], [], [], max(timeout_s, 0))
        if not readable:
            return False
        try:
            data = os.read(self._controller, _READ)
        except OSError:
            return False
        self.shown += data
        return bool(data)


@contextlib.contextmanager
def _console(store: Path, columns: int = 80, rows: int = 24, quiet_s: float = _QUIET_S) -> Iterator[Console]:
    console = Console(store, columns=columns, rows=rows, quiet_s=quiet_s)
    try:
        yield console
    finally:
        console.close()


def make(path: Path, entries: int, rules: int) -> None:
    """Make a store."""
    make_journal(path, entries)
    _set_rules(path, rules)


def _set_rules(path: Path, rules: int) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(policy_document(rules))
        file.flush()
        for arguments in (["policy", "import", file.name], ["cl", "ACTSOCPCY"]):
            command = [sys.executable, "-m", "console", "--store", f"sqlite:///{path}", *arguments]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def start(store: Path | None, rounds: int) -> None:
    """Measure from command to first panel."""
    times: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory(prefix="greenwall-bench-") as directory:
        path = store or Path(directory) / "store.db"
        for number in range(rounds + 1):
            with _console(path) as console:
                found = console.wait_for(_FIRST_PANEL)
            if number:  # the first makes the store and fills the caches
                times.append(found)
    print(_line("first panel", times, 1, "s"))
    _judge("first panel within 1.0 s", [wall for wall, _ in times], [used for _, used in times], _FIRST_AIM_S)


_Steps = Sequence[tuple[str, bytes]]
_MENU: _Steps = [("type", b"w"), ("type", b"r"), ("tab", _TAB), ("cursor", _DOWN), ("erase input", b"\x05")]
_LIST: _Steps = [
    *[("type", b"5"), ("cursor", _DOWN)] * 2,
    ("erase input", b"\x05"),
    *[("roll", _PAGE_DOWN)] * 4,
    *[("roll", _PAGE_UP)] * 2,
    ("refresh", _F5),
    *[("other columns", _F11)] * 3,
]
_JOURNAL = [(name, {_PAGE_DOWN: _PAGE_UP, _PAGE_UP: _PAGE_DOWN}.get(key, key)) for name, key in _LIST]
"""Opens at its end."""
_PLACES: Sequence[tuple[str, str, _Steps]] = (
    ("main menu", "", _MENU),
    ("socket rules", "WRKSOCRUL", _LIST),
    ("journal entries", "DSPJRN", _JOURNAL),
    ("system values", "WRKSYSVAL", _LIST),
)


def keys(store: Path, rounds: int, quiet_s: float) -> None:
    """Measure from key to painted; a panel has come when nothing more comes for so long."""
    walls: list[float] = []
    used: list[float] = []
    for columns, rows in ((80, 24), (132, 30)):
        with _console(store, columns, rows, quiet_s) as console:
            console.wait_for(_FIRST_PANEL)
            print(f"{columns}x{rows}, at rest {console.rest() * 1000:.1f} ms of processor time a second")
            for place, command, steps in _PLACES:
                found = _at(console, command, steps, rounds)
                print(place)
                for name, times in found.items():
                    print("  " + _line(name, times, 1000, "ms"))
                    walls += [wall for wall, _ in times]
                    used += [cpu for _, cpu in times]
    _judge("key to painted within 30 ms in 95 of 100", walls, used, _KEY_AIM_S)


def _at(console: Console, command: str, steps: _Steps, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Press the keys of a place over and over; opening it the first time loads code, and is not counted."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for number in range(rounds + 1):
        if command:
            console.press(command.encode())
            opened = console.press(_ENTER)
            if number and opened:
                found["open"].append(opened)
        for name, key in steps:
            pressed = console.press(key)
            if number and pressed:
                found[name].append(pressed)
        if command:
            console.press(_F12)
    return found


def _line(name: str, times: Sequence[tuple[float, float]], scale: float, unit: str) -> str:
    walls, used = zip(*times, strict=True)
    words = [f"{name:16}"]
    for label, figures in (("clock", walls), ("processor", used)):
        middle, high = statistics.median(figures) * scale, _high(figures) * scale
        words.append(f"{label} {middle:7.2f} {unit}, 95 of 100 within {high:7.2f} {unit}")
    return "   ".join(words)


def _high(figures: Sequence[float]) -> float:
    """Return what 95 of 100 are within."""
    ordered = sorted(figures)
    return ordered[max(0, -(-len(ordered) * 95 // 100) - 1)]


def _judge(aim: str, walls: Sequence[float], used: Sequence[float], limit_s: float) -> None:
    wall, cpu = _high(walls), _high(used)
    words = "met" if wall <= limit_s else "met in processor time only" if cpu <= limit_s else "missed"
    print(f"aim: {aim}: {words} (clock {wall:.3f} s, processor {cpu:.3f} s)")


def imports() -> None:
    """Show what importing the console costs, by package and by module of ours."""
    command = [sys.executable, "-X", "importtime", "-c", "import screens.console"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    costs: dict[str, int] = defaultdict(int)
    for row in found.splitlines()[1:]:
        own, _, name = row.removeprefix("import time:").split("|")
        package, _, rest = name.strip().partition(".")
        costs[f"{package}.{rest}" if package in ("console", "screens") else package] += int(own)
    for name, own in sorted(costs.items(), key=lambda pair: -pair[1])[:40]:
        print(f"{own / 1000:8.1f} ms  {name}")


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.console", description=__doc__.split("\n")[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    makes = verbs.add_parser("make")
    makes.add_argument("store", type=Path)
    makes.add_argument("entries", type=int, nargs="?", default=_ENTRIES)
    makes.add_argument("rules", type=int, nargs="?", default=_RULES)
    starts = verbs.add_parser("start")
    starts.add_argument("store", type=Path, nargs="?")
    starts.add_argument("--rounds", type=int, default=5)
    presses = verbs.add_parser("keys")
    presses.add_argument("store", type=Path)
    presses.add_argument("--rounds", type=int, default=3)
    presses.add_argument("--quiet", type=float, default=_QUIET_S, metavar="SECONDS")
    verbs.add_parser("imports")
    given = parser.parse_args()
    match given.verb:
        case "make":
            make(given.store, given.entries, given.rules)
        case "start":
            start(given.store, given.rounds)
        case "keys":
            keys(given.store, given.rounds, given.quiet)
        case _:
            imports()


if __name__ == "__main__":
    main()
