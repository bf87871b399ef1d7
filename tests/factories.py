"""Valid values of every kind; each field can be given by keyword."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from console.enforcement.frames import PROTOCOL, Event, Hello
from console.journal.entries import Entry
from console.model.words import ExitPoint
from console.policy.rule import Rule

GUARD_ID = "0123456789abcdef" * 2
AT_NS = 1_772_366_400_123_456_789
"""2026-03-01T12:00:00.123456789Z."""


def rule(**fields) -> Rule:
    return replace(Rule(ExitPoint.CONNECT, 10), **fields)


def event(number=1, **fields) -> Event:
    whole = Event(
        number=number,
        at_ns=AT_NS,
        sk_type="C",
        outcome="*ALLOWED",
        exit_point="*CONNECT",
        rule_sequence=99999,
        revision=1,
        user="ALICE",
        pid=4711,
        program="/usr/bin/curl",
        address_family="*IPV4",
        local_address="127.0.0.1",
        local_port=40000,
        remote_address="127.0.0.2",
        remote_port=443,
        socks_server="",
        decision_us=7,
        text="",
    )
    return msgspec.structs.replace(whole, **fields)


def events(first, last) -> tuple[Event, ...]:
    return tuple(event(number) for number in range(first, last + 1))


def hello(guard_id=GUARD_ID, **fields) -> Hello:
    whole = Hello(
        protocol=PROTOCOL,
        guard_id=guard_id,
        pid=999_999_999,
        user="ALICE",
        job_name="CURL",
        command="curl https://example.com",
        started_ns=AT_NS,
    )
    return msgspec.structs.replace(whole, **fields)


def entry(**fields) -> Entry:
    whole = Entry(
        datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC),
        "SK",
        sk_type="C",
        outcome="*ALLOWED",
        exit_point="*CONNECT",
        rule_sequence=99999,
        revision=1,
        user_name="ALICE",
        qualified_job_name="000001/ALICE/CURL",
        pid=4711,
        program="/usr/bin/curl",
        address_family="*IPV4",
        local_address="127.0.0.1",
        local_port=40000,
        remote_address="127.0.0.2",
        remote_port=443,
        decision_us=7,
    )
    return whole._replace(**fields)
