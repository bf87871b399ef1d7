"""Valid values of every kind; each field can be given by keyword."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from console.enforcement.frames import PROTOCOL, Hello, Records
from console.enforcement.layouts import Endpoint
from console.enforcement.records import Decided, Who, pack, sealed
from console.journal.entries import Entry
from console.model.words import SPECIAL_AUTHORITIES, ExitPoint, Outcome
from console.people.sign_on import SignedOn
from console.policy.request import MAPPED, Decision
from console.policy.rule import Rule

GUARD_ID = "0123456789abcdef" * 2
AT_NS = 1_772_366_400_123_456_789
"""2026-03-01T12:00:00.123456789Z."""


def rule(**fields) -> Rule:
    return replace(Rule(ExitPoint.CONNECT, 10), **fields)


def decided(**fields) -> Decided:
    whole = Decided(
        at_ns=AT_NS,
        exit_point=ExitPoint.CONNECT,
        decision=Decision(Outcome.ALLOWED, 99999, 0, journal=True, alert=False),
        revision=1,
        who=Who("ALICE", "/usr/bin/curl", 4711),
        local=Endpoint(MAPPED + 0x7F00_0001, 40000),
        remote=Endpoint(MAPPED + 0x7F00_0002, 443),
        decision_us=7,
        text="",
    )
    return whole._replace(**fields)


def record(number=1, **fields) -> bytes:
    return sealed(pack(number, (number, 0, 7 * number), decided(**fields)))


def records(first, last) -> Records:
    """Return the frame in which a guard sends these."""
    return Records(b"".join(map(record, range(first, last + 1))))


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


def signed_on(name="OPER", **fields) -> SignedOn:
    """Return somebody who may do everything, or what the fields say."""
    return replace(SignedOn(name, frozenset(SPECIAL_AUTHORITIES), limited=False), **fields)
