"""Displaying the journal."""

from __future__ import annotations

from datetime import UTC, datetime

from console.commands.execute import run_command
from console.commands.journal import journal_filter
from console.model.journal import JournalEntry
from console.store.journal import JournalFilter
from console.store.session import transaction


def entry(number, **fields):
    values = {
        "sequence_number": number,
        "entry_timestamp": datetime(2026, 3, 1, 12, 0, number, tzinfo=UTC),
        "receiver_name": "AUDRCV0001",
        "journal_code": "T",
        "entry_type": "SK",
        "sk_type": "C",
        "outcome": "*ALLOWED",
        "exit_point": "*CONNECT",
        "rule_sequence": 40,
        "revision": 1,
        "user_name": "ALICE",
        "qualified_job_name": "000001/ALICE/CURL",
        "pid": 4711,
        "program": "/usr/bin/curl",
        "address_family": "*IPV4",
        "local_address": "",
        "local_port": 0,
        "remote_address": "10.1.1.1",
        "remote_port": 443,
        "socks_server": "",
        "decision_us": 3,
        "text": "",
        "detail": "",
        "guard_id": "",
        "guard_number": 0,
        "chain_hash": "0" * 64,
    }
    return JournalEntry.model_validate(values | fields)


def write(context, *entries):
    with transaction(context.store) as session:
        session.add_all(entries)


def test_the_newest_entries_are_listed_oldest_first(context):
    write(context, *(entry(number) for number in range(1, 6)))
    result = run_command("DSPJRN NBRENT(2)", context)
    assert [line.split()[0] for line in result.lines] == ["Sequence", "4", "5"]
    assert "10.1.1.1:443" in result.lines[-1]
    assert result.panel == "DisplayJournal"


def test_entries_can_be_chosen(context):
    write(context, entry(1), entry(2, outcome="*REJECTED"), entry(3, user_name="BOB", outcome="*REJECTED"))
    result = run_command("DSPJRN QAUDJRN ENTTYP(SK) OUTCOME(*REJECTED) USRPRF(ALI*)", context)
    assert [line.split()[0] for line in result.lines[1:]] == ["2"]


def test_an_empty_journal_says_so(context):
    assert run_command("DSPJRN", context).lines[-1] == "(No journal entries)"


def test_all_means_no_restriction(context):
    values = run_command("DSPJRN", context).arguments
    assert journal_filter(values) == JournalFilter()


def test_why_a_call_was_refused_that_its_rule_allows_stands_beside_the_program(context):
    write(context, entry(1, outcome="*REJECTED", text="exit program 2: mine:ask answered '1'"))
    assert run_command("DSPJRN", context).lines[-1].endswith("/usr/bin/curl: exit program 2: mine:ask answered '1'")


def test_what_came_from_outside_cannot_draw(context):
    write(context, entry(1, program="/tmp/\x1b[31mred"))
    assert "\x1b" not in "".join(run_command("DSPJRN", context).lines)
