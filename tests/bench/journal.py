"""A large journal: made, written at full speed, read.

    python -m tests.bench.journal make STORE-FILE ENTRIES      a journal of that many entries, with its index
    python -m tests.bench.journal write [ENTRIES]              entries a second, against bare sqlite3
    python -m tests.bench.journal read STORE-FILE              every kind of page and subset, seen first and again
    python -m tests.bench.journal verify STORE-FILE            entries a second of a verification
    python -m tests.bench.journal delete STORE-FILE [SECONDS]  deletes its largest receiver while entries come, and
                                                               how long they wait; of entries and index so long at most

The entries are those of a busy server: 5 in 100 are rejected, 40 users, 3,000 jobs of which some are busy, clients from
a few hundred networks, ports that the system picks, and now and then something rare.
"""

from __future__ import annotations

import argparse
import gc
import math
import os
import random
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from console.collector import calm
from console.journal.chain import FIELDS
from console.journal.entries import Entry
from console.journal.grouping import Grouping
from console.journal.purging import Purging
from console.journal.receivers import change_receiver, delete_receiver, list_receivers
from console.journal.spans import Nobody
from console.journal.verify import verify
from console.journal.writer import append
from console.store.engine import Store, open_store
from console.store.journal import JournalFilter, last_number, page_after, page_before
from console.store.journal_index import index_block, missing_block
from console.store.journal_postings import block_of
from console.store.session import reading, transaction
from console.store.sqlite import PRAGMAS

_BATCH = 5000
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_PAGE = 20


def entries(seed: int = 7) -> Iterator[Entry]:
    """Yield entries without end, the same ones each time."""
    chance = random.Random(seed)
    users = [f"USER{n:02}" for n in range(40)]
    jobs = [
        (user := chance.choice(users), f"{n:06}/{user}/{chance.choice(['NGINX', 'CURL', 'SSHD'])}") for n in range(3000)
    ]
    programs = [f"/usr/sbin/server{n}" for n in range(12)]
    networks = [f"{chance.randrange(1, 224)}.{chance.randrange(256)}.{chance.randrange(256)}" for _ in range(400)]
    moment = _BEGIN
    for number in range(sys.maxsize):
        moment += timedelta(microseconds=chance.randrange(1, 100_000))
        user, job = jobs[min(int(chance.expovariate(0.02)), 2999)]
        inbound = chance.random() < 0.6
        near, far = chance.randrange(32768, 61000), chance.choice((443, 443, 443, 80, 22, 5432))
        rare = number % 300_000 == 150_000
        yield Entry(
            moment,
            "SK",
            "A" if inbound else "C",
            "*REJECTED" if chance.random() < 0.05 else "*ALLOWED",
            "*ACCEPT" if inbound else "*CONNECT",
            chance.choice((10, 20, 30, 99999)),
            3,
            "RARE" if rare else user,
            job,
            4000 + number % 300,
            chance.choice(programs),
            "*IPV6" if rare else "*IPV4",
            "10.0.0.5",
            443 if inbound else near,
            "2001:db8::77" if rare else f"{chance.choice(networks)}.{chance.randrange(256)}",
            near if inbound else 7 if rare else far,
            decision_us=chance.randrange(5, 60),
            guard_id="bench",
            guard_number=number,
        )


def keep_index(store: Store) -> None:
    """Make the index of every full block that has none, and of full groups, as the worker does."""
    grouping = Grouping(store)
    _index_blocks(store)
    while grouping.step(None):
        pass


def _index_blocks(store: Store) -> None:
    while True:
        with transaction(store) as session:
            block = missing_block(session, block_of(last_number(session) + 1))
            if block is None:
                return
            index_block(session, block)


