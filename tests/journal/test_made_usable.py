"""No entry that somebody has written over ends what watches the journal, sends it on, indexes it or writes it out."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import pytest
from sqlalchemy import true

from console.alerts.reading import first_since, read_batch
from console.alerts.watcher import Watcher
from console.commands.definition import Context
from console.commands.execute import run_command
from console.commands.journal import entry_list
from console.journal.export import entries, origin
from console.journal.formats import audit_journal
from console.journal.forwarding.messages import message
from console.journal.interpret import groups
from console.journal.verify import verify
from console.journal.writer import append
from console.model.alerts import Alert
from console.model.forwarding import ForwardFormat
from console.model.words import SPECIAL_AUTHORITIES
from console.shell.show import Wanted, show
from console.store import alerts as kept
from console.store.journal import JournalFilter, get_entry, page_after, page_before
from console.store.journal_index import index_block, stored_postings
from console.store.journal_keys import IndexField, text_key
from console.store.made_usable import usable
from console.store.postings import unpack
from console.store.session import reading, transaction
from tests.alerts.rows import row
from tests.conftest import NOW
from tests.factories import entry

WRITTEN_OVER = {
    "a time that is none": "entry_timestamp = 'x'",
    "a time that is a number": "entry_timestamp = 5",
    "a time that is not UTF-8": "entry_timestamp = CAST(x'ff41' AS TEXT)",
    "a time in octets": "entry_timestamp = x'ff'",
    "a port in words": "remote_port = 'x'",
    "a port in octets": "local_port = x'ff'",
    "an address in octets": "remote_address = x'00ff'",
    "a user in octets": "user_name = x'ff00'",
    "a text that is not UTF-8": "text = CAST(x'ff41' AS TEXT)",
    "half a character": "program = CAST(x'eda080' AS TEXT)",
    "a rule in words": "rule_sequence = 'x'",
}


@pytest.fixture(params=WRITTEN_OVER.values(), ids=WRITTEN_OVER.keys())
def damaged(request, store, store_url, now):
    """Return a store whose third entry of five was written over."""
    alert = {"name": "ANY", "active": True, "condition": "local_port >= 0 AND user_name <> NOBODY", "per": "user_name",
             "threshold": 1, "within_s": 10, "clear_s": 20, "quiet_s": 60, "telling": "*EACH"}  # fmt: skip
    with transaction(store) as session:
        append(session, [entry(entry_timestamp=now) for _ in range(5)])
        kept.add_alert(session, Alert.model_validate(alert))
        kept.set_position(session, 0)
    with sqlite3.connect(store_url.removeprefix("sqlite:///")) as connection:
        connection.execute(f"UPDATE journal_entry SET {request.param} WHERE sequence_number = 3")
    connection.close()
    return store


def test_alerts_look_at_the_entries_behind_it(damaged, now):
    watcher = Watcher(damaged, lambda: now, "HERE")
    while watcher.step():
        pass
    with reading(damaged) as session:
        assert kept.position(session) == 5
        found = read_batch(session, 0, true())
        assert [each[0] for each in found.rows] == [1, 2, 3, 4, 5]
        assert first_since(session, now, 5) in (1, 4)


@pytest.mark.parametrize("form", list(ForwardFormat))
def test_it_is_sent_on_as_far_as_it_can_be(damaged, form):
    sent = [message(each, origin(), form, 8192) for each in entries(damaged)]
    assert len(sent) == 5


def test_it_is_exported_as_far_as_it_can_be(damaged):
    assert len([audit_journal.line(each, origin()) for each in entries(damaged)]) == 5


def test_its_block_gets_an_index_that_hides_no_other(damaged):
    with transaction(damaged) as session:
        index_block(session, 0)
    with reading(damaged) as session:
        index = {(field, key): unpack(bits) for field, key, bits in stored_postings(session, 0)}
    assert index[IndexField.ENTRY_TYPE, text_key("SK")] == 0b11111
    assert all(bits & 0b11011 in (0, 0b11011) for bits in index.values())


FILTERS = {
    "no filter": JournalFilter(),
    "a user": JournalFilter(user="A*"),
    "a network": JournalFilter(address="0.0.0.0/0"),
    "a part of a job": JournalFilter(job="ALI*"),
    "a time": JournalFilter(from_time=NOW - timedelta(days=400)),
}


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize("only", FILTERS.values(), ids=FILTERS)
def test_pages_with_it_show_the_others(damaged, only, indexed):
    if indexed:
        with transaction(damaged) as session:
            index_block(session, 0)
    with reading(damaged) as session:
        for page in (page_after(session, 0, limit=10, only=only), page_before(session, None, limit=10, only=only)):
            assert {1, 2, 4, 5} <= {entry.sequence_number for entry in page}
            assert [entry.outcome == "*DAMAGED" for entry in page] == [entry.sequence_number == 3 for entry in page]


def test_it_is_shown_as_damaged_with_what_is_left_of_it(damaged):
    with reading(damaged) as session:
        found = get_entry(session, 3)
        assert verify(session).bad_entry == 3
    assert (found.outcome, found.entry_type) == ("*DAMAGED", "SK")
    assert found.text.startswith("GWL062B This entry is damaged (")
    assert entry_list([found])
    assert groups(found)


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_greenwall_shows_it_with_the_others(damaged, capsys, options):
    show("journal", damaged, Wanted(as_json=bool(options)))
    assert len([line for line in capsys.readouterr().out.splitlines() if "SK" in line]) == 5


def test_it_is_printed_and_counted_with_the_others(damaged, tmp_path):
    every = frozenset(SPECIAL_AUTHORITIES)
    context = Context(damaged, "OPER", "000001/OPER/T", lambda: NOW, authorities=every, limited=False)
    run_command(f"DSPJRN OUTPUT(*PRINT) TOFILE('{tmp_path}/list')", context)
    assert sum(" SK" in line for line in (tmp_path / "list").read_text().splitlines()) == 5
    for form in ("*PRINT", "*CSV", "*HTML"):
        run_command(f"DSPAUDRPT BY(*ALL) OUTPUT({form}) TOFILE('{tmp_path}/{form[1:]}')", context)


def test_entry_that_is_as_it_should_be_is_left_alone():
    sound = row(1)
    assert next(usable([sound])) == sound
