"""DSPAUDRPT in the shell, and its files."""

from __future__ import annotations

import stat

import pytest

from console.commands.audit_report import make_report
from console.commands.execute import run_command
from console.errors import ConsoleError
from tests.commands.test_journal import entry, write


def test_it_is_listed_in_the_shell(context):
    write(context, entry(1), entry(2, outcome="*REJECTED"), entry(3, entry_type="CD", outcome=""))
    text = "\n".join(run_command("DSPAUDRPT", context).lines)
    assert "Entries 2   accepted 1   refused 1" in text
    assert text.count("First") == 6


def test_a_subset_and_some_summaries(context):
    write(context, entry(1), entry(2, user_name="BOB"), entry(3, user_name="BOB", remote_address="192.0.2.7"))
    lines = run_command("DSPAUDRPT *FIRST BY(*USER *ADDRESS) USRPRF(BOB) RMTADR('10.0.0.0/8')", context).lines
    assert "Subset: USRPRF(BOB) RMTADR(10.0.0.0/8)" in lines
    assert [line.split()[:2] for line in lines if line.startswith(("BOB", "10.", "192."))] == [
        ["BOB", "1"],
        ["10.1.1.1", "1"],
    ]
    assert not any(line.startswith("Port") for line in lines)


@pytest.mark.parametrize(("output", "begins"), [("*PRINT", "From "), ("*CSV", "SUMMARY"), ("*HTML", "<!DOCTYPE")])
def test_files_are_their_owners_alone_and_not_overwritten(context, tmp_path, output, begins):
    write(context, entry(1))
    path = tmp_path / "report"
    command = f"DSPAUDRPT OUTPUT({output}) TOFILE('{path}')"
    assert run_command(command, context).messages[0].message_id == "GWL0640"
    assert path.read_text().startswith(begins)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(ConsoleError) as refused:
        run_command(command, context)
    assert refused.value.message_id == "GWL0633"
    run_command(f"{command} REPLACE(*YES)", context)


@pytest.mark.parametrize("given", ["BY(*DAY)", "BY(*ALL *USER)", "NBRROW(0)", "OUTPUT(*PDF)", "FROMTIME(LUNCH)"])
def test_what_makes_no_sense_is_refused(context, given):
    with pytest.raises(ConsoleError):
        run_command(f"DSPAUDRPT {given}", context)


def test_a_report_of_an_open_end_reaches_to_now(context):
    values = run_command("DSPAUDRPT", context).arguments
    _, asked = make_report(context, values)
    assert asked.span[1] == context.clock()
    _, asked = make_report(context, {**values, "FROMTIME": "*FIRST"})
    assert asked.span[0] == asked.span[1] == context.clock()


def test_an_imported_journal_is_counted_by_its_name(context, tmp_path):
    path = tmp_path / "old.csv"
    names = "ENTRY_TIMESTAMP,SEQUENCE_NUMBER,USER_NAME,ENTRY_TYPE,REMOTE_IP_ADDRESS,REMOTE_PORT,LOCAL_PORT"
    path.write_text(f"{names}\n2025-03-01-12.00.00.123456,1,ALICE,A,192.168.7.9,50123,8471\n")
    run_command(f"IMPAUDJRN FILE('{path}') JRN(OLDSYS) TIMZON(UTC)", context)
    write(context, entry(1, user_name="BOB"))
    lines = run_command("DSPAUDRPT *FIRST BY(*USER) JRN(OLDSYS)", context).lines
    assert "Subset: JRN(OLDSYS)" in lines
    assert [line.split()[:2] for line in lines if line.startswith(("ALICE", "BOB"))] == [["ALICE", "1"]]
    with pytest.raises(ConsoleError):
        run_command("DSPAUDRPT JRN(NONE)", context)
