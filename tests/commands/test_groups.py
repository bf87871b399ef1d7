"""The commands on address groups and time groups, and rules that name them."""

from __future__ import annotations

import json

import pytest
from sqlmodel import select

from console.commands.execute import run_audited, run_command
from console.commands.policy_import import take_document
from console.commands.registry import COMMANDS
from console.errors import ConsoleError, PolicyError
from console.model.outbox import AuditOutbox
from console.policy.document import parse, render
from console.store.groups import ADDRESS_GROUPS
from console.store.revisions import active_policy, pending_policy, revision_policy
from console.store.session import reading

ADD = "ADDADRGRP DMZ MBR('10.0.0.0/8' '!10.0.0.5') TEXT('The zone')"
OFFICE = "ADDTIMGRP OFFICE DAYS(*WEEKDAY) TIMES(0800-1200 13:00-18:00) TIMZON(UTC)"
RULE = "ADDSOCRUL *CONNECT 10 RMTADR(%dmz) TIMGRP(office) ACTION(*REJECT)"


@pytest.fixture
def run(context):
    """Return what runs a command and gives the texts of its messages."""

    def running(command):
        return [message.text for message in run_command(command, context).messages]

    return running


@pytest.fixture
def lines(context):
    return lambda command: run_command(command, context).lines


@pytest.fixture
def members(context):
    def read(name="DMZ"):
        with reading(context.store) as session:
            return ADDRESS_GROUPS.get(session, name).members

    return read


@pytest.fixture
def audited(context):
    """Return the details of the GR entries, oldest first."""

    def read():
        with reading(context.store) as session:
            query = select(AuditOutbox.text, AuditOutbox.detail).where(AuditOutbox.entry_type == "GR")
            return [(text, json.loads(detail)) for text, detail in session.exec(query)]

    return read


def refused(run, command, message_id):
    with pytest.raises(ConsoleError) as caught:
        run(command)
    assert caught.value.message_id == message_id
    return caught.value


def test_a_group_is_added_changed_copied_and_removed(run, members):
    assert run(ADD) == ["Address group DMZ added to the pending policy, members: 2."]
    refused(run, ADD, "GWL02BF")
    assert run("CHGADRGRP DMZ TEXT(Other)") == ["Address group DMZ changed in the pending policy."]
    assert members() == ("10.0.0.0/8", "!10.0.0.5")
    assert run("CHGADRGRP DMZ TEXT(Other)") == ["Address group DMZ is as it was."]
    assert run("CHGADRGRP DMZ MBR(::1)") == ["Address group DMZ changed in the pending policy."]
    assert members() == ("::1",)
    assert run("CPYADRGRP DMZ ZONE2") == ["Address group DMZ copied to ZONE2 in the pending policy."]
    assert members("ZONE2") == ("::1",)
    assert run("RMVADRGRP DMZ") == ["Address group DMZ removed from the pending policy."]
    for command in ("RMVADRGRP DMZ", "CHGADRGRP DMZ TEXT(x)", "DSPADRGRP DMZ", "CPYADRGRP DMZ X", "ADDADRGRPE DMZ ::1"):
        refused(run, command, "GWL02BE")


def test_single_members_come_and_go(run, members):
    run(ADD)
    told = run("ADDADRGRPE DMZ MBR(192.0.2.1 10.0.0.0/8 192.0.2.1)")
    assert told == ["Members added to address group DMZ: 1; it has 3 now."]
    assert run("ADDADRGRPE DMZ 192.0.2.1") == ["Address group DMZ is as it was."]
    told = run("RMVADRGRPE DMZ MBR(192.0.2.1 '!10.0.0.5')")
    assert told == ["Members removed from address group DMZ: 2; it has 1 now."]
    assert refused(run, "RMVADRGRPE DMZ MBR(10.0.0.0/8 10.0.0.1)", "GWL02CB").values["members"] == "10.0.0.1"
    assert members() == ("10.0.0.0/8",), "all or none"
    refused(run, "ADDADRGRPE DMZ", "GWL02CF")
    refused(run, "RMVADRGRPE DMZ", "GWL02CF")
    assert run("CHGADRGRP DMZ MBR(*NONE)") == ["Address group DMZ changed in the pending policy."]
    assert members() == ()


