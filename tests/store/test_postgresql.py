"""A store in a PostgreSQL database, on a server of its own that the tests start: what is written differently for it.

DATABASE_URL names another server, such as ``postgresql+psycopg://user@host/postgres``; each test makes a database
there.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from console.enforcement.journal_keeper import JournalKeeper
from console.errors import StoreError
from console.journal.export import entries
from console.journal.grouping import Grouping
from console.journal.receivers import change_receiver, delete_receiver, list_receivers
from console.journal.verify import verify
from console.journal.writer import append
from console.messages import message
from console.store import url as store_urls
from console.store.engine import open_store
from console.store.journal import JournalFilter, page_before
from console.store.journal_index import index_block, known_blocks
from console.store.messages import list_messages, send
from console.store.postings import BLOCK
from console.store.revisions import activate, active_number
from console.store.session import reading, transaction
from tests.conftest import NOW
from tests.factories import entry

psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'greenwall[postgresql]'")

_USER = "postgres"
"""Debian's, as whom the server runs where the tests run as root: it refuses that."""


@pytest.fixture(scope="session")
def server():
    """Return the URL of a server; started on a Unix socket of its own, and stopped at the end."""
    if given := os.environ.get("DATABASE_URL"):
        yield make_url(given)
        return
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not found:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    become = ["runuser", "-u", _USER, "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="greenwall-", ignore_cleanup_errors=True) as name:
        if become:
            subprocess.run(["chown", _USER, name], check=True)
        control = [*become, str(found[-1]), "-D", f"{name}/data", "-s"]
        options = f"-c listen_addresses= -c unix_socket_directories={name} -c fsync=off"
        subprocess.run([*control, "initdb", "-o", "-A trust -U greenwall --no-sync -E UTF8"], check=True, cwd="/")
        subprocess.run([*control, "-w", "-l", f"{name}/log", "-o", options, "start"], check=True, cwd="/")
        try:
            yield make_url("postgresql+psycopg://greenwall@/postgres").update_query_dict({"host": name})
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, cwd="/")


@pytest.fixture
def store_url(server, tmp_path, monkeypatch):
    monkeypatch.setattr(store_urls, "state_directory", lambda: tmp_path / "state")
    name = f"greenwall_{uuid.uuid4().hex}"
    plain = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield server.set(database=name).render_as_string(hide_password=False)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def store(store_url):
    opened = open_store(store_url)
    assert opened.engine.dialect.name == "postgresql"
    yield opened
    opened.close()


def write(store, count, **fields):
    with transaction(store) as session:
        return append(session, [entry(**fields)] * count)


def test_journal_is_written_indexed_verified_read_and_exported(store):
    write(store, BLOCK, user_name="BOB")
    write(store, 3, remote_address="10.1.2.3", text="\u00e4")
    keeper = JournalKeeper(store, lambda: NOW)
    while keeper.step():
        pass
    with reading(store) as session:
        assert (verify(session).message_id, verify(session).entries) == ("GWL0601", BLOCK + 3)
        shown = page_before(session, None, limit=9, only=JournalFilter(remote_address="10.0.0.0/8"))
        assert [each.sequence_number for each in shown] == [BLOCK + 1, BLOCK + 2, BLOCK + 3]
        shown = page_before(session, None, limit=9, only=JournalFilter(user="BO*", to_time=NOW + timedelta(days=1)))
        assert [each.sequence_number for each in shown] == list(range(BLOCK - 8, BLOCK + 1))
    assert len(list(entries(store))) == BLOCK + 3


def test_blocks_are_brought_together_read_verified_and_cleared(store):
    write(store, 2 * BLOCK - 5, user_name="BOB")
    write(store, 5, user_name="BOBBY", remote_address="10.1.2.3")
    with transaction(store) as session:
        for block in range(2):
            index_block(session, block)
    grouping = Grouping(store, least=2)
    while grouping.step(None):
        pass
    with reading(store) as session:
        assert [each.grouped for each in known_blocks(session, range(2)).values()] == [True, True]
        assert (verify(session).message_id, verify(session).hidden) == ("GWL0601", ())
        for only in (JournalFilter(user="BOBB*"), JournalFilter(remote_address="10.0.0.0/8", user="BOBBY")):
            assert len(page_before(session, None, limit=9, only=only)) == 5
    with transaction(store) as session:
        session.connection().exec_driver_sql("DELETE FROM journal_group WHERE field = 6")
    with reading(store) as session:
        assert verify(session).hidden == (0, 1)
    with transaction(store) as session:
        session.connection().exec_driver_sql("DELETE FROM journal_entry")
    grouping.begin_anew()
    while grouping.step(None):
        pass
    with reading(store) as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM journal_group").scalar_one() == 0


def test_receivers_are_changed_and_deleted_bit_by_bit(store):
    write(store, 3000)
    with transaction(store) as session:
        old, new = change_receiver(session)
        delete_receiver(session, old, unsaved=True, at=NOW)
    keeper = JournalKeeper(store, lambda: NOW)
    while keeper.step():
        pass
    with reading(store) as session:
        assert [(each.name, each.purged) for each in list_receivers(session)] == [(old, True), (new, False)]
        assert verify(session).bad_entry is None


@pytest.mark.parametrize(
    "damage",
    ["DELETE FROM receiver", "UPDATE journal_entry SET pid = 1 WHERE sequence_number = 2",
     "DELETE FROM journal_entry WHERE sequence_number = 2", "UPDATE receiver SET size_bytes = 7"],
)  # fmt: skip
def test_damage_is_found_and_entries_go_on(store, damage):
    write(store, 3)
    with transaction(store) as session:
        session.connection().exec_driver_sql(damage)
    write(store, 1, text="later")
    with reading(store) as session:
        assert verify(session).bad_entry is not None
        assert page_before(session, None, limit=1)[0].text == "later"


def test_reader_sees_one_state_from_beginning_to_end(store):
    with reading(store) as session:
        assert active_number(session) == 1
        with transaction(store) as other:
            activate(other, services={}, user="OPER", at=NOW)
        assert active_number(session) == 1
    with reading(store) as session:
        assert active_number(session) == 2


def test_two_that_write_at_once_write_one_after_the_other(store, store_url):
    def many():
        own = open_store(store_url)
        for _ in range(20):
            with transaction(own) as session:
                append(session, [entry()])
        own.close()

    threads = [threading.Thread(target=many) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(store) as session:
        assert (verify(session).bad_entry, verify(session).entries) == (None, 60)


def test_writer_that_holds_the_store_is_said_to_use_it(store, store_url, monkeypatch):
    monkeypatch.setattr("console.store.session._LONGEST_WAIT_MS", 50)
    with transaction(store) as session:
        send(session, message("GWL0601", entries=1), at=NOW)
        other = open_store(store_url)
        with pytest.raises(StoreError) as raised, transaction(other):
            pass
        other.close()
    assert raised.value.message_id == "GWL0311"
    with reading(store) as session:
        assert len(list_messages(session)) == 1
