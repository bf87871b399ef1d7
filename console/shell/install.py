"""Puts the services of Greenwall in place for systemd, and takes them away again.

Nothing is enabled and nothing is started: that is the operator's, and the first start of the kernel engine is better
read about first. What is in place already stays as it is, so that it may be said again and again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from console.errors import UsageError
from console.messages import Message, message
from console.resources import data_path

UNITS = ("greenwall-worker.service", "greenwall-ssh.service")
_UNIT_DIRECTORY = Path("etc/systemd/system")
_DEFAULTS = Path("etc/default/greenwall")
_DEFAULTS_SOURCE = "greenwall.default"
_COMMAND = "@COMMAND@"
_STORE = "GREENWALL_STORE"
_RUNNING = Path("/run/systemd/system")
"""There if systemd is what runs here (sd_booted(3))."""
_MASK = Path("/dev/null")
"""Where a unit leads that the operator does not want (systemctl(1), mask)."""
_MODE = 0o644
_SYSTEMCTL_S = 60


def install(root: Path, command: str = "") -> Iterator[Message]:
    """Write the units, and the file for their settings unless there is one.

    Args:
        root: Directory to take for the root of the file system.
        command: What starts Greenwall; else what started this.

    Yields:
        What was done, file by file.

    Raises:
        UsageError: Only root may, or a file cannot be written.
    """
    _check_may(root)
    started = _quoted(command or _own_command())
    changed = False
    for name in UNITS:
        text = data_path("systemd", name).read_text(encoding="utf-8").replace(_COMMAND, started)
        path = root / _UNIT_DIRECTORY / name
        is_new = _write(path, text)
        changed |= is_new
        yield message("GWL0490" if is_new else "GWL0491", path=path)
    path = root / _DEFAULTS
    if path.exists():
        yield message("GWL0491", path=path)
    else:
        _write(path, data_path("systemd", _DEFAULTS_SOURCE).read_text(encoding="utf-8"))
        yield message("GWL0490", path=path)
    if changed and _is_live(root):
        _systemctl("daemon-reload")
    yield message("GWL0492")


def uninstall(root: Path, detach: Callable[[], Iterable[Message]] | None = None) -> Iterator[Message]:
    """Stop and remove the units; the file for their settings only where nobody has changed it. The store stays.

    Args:
        root: Directory to take for the root of the file system.
        detach: Detaches what the worker has left in the kernel, called when the services have stopped; says what was
            done. Where it raises nothing is removed: who is left without services and with rules
            that nobody serves would not know what to do.

    Yields:
        What was done, file by file.

    Raises:
        UsageError: Only root may, or a file cannot be removed.
    """
    _check_may(root)
    there = [root / _UNIT_DIRECTORY / name for name in UNITS if (root / _UNIT_DIRECTORY / name).exists()]
    if there and _is_live(root):
        _systemctl("disable", "--now", *(path.name for path in there))
    if detach is not None:
        yield from detach()
    for path in there:
        yield _removed(path)
    path = root / _DEFAULTS
    if path.exists():
        shipped = data_path("systemd", _DEFAULTS_SOURCE).read_text(encoding="utf-8")
        is_changed = path.read_text(encoding="utf-8", errors="surrogateescape") != shipped
        yield message("GWL0494", path=path) if is_changed else _removed(path)
    if there and _is_live(root):
        _systemctl("daemon-reload")
    yield message("GWL0495")


def store_of_services(root: Path) -> str:
    """Return the URL of the store that the services are set to; empty for the default one."""
    try:
        lines = (root / _DEFAULTS).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    said = [line.partition("=")[2].strip().strip("\"'") for line in lines if line.startswith(f"{_STORE}=")]
    return said[-1] if said else ""


def _check_may(root: Path) -> None:
    if root == Path("/") and os.geteuid() != 0:
        raise UsageError("GWL0496")


def _is_live(root: Path) -> bool:
    return root == Path("/") and _RUNNING.is_dir()


def _own_command() -> str:
    """Return the path of the command that runs; of its module where it is none."""
    found = shutil.which(sys.argv[0])
    return os.path.abspath(found) if found else f"{sys.executable} -m console"


def _quoted(command: str) -> str:
    """Return a command line as ExecStart takes it (systemd.service(5)): % and $ mean something there."""
    escaped = command.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if Path(command).exists() and " " in command else escaped


def _write(path: Path, text: str) -> bool:
    """Write a file whole, or not at all; say whether it is another than before. A unit that is masked stays so.

    Raises:
        UsageError: It cannot be written.
    """
    try:
        if path.is_symlink() and path.readlink() == _MASK:
            return False
        if path.exists() and path.read_text(encoding="utf-8", errors="surrogateescape") == text:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.new")
        fresh.unlink(missing_ok=True)
        with fresh.open("x", encoding="utf-8") as file:  # never through a link that somebody has put there
            file.write(text)
        fresh.chmod(_MODE)
        fresh.replace(path)
    except OSError as error:
        raise UsageError("GWL0497", path=path, reason=error.strerror or error) from error
    return True


def _removed(path: Path) -> Message:
    try:
        path.unlink()
    except OSError as error:
        raise UsageError("GWL0497", path=path, reason=error.strerror or error) from error
    return message("GWL0493", path=path)


def _systemctl(*words: str) -> None:
    """Tell systemd.

    Raises:
        UsageError: It refuses.
    """
    try:
        done = subprocess.run(["systemctl", *words], capture_output=True, text=True, timeout=_SYSTEMCTL_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UsageError("GWL0498", words=" ".join(words), reason=error) from error
    if done.returncode:
        raise UsageError("GWL0498", words=" ".join(words), reason=done.stderr.strip())
