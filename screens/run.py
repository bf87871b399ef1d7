"""Runs the console in the terminal that it was started in."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import replace

from textual import screen

from screens import keys_shim
from screens.app import ConsoleApp
from screens.console_options import ConsoleOptions
from screens.panel import Panel
from screens.themes import has_colours

_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL
_STANDARD_INPUT = 0
_STANDARD_OUTPUT = 1
_SIZES = ("LINES", "COLUMNS")
_FRAMES_PER_S = 120


def paint_sooner(environment: Mapping[str, str]) -> None:
    """Have changes painted within 8 ms and not within 17, which a key whose panel comes at once would wait for twice.

    Args:
        environment: Of this process; TEXTUAL_FPS in it is what Textual has taken already.
    """
    if not environment.get("TEXTUAL_FPS"):
        screen.UPDATE_PERIOD = 1 / _FRAMES_PER_S  # type: ignore[misc]  # read when the screen makes its timer


def let_the_terminal_tell_its_size(environment: MutableMapping[str, str], descriptor: int = _STANDARD_OUTPUT) -> None:
    """Take LINES and COLUMNS out of an environment where the terminal itself knows how large it is.

    Both are believed before the terminal (shutil.get_terminal_size). A shell that exports them, as resize(1) has it
    done, would keep the console at the size the window had then, whatever is done to the window. A serial line, whose
    size is told as 0 times 0, needs them.

    Args:
        environment: Of this process; changed.
        descriptor: Of the terminal.
    """
    try:
        size = os.get_terminal_size(descriptor)
    except OSError:
        return
    if size.columns and size.lines:
        for name in _SIZES:
            environment.pop(name, None)


def run_console(first_panel: Callable[[], Panel], options: ConsoleOptions) -> None:
    """Run the console until the operator signs off.

    Args:
        first_panel: Makes the panel that is never left.
        options: Looks, and what the console is told from outside.

    Raises:
        ConsoleError: The first panel could not be shown.
        SystemExit: A bug ended the console.
    """
    keys_shim.install()
    keys_shim.wait_longer(os.environ)
    paint_sooner(os.environ)
    let_the_terminal_tell_its_size(os.environ)
    if not has_colours():
        # Textual asks no database, and sends every terminal colours unless this says not to (no-color.org).
        os.environ["NO_COLOR"] = "1"
    app = ConsoleApp(first_panel, replace(options, has_hung_up=has_hung_up))
    app.run(mouse=options.mouse)
    if app.failure is not None:
        raise app.failure
    if app.return_code:
        # A bug; Textual has shown where. Whoever started us must not take it for a sign-off.
        sys.exit(app.return_code)


def has_hung_up(descriptor: int = _STANDARD_INPUT) -> bool:
    """Say whether the terminal has gone that keys come from.

    A console gets SIGHUP when its controlling terminal goes. One that was started without that, or with the signal
    ignored (nohup), reads the end of its input again and again, and would do so for ever.
    """
    look = select.poll()
    look.register(descriptor, 0)
    return any(found & _GONE for _, found in look.poll(0))
