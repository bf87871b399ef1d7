"""Stores that older versions made: brought up with all that is in them."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from console.enforcement.journal_keeper import JournalKeeper
from console.journal.receivers import change_receiver, list_receivers
from console.journal.verify import verify
from console.journal.writer import append
from console.model.words import Action, ExitPoint, Mode, RawSockets, Udp
from console.store import schema
from console.store.engine import open_store
from console.store.exit_programs import list_exit_programs
from console.store.journal import JournalFilter, page_before
from console.store.messages import list_messages
from console.store.revisions import active_policy, count_changes, pending_policy
from console.store.session import reading, transaction
from console.store.settings import Settings, get_settings
from console.store.socks_entries import list_socks_entries
from console.store.sqlite import mark_file
from tests.factories import entry

RULE = {
    "user": "*ALL", "local_address": "*ANY", "local_port": "*ANY", "remote_address": "*ANY", "remote_port": "*ANY",
    "program": "*ANY", "action": "*ALLOW", "fail": "*EPERM", "audit": "*DFT", "message": "*NO", "active": "*YES",
    "text": "",
}  # fmt: skip
POINTS = ("*ACCEPT", "*CONNECT", "*LISTEN")


def tables(path, revision):
    """Make the tables as a version had them."""
    path.touch(mode=0o600)
    mark_file(path)
    engine = create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


@pytest.fixture
def first_store(tmp_path):
    """Return the URL of a store as version 0001 left it: one rule pending, and the revision it began with active."""
    path = tmp_path / "old.db"
    tables(path, "0001")
    defaults = [{"exit_point": point, "sequence": 99999, **RULE} for point in POINTS]
    document = {"modes": dict.fromkeys(POINTS, "*ENFORCE"), "rules": defaults, "services": {}}
    with sqlite3.connect(path) as old:
        for each in [*defaults, {"exit_point": "*CONNECT", "sequence": 10, **RULE, "action": "*REJECT"}]:
            names = ", ".join(f'"{name}"' for name in each)
            old.execute(f"INSERT INTO pending_rule ({names}) VALUES (:{', :'.join(each)})", each)
        old.executemany("INSERT INTO pending_exit_point VALUES (?, '*MONITOR')", [(point,) for point in POINTS])
        old.execute("INSERT INTO revision VALUES (1, '2026-03-01 12:00:00', 'QSYS', '', ?)", (json.dumps(document),))
        old.execute("INSERT INTO active_revision VALUES (1, 1)")
    old.close()
    return f"sqlite:///{path}"


def test_store_of_the_first_version_keeps_its_rules_and_has_the_settings_it_acted_by(first_store):
    store = open_store(first_store)
    with reading(store) as session:
        pending = pending_policy(session)
        assert [(rule.sequence, rule.action) for rule in pending.rules if rule.exit_point is ExitPoint.CONNECT] == [
            (10, Action.REJECT),
            (99999, Action.ALLOW),
        ]
        assert set(pending.modes.values()) == {Mode.MONITOR}
        assert get_settings(session) == Settings(Udp.IGNORE, RawSockets.REFUSE)
        assert list_exit_programs(session) == []
        assert list_socks_entries(session) == []
    store.close()


def test_revision_of_the_first_version_is_read_with_the_settings_it_acted_by(first_store):
    store = open_store(first_store)
    with reading(store) as session:
        number, policy = active_policy(session)
        assert (number, policy.udp, policy.raw_sockets, policy.exit_programs) == (1, "*IGNORE", "*REFUSE", ())
        assert policy.socks == ()
        assert count_changes(session) == 4
    store.close()


ENTRY_COLUMNS = (
    "sequence_number", "entry_timestamp", "receiver_name", "journal_code", "entry_type", "sk_type", "outcome",
    "exit_point", "rule_sequence", "revision", "user_name", "qualified_job_name", "pid", "program", "address_family",
    "local_address", "local_port", "remote_address", "remote_port", "socks_server", "decision_us", "text", "detail",
    "guard_id", "guard_number",
)  # fmt: skip


@pytest.fixture(params=["0001", "0004"])
def store_with_entries(request, first_store):
    """Return the URL of a store of an older version with 20,000 entries in its journal, chained as they were then."""
    path = Path(first_store.removeprefix("sqlite:///"))
    tables(path, request.param)
    rows, digest = [], bytes(32)
    for number in range(1, 20_001):
        second, micros = divmod(number * 1_234_567, 1_000_000)
        begun = 1_772_366_400 + second
        rest = ["AUDRCV0001", "T", "SK", "C", ["*ALLOWED", "*REJECTED"][number % 2], "*CONNECT", 99999, 1,
                f"USER{number % 7}", "000001/ALICE/CURL", 4711, "/usr/bin/curl", "*IPV4", "127.0.0.1", 40000,
                f"10.0.{number % 50}.1", 443, "", 7, "\u00e4", "", "ab" * 16, number]  # fmt: skip
        form = json.dumps([number, begun * 1_000_000 + micros, *rest], separators=(",", ":"), ensure_ascii=False)
        digest = blake2b(digest + form.encode(), digest_size=32, person=b"QAUDJRN").digest()
        moment = f"{datetime.fromtimestamp(begun, UTC):%Y-%m-%d %H:%M:%S}.{micros:06}"
        rows.append((number, moment, *rest, digest.hex()))
    with sqlite3.connect(path) as old:
        marks = ", ".join("?" * (len(ENTRY_COLUMNS) + 1))
        old.executemany(f"INSERT INTO journal_entry ({', '.join(ENTRY_COLUMNS)}, chain_hash) VALUES ({marks})", rows)
        receiver = ("AUDRCV0001", "2026-03-01 12:00:00.000000", None, 1, 20_000, digest.hex())
        names = "name, attached_at, detached_at, first_sequence, last_sequence, last_hash"
        old.execute(f"INSERT INTO receiver ({names}) VALUES (?, ?, ?, ?, ?, ?)", receiver)
    old.close()
    return first_store


def test_journal_of_an_older_version_is_whole_is_signed_as_it_is_found_and_goes_on(store_with_entries):
    store = open_store(store_with_entries)
    with reading(store) as session:
        assert verify(session).message_id == "GWL0610"  # nobody has signed it yet
    keeper = JournalKeeper(store, lambda: datetime(2026, 11, 1, tzinfo=UTC))
    keeper.begin()
    while keeper.step():
        pass
    with transaction(store) as session:
        append(session, [entry(user_name="LATER")])
        assert list_messages(session) == []
    with reading(store) as session:
        found = verify(session)
        assert (found.message_id, found.entries) == ("GWL0601", 20_001)
        (receiver,) = list_receivers(session)
        assert (receiver.name, receiver.last_sequence) == ("AUDRCV0001", 20_001)
        refused = page_before(session, None, limit=3, only=JournalFilter(user="USER3", outcome="*REJECTED"))
        assert [each.sequence_number for each in refused] == [19_967, 19_981, 19_995]
    with transaction(store) as session:
        change_receiver(session)
    with transaction(store) as session:
        session.connection().exec_driver_sql("UPDATE journal_entry SET pid = 1 WHERE sequence_number = 12345")
        assert verify(session).bad_entry == 12345
    store.close()
