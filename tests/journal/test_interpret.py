"""An entry with every field named: nothing left out, and nothing that a detail may hold breaks it."""

from __future__ import annotations

import json
import time as clock

import pytest

from console.journal.chain import FIELDS
from console.journal.describe import ENTRY_TYPES, SK_TYPES, type_text
from console.journal.interpret import as_json, entry_specific_data, groups, hexadecimal
from console.model.words import SkType
from tests.commands.test_journal import entry


@pytest.fixture(autouse=True)
def _utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    clock.tzset()
    yield
    monkeypatch.undo()
    clock.tzset()


def named(found, names=None):
    return [(field.label, field.value) for group in groups(found, names or {}) for field in group.fields]


def test_every_field_of_a_socket_entry_is_named():
    unlike = {
        "rule_sequence": 4011, "revision": 4012, "pid": 4013, "local_port": 4014, "remote_port": 4015,
        "decision_us": 4016, "guard_number": 4017, "outcome": "*MONITOR", "exit_point": "*ACCEPT", "sk_type": "A",
        "user_name": "U1", "program": "/p1", "address_family": "*IPV6", "local_address": "::1",
        "remote_address": "::2", "socks_server": "s1:1", "text": "t1", "detail": "d1", "guard_id": "g1",
        "receiver_name": "R1", "qualified_job_name": "000777/J1/J2", "chain_hash": "f" * 64,
    }  # fmt: skip
    shown = " | ".join(value for _, value in named(entry(1, **unlike)))
    parts = [str(value) for name, value in unlike.items() if name != "qualified_job_name"] + ["000777", "J1", "J2"]
    assert [part for part in parts if part not in shown] == []
    above = {"sequence_number", "entry_timestamp", "entry_type", "journal_code"}
    assert set(FIELDS) == above | (set(unlike) - {"chain_hash"}), "a field is new: name it in interpret, and here"


def test_what_an_entry_does_not_have_is_none():
    assert ("SOCKS server", "*NONE") in named(entry(1))
    assert ("Rule that decided", "*DFT") in named(entry(1, rule_sequence=99999))
    assert ("Rule that decided", "*NONE") in named(entry(1, rule_sequence=0))


def test_host_names_are_there_only_when_they_were_asked_for():
    assert not any("host" in label for label, _ in named(entry(1, local_address="10.0.0.1")))
    shown = named(entry(1, local_address="10.0.0.1"), {"10.0.0.1": "here", "10.1.1.1": "there"})
    assert ("Local host name", "here") in shown
    assert ("Remote host name", "there") in shown


def changed(detail, **fields):
    return named(
        entry(1, entry_type="GR", sk_type="", exit_point="", outcome="", text="Changed", detail=detail, **fields)
    )


def test_a_change_shows_each_value_with_what_it_was():
    before = {"action": "*ALLOW", "text": "", "old": 1}
    after = {"action": "*REJECT", "text": "", "remote_address": "10.0.0.0/8"}
    record = {"type": "R", "before": before, "after": after}
    shown = changed(json.dumps(record))
    assert ("Action", "*REJECT  (before: *ALLOW)") in shown
    assert ("Text", "*NONE") in shown
    assert ("Old", "1  (before)") in shown
    assert ("Remote address", "10.0.0.0/8") in shown
    assert ("Type", "R") in shown


def test_what_was_added_and_what_was_removed_show_whole():
    assert ("Action", "*ALLOW") in changed('{"before": null, "after": {"action": "*ALLOW"}}')
    assert ("Action", "*ALLOW  (before)") in changed('{"before": {"action": "*ALLOW"}, "after": null}')
    assert ("After", "[10, 20]") in changed('{"before": null, "after": [10, 20]}')


@pytest.mark.parametrize(
    "detail",
    ["{", "{}", "[1]", "null", '{"a": ' + "[" * 100_000, '{"before": 5, "after": "x"}', "{'a': 1}", '{"": {"": null}}',
     '{"a": NaN}', '{"a": 1e999}', "\ud800", "{\ud800}"],
)  # fmt: skip
def test_a_detail_may_be_anything(detail):
    shown = changed(detail)
    assert ("Text", "Changed") in shown
    assert entry_specific_data(entry(1, entry_type="GR", detail=detail)) == detail


