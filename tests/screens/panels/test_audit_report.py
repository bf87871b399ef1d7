"""The report on the screen: counted once, shown by one thing after the other, and written to files."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from console.journal.writer import append
from console.store.session import transaction
from screens.terminal.page import WIDE
from tests.factories import entry
from tests.screens.panels.operator import Operator


@pytest.fixture
def fill(store, now):
    """Return a way to write entries, spread over twelve hours up to now."""

    def filled(count=120, **fields):
        made = [
            entry(
                entry_timestamp=now - timedelta(minutes=6 * (count - 1 - index)),
                user_name=("ALICE", "BOB", "CAROL")[index % 3],
                outcome="*REJECTED" if index % 8 == 0 else "*MONITOR" if index % 30 == 0 else "*ALLOWED",
                remote_address=f"192.0.2.{index % 20}",
                remote_port=(443, 80)[index % 2],
                rule_sequence=10 if index % 8 == 0 else 99999,
                **fields,
            )
            for index in range(count)
        ]
        with transaction(store) as session:
            append(session, made)

    return filled


@pytest.fixture
def report(operator, fill):
    """Return an operator at the report of today."""
    fill()
    return operator.command("DSPAUDRPT")


def lines(operator):
    return [row.split() for row in operator.rows[12:20] if row.strip()]


def test_it_shows_accepted_and_refused_over_time_and_by_user(report):
    assert report.matches("display_audit_report")


def test_a_wide_screen_shows_all_columns(services, fill):
    fill()
    defaults = {
        parameter.keyword: str(parameter.default or "") for parameter in services.commands["DSPAUDRPT"].parameters
    }
    assert Operator(services.open("DisplayAuditReport", defaults), WIDE).matches("display_audit_report_wide")


def test_a_terminal_without_blocks_gets_ascii(services, fill):
    fill()
    plain = replace(services, has_blocks=False)
    operator = Operator(plain.open("MainMenu", {}))
    assert operator.command("DSPAUDRPT").shown.isascii()


def test_f11_goes_through_the_summaries(report):
    titles = []
    for _ in range(6):
        titles.append(report.row(12)[6:32].strip())
        report.press("F11")
    assert titles == ["User profile", "Address", "Port", "Program", "Outcome", "Rule that decided"]
    assert report.row(12)[6:32].strip() == "User profile"


def test_only_the_summaries_asked_for_are_there(operator, fill):
    fill()
    operator.command("DSPAUDRPT BY(*PORT)")
    assert lines(operator)[0][:2] == ["443", "60"]
    assert "F11" not in operator.shown


def test_option_5_lists_the_entries_of_a_line(report):
    report.option("1", "5").press("ENTER")
    assert report.title == "Display Journal Entries"
    assert "USRPRF(BOB) ENTTYP(SK)" in report.row(7)
    report.press("F12")
    assert report.title == "Display Audit Report"
    assert report.options == {}


@pytest.mark.parametrize(
    ("by", "subset", "count"),
    [
        ("*ADDRESS", "IPADR(192.0.2.0)", 6),
        ("*PORT", "PORT(443)", 60),
        ("*PROGRAM", "PGM(/usr/bin/curl)", 120),
        ("*OUTCOME", "OUTCOME(*ALLOWED)", 102),
        ("*RULE", "EXITPNT(*CONNECT) SEQNBR(*DFT)", 105),
    ],
)
def test_each_line_leads_to_the_entries_that_it_counts(operator, fill, by, subset, count):
    fill()
    operator.command(f"DSPAUDRPT BY({by})")
    assert lines(operator)[0][-5] == str(count)
    operator.option("0", "5").press("ENTER")
    assert subset in operator.row(7)
    operator.press("F21")
    assert operator.message.startswith(f"{count} entries printed")


def test_the_line_of_the_rest_has_no_entries_of_its_own(operator, fill):
    fill()
    operator.command("DSPAUDRPT BY(*ADDRESS) NBRROW(2)")
    assert lines(operator)[2][:2] == ["(18", "others)"]
    operator.option("2", "5").press("ENTER")
    assert operator.message_ids == ["GWL0641"]


def test_f18_asks_for_other_calls(report):
    report.press("F18").enter(OUTCOME="*REJECTED")
    assert "Entries 15   accepted 0   refused 15" in report.row(4)
    assert "OUTCOME(*REJECTED)" in report.row(5)


def test_all_summaries_are_of_the_same_entries(report, fill):
    fill(10)
    for _ in range(6):
        report.press("F11")
        assert "Entries 120" in report.row(4)


def test_f5_counts_anew(report, fill):
    fill(10)
    assert "Entries 120" in report.row(4)
    report.press("F5")
    assert "Entries 130" in report.row(4)


@pytest.mark.parametrize(("choice", "ending", "begins"), [(0, "txt", "From "), (1, "csv", "SUMMARY,"),
                                                          (2, "html", "<!DOCTYPE html>")])  # fmt: skip
def test_f21_writes_it_to_a_file(report, store, choice, ending, begins):
    report.press("F21").option(str(choice), "1").press("ENTER")
    (path,) = store.location.directory.glob("print-*")
    assert path.suffix == f".{ending}"
    assert path.read_text(encoding="utf-8").startswith(begins)
    assert report.message == f"Report on 120 entries written to {path}."
    assert report.title == "Display Audit Report"


def test_an_output_chosen_with_f18_is_written(report, tmp_path):
    path = tmp_path / "r"
    report.press("F18").press("ROLLUP").type(OUTPUT="*CSV", TOFILE=str(path)).press("ENTER")
    assert report.message == f"Report on 120 entries written to {path}."


def test_an_empty_journal_has_an_empty_report(operator):
    operator.command("DSPAUDRPT")
    assert "Entries 0   accepted 0   refused 0" in operator.row(4)
    assert "(No entries)" in operator.shown


def test_nothing_from_outside_draws_on_the_screen(operator, fill):
    fill(3, program="/tmp/\x1b[2J\u202egnp")
    operator.command("DSPAUDRPT BY(*PROGRAM)")
    assert lines(operator)[0][0] == "/tmp/·[2J·gnp"


def test_counting_tells_how_far_it_has_come_and_stops_telling(services, fill, monkeypatch):
    monkeypatch.setattr("console.commands.audit_report._TELL_EVERY", 50)
    monkeypatch.setattr("console.store.journal_rows._ROWS", 50)
    fill()
    told = []
    watched = replace(services, context=replace(services.context, tell=told.append))
    Operator(watched.open("MainMenu", {})).command("DSPAUDRPT")
    assert told == ["50 entries read...", "100 entries read...", ""]
