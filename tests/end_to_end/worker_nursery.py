"""Bears workers of a store: ``python worker_nursery.py URL``; for each line on stdin one, its process id on stdout.

A worker takes most of a second to load what it needs. Here that is loaded once and each worker is a child that begins
at `run_worker`, so that a thousand of them can be killed in minutes.
"""

from __future__ import annotations

import os
import signal
import sys

from console.enforcement.worker import run_worker


def main() -> None:
    """Bear a worker for each line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they ended
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.close(0)
            os._exit(run_worker(sys.argv[1]))
        print(child, flush=True)


if __name__ == "__main__":
    main()
