"""Where `greenwall` begins: takes the short way to a guarded command, and makes errors messages and exit codes.

With `console.verbs` it is the composition root, which joins all parts; nothing imports either of them.
"""

from __future__ import annotations

import os
import sys

from console.errors import ConsoleError, UsageError
from console.shell.exit_codes import FAILED, INTERRUPTED, USAGE
from console.shell.quick_run import QuickRun, recognise


def main() -> int:
    """Run the shell and return the exit code: 0 done, 1 refused or failed, 2 usage; of a guarded command its own."""
    _tolerate_characters()
    try:
        return _call(sys.argv[1:])
    except ConsoleError as error:
        from console.shell.output import print_error

        print_error(error)
        return USAGE if isinstance(error, UsageError) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        _flush()


def _call(arguments: list[str]) -> int:
    quick = recognise(arguments)
    if quick is not None:
        return _run(quick)
    from console.verbs import call

    return call(arguments)


def _run(quick: QuickRun) -> int:
    from console.enforcement.launch import run_job
    from console.store.url import default_url

    url = quick.store or os.environ.get("GREENWALL_STORE") or default_url()
    return run_job(store_url=url, command=quick.command, name=quick.name, user=quick.user)


def _tolerate_characters() -> None:
    """Let a terminal or pipe that is not UTF-8 show a substitute instead of failing in the middle of a list."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _flush() -> None:
    """Write what is left while a closed pipe can still be dealt with; at exit Python would only complain."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
