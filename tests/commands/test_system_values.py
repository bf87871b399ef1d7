"""The commands on the auditing system values and the levels of users."""

from __future__ import annotations

import json

import pytest

from console.commands.audit_values import ALL_LEVELS
from console.commands.execute import run_command
from console.errors import CommandError
from console.model.system_values import SystemValue
from console.policy.audit_levels import DEFAULT_LEVELS, LEVELS, Auditing, expanded
from console.store.outbox import waiting
from console.store.session import reading, transaction
from console.store.system_values import DEFAULTS, get_auditing, get_values


def held(context, name="QAUDLVL"):
    with reading(context.store) as session:
        return get_values(session)[name]


def auditing(context):
    with reading(context.store) as session:
        return get_auditing(session)


def audit(context):
    with reading(context.store) as session:
        return [(row.entry_type, row.text, row.detail) for row in waiting(session)]


def ids(result):
    return [each.message_id for each in result.messages]


def test_a_fresh_store_has_the_defaults(context):
    assert auditing(context) == Auditing()
    with reading(context.store) as session:
        assert {name: session.get(SystemValue, name).value for name in DEFAULTS} == DEFAULTS


@pytest.mark.parametrize(
    ("name", "value", "canonical"),
    [
        ("QAUDCTL", "*OBJAUD *AUDLVL *NOQTEMP", "*OBJAUD *AUDLVL *NOQTEMP"),
        ("QAUDCTL", "'none'", "*NONE"),
        ("QAUDLVL", "*netsck netfail *NETSCK", "*NETSCK *NETFAIL"),
        ("QAUDLVL", "'*NETSCK *AUDLVL2'", "*NETSCK *AUDLVL2"),
        ("QAUDLVL2", "*NETUDP", "*NETUDP"),
        ("QAUDENDACN", "*NOTIFY", "*NOTIFY"),
        ("QAUDFRCLVL", "007", "7"),
        ("QAUDFRCLVL", "100", "100"),
    ],
)
def test_a_value_is_changed_to_its_canonical_spelling(context, name, value, canonical):
    run_command(f"CHGSYSVAL SYSVAL({name}) VALUE({value})", context)
    assert held(context, name) == canonical
    assert ids(run_command(f"CHGSYSVAL {name} ({value})".replace(" (", " VALUE("), context)) == ["GWL068B"]


@pytest.mark.parametrize(
    ("name", "value", "message_id"),
    [
        ("QAUDCTL", "*NETSCK", "GWL0680"),
        ("QAUDCTL", "*NONE *AUDLVL", "GWL0681"),
        ("QAUDCTL", "*NOQTEMP", "GWL0681"),
        ("QAUDLVL", "*NONSENSE", "GWL0680"),
        ("QAUDLVL", "*NONE *NETSCK", "GWL0681"),
        ("QAUDLVL2", "*AUDLVL2", "GWL0680"),
        ("QAUDLVL", " ".join(sorted(LEVELS)[:17]), "GWL0689"),
        ("QAUDENDACN", "*PWRDWNSYS", "GWL0680"),
        ("QAUDENDACN", "*NOTIFY *REFUSE", "GWL0680"),
        ("QAUDFRCLVL", "0", "GWL0680"),
        ("QAUDFRCLVL", "101", "GWL0680"),
        ("QAUDFRCLVL", "9" * 400, "GWL0680"),
    ],
)
def test_what_a_value_cannot_hold_is_refused_and_changes_nothing(context, name, value, message_id):
    before = held(context, name)
    with pytest.raises(CommandError) as refused:
        run_command(f"CHGSYSVAL SYSVAL({name}) VALUE({value})", context)
    assert refused.value.message_id == message_id
    assert held(context, name) == before
    assert audit(context) == []


def test_sixteen_levels_have_room(context):
    run_command(f"CHGSYSVAL QAUDLVL VALUE({' '.join(sorted(LEVELS)[:16])})", context)
    assert len(held(context).split()) == 16


def test_a_change_is_an_sv_entry_with_the_old_and_the_new_value(context):
    run_command("CHGSYSVAL QAUDFRCLVL 5", context)
    sv, cd = audit(context)
    assert sv[:2] == ("SV", "System value QAUDFRCLVL changed from *SYS to 5")
    assert json.loads(sv[2]) == {"type": "A", "name": "QAUDFRCLVL", "before": "*SYS", "after": "5"}
    assert cd[:2] == ("CD", "CHGSYSVAL SYSVAL(QAUDFRCLVL) VALUE(5)")


def test_auditing_that_is_switched_off_is_the_last_thing_that_is_written(context):
    result = run_command("CHGSYSVAL QAUDCTL *NONE", context)
    assert ids(result) == ["GWL068A", "GWL0682"]
    run_command("CHGSOCPCY RAWSKT(*ALLOW)", context)
    assert [entry_type for entry_type, _, _ in audit(context)] == ["SV"]