def test_members_come_from_a_file_of_one_address_a_line(run, members, tmp_path):
    path = tmp_path / "drop.txt"
    text = "# a blocklist\n1.2.3.0/24 ; SBL1\n\n  2001:db8::/32\n10.9.9.9 # a host\n!1.2.3.4\n"
    path.write_text(text, encoding="utf-8")
    assert run(f"ADDADRGRP BAD MBR(::1) FROMFILE('{path}')") == [
        "Address group BAD added to the pending policy, members: 5."
    ]
    assert members("BAD") == ("::1", "1.2.3.0/24", "!1.2.3.4", "10.9.9.9", "2001:db8::/32")
    path.write_text("1.2.3.0/24\nhost.example\n", encoding="utf-8")
    error = refused(run, f"CHGADRGRP BAD FROMFILE('{path}')", "GWL02CE")
    assert (error.values["line"], error.values["value"]) == (2, "what stands there"), "the file may be anybody's"
    path.write_text("1.2.3.256\n", encoding="utf-8")
    error = refused(run, f"CHGADRGRP BAD FROMFILE('{path}')", "GWL02CE")
    assert (error.values["line"], error.values["value"]) == (1, "1.2.3.256")
    path.write_text("9.9.9.9\n", encoding="utf-8")
    run(f"CHGADRGRP BAD FROMFILE('{path}')")
    assert members("BAD") == ("9.9.9.9",)
    refused(run, "ADDADRGRPE BAD FROMFILE('/nowhere/at/all')", "GWL0006")


def test_a_blocklist_of_ten_thousand_is_taken_in_and_activated(run, members, context, tmp_path, audited):
    path = tmp_path / "long.txt"
    path.write_text("".join(f"10.{at >> 8}.{at & 255}.7\n" for at in range(10_000)), encoding="utf-8")
    run(f"ADDADRGRP LONG FROMFILE('{path}')")
    assert len(members("LONG")) == 10_000
    text, detail = audited()[-1]
    assert (text, detail["after"]["count"]) == ("Address group LONG added", 10_000)
    assert detail["after"]["members"].endswith("and 9000 more")
    run("ADDSOCRUL *ACCEPT 10 RMTADR(%LONG) ACTION(*REJECT)")
    (told,) = run("ACTSOCPCY")
    assert "1 rule added, 1 address group added" in told
    with reading(context.store) as session:
        assert len(active_policy(session)[1].address_groups[0].members) == 10_000


def test_a_rule_names_only_groups_that_are_there(run):
    for command in (
        "ADDSOCRUL *CONNECT RMTADR(%DMZ) ACTION(*REJECT)",
        "ADDSOCRUL *LISTEN LCLADR(%DMZ) ACTION(*REJECT)",
        "ADDSOCRUL *CONNECT TIMGRP(OFFICE) ACTION(*REJECT)",
    ):
        refused(run, command, "GWL02B5")
    run(ADD)
    run(OFFICE)
    run(RULE)
    assert refused(run, "CHGSOCRUL *CONNECT 10 LCLADR(%NO)", "GWL02B5").values["keyword"] == "LCLADR"
    refused(run, "ADDSOCKSE RMTADR(%DMZ) SERVER(proxy.example)", "GWL02C1")


def test_a_group_that_a_rule_uses_cannot_be_removed_and_the_message_names_the_rules(run):
    run(ADD)
    run(OFFICE)
    run(RULE)
    run("ADDSOCRUL *LISTEN 40 LCLADR(%DMZ) ACTION(*REJECT)")
    error = refused(run, "RMVADRGRP DMZ", "GWL02C2")
    assert error.values["rules"] == "*CONNECT 10, *LISTEN 40"
    assert refused(run, "RMVTIMGRP OFFICE", "GWL02C2").values["rules"] == "*CONNECT 10"
    run("RMVSOCRUL *CONNECT 10")
    assert run("RMVTIMGRP OFFICE") == ["Time group OFFICE removed from the pending policy."]


