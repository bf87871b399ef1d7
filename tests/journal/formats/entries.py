"""Entries for tests of formats: usual ones, and such as hypothesis makes up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_type_hints

from hypothesis import strategies as st

from console.journal.formats.values import EntryValues, Origin
from tests.factories import entry

HERE = Origin("host.example", "0.1.0")
NASTY = "a\nb\r\nc\t=|\\\"]'[%,;\x00\x1b[31m\x7f\x85\u2028\u202e\ufeff\x0b\x0c\x1c"


def values(**fields) -> EntryValues:
    given = entry(outcome="*REJECTED", rule_sequence=10, revision=2)._asdict()
    of_journal = {
        "sequence_number": 17,
        "receiver_name": "AUDRCV0001",
        "journal_code": "T",
        "guard_id": "0123456789abcdef0123456789abcdef",
        "guard_number": 3,
        "chain_hash": "ab" * 32,
    }
    return EntryValues(**{name: {**given, **of_journal, **fields}[name] for name in EntryValues._fields})


ACCEPT_6 = values(
    sk_type="A", outcome="*ALLOWED", exit_point="*ACCEPT", program="/usr/sbin/nginx", user_name="WWW-DATA",
    address_family="*IPV6", local_address="::1", local_port=80, remote_address="2001:db8::7", remote_port=50000,
)  # fmt: skip
COMMAND = values(
    entry_type="CD", sk_type="", outcome="", exit_point="", rule_sequence=0, revision=0, user_name="OPER",
    qualified_job_name="000815/OPER/SHELL", program="", address_family="", local_address="", local_port=0,
    remote_address="", remote_port=0, decision_us=0, guard_id="", guard_number=0,
    text="ADDSOCRUL EXITPNT(*CONNECT) TEXT('Grüße')", detail="ADDSOCRUL EXITPNT(*CONNECT) TEXT('Grüße')",
)  # fmt: skip

_texts = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(sorted(set(NASTY))), max_size=40)
_numbers = st.integers(0, 2**31 - 1)
_moments = st.datetimes(datetime(1971, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds

anything = st.builds(
    EntryValues,
    **{
        name: _moments if name == "entry_timestamp" else _numbers if kind is int else _texts
        for name, kind in get_type_hints(EntryValues).items()
    },
)
"""Values as only somebody who writes into the store could make them."""