def test_a_command_shows_as_one():
    shown = named(entry(1, entry_type="CD", text="ACTSOCPCY", detail="ACTSOCPCY TEXT('x')"))
    assert ("Command", "ACTSOCPCY TEXT('x')") in shown


def test_an_entry_of_an_unknown_type_shows():
    shown = named(entry(1, entry_type="ZZ", sk_type="Q", exit_point="*WHAT", outcome="*ODD", qualified_job_name="odd"))
    assert ("Exit point", "*WHAT") in shown
    assert ("Outcome", "*ODD") in shown
    assert ("Name of job", "odd") in shown


def test_hexadecimal_has_every_octet_in_its_column():
    rows = list(hexadecimal("A" * 17 + "ü\x1b"))
    assert rows == [
        (1, "41414141 41414141 41414141 41414141", "A" * 16),
        (17, "41C3BC1B", "A..."),
    ]
    assert list(hexadecimal("")) == []
    assert list(hexadecimal("\ud800")) == [(1, "EDA080", "...")]


def test_json_has_the_names_of_the_exports_and_is_ascii():
    text = as_json(entry(1, program="/tmp/\x1b\u202eü"))
    assert text.isascii()
    assert "\x1b" not in text
    values = json.loads(text)
    assert set(values) == {*FIELDS, "chain_hash"}
    assert values["entry_timestamp"] == "2026-03-01T12:00:01.000000Z"
    assert values["program"] == "/tmp/\x1b\u202eü"


def test_each_type_of_socket_entry_has_its_words():
    assert set(SkType) <= set(SK_TYPES)
    assert type_text("SK", "P") == "Sockets connection, port unavailable"
    assert type_text("AF", "T") == "Authority failure, not authorized to TCP/IP port"
    assert type_text("ZZ", "") == ""
    assert all(type_text(kind, "") == text for kind, text in ENTRY_TYPES.items())


def test_a_refused_listen_shows_its_rule_whatever_the_type_of_its_entry():
    shown = named(entry(1, entry_type="AF", sk_type="", exit_point="*LISTEN", outcome="*REJECTED", rule_sequence=40))
    assert ("Rule that decided", "40") in shown
    assert ("Local port", "*NONE") in shown
    assert ("Text", "Changed") not in shown


@pytest.mark.parametrize(
    ("entry_type", "code", "told", "kind"),
    [
        ("NR", "J", "J  -  Journal or receiver operation", "Next journal receiver"),
        ("PR", "J", "J  -  Journal or receiver operation", "Previous journal receiver"),
        ("CD", "T", "T  -  Audit trail entry", "Command string"),
        ("ZZ", "U", "U", ""),
    ],
)
def test_codes_are_called_what_they_are(entry_type, code, told, kind):
    shown = dict(named(entry(1, entry_type=entry_type, sk_type="", journal_code=code)))
    assert (shown["Journal code"], type_text(entry_type, "")) == (told, kind)


def test_the_changes_of_an_activation_are_told_one_by_one():
    changes = [
        {"what": "*CONNECT 10", "kind": "added", "before": "", "after": "action *REJECT"},
        {"what": "*CONNECT mode", "kind": "changed", "before": "*ENFORCE", "after": "*MONITOR"},
        {"what": "*LISTEN 20", "kind": "removed", "before": "action *ALLOW", "after": ""},
    ]
    shown = changed(json.dumps({"before": {"revision": 1}, "after": {"revision": 2, "changes": changes}}))
    assert ("Added *CONNECT 10", "action *REJECT") in shown
    assert ("Changed *CONNECT mode", "*MONITOR  (before: *ENFORCE)") in shown
    assert ("Removed *LISTEN 20", "action *ALLOW") in shown
    assert not any("{" in value for _, value in shown)