def make(path: Path, count: int) -> None:
    """Make a journal."""
    store = open_store(f"sqlite:///{path}")
    source = islice(entries(), count)
    done = 0
    began = time.monotonic()
    while some := list(islice(source, _BATCH)):
        with transaction(store) as session:
            append(session, some)
        done += len(some)
        keep_index(store)
        if done % 500_000 == 0:
            print(f"{done} entries, {done / (time.monotonic() - began):.0f}/s", flush=True)
    store.close()


class _Bare:
    """A file with the table of the journal and nothing else, written to with nothing but sqlite3.

    The table is defined as in a store, rows and transactions are the same, and so are the settings of the connection.
    """

    def __init__(self, path: Path, table: str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for name, value in PRAGMAS.items():
            self._connection.execute(f"PRAGMA {name}={value}")
        self._connection.execute(table)
        self._insert = f"INSERT INTO journal_entry VALUES ({', '.join('?' * (len(FIELDS) + 1))})"

    def write(self, rows: list[tuple[object, ...]]) -> None:
        """Write rows in one transaction."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany(self._insert, rows)
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


class _Spent:
    """Time that is spent on something, transaction by transaction."""

    def __init__(self) -> None:
        self.clock: list[float] = []
        self.processor: list[float] = []

    def on(self, work: Callable[..., object], *args: object) -> None:
        """Do some work."""
        began, used = time.monotonic(), time.process_time()
        work(*args)
        self.processor.append(time.process_time() - used)
        self.clock.append(time.monotonic() - began)


def write(count: int) -> None:
    """Measure appending, and the index, against bare sqlite3, each transaction of one after one of the other."""
    source = entries()
    rounds = max(count // _BATCH, 2)
    ours, index, bare = _Spent(), _Spent(), _Spent()
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        store = open_store(f"sqlite:///{directory}/journal.db")
        stack.callback(store.close)
        reader = sqlite3.connect(f"{directory}/journal.db")
        stack.callback(reader.close)
        table = reader.execute("SELECT sql FROM sqlite_master WHERE name = 'journal_entry'").fetchone()[0]
        other = _Bare(Path(directory, "bare.db"), table)
        stack.callback(other.close)
        for number in range(rounds):
            ours.on(_append, store, list(islice(source, _BATCH)))
            index.on(keep_index, store)
            first = number * _BATCH
            rows = reader.execute("SELECT * FROM journal_entry WHERE sequence_number > ?", (first,)).fetchall()
            bare.on(other.write, rows)
    _print_write(rounds, ours, index, bare)


def _append(store: Store, batch: list[Entry]) -> None:
    with transaction(store) as session:
        append(session, batch)


def _print_write(rounds: int, ours: _Spent, index: _Spent, bare: _Spent) -> None:
    count = rounds * _BATCH
    for name, spent in (("bare sqlite3 executemany", bare), ("journal, chain and seal", ours)):
        print(f"{name:29} {_BATCH / statistics.median(spent.clock):9.0f} entries/s (median of {rounds} transactions)")
    both = sum(ours.clock) + sum(index.clock)
    print(f"journal with its index        {count / both:9.0f} entries/s, {sum(bare.clock) / both:.2f} of bare")
    for name, one, other in (("clock", bare.clock, ours.clock), ("processor time", bare.processor, ours.processor)):
        ratios = statistics.quantiles([mine / its for mine, its in zip(one, other, strict=True)], n=4)
        print(f"journal to bare, by {name:14} {ratios[1]:.2f} (median of the rounds; half of them {ratios[0]:.2f} to"
              f" {ratios[2]:.2f}), {sum(one) / sum(other):.2f} in all")  # fmt: skip
    for name, spent in (("append", ours), ("index", index), ("insert, bare", bare)):
        print(f"processor time to {name:13} {sum(spent.processor) / count * 1e6:9.2f} us/entry")


_SUBSETS: dict[str, JournalFilter] = {
    "nothing": JournalFilter(),
    "user": JournalFilter(user="USER07"),
    "rare user": JournalFilter(user="RARE"),
    "no such user": JournalFilter(user="NOBODY"),
    "generic user": JournalFilter(user="USER1*"),
    "entry type": JournalFilter(entry_type="JS"),
    "SK type": JournalFilter(sk_type="C"),
    "outcome": JournalFilter(outcome="*REJECTED"),
    "address": JournalFilter(address="2001:db8::77"),
    "prefix /8": JournalFilter(remote_address="23.0.0.0/8"),
    "prefix /12": JournalFilter(remote_address="172.16.0.0/12"),
    "prefix /64": JournalFilter(address="2001:db8::/64"),
    "generic address": JournalFilter(address="10.1*"),
    "port": JournalFilter(port=443),
    "rare port": JournalFilter(remote_port=7),
    "picked port": JournalFilter(port=40001),
    "job": JournalFilter(job="000100"),
    "rare job": JournalFilter(job="001200"),
    "generic job": JournalFilter(job="NGI*"),
    "program": JournalFilter(program="/usr/sbin/server1*"),
    "rule": JournalFilter(rule=20),
    "user and type": JournalFilter(user="USER07", sk_type="A"),
    "user and port that never meet": JournalFilter(user="RARE", remote_port=22),
    "type and port that never meet": JournalFilter(sk_type="A", local_port=40001),
    "type and dense port that never meet": JournalFilter(sk_type="C", local_port=443),
    "prefix and type that never meet": JournalFilter(local_address="10.0.0.0/8", exit_point="*LISTEN"),
    "prefix and user that never meet": JournalFilter(address="2001:db8::/32", user="USER07"),
    "prefix, rejected, user": JournalFilter(remote_address="0.0.0.0/1", outcome="*REJECTED", user="USER33"),
    "dense prefix and rare": JournalFilter(remote_address="128.0.0.0/1", user="RARE"),
}


def read(path: Path) -> None:
    """Measure every kind of page."""
    store = open_store(f"sqlite:///{path}", create=False)
    with reading(store) as session:
        last = last_number(session)
        final = page_before(session, None, limit=1)[0].entry_timestamp
    middle = _BEGIN + (final - _BEGIN) / 2
    subsets = dict(_SUBSETS)
    subsets["from a time"] = JournalFilter(from_time=middle)
    subsets["last ten minutes"] = JournalFilter(from_time=final - timedelta(minutes=10))
    subsets["one day, user"] = JournalFilter(from_time=middle, to_time=middle + timedelta(days=1), user="USER07")
    subsets["one day, nobody"] = JournalFilter(from_time=middle, to_time=middle + timedelta(days=1), user="NOBODY")
    most = [0.0, 0.0, 0.0]
    print(f"{'slowest of four looks, in ms':38}    from disk  new process  repeated")
    for name, only in subsets.items():
        disk, process, again = [], [], []
        for look in _looks(last):
            _forget(store, path, disk=True)
            disk.append(_page_ms(store, look, only))
            _forget(store, path, disk=False)
            process.append(_page_ms(store, look, only))
            again += [_page_ms(store, look, only) for _ in range(2)]
        found = [max(each) for each in (disk, process, again)]
        most = [max(each) for each in zip(most, found, strict=True)]
        print(f"{name:38} {found[0]:12.1f} {found[1]:12.1f} {found[2]:9.1f}", flush=True)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{f'any of {last} entries':38} {most[0]:12.1f} {most[1]:12.1f} {most[2]:9.1f}; most memory {memory:.0f} MiB")
    store.close()


def _forget(store: Store, path: Path, *, disk: bool) -> None:
    """Have nothing of the store in the memory of SQLite but what opening it brings there; nor in that of the system."""
    store.engine.dispose()
    gc.collect()  # what was thrown away here is no look's to clear up
    if disk:
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    with reading(store) as session:
        last_number(session)


def _looks(last: int) -> list[Callable[..., object]]:
    return [
        lambda session, only: page_before(session, None, limit=_PAGE, only=only),
        lambda session, only: page_before(session, last // 2, limit=_PAGE, only=only),
        lambda session, only: page_after(session, 0, limit=_PAGE, only=only),
        lambda session, only: page_after(session, last // 3, limit=_PAGE, only=only),
    ]


def _page_ms(store: Store, look: Callable[..., object], only: JournalFilter) -> float:
    began = time.monotonic()
    with reading(store) as session:
        look(session, only)
    return (time.monotonic() - began) * 1000


def check(path: Path) -> None:
    """Measure a verification, by the clock and by the processor time of all processes that take part."""
    store = open_store(f"sqlite:///{path}", create=False)
    for readers, name in ((None, "as many processes as processors"), (Nobody(), "one process")):
        before = os.times()
        with reading(store) as session:
            verdict = verify(session, readers=readers)
        after = os.times()
        used = sum(after[:4]) - sum(before[:4])
        print(f"{name}: {verdict}")
        print(f"  {verdict.entries / (after.elapsed - before.elapsed):.0f} entries/s by the clock,"
              f" {used / verdict.entries * 1e6:.1f} us of processor time an entry")  # fmt: skip
    store.close()


def delete(path: Path, seconds: float) -> None:
    """Delete the receiver with the most entries, and write new ones meanwhile, as the worker does."""
    store = open_store(f"sqlite:///{path}", create=False)
    with transaction(store) as session:
        change_receiver(session)
        detached = [each for each in list_receivers(session) if each.detached_at and not each.purged]
        receiver = max(detached, key=lambda each: each.last_sequence - each.first_sequence)
        if receiver.deleted_at is None:
            delete_receiver(session, receiver.name, unsaved=True, at=datetime.now(UTC))
        count = receiver.last_sequence - receiver.first_sequence + 1
    purging, grouping = Purging(store), Grouping(store)
    print(f"{receiver.name} has {count} entries")
    _wait_for("entries", store, purging.step, seconds)
    _wait_for("index", store, lambda: grouping.step(None), seconds)
    store.close()


def _wait_for(name: str, store: Store, step: Callable[[], bool], seconds: float) -> None:
    """Do steps, so long at most, and write entries after each."""
    source = entries(11)
    waits: list[float] = []
    held: list[float] = []
    used: list[float] = []
    began = time.monotonic()
    more = True
    while more and time.monotonic() < began + seconds:
        asked = time.monotonic()  # entries that come now wait for the step, and then for themselves
        worked = time.process_time()
        more = step()
        held.append((time.monotonic() - asked) * 1000)
        used.append((time.process_time() - worked) * 1000)
        with transaction(store) as session:
            append(session, list(islice(source, 200)))
        waits.append((time.monotonic() - asked) * 1000)
    print(
        f"{name}: {len(held)} steps in {time.monotonic() - began:.0f} s{', more to do' if more else ''}; a step took"
        f" {_spread(held)}, processor time {_spread(used)}; 200 new entries after each waited {_spread(waits)}"
    )


def _spread(values: list[float]) -> str:
    ordered = sorted(values)
    return (
        f"{statistics.median(ordered):.0f} ms (median), {ordered[int(len(ordered) * 0.99)]:.0f} (99 of 100),"
        f" {ordered[-1]:.0f} (most)"
    )


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description="Bench of a large journal")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("make", "read", "verify", "delete"):
        verbs.add_parser(verb).add_argument("path", type=Path)
    verbs.choices["make"].add_argument("entries", type=int)
    verbs.choices["delete"].add_argument("seconds", type=float, nargs="?", default=math.inf)
    verbs.add_parser("write").add_argument("entries", type=int, nargs="?", default=200_000)
    given = parser.parse_args()
    calm()
    match given.verb:
        case "make":
            make(given.path, given.entries)
        case "write":
            write(given.entries)
        case "read":
            read(given.path)
        case "verify":
            check(given.path)
        case "delete":
            delete(given.path, given.seconds)


if __name__ == "__main__":
    main()
