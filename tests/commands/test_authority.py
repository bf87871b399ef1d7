"""Who may run what: every command says so on purpose, and every refusal is in the audit journal."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from console.commands.definition import NOBODY, Command, Context, Result
from console.commands.execute import run_command
from console.commands.language import ParsedCommand
from console.commands.registry import COMMANDS
from console.errors import AuthorityError, CommandError
from console.messages import describe
from console.model.words import SPECIAL_AUTHORITIES
from console.store.outbox import waiting
from console.store.rules import list_rules
from console.store.session import reading

FREE = {
    # Everybody who has signed on.
    "SIGNOFF", "GO", "CHGPWD", "CHGPRF", "DSPKEY", "DSPMSG", "SNDMSG", "DSPTHRMDL", "STRSCHIDX", "QCMD",
    # What decides, not what was decided.
    "WRKREGINF", "WRKSOCRUL", "DSPSOCRUL", "TSTSOCRUL", "CMPSOCPCY", "WRKSOCPCY", "DSPSOCPCY", "EXPSOCPCY",
    "WRKSOCKSE", "DSPSOCKSE", "CFGSOCKS",
    "WRKADRGRP", "DSPADRGRP", "WRKTIMGRP", "DSPTIMGRP", "WRKSYSVAL", "DSPSYSVAL",
    # What runs now.
    "WRKSOCJOB", "WRKSOCWRK", "WRKSSHSSN", "DSPSOCCOV", "WRKTCPSTS",
    # More is asked for by value: another's profile, keys, codes, messages; which system value.
    "DSPUSRPRF", "WRKUSRKEY", "GENUSRCOD", "RMVMSG", "CLRMSGQ", "CHGSYSVAL",
}  # fmt: skip
"""Commands that need no special authority. A new one is put here on purpose."""

FOR_LIMITED = {"SIGNOFF", "DSPMSG", "SNDMSG", "CHGPWD", "DSPKEY", "STRSCHIDX"}
"""Commands that users with LMTCPB(*YES) may key."""


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_command_says_on_purpose_what_it_needs(name):
    command = COMMANDS[name]
    assert "authority" in vars(command), "says nothing of its authority: nobody may run it"
    assert set(command.authority) <= SPECIAL_AUTHORITIES.keys()
    assert (command.name in FREE) == (command.authority == ())
    assert command.for_limited == (command.name in FOR_LIMITED)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_no_command_that_changes_something_is_for_limited_users_but_sending_a_message(name):
    command = COMMANDS[name]
    assert not (command.for_limited and command.changes) or command.name == "SNDMSG"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_parameter_that_names_a_file_of_this_system_says_so(name):
    command = COMMANDS[name]
    silent = [each.keyword for each in command.parameters if "FILE" in each.keyword and not each.names_file]
    assert silent in ([], ["OUTFILFMT"]) or "*ALLOBJ" in command.authority


def test_file_is_read_only_for_who_has_allobj_and_no_word_of_it_is_told(context, tmp_path):
    secret = tmp_path / "shadow"
    secret.write_text("root:$6$hash:1::\n")
    operator = may(context, "*IOSYSCFG", "*AUDIT")
    for command in (
        f"ADDADRGRP SECRETS FROMFILE('{secret}')",
        f"IMPSOCPCY '{secret}'",
        f"VFYJRN FROMFILE('{secret}')",
        f"EXPSOCPCY TOFILE('{tmp_path}/out')",
        f"DSPJRN OUTPUT(*PRINT) TOFILE('{tmp_path}/out')",
        f"DSPAUDRPT OUTPUT(*CSV) TOFILE('{tmp_path}/out')",
    ):
        said = refused(operator, command)
        assert "*ALLOBJ" in said.text
        assert "hash" not in said.text
    assert [each.name for each in tmp_path.iterdir() if each.name == "out"] == []


def test_a_command_that_forgot_to_say_is_for_nobody(context):
    class Forgot(Command):
        name = "FORGOT"
        text = "Forgot"

        def run(self, context, values):
            return Result()

    assert Forgot.authority == (NOBODY,)
    with pytest.raises(AuthorityError):
        run_command(ParsedCommand(Forgot, {}, frozenset()), context)


def test_a_context_that_was_not_told_who_runs_it_may_nothing(context):
    bare = Context(store=context.store, user="OPER", job="000001/OPER/TEST", clock=context.clock)
    for command in ("ADDSOCRUL *CONNECT ACTION(*REJECT)", "WRKSOCRUL *CONNECT"):
        with pytest.raises(AuthorityError):
            run_command(command, bare)


def may(context, *authorities, limited=False):
    return replace(context, user="EVE", authorities=frozenset(authorities), limited=limited)


def entries(context):
    with reading(context.store) as session:
        return [(row.entry_type, row.sk_type, row.user_name, row.text) for row in waiting(session)]


def refused(context, command, *, keyed=True):
    with pytest.raises(AuthorityError) as error:
        run_command(command, context, keyed=keyed)
    return describe(error.value)


def test_refused_change_changes_nothing_and_leaves_an_entry_that_tells_all(context):
    said = refused(may(context, "*JOBCTL", "*ALLOBJ"), "ADDSOCRUL *CONNECT SEQNBR(10) ACTION(*REJECT)")
    assert "*IOSYSCFG" in said.text
    with reading(context.store) as session:
        assert [rule.sequence for rule in list_rules(session)] == [99999] * 3
        (row,) = waiting(session)
    assert (row.entry_type, row.sk_type, row.user_name, row.qualified_job_name) == (
        "AF",
        "K",
        "EVE",
        "000001/OPER/TEST",
    )
    detail = json.loads(row.detail)
    assert detail["object"] == "ADDSOCRUL"
    assert detail["missing"] == "*IOSYSCFG"
    assert detail["command"].startswith("ADDSOCRUL EXITPNT(*CONNECT)")


def test_refused_display_leaves_an_entry_too(context):
    refused(may(context, "*IOSYSCFG", "*ALLOBJ", "*SECADM", "*JOBCTL"), "DSPJRN")
    assert [kind for kind, *_ in entries(context)] == ["AF"]


def test_all_the_authorities_are_needed_and_allobj_stands_in_for_none(context):
    assert "*AUDIT" in refused(may(context, "*ALLOBJ"), "DSPJRN").text
    assert "*ALLOBJ" in refused(may(context, "*IOSYSCFG"), "IMPSOCPCY '/etc/shadow'").text
    assert "*ALLOBJ *IOSYSCFG" in refused(may(context), "IMPSOCPCY '/etc/shadow'").text


def test_file_is_not_looked_at_for_who_may_not_import_it(context, tmp_path):
    missing = tmp_path / "missing.yaml"
    assert refused(may(context, "*IOSYSCFG"), f"IMPSOCPCY '{missing}'").message_id == "GWL1006"


def test_secret_of_a_refused_command_is_in_no_entry(context):
    refused(may(context, "*JOBCTL"), "CRTUSRPRF MALLORY PASSWORD('open sesame 1')")
    with reading(context.store) as session:
        (row,) = waiting(session)
    assert "sesame" not in row.model_dump_json()


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        ("CHGSYSVAL QAUDLVL *NONE", "*AUDIT"),
        ("CHGSYSVAL QMAXSIGN *NOMAX", "*ALLOBJ *SECADM"),
        ("CHGSYSVAL QPWDMINLEN 1", "*ALLOBJ *SECADM"),
        ("DSPUSRPRF OPER", "*SECADM"),
        ("WRKUSRKEY OPER", "*SECADM"),
        ("GENUSRCOD OPER", "*SECADM"),
        ("CLRMSGQ", "*JOBCTL"),
        ("RMVMSG QSYSOPR 1", "*JOBCTL"),
    ],
)
def test_what_a_value_needs_is_asked_for_too(context, command, missing):
    said = refused(may(context), command)
    assert said.message_id == "GWL1006"
    assert missing in said.text


def test_destination_that_runs_a_program_needs_allobj(context):
    operator = may(context, "*AUDIT", "*IOSYSCFG")
    assert "*ALLOBJ" in refused(operator, "ADDALRDST X *COMMAND TARGET('/bin/sh -c id')").text
    run_command("ADDALRDST X *WEBHOOK TARGET('http://127.0.0.1:9/')", operator)
    assert "*ALLOBJ" in refused(operator, "CHGALRDST X CHANNEL(*COMMAND) TARGET('/bin/sh -c id')").text


def test_destination_that_runs_a_program_cannot_be_pointed_at_another_program(context):
    run_command("ADDALRDST X *COMMAND TARGET('/bin/true')", context)
    assert "*ALLOBJ" in refused(may(context, "*AUDIT", "*IOSYSCFG"), "CHGALRDST X TARGET('/bin/sh -c id')").text


def test_secret_of_a_destination_goes_elsewhere_only_by_who_may_read_it(context):
    operator = may(context, "*AUDIT", "*IOSYSCFG")
    run_command("ADDALRDST X *WEBHOOK TARGET('http://127.0.0.1:9/') SECRET('hidden word')", context)
    assert "*ALLOBJ" in refused(operator, "CHGALRDST X TARGET('http://127.0.0.1:10/')").text
    run_command("CHGALRDST X TARGET('http://127.0.0.1:9/') TEXT(Hook)", operator)
    run_command("CHGALRDST X TARGET('http://127.0.0.1:10/') SECRET('other word')", operator)


def test_limited_user_keys_only_what_is_for_limited_users_and_that_is_journalled(context):
    eve = may(context, *SPECIAL_AUTHORITIES, limited=True)
    for command in ("RNBSOCRUL *CONNECT", "DSPJRN", "GO", "WRKSOCRUL *CONNECT", "DSPUSRPRF", "CHGPRF THEME(AMBER)"):
        assert refused(eve, command).message_id == "GWL1007"
    assert {(kind, subtype) for kind, subtype, *_ in entries(context)} == {("AF", "A")}
    run_command("SNDMSG 'Hello' QSYSOPR", eve)


def test_menus_and_options_work_for_limited_users_as_far_as_their_authorities_go(context):
    eve = may(context, "*IOSYSCFG", limited=True)
    run_command("ADDSOCRUL *CONNECT SEQNBR(10) ACTION(*REJECT)", eve, keyed=False)
    refused(eve, "DSPJRN", keyed=False)


def test_command_that_cannot_be_parsed_is_no_refusal(context):
    with pytest.raises(CommandError):
        run_command("ADDSOCRUL *NOWHERE", may(context))
    assert entries(context) == []
