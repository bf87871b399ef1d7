"""A journal damaged in every way by somebody without its key: it is always found, and never named too late."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError

from console.journal.chain import FIELDS, canonical, link
from console.journal.receivers import (
    attached_is_sound,
    change_receiver,
    delete_receiver,
    list_receivers,
    mark_saved,
    purge_some,
)
from console.journal.signer import read_head, write_head
from console.journal.spans import Stretches, look_at
from console.journal.stored import stored_receivers
from console.journal.verify import WHOLE, verify
from console.journal.writer import append
from console.messages import message
from console.model.journal import Checkpoint
from console.store.engine import open_store
from console.store.session import reading, transaction
from tests.campaign import examples
from tests.factories import entry

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
COLUMNS = (*FIELDS, "chain_hash")
RECEIVER = ("name", "attached_at", "detached_at", "first_sequence", "last_sequence", "last_hash", "before_hash",
            "size_bytes", "checkpoints", "saved_at", "deleted_at", "purged", "signature")  # fmt: skip
CHECKPOINT = ("number", "sequence_number", "chain_hash", "made_at", "signature")


def told(checkpoint):
    return checkpoint.number, checkpoint.sequence_number, checkpoint.chain_hash


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the path of a journal of four receivers, the second of them deleted, with a checkpoint each few rows."""
    path = tmp_path_factory.mktemp("damage") / "journal.db"
    store = open_store(f"sqlite:///{path}")
    minute = iter(range(1000))

    def clock():
        return START + timedelta(seconds=40 * next(minute))

    for part in range(4):
        for _ in range(3):
            with transaction(store) as session:
                made = [entry(guard_number=n, pid=part, text="Ä", remote_port=n) for n in range(3)]
                append(session, made, clock=clock)
        if part < 3:
            with transaction(store) as session:
                change_receiver(session, clock=clock)
    with transaction(store) as session:
        mark_saved(session, "AUDRCV0002", START)
        delete_receiver(session, "AUDRCV0002", unsaved=False, at=START)
    with transaction(store) as session:
        while purge_some(session):
            pass
    with reading(store) as session:
        head = session.get(
            Checkpoint, max(session.connection().exec_driver_sql("SELECT number FROM journal_checkpoint").scalars())
        )
        write_head(store.location, told(head))
        assert verify(session).message_id == WHOLE
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    return path


@pytest.fixture
def journal(whole):
    """Return a connection to the journal whose changes are seen by `verdict` and then undone."""
    store = open_store(f"sqlite:///{whole}")
    yield Damaged(store)
    store.close()


class InStretches:
    """Looks at stretches of so many entries, as other processes would."""

    def __init__(self, session, length):
        self.session, self.length = session, length

    def cut(self, first, last, receiver):
        return Stretches(first, last, receiver, self.length)

    def look(self, spans):
        yield from (look_at(self.session, span, index=False) for span in spans)


class Damaged:
    """A journal, and what becomes of it in a transaction that is rolled back."""

    def __init__(self, store):
        self.store = store

    def after(self, damage):
        with transaction(self.store) as session:
            changed = damage(session.connection().exec_driver_sql)
            found = verify(session)
            for length in (1, 2, 5):
                assert verify(session, readers=InStretches(session, length)) == found
            session.rollback()
        return found, changed


def numbers(run):
    return list(run("SELECT sequence_number FROM journal_entry ORDER BY 1").scalars())


def check(found, first):
    assert found.message_id != WHOLE
    assert found.bad_entry is not None
    assert found.bad_entry <= first
    message(found.message_id, **found.values())


