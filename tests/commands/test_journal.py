"""Displaying the journal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from console.commands.execute import run_command
from console.commands.journal_subset import journal_filter
from console.errors import CommandError, ConsoleError
from console.model.journal import JournalEntry
from console.store.journal import JournalFilter
from console.store.session import transaction

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


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
    assert journal_filter(context, values) == JournalFilter()


def test_why_a_call_was_refused_that_its_rule_allows_stands_beside_the_program(context):
    write(context, entry(1, outcome="*REJECTED", text="exit program 2: mine:ask answered '1'"))
    assert run_command("DSPJRN", context).lines[-1].endswith("/usr/bin/curl: exit program 2: mine:ask answered '1'")


def test_what_came_from_outside_cannot_draw(context):
    write(context, entry(1, program="/tmp/\x1b[31mred"))
    assert "\x1b" not in "".join(run_command("DSPJRN", context).lines)


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ("ENTTYP(GR CD)", {"entry_type": "GR CD"}),
        ("SKTYPE(A)", {"sk_type": "A"}),
        ("PGM('/usr/sbin/*')", {"program": "/usr/sbin/*"}),
        ("RMTADR('10.0.0.0/8')", {"remote_address": "10.0.0.0/8"}),
        ("RMTADR(10.1.*)", {"remote_address": "10.1.*"}),
        ("RMTADR('2001:DB8::1')", {"remote_address": "2001:db8::1"}),
        ("LCLADR(127.0.0.1) LCLPORT(80)", {"local_address": "127.0.0.1", "local_port": 80}),
        ("IPADR('10.0.0.0/8') PORT(ssh)", {"address": "10.0.0.0/8", "port": 22}),
        ("RMTPORT(https)", {"remote_port": 443}),
        ("SEQNBR(40)", {"rule": 40}),
        ("SEQNBR(*DFT)", {"rule": 99999}),
        ("FROMENTLRG(5) TOENTLRG(9)", {"from_number": 5, "to_number": 9}),
        ("RCVRNG(*CURRENT)", {"from_number": 1}),
        ("RCVRNG(AUDRCV0001 *CURRENT) FROMENTLRG(7)", {"from_number": 7}),
        ("RMTADR(*ANY)", {}),
    ],
)
def test_each_keyword_restricts_what_it_names(context, given, fields):
    values = run_command(f"DSPJRN {given}", context).arguments
    assert journal_filter(context, values) == replace(JournalFilter(), **fields)


def test_times_are_reckoned_from_now(context):
    values = run_command("DSPJRN FROMTIME(*LAST 30) TOTIME(*TODAY)", context).arguments
    assert values["FROMTIME"] == "*LAST 30 *MINUTES"
    only = journal_filter(context, values)
    assert only.from_time == context.clock() - timedelta(minutes=30)
    assert only.to_time.astimezone().time().isoformat() == "23:59:59.999999"


def test_a_receiver_that_was_detached_ends_with_its_last_entry(context):
    from console.model.journal import Receiver
    from console.store.journal import attached_receiver

    with transaction(context.store) as session:
        first = attached_receiver(session)
        first.detached_at, first.last_sequence = datetime(2026, 3, 1, tzinfo=UTC), 20
        session.add(first)
        session.flush()
        session.add(
            Receiver(name="AUDRCV0002", attached_at=first.detached_at, first_sequence=21, last_sequence=20,
                     last_hash="0" * 64)
        )  # fmt: skip
    spans = {
        given: (only.from_number, only.to_number)
        for given in ("AUDRCV0001", "AUDRCV0002", "AUDRCV0001 AUDRCV0002", "*CURRENT")
        if (only := journal_filter(context, {"RCVRNG": given}))
    }
    assert spans == {
        "AUDRCV0001": (1, 20), "AUDRCV0002": (21, None), "AUDRCV0001 AUDRCV0002": (1, None), "*CURRENT": (21, None),
    }  # fmt: skip
    with pytest.raises(CommandError) as refused:
        journal_filter(context, {"RCVRNG": "AUDRCV0009"})
    assert refused.value.message_id == "GWL0631"


@pytest.mark.parametrize(
    "given",
    ["ENTTYP(XX)", "ENTTYP(*ALL SK)", "RMTADR(10.0.0.1-10.0.0.9)", "RMTADR(nonsense)", "RMTPORT(0)", "RMTPORT(65536)",
     "RMTPORT(nosuchservice)", "FROMTIME(LUNCH)", "FROMENTLRG(0)", "RCVRNG(A B C)", "RCVRNG(*CURRENT AUDRCV0001)",
     "PGM(relative)", "TOFILE('/tmp/')", "OUTPUT(*OUTFILE)"],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_refused(context, given):
    with pytest.raises(ConsoleError):
        run_command(f"DSPJRN {given}", context)


def test_what_was_asked_for_can_be_asked_for_again(context):
    from console.commands.language import parse, render
    from console.commands.registry import COMMANDS

    text = "DSPJRN FROMTIME('2026-03-01 14:30') ENTTYP(SK GR) RMTADR('10.0.0.0/8') PGM('/a b') RCVRNG(A1 *CURRENT)"
    parsed = parse(text, COMMANDS)
    assert parse(render(parsed.cls, parsed.values), COMMANDS).values == parsed.values


def test_the_console_is_not_made_to_wait_for_a_list_that_it_does_not_show(context):
    result = run_command("DSPJRN", replace(context, has_panels=True))
    assert (result.lines, result.panel) == ((), "DisplayJournal")


def printed(context, tmp_path, given="", name="list.txt"):
    path = tmp_path / name
    messages = run_command(f"DSPJRN OUTPUT(*PRINT) TOFILE('{path}') {given}", context).messages
    return messages[0].message_id, path.read_text(encoding="utf-8").splitlines()


def test_all_entries_of_a_subset_are_printed_whole(context, tmp_path):
    program = "/usr/bin/" + "long" * 40
    write(
        context,
        *(entry(number, program=program, user_name="ALICE" if number % 2 else "BOB") for number in range(1, 60)),
    )
    message_id, lines = printed(context, tmp_path, "USRPRF(BOB)")
    assert message_id == "GWL0635"
    assert "Subset: USRPRF(BOB)" in lines
    rows = [line.split() for line in lines if program in line]
    assert [int(row[0]) for row in rows] == list(range(2, 60, 2))
    assert rows[0][3:8] == ["SK", "C", "BOB", "000001/ALICE/CURL", "*ALLOWED"]
    assert "E N D" in lines[-1]


def test_the_newest_are_printed_where_a_number_is_given(context, tmp_path):
    write(context, *(entry(number) for number in range(1, 9)))
    _, lines = printed(context, tmp_path, "NBRENT(3)")
    assert [line.split()[0] for line in lines if "/usr/bin/curl" in line] == ["6", "7", "8"]


def test_an_empty_print_out_says_so(context, tmp_path):
    message_id, lines = printed(context, tmp_path)
    assert message_id == "GWL0635"
    assert "E N D" in lines[-1]


def test_a_print_out_that_is_cut_says_where_it_goes_on(context, tmp_path, monkeypatch):
    monkeypatch.setattr("console.commands.journal_print._MOST", 3)
    write(context, *(entry(number) for number in range(1, 6)))
    shown = run_command(f"DSPJRN OUTPUT(*PRINT) TOFILE('{tmp_path}/list.txt')", context).messages[0]
    assert shown.message_id == "GWL0636"
    assert "FROMENTLRG(4)" in shown.recovery


def test_a_print_out_cannot_draw(context, tmp_path):
    write(context, entry(1, program="/tmp/\x1b[31m\nred", text="\u202eevil"))
    _, lines = printed(context, tmp_path)
    assert "/tmp/·[31m·red: ·evil" in lines[-2]


def test_a_long_print_out_says_how_far_it_has_come(context, tmp_path, monkeypatch):
    monkeypatch.setattr("console.commands.journal_print._TELL_EVERY", 2)
    write(context, *(entry(number) for number in range(1, 6)))
    told = []
    printed(replace(context, tell=told.append), tmp_path)
    assert told == ["2 entries read...", "4 entries read...", ""]


@pytest.fixture
def imported(context, tmp_path):
    """Return the name of a journal with two records of a real IBM i."""
    from console.store.imported import ImportedValues, add_imported, add_imported_entries

    fields = {"user_name": "QTCP", "exit_point": "*ACCEPT", "local_address": "10.0.0.1", "local_port": 23}
    made = [
        ImportedValues(datetime(2020, 5, 1, 12, number, tzinfo=UTC), "A", remote_address=f"10.0.0.{number}", **fields)
        for number in (7, 8)
    ]
    row = {"name": "OLDSYS", "entries": 2, "form": "QASYSKJ5", "imported_at": NOW, "imported_by": "OPER",
           "source": "sk.csv", "text": ""}  # fmt: skip
    with transaction(context.store) as session:
        add_imported_entries(session, "OLDSYS", 1, made)
        add_imported(session, row)
    return "OLDSYS"


def test_an_imported_journal_is_printed_and_not_another(context, tmp_path, imported):
    write(context, entry(1))
    message_id, lines = printed(context, tmp_path, f"JRN({imported}) RMTADR(10.0.0.8)")
    assert message_id == "GWL0635"
    assert imported in lines[0]
    assert [line.split()[0] for line in lines if "10.0.0." in line and "Subset" not in line] == ["2"]
    assert "/usr/bin/curl" not in "".join(lines)


def test_an_imported_entry_becomes_a_rule_that_allows_what_was_done(context, imported):
    from console.commands.journal_rule import rule_values
    from console.store.journal import page_after
    from console.store.session import reading

    with reading(context.store) as session:
        found = page_after(session, 0, limit=1, only=JournalFilter(journal=imported))[0]
    values = rule_values(context, found)
    assert (values["EXITPNT"], values["USRPRF"], values["LCLPORT"]) == ("*ACCEPT", "QTCP", "23")
    assert (values["RMTADR"], values["ACTION"], values["SEQNBR"]) == ("10.0.0.7", "*ALLOW", "*NEXT")
