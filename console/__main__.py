"""Where `greenwall` begins: takes the short way to a guarded command, and makes errors messages and exit codes.

With `console.verbs` it is the composition root, which joins all parts; nothing imports either of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from console.errors import ConsoleError, UsageError
from console.shell.exit_codes import DONE, FAILED, INTERRUPTED, USAGE
from console.shell.quick_run import QuickRun, recognise


def main() -> int:
    """Run the shell and return the exit code: 0 done, 1 refused or failed, 2 usage; of a guarded command its own."""
    _occupy_standard_descriptors()
    _tolerate_characters()
    ended = _answer(lambda: _call(sys.argv[1:]))
    flushed = _answer(_flush)
    return ended or flushed


def _answer(step: Callable[[], int]) -> int:
    """Take a step; an error becomes a message and its exit code."""
    try:
        return step()
    except ConsoleError as error:
        from console.shell.output import print_error

        print_error(error)
        return USAGE if isinstance(error, UsageError) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def _call(arguments: list[str]) -> int:
    quick = recognise(arguments)
    if quick is not None:
        return _run(quick)
    from console.verbs import call

    return call(arguments)


def _run(quick: QuickRun) -> int:
    from console.enforcement.launch import run_job
    from console.store.location import default_url

    url = quick.store or os.environ.get("GREENWALL_STORE") or default_url()
    return run_job(store_url=url, command=quick.command, name=quick.name, user=quick.user)


def _occupy_standard_descriptors() -> None:
    """Open what was closed of standard input, output and error.

    Else the next socket or file would get such a number, and whoever deals with standard output would deal with that.
    Close-on-exec, so that a guarded command finds closed what was closed. `sys.stdout` stays None, which
    `console.shell.output` refuses: what was asked for must not vanish.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)) <= _LAST_STANDARD:
        pass
    os.close(descriptor)
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115 -- ours until we end
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


_LAST_STANDARD = 2


def _tolerate_characters() -> None:
    """Let a terminal or pipe that is not UTF-8 show a substitute instead of failing in the middle of a list."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _flush() -> int:
    """Write what is left while an error can still be dealt with; at exit Python would only complain."""
    if sys.stdout is None:
        return DONE
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise UsageError("GWL0009", path="-", reason=error.strerror or str(error)) from error
    return DONE


if __name__ == "__main__":
    sys.exit(main())