VALUES = st.one_of(
    st.integers(-5, 200), st.text(max_size=5), st.binary(max_size=5), st.none(), st.floats(allow_nan=False),
    st.integers(2**62 - 5, 2**62 + 5), st.integers(2**63 - 3, 2**63 - 1),
    st.sampled_from(["AUDRCV0001", "AUDRCV0003", "*ALLOWED", "2026-03-01 12:00:00.000000", "0" * 64, "0" * 128]),
)  # fmt: skip
SETTINGS = settings(
    max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def changed_value(run, table, key, place, column, value):
    """Change one value of one row, if that is possible; return that row's key."""
    keys = list(run(f"SELECT {key} FROM {table} ORDER BY {key}").scalars())
    where = keys[place % len(keys)]
    try:
        run(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (value, where))
    except DBAPIError:  # no such value in this column
        assume(False)
    return where


def rows_of(run, table):
    names = [row[1] for row in run(f"PRAGMA table_info({table})").all()]
    quoted = ", ".join(f"quote({name})" for name in names)
    return run(f"SELECT {quoted} FROM {table} ORDER BY 1").all()


@SETTINGS
@given(place=st.integers(0, 100), column=st.sampled_from(COLUMNS), value=VALUES)
def test_changed_entry_is_found_and_named(journal, place, column, value):
    def damage(run):
        before = rows_of(run, "journal_entry")
        where = changed_value(run, "journal_entry", "sequence_number", place, column, value)
        assume(before != rows_of(run, "journal_entry"))
        return where

    found, where = journal.after(damage)
    check(found, where)
    if column != "sequence_number":
        assert found.bad_entry == where


@SETTINGS
@given(place=st.integers(0, 100), count=st.integers(1, 5))
def test_removed_entries_are_found_and_named(journal, place, count):
    def damage(run):
        there = numbers(run)
        gone = there[place % len(there) :][:count]
        run(f"DELETE FROM journal_entry WHERE sequence_number BETWEEN {gone[0]} AND {gone[-1]}")
        return gone[0]

    found, first = journal.after(damage)
    assert (found.bad_entry, found.message_id) == (first, "GWL0602")


@SETTINGS
@given(first=st.integers(0, 100), second=st.integers(0, 100))
def test_swapped_entries_are_found_and_named(journal, first, second):
    def damage(run):
        there = numbers(run)
        one, two = sorted((there[first % len(there)], there[second % len(there)]))
        assume(one != two)
        for old, new in ((one, -1), (two, one), (-1, two)):
            run(f"UPDATE journal_entry SET sequence_number = {new} WHERE sequence_number = {old}")
        return one

    found, first_number = journal.after(damage)
    assert found.bad_entry == first_number


@SETTINGS
@given(place=st.integers(0, 100), where=st.sampled_from(["in the hole", "at the end", "before the first", "doubled"]))
def test_inserted_entry_is_found(journal, place, where):
    def damage(run):
        there = numbers(run)
        model = there[place % len(there)]
        hole = next(number for number in range(1, there[-1]) if number not in there)
        new = {"in the hole": hole, "at the end": there[-1] + 1, "before the first": 0, "doubled": model}[where]
        if where == "doubled":  # all after it moved up by one, as an honest writer would have numbered them
            later = [number for number in there if number > model]
            for number in reversed(later):
                run(f"UPDATE journal_entry SET sequence_number = {number + 1} WHERE sequence_number = {number}")
            new = model + 1
        rest = ", ".join(COLUMNS[1:])
        run(f"INSERT INTO journal_entry SELECT {new}, {rest} FROM journal_entry WHERE sequence_number = {model}")
        return max(new, 1)

    found, first = journal.after(damage)
    check(found, first)


@SETTINGS
@given(place=st.integers(0, 10), column=st.sampled_from(RECEIVER), value=VALUES)
def test_changed_receiver_is_found(journal, place, column, value):
    def damage(run):
        before = rows_of(run, "receiver")
        changed_value(run, "receiver", "name", place, column, value)
        assume(before != rows_of(run, "receiver"))

    found, _ = journal.after(damage)
    check(found, 1000)


@SETTINGS
@given(place=st.integers(0, 10))
def test_removed_receiver_is_found(journal, place):
    def damage(run):
        names = list(run("SELECT name FROM receiver ORDER BY name").scalars())
        run(f"DELETE FROM receiver WHERE name = '{names[place % len(names)]}'")

    check(journal.after(damage)[0], 1000)


@SETTINGS
@given(place=st.integers(0, 100), column=st.sampled_from(CHECKPOINT), value=VALUES)
def test_changed_checkpoint_is_found(journal, place, column, value):
    def damage(run):
        before = rows_of(run, "journal_checkpoint")
        changed_value(run, "journal_checkpoint", "number", place, column, value)
        assume(before != rows_of(run, "journal_checkpoint"))

    check(journal.after(damage)[0], 1000)


@SETTINGS
@given(place=st.integers(0, 100))
def test_removed_checkpoint_is_found(journal, place):
    def damage(run):
        there = list(run("SELECT number FROM journal_checkpoint").scalars())
        run(f"DELETE FROM journal_checkpoint WHERE number = {there[place % len(there)]}")

    check(journal.after(damage)[0], 1000)


def rehash(run, first):
    """Compute the chain anew from an entry on, with all that follows from it but the signatures."""
    rows = run("SELECT * FROM journal_entry ORDER BY 1").all()
    digest = None
    for row in rows:
        number, moment, *rest, found = row
        if number >= first and digest is not None:
            since = datetime.fromisoformat(moment) - datetime(1970, 1, 1)  # noqa: DTZ001
            form = canonical((number, since // timedelta(microseconds=1), *rest))
            found = link(digest, form).hex()
            run("UPDATE journal_entry SET chain_hash = ? WHERE sequence_number = ?", (found, number))
            run("UPDATE journal_checkpoint SET chain_hash = ? WHERE sequence_number = ?", (found, number))
            run("UPDATE receiver SET last_hash = ? WHERE last_sequence = ?", (found, number))
            run("UPDATE receiver SET before_hash = ? WHERE first_sequence = ? + 1", (found, number))
        digest = bytes.fromhex(found)


@SETTINGS
@given(place=st.integers(0, 100))
def test_chain_computed_anew_without_the_key_is_found(journal, place):
    def damage(run):
        there = numbers(run)[1:]
        number = there[place % len(there)]
        run(f"UPDATE journal_entry SET user_name = 'MALLORY' WHERE sequence_number = {number}")
        rehash(run, number)
        return number

    found, number = journal.after(damage)
    check(found, number)
    assert number - found.bad_entry < 12  # from the last checkpoint before it on nothing is vouched for


@SETTINGS
@given(keep=st.integers(0, 60))
def test_tail_cut_off_with_all_that_tells_of_it_is_found(journal, keep):
    def damage(run):
        there = numbers(run)
        assume(keep < len(there) - 1)
        last = there[keep]
        digest = run(f"SELECT chain_hash FROM journal_entry WHERE sequence_number = {last}").scalar()
        run(f"DELETE FROM journal_entry WHERE sequence_number > {last}")
        run(f"DELETE FROM journal_checkpoint WHERE sequence_number > {last}")
        run(f"DELETE FROM receiver WHERE first_sequence > {last}")
        count = run("SELECT count(*) FROM journal_checkpoint").scalar()
        run("UPDATE receiver SET (last_sequence, last_hash, detached_at, checkpoints) = (?, ?, NULL, ?)"
            " WHERE name = (SELECT max(name) FROM receiver)", (last, digest, count))  # fmt: skip
        return last + 1

    found, first = journal.after(damage)
    check(found, first)


def test_store_put_back_whole_is_found_by_the_file_beside_it(tmp_path):
    url = f"sqlite:///{tmp_path}/journal.db"
    store = open_store(url)
    times = iter((START, START + timedelta(minutes=2)))
    with transaction(store) as session:
        append(session, [entry()], clock=lambda: next(times))
    with sqlite3.connect(tmp_path / "journal.db") as before, sqlite3.connect(tmp_path / "copy.db") as copy:
        before.backup(copy)
    with transaction(store) as session:
        append(session, [entry()], clock=lambda: next(times))
        write_head(store.location, told(session.get(Checkpoint, 2)))
    assert read_head(store.location)[:2] == (2, 2)
    store.close()
    before.close()
    copy.close()
    for name in ("journal.db-wal", "journal.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / "copy.db").rename(tmp_path / "journal.db")
    store = open_store(url)
    with reading(store) as session:
        found = verify(session)
    store.close()
    assert (found.bad_entry, found.message_id) == (2, "GWL0609")
    assert message(found.message_id, **found.values())


def test_journal_without_its_key_is_not_called_good(store):
    with transaction(store) as session:
        append(session, [entry()])
    store.location.journal_key.unlink()
    with reading(store) as session:
        found = verify(session)
    assert found.message_id == "GWL0610"
    assert message(found.message_id, **found.values())


@pytest.mark.parametrize("column", ["text", "entry_timestamp", "user_name", "chain_hash"])
def test_text_that_is_none_is_found_and_named(journal, column):
    def damage(run):
        run(f"UPDATE journal_entry SET {column} = CAST(x'80' AS TEXT) WHERE sequence_number = 5")

    found, _ = journal.after(damage)
    assert (found.entries, found.bad_entry, found.message_id) == (4, 5, "GWL0603")


def test_octets_that_hash_as_the_text_they_stand_for_are_found(journal):
    def damage(run):  # "Ä" is no base64: the program name is
        run("UPDATE journal_entry SET program = 'YWJj' WHERE sequence_number = 36")
        rehash(run, 36)
        run("UPDATE journal_entry SET program = x'616263' WHERE sequence_number = 36")

    found, _ = journal.after(damage)
    assert (found.bad_entry, found.message_id) == (36, "GWL0603")


def test_key_is_its_owners_and_another_key_vouches_for_nothing(store):
    with transaction(store) as session:
        append(session, [entry()])
    key = store.location.journal_key
    assert key.stat().st_mode & 0o777 == 0o600
    text = key.read_text()
    key.unlink()
    with transaction(store) as session:
        append(session, [entry()])
    assert key.read_text() != text
    with reading(store) as session:
        assert verify(session).message_id == "GWL062A"


def test_what_somebody_without_the_key_has_written_is_never_signed_later(store, now):
    with transaction(store) as session:
        append(session, [entry(guard_number=number) for number in range(9)])
        write_head(store.location, told(session.get(Checkpoint, 1)))
    for blank in (False, True):
        with transaction(store) as session:
            run = session.connection().exec_driver_sql
            run("UPDATE journal_entry SET user_name = 'MALLORY' WHERE sequence_number = 4")
            rehash(run, 4)
            if blank:
                run("UPDATE receiver SET signature = ''")
                run("DELETE FROM journal_checkpoint")
        with transaction(store) as session:
            assert not attached_is_sound(session)
            append(session, [entry()])
            change_receiver(session, clock=lambda: now)
            for each in list_receivers(session)[:-1]:
                mark_saved(session, each.name, now)
        with transaction(store) as session:
            assert attached_is_sound(session)
            found = verify(session)
            assert found.message_id != WHOLE
            assert found.bad_entry <= 4


def same_time_in_other_forms(text):
    moment = datetime.fromisoformat(text)
    year, week, day = moment.isocalendar()
    later = moment + timedelta(hours=2)
    return [
        text.replace(" ", "T"), text.replace(".", ","), text + "0", f"{moment:%Y%m%dT%H%M%S.%f}", text + "+00:00",
        f"{year}-W{week:02}-{day}T{moment:%H:%M:%S.%f}", f"{later}.000000+02:00", f"{later:%Y-%m-%dT%H:%M}+02.000000",
        "".join(chr(0x660 + int(each)) if each.isdigit() else each for each in text),
    ]  # fmt: skip


TIMES = [("journal_entry", "sequence_number", "entry_timestamp"), ("journal_checkpoint", "number", "made_at"),
         ("receiver", "name", "attached_at"), ("receiver", "name", "detached_at"), ("receiver", "name", "saved_at"),
         ("receiver", "name", "deleted_at")]  # fmt: skip


@pytest.mark.parametrize(("table", "key", "column"), TIMES)
def test_same_time_in_another_form_is_not_what_was_written(journal, table, key, column):
    for form in range(len(same_time_in_other_forms("2026-03-01 12:00:00.000000"))):

        def damage(run, form=form):
            row = f"SELECT {key}, {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY 1"
            where, text = run(row).all()[-1]
            run(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (same_time_in_other_forms(text)[form], where))
            return where

        found, where = journal.after(damage)
        check(found, 1000)
        if table == "journal_entry":
            assert (found.bad_entry, found.message_id) == (where, "GWL0603")


@pytest.mark.parametrize("value", ["0001-01-01 00:00:00.000000+23:59", "9999-12-31 23:59:59.000000-23:59"])
@pytest.mark.parametrize(("table", "key", "column"), TIMES)
def test_time_out_of_range_is_found(journal, table, key, column, value):
    found, _ = journal.after(lambda run: run(f"UPDATE {table} SET {column} = ?", (value,)))
    check(found, 1000)


def test_checkpoint_that_is_made_while_the_journal_is_verified_is_not_missed(store, monkeypatch):
    def write(at):
        with transaction(store) as session:
            append(session, [entry()], clock=lambda: at)
        with reading(store) as session:
            number = max(session.connection().exec_driver_sql("SELECT number FROM journal_checkpoint").scalars())
            write_head(store.location, told(session.get(Checkpoint, number)))

    def and_then_one_more(session):
        found = stored_receivers(session)
        write(START + timedelta(minutes=2))
        return found

    write(START)
    monkeypatch.setattr("console.journal.verify.stored_receivers", and_then_one_more)
    with reading(store) as session:
        assert verify(session).message_id == WHOLE
    assert read_head(store.location)[:2] == (2, 2)
