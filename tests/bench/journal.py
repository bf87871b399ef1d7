"""A large journal: made, written at full speed, read.

    python -m tests.bench.journal make STORE-FILE ENTRIES      a journal of that many entries, with its index
    python -m tests.bench.journal write [ENTRIES]              entries a second, against bare sqlite3
    python -m tests.bench.journal read STORE-FILE              every kind of page and subset, seen first and again
    python -m tests.bench.journal verify STORE-FILE            entries a second of a verification
    python -m tests.bench.journal delete STORE-FILE            deletes all of it while entries come, and how they wait

The entries are those of a busy server: 5 in 100 are rejected, 40 users, 3,000 jobs of which some are busy, clients from
a few hundred networks, ports that the system picks, and now and then something rare.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from console.collector import calm
from console.journal.chain import FIELDS
from console.journal.entries import Entry
from console.journal.grouping import Grouping
from console.journal.receivers import change_receiver, delete_receiver, purge_some
from console.journal.spans import Nobody
from console.journal.verify import verify
from console.journal.writer import append
from console.store.engine import Store, open_store
from console.store.journal import JournalFilter, last_number, page_after, page_before
from console.store.journal_index import index_block, missing_block
from console.store.journal_postings import block_of
from console.store.session import reading, transaction

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


def write(count: int) -> None:
    """Measure appending, with and without the index, against bare sqlite3 with the same rows and settings."""
    made = list(islice(entries(), count))
    batches = [made[at : at + _BATCH] for at in range(0, count, _BATCH)]
    with tempfile.TemporaryDirectory() as directory:
        store = open_store(f"sqlite:///{directory}/journal.db")
        cpu = {}
        began, used = time.monotonic(), time.process_time()
        for batch in batches:
            with transaction(store) as session:
                append(session, batch)
        ours = count / (time.monotonic() - began)
        cpu["append"] = time.process_time() - used
        began, used = time.monotonic(), time.process_time()
        keep_index(store)
        indexing = time.monotonic() - began
        cpu["index"] = time.process_time() - used
        with sqlite3.connect(f"{directory}/journal.db") as connection:
            rows = connection.execute("SELECT * FROM journal_entry").fetchall()
        connection.close()
        store.close()
        used = time.process_time()
        bare = count / _bare(f"{directory}/bare.db", rows)
        cpu["insert, bare"] = time.process_time() - used
    both = count / (count / ours + indexing)
    print(f"bare sqlite3 executemany      {bare:9.0f} entries/s")
    print(f"journal, chain and seal       {ours:9.0f} entries/s, {ours / bare:.2f} of bare")
    print(f"journal with its index        {both:9.0f} entries/s, {both / bare:.2f} of bare")
    for name, seconds in cpu.items():
        print(f"processor time to {name:13} {seconds / count * 1e6:9.2f} us/entry")


def _bare(path: str, rows: list[tuple[object, ...]]) -> float:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=wal", "synchronous=2"):
        connection.execute(f"PRAGMA {pragma}")
    columns = ", ".join((*FIELDS, "chain_hash"))
    connection.execute(
        f"CREATE TABLE journal_entry ({columns.replace('sequence_number', 'sequence_number INTEGER PRIMARY KEY')})"
    )
    insert = f"INSERT INTO journal_entry VALUES ({', '.join('?' * (len(FIELDS) + 1))})"
    began = time.monotonic()
    for at in range(0, len(rows), _BATCH):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(insert, rows[at : at + _BATCH])
        connection.execute("COMMIT")
    taken = time.monotonic() - began
    connection.close()
    return taken


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
    first, again = 0.0, 0.0
    for name, only in subsets.items():
        cold, warm = [], []
        for look in _looks(last):
            _forget(store, path)
            cold.append(_page_ms(store, look, only))
            warm += [_page_ms(store, look, only) for _ in range(2)]
        first, again = max(first, *cold), max(again, *warm)
        print(f"{name:38} median {statistics.median(cold + warm):7.1f} ms, slowest first look {max(cold):7.1f} ms,"
              f" slowest repeated {max(warm):7.1f} ms", flush=True)  # fmt: skip
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{last} entries; slowest first look {first:.1f} ms, slowest repeated {again:.1f} ms; most memory"
          f" {memory:.0f} MiB")  # fmt: skip
    store.close()


def _forget(store: Store, path: Path) -> None:
    """Have nothing of the store in memory but what opening it brings there: neither SQLite's nor the system's."""
    store.engine.dispose()
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


def delete(path: Path) -> None:
    """Delete the attached receiver, after another was attached, and write entries meanwhile, as the worker does."""
    store = open_store(f"sqlite:///{path}", create=False)
    with transaction(store) as session:
        old, _ = change_receiver(session)
        receiver = delete_receiver(session, old, unsaved=True, at=datetime.now(UTC))
        count = receiver.last_sequence - receiver.first_sequence + 1
    source = entries(11)
    waits: list[float] = []
    held: list[float] = []
    used: list[float] = []
    began = time.monotonic()
    more = True
    while more:
        asked = time.monotonic()  # entries that come now wait for the step, and then for themselves
        worked = time.process_time()
        with transaction(store) as session:
            more = purge_some(session)
        held.append((time.monotonic() - asked) * 1000)
        used.append((time.process_time() - worked) * 1000)
        with transaction(store) as session:
            append(session, list(islice(source, 200)))
        waits.append((time.monotonic() - asked) * 1000)
    waits.sort()
    print(
        f"{count} entries deleted in {time.monotonic() - began:.0f} s; 200 new ones after each of {len(waits)} steps"
        f" waited {statistics.median(waits):.0f} ms (median), {waits[int(len(waits) * 0.99)]:.0f} ms (99 of 100),"
        f" {waits[-1]:.0f} ms (longest); a step held up other writers {statistics.median(held):.0f} ms (median),"
        f" {sorted(held)[int(len(held) * 0.99)]:.0f} ms (99 of 100), {max(held):.0f} ms at most, of which its own work"
        f" was {max(used):.0f} ms at most"
    )
    store.close()


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description="Bench of a large journal")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("make", "read", "verify", "delete"):
        verbs.add_parser(verb).add_argument("path", type=Path)
    verbs.choices["make"].add_argument("entries", type=int)
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
            delete(given.path)


if __name__ == "__main__":
    main()
