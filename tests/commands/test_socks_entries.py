"""The commands on SOCKS entries, on a real store."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.commands.execute import run_command
from console.commands.language import parse, render
from console.commands.registry import COMMANDS
from console.commands.socks_entries import AddSocksEntry
from console.commands.socks_keywords import entry_of, values_of
from console.errors import AuthorityError, ConsoleError
from console.messages import describe
from console.model.words import SocksType, SocksVersion
from console.policy.checks import make_policy
from console.policy.rule import SocksEntry, SocksServer
from console.policy.secret import Secret
from console.policy.socks_entries import make_socks_entry
from console.store.outbox import waiting
from console.store.revisions import active_policy, set_pending
from console.store.secrets import unseal
from console.store.session import reading, transaction
from console.store.socks_entries import list_socks_entries

PLAIN = "ADDSOCKSE RMTADR('10.0.0.0/8') SERVER(proxy.example) TEXT('Out')"
FULL = (
    "ADDSOCKSE SEQNBR(40) RMTADR('192.0.2.0/24') RMTPORT(443) USRPRF(ALICE) SERVER('a b:1080 [::1]:7') PORT(9050) "
    "USERID('Anna') TIMLMT(500)"
)
SECRET = " PASSWORD('hunter2')"


def entries(context):
    with reading(context.store) as session:
        return list_socks_entries(session)


def audit(context):
    with reading(context.store) as session:
        return waiting(session)


def opened(context, at=-1):
    return unseal(context.store.location, entries(context)[at]).password


def ids(result):
    return [message.message_id for message in result.messages]


def refused(command, context):
    """Return the id of the refusal, having seen that it changed and audited nothing, and told no password."""
    before, audited = entries(context), len(audit(context))
    with pytest.raises(ConsoleError) as caught:
        run_command(command, context)
    assert "hunter" not in f"{describe(caught.value)} {caught.value}"
    assert entries(context) == before
    assert len(audit(context)) == audited
    return caught.value.message_id


def test_an_entry_is_added_as_it_was_written(context):
    result = run_command(FULL + SECRET, context)
    assert result.messages[0].text == "SOCKS entry 40 added."
    (entry,) = entries(context)
    assert entry == SocksEntry(
        40,
        "192.0.2.0/24",
        "443",
        "ALICE",
        SocksType.SOCKS,
        (SocksServer("a", 9050), SocksServer("b"), SocksServer("::1", 7)),
        SocksVersion.V5,
        "Anna",
        entry.password,
        500,
    )
    assert opened(context) == Secret("hunter2")


def test_numbers_are_given_out_in_tens(context):
    for command in ("ADDSOCKSE SERVER(a)", "ADDSOCKSE 15 TYPE(*DIRECT)", "ADDSOCKSE *NEXT '10.0.0.1' TYPE(*DIRECT)"):
        run_command(command, context)
    assert [entry.sequence for entry in entries(context)] == [10, 15, 20]


@pytest.mark.parametrize("servers", ["A B:9 [::1]", "'a, b:9 ::1'", "'a  b:9'  '::1'", "a b:9 '::1'"])
def test_servers_are_written_one_behind_the_other_with_apostrophes_or_without(context, servers):
    run_command(f"ADDSOCKSE SERVER({servers})", context)
    assert entries(context)[0].servers == (SocksServer("a"), SocksServer("b", 9), SocksServer("::1"))


def test_an_added_entry_leaves_a_gr_entry_and_a_cd_entry_without_its_password(context):
    run_command(FULL + SECRET, context)
    gr, cd = audit(context)
    assert (gr.entry_type, gr.exit_point, gr.text) == ("GR", "", "SOCKS entry 40 added")
    after = json.loads(gr.detail)["after"]
    assert (after["servers"], after["password"], after["user_id"]) == ("a:9050 b [::1]:7", "*SET", "Anna")
    assert (cd.entry_type, cd.detail) == ("CD", FULL)


def test_a_change_leaves_the_rest_as_it_was_and_the_password_too(context):
    run_command(FULL + SECRET, context)
    before = entries(context)[0]
    result = run_command("CHGSOCKSE 40 TEXT('x')", context)
    assert result.messages[0].text == "SOCKS entry 40 changed."
    assert entries(context)[0] == make_socks_entry(
        **{**_texts(before), "text": "x"}, password=before.password
    )  # fmt: skip
    assert ids(run_command("CHGSOCKSE 40 TEXT('x') RMTPORT(*SAME)", context)) == ["GWL0172"]


def _texts(entry):
    return {
        "sequence": entry.sequence,
        "remote_address": entry.remote_address,
        "remote_port": entry.remote_port,
        "user": entry.user,
        "servers": " ".join(map(str, entry.servers)),
        "user_id": entry.user_id,
        "time_limit_ms": entry.time_limit_ms,
    }


def test_a_changed_password_is_audited_as_another_and_the_same_one_as_no_change(context):
    run_command(FULL + SECRET, context)
    audited = len(audit(context))
    assert ids(run_command("CHGSOCKSE 40" + SECRET, context)) == ["GWL0172"]
    assert len(audit(context)) == audited
    run_command("CHGSOCKSE 40 PASSWORD('hunter3')", context)
    gr, cd = audit(context)[audited:]
    detail = json.loads(gr.detail)
    assert (detail["before"]["password"], detail["after"]["password"]) == ("*SET", "another")
    assert (gr.text, cd.detail) == ("SOCKS entry 40 changed", "CHGSOCKSE SEQNBR(40)")
    assert opened(context) == Secret("hunter3")


def test_a_port_is_that_of_the_servers_that_name_none(context):
    run_command("ADDSOCKSE SERVER(a b:9)", context)
    run_command("CHGSOCKSE 10 PORT(77)", context)
    assert entries(context)[0].servers == (SocksServer("a", 77), SocksServer("b", 9))
    run_command("CHGSOCKSE 10 SERVER(c)", context)
    assert entries(context)[0].servers == (SocksServer("c", 77),)


def test_an_entry_that_becomes_direct_loses_what_was_for_its_servers_and_keeps_the_rest(context):
    run_command(FULL + SECRET, context)
    run_command("CHGSOCKSE 40 TYPE(*DIRECT)", context)
    (entry,) = entries(context)
    assert entry == make_socks_entry(
        sequence=40, type="direct", remote_address="192.0.2.0/24", remote_port="443", user="ALICE"
    )
    assert refused("CHGSOCKSE 40 SERVER(a)", context) == "GWL0248"
    run_command("CHGSOCKSE 40 TYPE(*SOCKS) SERVER(a)", context)
    assert entries(context)[0].servers == (SocksServer("a"),)


def test_a_copy_has_the_password_too(context):
    run_command(FULL + SECRET, context)
    result = run_command("CPYSOCKSE 40 50", context)
    assert result.messages[0].text == "SOCKS entry 40 copied to 50."
    first, second = entries(context)
    assert (second.sequence, second.password, second.servers) == (50, first.password, first.servers)
    run_command("CPYSOCKSE 40", context)
    assert entries(context)[-1].sequence == 60


def test_an_entry_is_removed(context):
    run_command(PLAIN, context)
    assert run_command("RMVSOCKSE 10", context).messages[0].text == "SOCKS entry 10 removed."
    assert entries(context) == []
    assert json.loads(audit(context)[2].detail)["after"] is None


@pytest.mark.parametrize(
    ("command", "message_id"),
    [
        ("ADDSOCKSE", "GWL0249"),
        ("ADDSOCKSE 0 SERVER(a)", "GWL0240"),
        ("ADDSOCKSE 99999 SERVER(a)", "GWL0240"),
        ("ADDSOCKSE *DFT SERVER(a)", "GWL0240"),
        ("ADDSOCKSE 10 SERVER(a)", "GWL0330"),
        ("ADDSOCKSE SERVER('http://a')", "GWL0242"),
        ("ADDSOCKSE SERVER(a A)", "GWL0244"),
        ("ADDSOCKSE SERVER(a a:9) PORT(9)", "GWL0244"),
        ("ADDSOCKSE SERVER(a b c d e f g h i)", "GWL0243"),
        ("ADDSOCKSE SERVER()", "GWL010C"),
        ("ADDSOCKSE SERVER(a) PORT(0)", "GWL0209"),
        ("ADDSOCKSE SERVER(a) VERSION(6)", "GWL0201"),
        ("ADDSOCKSE SERVER(a) VERSION(4) RMTADR('2001:db8::1')", "GWL024C"),
        ("ADDSOCKSE SERVER(a) VERSION(4) USERID(x) PASSWORD(hunter2)", "GWL024A"),
        ("ADDSOCKSE SERVER(a) PASSWORD(hunter2)", "GWL024B"),
        ("ADDSOCKSE SERVER(a) USERID(x)", "GWL024D"),
        ("ADDSOCKSE SERVER(a) USERID(x) PASSWORD(hunter2 hunter3)", "GWL010B"),
        (f"ADDSOCKSE SERVER(a) USERID(x) PASSWORD('hunter{'x' * 130}')", "GWL0109"),
        ("ADDSOCKSE TYPE(*DIRECT) SERVER(a)", "GWL0248"),
        ("ADDSOCKSE TYPE(*DIRECT) PORT(9)", "GWL0248"),
        ("ADDSOCKSE TYPE(*DIRECT) USERID(x) PASSWORD(hunter2)", "GWL0248"),
        ("ADDSOCKSE SERVER(a) TIMLMT(0)", "GWL0247"),
        ("CHGSOCKSE 20 TEXT('x')", "GWL0331"),
        ("CHGSOCKSE 10 SERVER(*NONE)", "GWL0249"),
        ("CHGSOCKSE 10 USERID(x)", "GWL024D"),
        ("CHGSOCKSE 40 VERSION(4)", "GWL024A"),
        ("CHGSOCKSE 40 PASSWORD(*NONE)", "GWL024D"),
        ("CHGSOCKSE 40 USERID(*DFT)", "GWL024B"),
        ("CPYSOCKSE 20", "GWL0331"),
        ("CPYSOCKSE 10 40", "GWL0330"),
        ("CPYSOCKSE 10 *DFT", "GWL0240"),
        ("RMVSOCKSE 20", "GWL0331"),
        ("DSPSOCKSE 20", "GWL0331"),
    ],
)
def test_a_refused_command_changes_and_audits_nothing(context, command, message_id):
    run_command(PLAIN, context)
    run_command(FULL + SECRET, context)
    assert refused(command, context) == message_id


def test_an_error_names_the_keyword(context):
    with pytest.raises(ConsoleError) as caught:
        run_command("ADDSOCKSE TYPE(*DIRECT) USERID(x)", context)
    assert caught.value.values["keyword"] == "USERID"


def test_an_entry_that_was_imported_without_its_password_can_be_changed_and_completed(context):
    with transaction(context.store) as session:
        lacking = make_socks_entry(sequence=10, servers="a", user_id="anna")
        set_pending(session, make_policy({}, [], socks=[lacking]))
    assert ids(run_command("CHGSOCKSE 10 TEXT('x')", context)) == ["GWL0171"]
    assert "*MISSING" in "\n".join(run_command("DSPSOCKSE 10", context).lines)
    assert refused("ACTSOCPCY", context) == "GWL024D"
    run_command("CHGSOCKSE 10" + SECRET, context)
    assert opened(context) == Secret("hunter2")


def test_passwords_that_cannot_be_read_are_not_activated_and_can_be_given_anew(context):
    run_command(FULL + SECRET, context)
    context.store.location.key.unlink()
    assert refused("ACTSOCPCY", context) == "GWL0333"
    run_command("CHGSOCKSE 40 PASSWORD('hunter3')", context)
    assert opened(context) == Secret("hunter3")


def test_entries_are_listed_and_shown_without_their_passwords(context):
    run_command(PLAIN, context)
    run_command(FULL + SECRET, context)
    run_command("ADDSOCKSE 5 '10.0.0.1-10.0.0.9' TYPE(*DIRECT)", context)
    listed, tab = run_command("WRKSOCKSE", context), run_command("CFGSOCKS", context)
    assert (listed.panel, tab.panel) == ("WorkWithSocksEntries", "ConfigureSocks")
    assert listed.lines[3].split()[:9] == [
        "40",
        "ALICE",
        "192.0.2.0/24",
        "443",
        "*SOCKS",
        "a:9050",
        "b",
        "[::1]:7",
        "5",
    ]
    assert [line.split() for line in tab.lines[1:]] == [
        ["Direct", "10.0.0.1", "to", "10.0.0.9"],
        ["SOCKS", "server", "10.0.0.0", "255.0.0.0", "proxy.example", "1080"],
        ["SOCKS", "server", "192.0.2.0", "255.255.255.0", "a", "9050"],
        ["b", "1080"],
        ["::1", "7"],
    ]
    shown = run_command("DSPSOCKSE 40", context)
    assert shown.panel == "DisplaySocksEntry"
    assert "hunter2" not in "\n".join((*listed.lines, *shown.lines))
    assert "SOCKS server" not in "\n".join(run_command("DSPSOCKSE 5", context).lines)


def test_without_entries_the_lists_say_so(context):
    assert (
        run_command("WRKSOCKSE", context).lines[-1]
        == run_command("CFGSOCKS", context).lines[-1]
        == "(No SOCKS entries)"
    )


def test_an_entry_is_activated_with_the_policy(context):
    run_command(PLAIN, context)
    result = run_command("ACTSOCPCY", context)
    assert result.messages[0].text == "Revision 2 is active: 1 SOCKS entry added."
    with reading(context.store) as session:
        assert [entry.sequence for entry in active_policy(session)[1].socks] == [10]


def test_an_unknown_service_is_named_when_the_policy_is_activated(context):
    run_command("ADDSOCKSE TYPE(*DIRECT) RMTPORT(no-such-service)", context)
    assert refused("ACTSOCPCY", context) == "GWL0128"
    run_command("CHGSOCKSE 10 RMTPORT(https)", context)
    run_command("ACTSOCPCY", context)
    with reading(context.store) as session:
        assert active_policy(session)[1].services == {"https": 443}


_hosts = st.sampled_from(["a", "proxy.example", "192.0.2.1", "2001:db8::1"])
_lists = st.lists(st.tuples(_hosts, st.sampled_from([1080, 1, 65535])), min_size=1, max_size=4, unique=True)


@given(_lists, st.sampled_from(SocksVersion), st.sampled_from(["", "it's", "Anna B"]))
def test_an_entry_written_as_a_command_is_the_same_one(servers, version, user_id):
    text = " ".join(str(SocksServer(*server)) for server in servers)
    entry = make_socks_entry(sequence=7, servers=text, version=version, user_id=user_id)
    string = render(AddSocksEntry, values_of(entry))
    values = parse(string, COMMANDS).values
    assert values == values_of(entry)
    assert entry_of(values, sequence=7) == entry
    assert render(AddSocksEntry, values) == string


def test_password_goes_to_another_server_only_by_who_may_read_it(context):
    operator = replace(context, user="NET", authorities=frozenset({"*IOSYSCFG"}))
    run_command(PLAIN + " USERID(me)" + SECRET, context)
    for elsewhere in ("SERVER(evil.example)", "PORT(1081)"):
        with pytest.raises(AuthorityError, match="GWL1006"):
            run_command(f"CHGSOCKSE 10 {elsewhere}", operator)
    for allowed in ("PORT(1080) SERVER(proxy.example)", "TEXT(Out)", "PORT(1081) PASSWORD(another)"):
        run_command(f"CHGSOCKSE 10 {allowed}", operator)
    run_command("CHGSOCKSE 10 PORT(1082)", context)
    assert opened(context).text == "another"
