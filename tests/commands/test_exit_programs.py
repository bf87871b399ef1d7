"""The commands on exit programs, on a real store."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.commands.execute import run_command
from console.commands.exit_programs import AddExitProgram, program_values
from console.commands.language import parse, render
from console.commands.registry import COMMANDS
from console.errors import ConsoleError
from console.model.words import ExitPoint
from console.policy.exit_programs import LAST_NUMBER, make_exit_program
from console.policy.rule import ExitProgram
from console.store.exit_programs import list_exit_programs
from console.store.outbox import waiting
from console.store.revisions import active_policy, pending_policy
from console.store.session import reading

ADD = "ADDEXITPGM EXITPNT(*ACCEPT) PGMNBR(2) PGM(site_Exits:ask) TIMLMT(250) TEXT('Asks the site')"


def programs(context, exit_point=ExitPoint.ACCEPT):
    with reading(context.store) as session:
        return list_exit_programs(session, exit_point)


def audit(context):
    with reading(context.store) as session:
        return waiting(session)


def ids(result):
    return [message.message_id for message in result.messages]


def refused(command, context):
    """Return the id of the refusal, having seen that it changed and audited nothing."""
    before, audited = programs(context), len(audit(context))
    with pytest.raises(ConsoleError) as caught:
        run_command(command, context)
    assert programs(context) == before
    assert len(audit(context)) == audited
    return caught.value.message_id


def test_an_exit_program_is_added_as_it_was_written(context):
    result = run_command(ADD, context)
    assert result.messages[0].text == "Exit program 2 added to *ACCEPT."
    assert programs(context) == [ExitProgram(ExitPoint.ACCEPT, 2, "site_Exits:ask", 250, "Asks the site")]


def test_values_come_without_keywords_in_the_order_of_ibm_i(context):
    run_command("addexitpgm qibm_qso_connect 7 site:ask", context)
    assert programs(context, ExitPoint.CONNECT) == [ExitProgram(ExitPoint.CONNECT, 7, "site:ask", 1000, "")]


def test_an_added_exit_program_leaves_a_gr_entry_of_type_a_and_a_cd_entry(context):
    run_command(ADD, context)
    gr, cd = audit(context)
    assert (gr.entry_type, gr.exit_point, gr.user_name) == ("GR", "*ACCEPT", "OPER")
    assert gr.text == "Exit program 2 of *ACCEPT, site_Exits:ask, added"
    after = {
        "exit_point": "*ACCEPT",
        "number": "2",
        "program": "site_Exits:ask",
        "time_limit_ms": "250",
        "text": "Asks the site",
    }
    assert json.loads(gr.detail) == {"type": "A", "before": None, "after": after}
    assert (cd.entry_type, cd.detail) == ("CD", ADD)


def test_low_and_high_take_the_numbers_that_are_free_at_both_ends(context):
    for number in ("*LOW", "*HIGH", "*low", "*HIGH"):
        run_command(f"ADDEXITPGM *ACCEPT {number} site:ask", context)
    assert [each.number for each in programs(context)] == [2, 3, LAST_NUMBER - 1, LAST_NUMBER]


def test_an_exit_program_is_replaced_only_when_it_is_said(context):
    run_command(ADD, context)
    assert refused("ADDEXITPGM *ACCEPT 2 other:ask", context) == "GWL0327"
    result = run_command("ADDEXITPGM *ACCEPT 2 other:ask REPLACE(*YES)", context)
    assert result.messages[0].text == "Exit program 2 of *ACCEPT replaced."
    assert programs(context) == [ExitProgram(ExitPoint.ACCEPT, 2, "other:ask", 1000, "")]
    detail = json.loads(audit(context)[2].detail)
    assert (detail["type"], detail["before"]["program"], detail["after"]["program"]) == (
        "R",
        "site_Exits:ask",
        "other:ask",
    )


def test_replacing_what_is_not_there_adds_it(context):
    assert ids(run_command(ADD + " REPLACE(*YES)", context)) == ["GWL0150"]
    assert json.loads(audit(context)[0].detail)["type"] == "A"


def test_replacing_with_the_same_changes_and_audits_nothing(context):
    run_command(ADD, context)
    audited = len(audit(context))
    assert ids(run_command(ADD + " REPLACE(*YES)", context)) == ["GWL0151"]
    assert len(audit(context)) == audited


def test_an_exit_program_is_removed_with_a_gr_entry_of_type_d(context):
    run_command(ADD, context)
    result = run_command("RMVEXITPGM *ACCEPT 2", context)
    assert result.messages[0].text == "Exit program 2 of *ACCEPT removed."
    assert programs(context) == []
    gr = audit(context)[2]
    detail = json.loads(gr.detail)
    assert (detail["type"], detail["before"]["program"], detail["after"]) == ("D", "site_Exits:ask", None)


@pytest.mark.parametrize(
    ("command", "message_id"),
    [
        ("ADDEXITPGM *ACCEPT 2", "GWL0106"),
        ("ADDEXITPGM *ACCEPT PGM(site:ask)", "GWL0106"),
        ("ADDEXITPGM *ACCEPT 1 site:ask", "GWL0231"),
        ("ADDEXITPGM *ACCEPT 2147483648 site:ask", "GWL0231"),
        ("ADDEXITPGM *ACCEPT 3 '/opt/site.py'", "GWL0230"),
        ("ADDEXITPGM *ACCEPT 3 site", "GWL0230"),
        ("ADDEXITPGM *ACCEPT 3 site:ask TIMLMT(0)", "GWL0232"),
        ("ADDEXITPGM *ACCEPT 3 site:ask TIMLMT(60001)", "GWL0232"),
        (f"ADDEXITPGM *ACCEPT 3 site:{'a' * 124}", "GWL0109"),
        (f"ADDEXITPGM *ACCEPT 3 site:ask TEXT('{'x' * 51}')", "GWL0109"),
        ("ADDEXITPGM *SEND 3 site:ask", "GWL0201"),
        (ADD, "GWL0327"),
        ("RMVEXITPGM *ACCEPT 1", "GWL0231"),
        ("RMVEXITPGM *ACCEPT 3", "GWL0328"),
        ("RMVEXITPGM *CONNECT 2", "GWL0328"),
    ],
)
def test_a_refused_command_changes_and_audits_nothing(context, command, message_id):
    run_command(ADD, context)
    assert refused(command, context) == message_id


def test_activating_takes_the_exit_programs_and_says_how_many(context):
    run_command(ADD, context)
    run_command("ADDEXITPGM *LISTEN *LOW site:ask", context)
    result = run_command("ACTSOCPCY", context)
    assert result.messages[0].text == "Revision 2 is active: 2 exit programs added."
    changes = json.loads(audit(context)[-2].detail)["after"]["changes"]
    assert [change["what"] for change in changes] == ["*ACCEPT program 2", "*LISTEN program 2"]
    with reading(context.store) as session:
        number, policy = active_policy(session)
        assert (number, policy.exit_programs) == (2, pending_policy(session).exit_programs)
        assert len(policy.exit_programs) == 2


_programs = st.builds(
    make_exit_program,
    exit_point=st.sampled_from(ExitPoint),
    number=st.integers(2, LAST_NUMBER),
    program=st.from_regex(r"_[A-Za-z0-9_]{0,5}(\._[A-Za-z]{0,3})?:_[a-zA-Z0-9_]{0,5}", fullmatch=True),
    time_limit_ms=st.integers(1, 60_000),
    text=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=50).filter(
        lambda text: text.upper() != "*BLANK"
    ),
)


@given(_programs)
def test_an_exit_program_written_as_a_command_is_the_same_one(program):
    string = render(AddExitProgram, program_values(program))
    values = parse(string, COMMANDS).values
    assert {**program_values(program), "REPLACE": "*NO"} == values
    assert render(AddExitProgram, values) == string
