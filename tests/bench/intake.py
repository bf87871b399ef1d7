"""What an entry costs the worker: ``python -m tests.bench.intake``.

Records of a busy server, as its guard sends them, through the ledger into a store and on into the index of the journal;
in turns with the module in C and without it, on stores of their own. Processor time, as that is what the worker takes
from a guarded server on a machine that is busy. What a transaction costs that takes a single record is measured beside
it, because at 5 transactions a second that adds up.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path

from console import compiled
from console.clock import system_clock
from console.collector import calm
from console.enforcement.frames import PROTOCOL, Hello, Records
from console.enforcement.ledger import Ledger, Parcel
from console.enforcement.records import Decided, Who, pack, sealed
from console.model.words import ExitPoint, Outcome
from console.policy.request import Decision
from console.store.engine import Store, open_store
from console.store.journal import last_number
from console.store.journal_index import index_block, missing_block
from console.store.journal_postings import block_of
from console.store.session import transaction

_GUARD = "0" * 31 + "1"
_LOOPBACK = 0xFFFF_7F00_0001
_AT_NS = 1_793_800_000 * 10**9
_IN_A_FRAME = 280
"""Records; at 7,000 calls a second what comes in the 40 ms between two looks of the guard."""
_FRAMES = 5
"""Of a transaction, likewise: the worker makes five a second."""


def octets(first: int, count: int) -> bytes:
    """Return the records of connections that a server accepts, from a number on."""
    decision = Decision(Outcome.ALLOWED, 99999, 0, journal=True, alert=False)
    who = Who("WWW-DATA", "/usr/sbin/nginx", 4711)
    local = (_LOOPBACK, 443)
    return b"".join(
        sealed(pack(number, (number, 0, 9 * number), Decided(
            _AT_NS + number * 130_000, ExitPoint.ACCEPT, decision, 3, who, local,
            (_LOOPBACK + number % 7, 32768 + number * 7 % 28000), 5 + number % 13, "",
        )))
        for number in range(first, first + count)
    )  # fmt: skip


class Worker:
    """A store, its ledger, and a guard that has come."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self.store: Store = open_store(f"sqlite:///{directory}/greenwall.db")
        self.ledger = Ledger(self.store, system_clock)
        self.ledger.start(host="BENCH")
        self.ledger.welcome(Hello(PROTOCOL, _GUARD, 1, "WWW-DATA", "NGINX", "nginx", _AT_NS), 1)
        self._number = 1

    def take(self, frames: int, records: int) -> float:
        """Take some frames in one transaction; return the processor time in seconds."""
        parcels = []
        for _ in range(frames):
            parcels.append(Parcel(_GUARD, Records(octets(self._number, records))))
            self._number += records
        began = time.process_time()
        results = self.ledger.take(parcels)
        used = time.process_time() - began
        if results[-1] != self._number - 1:
            raise RuntimeError(f"not taken: {results[-1]}")
        return used

    def index(self) -> float:
        """Make the index of each block that has none; return the processor time in seconds."""
        began = time.process_time()
        while True:
            with transaction(self.store) as session:
                block = missing_block(session, block_of(last_number(session) + 1))
                if block is None:
                    return time.process_time() - began
                index_block(session, block)


@contextmanager
def _in_python() -> Iterator[None]:
    module, compiled.journalling = compiled.journalling, None
    yield
    compiled.journalling = module


_WAYS: dict[str, Callable[[], AbstractContextManager[None]]] = {"in C": nullcontext, "in Python": _in_python}


def main() -> None:
    """Run the bench and print its table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.intake", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=24, help="turns of each way; two make a block of the index")
    options = parser.parse_args()
    calm()
    with tempfile.TemporaryDirectory(prefix="greenwall-bench-") as name, ExitStack() as stack:
        workers = {way: Worker(Path(name, str(number))) for number, way in enumerate(_WAYS)}
        for worker in workers.values():
            stack.callback(worker.store.close)
        taken: dict[str, list[float]] = {way: [] for way in _WAYS}
        single: dict[str, list[float]] = {way: [] for way in _WAYS}
        indexed = dict.fromkeys(_WAYS, 0.0)
        for _ in range(options.rounds):
            for way, worker in workers.items():
                with _WAYS[way]():
                    for _ in range(6):
                        taken[way].append(worker.take(_FRAMES, _IN_A_FRAME))
                    single[way] += [worker.take(1, 1) for _ in range(3)]
                    indexed[way] += worker.index()
        count = _FRAMES * _IN_A_FRAME
        for way, used in taken.items():
            one = statistics.median(single[way])
            many = statistics.median(used)
            print(f"{way:12} {many / count * 1e6:6.2f} us an entry in transactions of {count}, of which the transaction"
                  f" itself {one / count * 1e6:.2f} ({one * 1e3:.2f} ms);"
                  f" index {indexed[way] / len(used) / count * 1e6:.2f} us an entry")  # fmt: skip


if __name__ == "__main__":
    main()