def test_a_time_group_is_added_changed_copied_and_shown(run, lines):
    assert run(OFFICE) == ["Time group OFFICE added to the pending policy."]
    run("CHGTIMGRP OFFICE TIMES(07:00-19:00) TODATE(2026-12-31)")
    assert run("CHGTIMGRP OFFICE DAYS(*SAME)") == ["Time group OFFICE is as it was."]
    run("CPYTIMGRP OFFICE LATE")
    shown = "\n".join(lines("DSPTIMGRP LATE"))
    assert "*MON *TUE *WED *THU *FRI" in shown
    assert "07:00-19:00" in shown
    assert "*INACTIVE" in shown, "the first of March 2026 is a Sunday"
    error = refused(run, "CHGTIMGRP OFFICE FROMDATE(2027-01-01)", "GWL02BB")
    assert error.values["keyword"] == "TODATE"
    assert [line.split()[0] for line in lines("WRKTIMGRP")] == ["Group", "LATE", "OFFICE"]


def test_lists_say_how_many_members_and_rules_there_are(run, lines):
    assert lines("WRKADRGRP")[-1] == "(No address groups)"
    run(ADD)
    run("ADDSOCRUL *CONNECT 10 LCLADR(%DMZ) RMTADR(%DMZ) ACTION(*REJECT)")
    assert lines("WRKADRGRP")[-1].split()[:3] == ["DMZ", "2", "1"]
    assert lines("DSPADRGRP DMZ")[-2:] == ("10.0.0.0/8", "!10.0.0.5")


