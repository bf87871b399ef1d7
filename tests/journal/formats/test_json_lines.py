"""JSON Lines lose nothing."""

from __future__ import annotations

import json
from datetime import datetime

from hypothesis import given

from console.journal.formats.json_lines import line
from console.journal.formats.values import EntryValues
from tests.journal.formats.entries import HERE, anything, values


@given(entry=anything)
def test_what_is_read_back_is_what_was_there(entry):
    read = json.loads(line(entry, HERE))
    assert tuple(read) == EntryValues._fields
    assert read.pop("entry_timestamp").endswith("Z")
    assert read == {name: value for name, value in entry._asdict().items() if name != "entry_timestamp"}


@given(entry=anything)
def test_time_is_exact(entry):
    assert datetime.fromisoformat(json.loads(line(entry, HERE))["entry_timestamp"]) == entry.entry_timestamp


def test_names_and_spelling_stay():
    assert line(values(), HERE) == (
        '{"sequence_number": 17, "entry_timestamp": "2026-03-01T12:00:00.123456Z", "receiver_name": "AUDRCV0001", '
        '"journal_code": "T", "entry_type": "SK", "sk_type": "C", "outcome": "*REJECTED", "exit_point": "*CONNECT", '
        '"rule_sequence": 10, "revision": 2, "user_name": "ALICE", "qualified_job_name": "000001/ALICE/CURL", '
        '"pid": 4711, "program": "/usr/bin/curl", "address_family": "*IPV4", "local_address": "127.0.0.1", '
        '"local_port": 40000, "remote_address": "127.0.0.2", "remote_port": 443, "socks_server": "", '
        '"decision_us": 7, "text": "", "detail": "", "guard_id": "0123456789abcdef0123456789abcdef", '
        f'"guard_number": 3, "chain_hash": "{"ab" * 32}"}}'
    )
    assert line(values(text="Grüße\u202e"), HERE).isascii()