def test_commands_are_written_because_of_their_level_and_changes_because_of_another(context):
    run_command("CHGSYSVAL QAUDLVL *SECCFG", context)
    run_command("CHGSOCPCY RAWSKT(*ALLOW)", context)
    assert [entry_type for entry_type, _, _ in audit(context)] == ["SV", "GR"]
    run_command("CHGUSRAUD OPER *CMD", context)
    run_command("CHGSOCPCY RAWSKT(*REFUSE)", context)
    assert [entry_type for entry_type, _, _ in audit(context)][2:] == ["AD", "CD", "GR", "CD"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("CHGSYSVAL QAUDLVL2 *NETUDP", ["GWL068A", "GWL0683", "GWL068F"]),
        ("CHGSYSVAL QAUDLVL VALUE(*NETCMN *NETSCK)", ["GWL068A", "GWL0686"]),
        ("CHGSYSVAL QAUDLVL *NETTELSVR", ["GWL068A", "GWL0685"]),
        ("CHGUSRAUD ROOT *NETUDP", ["GWL068D", "GWL068F"]),
        ("CHGUSRAUD NOBODYOFTHATNAME *NETSCK", ["GWL068D", "GWL068E"]),
    ],
)
def test_values_that_contradict_or_cost_are_changed_with_a_warning(context, command, said):
    assert ids(run_command(command, context)) == said


def test_chgsecaud_puts_what_qaudlvl_does_not_hold_into_its_extension(context):
    run_command("CHGSECAUD QAUDCTL(*ALL) QAUDLVL(*ALL)", context)
    after = auditing(context)
    assert (len(after.levels), after.levels[-1]) == (16, "*AUDLVL2")
    assert expanded((*after.levels, *after.more_levels)) >= expanded(ALL_LEVELS) == set(LEVELS) - {"*NETCMN"}
    assert after.control == ("*AUDLVL", "*OBJAUD", "*NOQTEMP")
    assert ids(run_command("CHGSECAUD QAUDLVL(*ALL)", context)) == ["GWL0690"]
    run_command("CHGSECAUD QAUDLVL(*DFTSET)", context)
    after = auditing(context)
    assert (after.levels, after.more_levels) == (
        ("*AUTFAIL", "*CREATE", "*DELETE", "*SECURITY", "*SAVRST"),
        ("*NONE",),
    )
    run_command("CHGSECAUD *NONE *NONE", context)
    assert auditing(context) == Auditing(control=("*NONE",), levels=("*NONE",))


def test_chgsecaud_writes_one_sv_entry_for_each_value_that_changed(context):
    result = run_command("CHGSECAUD QAUDLVL(*ALL)", context)
    assert result.messages[0].text == "Security auditing changed: QAUDLVL, QAUDLVL2."
    assert [entry_type for entry_type, _, _ in audit(context)] == ["SV", "SV", "CD"]


def test_levels_of_several_users_are_set_and_taken_away(context):
    run_command("CHGUSRAUD USRPRF(root daemon) AUDLVL(*NETSCK *NETUDP)", context)
    assert auditing(context).users == {"DAEMON": ("*NETSCK", "*NETUDP"), "ROOT": ("*NETSCK", "*NETUDP")}
    assert "Levels of DAEMON" in "\n".join(run_command("DSPSECAUD", context).lines)
    run_command("CHGUSRAUD DAEMON AUDLVL(*NONE)", context)
    assert auditing(context).users == {"ROOT": ("*NETSCK", "*NETUDP")}
    assert ids(run_command("CHGUSRAUD ROOT", context)) == ["GWL0691"]


def test_levels_of_the_system_are_no_user_s(context):
    for level in ("*NETTELSVR", "*ATNEVT", "*AUDLVL2"):
        with pytest.raises(CommandError):
            run_command(f"CHGUSRAUD ROOT {level}", context)


@pytest.mark.parametrize("names", ["*ALL", "%WHEEL", "ROOT %WHEEL", "''", "A" * 65])
def test_levels_are_of_users_and_not_of_groups(context, names):
    with pytest.raises(CommandError):
        run_command(f"CHGUSRAUD USRPRF({names}) AUDLVL(*NETSCK)", context)


def test_lists_show_names_and_values(context):
    shown = run_command("WRKSYSVAL QAUDL*", context).lines
    assert [line.split()[0] for line in shown[1:]] == ["QAUDLVL", "QAUDLVL2"]
    assert "Security auditing level" in "\n".join(run_command("DSPSYSVAL QAUDLVL", context).lines)
    with pytest.raises(CommandError):
        run_command("WRKSYSVAL QX*", context)


def test_a_damaged_value_counts_as_the_default_where_it_is_none(context):
    with transaction(context.store) as session:
        session.delete(session.get(SystemValue, "QAUDFRCLVL"))
        session.get(SystemValue, "QAUDLVL").value = ""
    assert auditing(context).force_level == 0
    assert auditing(context).levels == ()
    assert DEFAULT_LEVELS
