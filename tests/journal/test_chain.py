"""The canonical form and the hash, against figures computed by hand from the description in the module."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from console.journal.chain import FIELDS, canonical, link, microseconds
from console.model.journal import JournalEntry


def test_hash_covers_every_column_but_itself():
    assert (*FIELDS, "chain_hash") == tuple(JournalEntry.model_fields)


def test_canonical_form_is_json_without_white_space():
    assert canonical((1, 0, "Ä", 'a"b\\', "\n\x7f")) == '[1,0,"Ä","a\\"b\\\\","\\n\x7f"]'.encode()


@given(st.lists(st.integers(min_value=0, max_value=2**62) | st.text(st.characters(exclude_categories=["Cs"]))))
def test_canonical_form_tells_values_apart_and_reads_back(values):
    assert json.loads(canonical(values)) == values


def test_hash_is_blake2b_over_the_hash_before_and_the_entry():
    before = bytes(range(32))
    expected = hashlib.blake2b(before + b"[1]", digest_size=32, person=b"QAUDJRN").digest()
    assert link(before, b"[1]") == expected
    assert link(bytes(32), b"[1]") != expected


def test_time_is_exact_to_the_microsecond_far_from_now():
    moment = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    assert microseconds(moment) - microseconds(moment - timedelta(microseconds=1)) == 1
    assert microseconds(datetime(1970, 1, 1, tzinfo=UTC)) == 0
