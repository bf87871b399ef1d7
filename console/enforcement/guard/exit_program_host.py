"""The process of one exit program: loads the function, then answers one question after the other.

Started by a guard (`exit_program_process`) as ``python -P -E -B -m``, with one end of a pair of sockets and nothing
else of the guard's. The function is somebody else's: whatever it does, raise, end the process, print, return what it
should not, comes out as a `Reply`, or as the end of this process, and both mean *reject*.

Its modules come from the Python environment that Greenwall runs in, and after that from the directory ``exit_programs``
beside the store, if nobody but us and root can write there. Never from the current directory, nor
from PYTHONPATH, which are set by whoever starts the job and meant for the job.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import os
import reprlib
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from console.enforcement import syscalls
from console.enforcement.guard.exit_program_log import ProgramLog, log_path
from console.enforcement.guard.exit_program_wire import (
    LONGEST_MESSAGE,
    LONGEST_PROBLEM,
    Question,
    Ready,
    Reply,
    decode,
    encode,
)
from console.enforcement.trust import distrust
from console.exit_request import ALLOW, ALLOW_AND_SKIP, REJECT, ExitRequest
from console.store.location import Location

DIRECTORY = "exit_programs"

Program = Callable[[ExitRequest], object]

_ANSWERS = frozenset({ALLOW, REJECT, ALLOW_AND_SKIP})


def main(arguments: Sequence[str]) -> None:
    """Be the process of an exit program.

    Args:
        arguments: Descriptor of our end of the line, the guard's process id, the directory and the name of the store,
            and the exit program; in this order, as ps(1) shows them.
    """
    descriptor, guard, directory, name, entry_point = arguments
    _die_with(int(guard))
    line = socket.socket(fileno=int(descriptor))
    line.set_inheritable(False)  # a program that the exit program starts must not answer in its place
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # the guard has nearly all of them blocked
    location = Location(Path(directory), name)
    log = sys.stdout = sys.stderr = ProgramLog(log_path(location), entry_point)
    log.take_streams()
    faulthandler.enable(2)
    program, problem = _load(entry_point, location)
    with contextlib.suppress(ConnectionError):  # the guard has hung up, perhaps without having read that we are ready
        line.send(encode(Ready(problem)))
        if program is not None:
            _serve(line, program, log)


def _die_with(guard: int) -> None:
    """Make the kernel kill us when the guard has gone, wherever the function may be then; and let nobody trace us."""
    syscalls.die_with_parent()
    syscalls.hide_from_tracers()
    if os.getppid() != guard:  # it was faster
        os._exit(1)


def _load(entry_point: str, location: Location) -> tuple[Program | None, str]:
    """Import the function; returns it, or why it cannot be had."""
    doubt = _take_directory(location)
    module_name, _, function_name = entry_point.partition(":")
    try:
        found: object = getattr(importlib.import_module(module_name), function_name)
    except BaseException as error:  # noqa: BLE001 -- a module may raise anything when it is imported, SystemExit too
        _show(error)
        return None, _cut(f"cannot be loaded: {_name(error)}{f'; {doubt}' if doubt else ''}")
    if not callable(found):
        return None, _cut(f"cannot be loaded: {function_name} is no function")
    return found, ""


def _take_directory(location: Location) -> str:
    """Let modules be imported from the directory beside the store; returns why not, where it is there."""
    directory = location.directory.resolve() / DIRECTORY
    try:
        if not os.path.lexists(directory):
            return ""
        doubt = distrust(directory)
    except OSError as error:
        doubt = f"{error.filename} cannot be looked at: {error.strerror}"
    if not doubt:
        sys.path.append(str(directory))
    return doubt


def _serve(line: socket.socket, program: Program, log: ProgramLog) -> None:
    """Answer questions until the guard hangs up."""
    process = os.getpid()
    while octets := line.recv(LONGEST_MESSAGE):
        question = decode(octets)
        if not isinstance(question, Question):
            return
        log.take_streams()
        reply = _ask(program, question)
        if os.getpid() != process:  # the function has forked, and this is the child, which nobody asked
            os._exit(0)
        line.send(encode(reply))


def _ask(program: Program, question: Question) -> Reply:
    """Ask the function."""
    try:
        answer = program(question.request)
    except BaseException as error:  # noqa: BLE001 -- whatever it raises means reject, and is said; SystemExit too
        _show(error)
        return Reply(question.number, "", _cut(f"raised {_name(error)}"))
    if isinstance(answer, str) and answer in _ANSWERS:
        return Reply(question.number, str(answer), "")
    return Reply(question.number, "", _cut(f"answered {reprlib.repr(answer)}"))


def _show(error: BaseException) -> None:
    """Write a traceback to the log, in lines that say whose they are."""
    sys.stderr.write("".join(traceback.format_exception(error)))
    sys.stderr.flush()


def _name(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 -- a foreign __str__
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _cut(text: str) -> str:
    """Return a problem on one line, short, and fit for a frame."""
    line = " ".join(text.split()).encode(errors="backslashreplace").decode()
    return line if len(line) <= LONGEST_PROBLEM else line[: LONGEST_PROBLEM - 3] + "..."


if __name__ == "__main__":
    main(sys.argv[1:])