def test_a_test_is_made_at_a_time_and_names_the_member_that_matched(run, lines, monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    run(ADD)
    run(OFFICE)
    run(RULE)
    verdict, member = run("TSTSOCRUL *CONNECT RMTADR(10.1.1.1) TIME('2026-03-02 09:00')")
    assert verdict == "Rule 10 of *CONNECT would decide: *REJECTED, journalled."
    assert member == "RMTADR 10.1.1.1 is in address group DMZ by its member 10.0.0.0/8."
    (verdict,) = run("TSTSOCRUL *CONNECT RMTADR(10.1.1.1) TIME('2026-03-02 12:00')")
    assert verdict.startswith("Rule *DFT")
    assert "TIMGRP does not match" in lines("TSTSOCRUL *CONNECT RMTADR(10.1.1.1)")[1], "now it is Sunday"
    assert run("TSTSOCRUL *CONNECT RMTADR(10.0.0.5) TIME('2026-03-02 09:00')")[0].startswith("Rule *DFT")
    refused(run, "TSTSOCRUL *CONNECT RMTADR(10.1.1.1) TIME(SOON)", "GWL0630")


def test_groups_are_part_of_a_revision_which_never_changes(run, context):
    run(ADD)
    run(OFFICE)
    run(RULE)
    run("ACTSOCPCY")
    run("ADDADRGRPE DMZ ::1")
    run("CHGTIMGRP OFFICE TIMES(*ALL)")
    told = run("CMPSOCPCY")
    assert told == ["From revision 2 to the pending policy: 1 address group changed, 1 time group changed."]
    run("ACTSOCPCY")
    with reading(context.store) as session:
        before, after = revision_policy(session, 2), revision_policy(session, 3)
    assert before.address_groups[0].members == ("10.0.0.0/8", "!10.0.0.5")
    assert after.address_groups[0].members == ("::1", "10.0.0.0/8", "!10.0.0.5")
    assert before.time_groups[0].times == "08:00-12:00 13:00-18:00"


def test_the_systems_time_zone_goes_into_the_revision_by_name(run, context, monkeypatch):
    monkeypatch.setattr("console.commands.host.system_time_zone", lambda: "Europe/Berlin")
    run("ADDTIMGRP LOCAL TIMES(08:00-09:00)")
    run("ADDSOCRUL *CONNECT 10 TIMGRP(LOCAL) ACTION(*REJECT)")
    run("ACTSOCPCY")
    with reading(context.store) as session:
        assert active_policy(session)[1].time_zone == "Europe/Berlin"
    monkeypatch.setattr("console.commands.host.system_time_zone", lambda: "Asia/Tokyo")
    assert run("ACTSOCPCY")[0].startswith("Revision 3 is active")
    monkeypatch.setattr("console.commands.host.system_time_zone", lambda: "")
    refused(run, "ACTSOCPCY", "GWL02BC")


def test_a_rule_for_a_group_without_addresses_is_warned_about(run):
    run("ADDADRGRP NOBODY")
    run("ADDSOCRUL *CONNECT 10 RMTADR(%NOBODY) ACTION(*REJECT)")
    assert run("ACTSOCPCY")[1] == "Address group NOBODY covers no address: rules that name it never match: *CONNECT 10."


def test_an_imported_policy_has_its_groups_and_unused_ones_are_warned_about(run, context):
    run(ADD)
    run(OFFICE)
    run(RULE)
    run("ADDADRGRP SPARE ::1")
    with reading(context.store) as session:
        before = pending_policy(session)
    text = render(before)
    run("RMVSOCRUL *CONNECT 10")
    run("RMVADRGRP DMZ")
    told = run_audited("x", context, lambda inside: take_document(parse(text), "policy.yaml", inside)).messages
    assert told[-1].text == "Address group SPARE is used by no rule."
    with reading(context.store) as session:
        assert pending_policy(session) == before


@pytest.mark.parametrize(
    ("document", "place", "message_id"),
    [
        ("rules:\n- {exit_point: connect, sequence: 1, remote_address: '%NO'}", (3, 54), "GWL02B5"),
        ("rules:\n- {exit_point: connect, sequence: 1, time_group: NO}", (3, 50), "GWL02B5"),
        ("address_groups:\n- name: A\n  members:\n  - ::1\n  - nowhere", (6, 5), "GWL0203"),
        ("address_groups:\n- name: A\n- name: a", (4, 9), "GWL02BD"),
        ("time_groups:\n- name: A\n  times: [08:00-09:00, 9-10]", (4, 24), "GWL02B7"),
        ("time_groups:\n- name: A\n  hours: 9", (4, 3), "GWL0221"),
    ],
)
def test_what_is_wrong_in_a_document_is_named_with_line_and_column(document, place, message_id):
    with pytest.raises(PolicyError) as caught:
        parse(f"greenwall: 1\n{document}\n")
    assert (caught.value.message_id, caught.value.values["line"], caught.value.values["column"]) == (message_id, *place)


def test_f4_lists_the_groups(run, context):
    run(ADD)
    run("ADDADRGRP OTHER MBR(::1 ::2)")
    run(OFFICE)
    parameters = {each.keyword: each for each in COMMANDS["ADDSOCRUL"].parameters}
    for keyword in ("RMTADR", "LCLADR"):
        listed = [choice.value for choice in parameters[keyword].list_values(context)]
        assert listed[:3] == ["*ANY", "%DMZ", "%OTHER"]
    assert [choice.value for choice in parameters["TIMGRP"].list_values(context)] == ["*ANY", "OFFICE"]
    (group,) = (each for each in COMMANDS["RMVADRGRP"].parameters if each.keyword == "ADRGRP")
    assert [(choice.value, choice.text) for choice in group.list_values(context)] == [
        ("DMZ", "The zone"),
        ("OTHER", "2 members"),
    ]
    (times,) = (each for each in COMMANDS["RMVTIMGRP"].parameters if each.keyword == "TIMGRP")
    assert [choice.value for choice in times.list_values(context)] == ["OFFICE"]


def test_each_change_is_a_gr_entry_with_what_came_and_went(run, audited):
    run(ADD)
    run("ADDADRGRPE DMZ ::1")
    run("RMVADRGRP DMZ")
    told = [
        (text, *((detail[side] or {}).get("members") for side in ("before", "after"))) for text, detail in audited()
    ]
    assert told == [
        ("Address group DMZ added", None, "10.0.0.0/8 !10.0.0.5"),
        ("Members added to address group DMZ: 1", "none", "::1"),
        ("Address group DMZ removed", "::1 10.0.0.0/8 !10.0.0.5", None),
    ]
