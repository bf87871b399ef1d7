"""The hash chain of the journal: each entry carries a hash over itself and the hash of the entry before it.

Pure: takes values, returns values. Whoever can compute BLAKE2b and write JSON can check a journal by two facts. The
canonical form of an entry is its fields in the order of `FIELDS`, times in microseconds since 1970, as a JSON array
without white space in UTF-8. Its hash is BLAKE2b-256 without a key, personalised with `PERSON`, over the 32 octets of
the hash before it and the canonical form.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import blake2b

import msgspec

FIELDS = (
    "sequence_number",
    "entry_timestamp",
    "receiver_name",
    "journal_code",
    "entry_type",
    "sk_type",
    "outcome",
    "exit_point",
    "rule_sequence",
    "revision",
    "user_name",
    "qualified_job_name",
    "pid",
    "program",
    "address_family",
    "local_address",
    "local_port",
    "remote_address",
    "remote_port",
    "socks_server",
    "decision_us",
    "text",
    "detail",
    "guard_id",
    "guard_number",
)
"""The fields of an entry that its hash covers, in order: all but the hash itself."""

PERSON = b"QAUDJRN"
"""Keeps these hashes apart from any others (RFC 7693 names no personalisation; hashlib's ``person``)."""

HASH_BYTES = 32

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
fresh = blake2b(digest_size=HASH_BYTES, person=PERSON).copy
"""Returns a hash that nothing has gone into: copied, as the parameters take longer to read than an entry to hash."""

_encode = msgspec.json.Encoder().encode


def microseconds(moment: datetime) -> int:
    """Return an aware time as microseconds since 1970-01-01T00:00:00Z, exactly."""
    since = moment - EPOCH  # three numbers: to divide by a timedelta takes twice as long
    return (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds


def canonical(values: Sequence[object]) -> bytes:
    """Return the octets that stand for an entry.

    Args:
        values: One for each of `FIELDS`, the time as microseconds.
    """
    return _encode(values)


def link(before: bytes, entry: bytes) -> bytes:
    """Return the hash of an entry.

    Args:
        before: Hash of the entry before it; 32 zero octets for the first.
        entry: Its canonical form.
    """
    state = fresh()
    state.update(before + entry)
    return state.digest()


def links(before: bytes, entries: Iterable[Sequence[object]]) -> list[str]:
    """Return the hashes of entries that follow each other, in hexadecimal: `link` of `canonical` of each, and faster.

    Args:
        before: Hash of the entry before the first of them.
        entries: For each the values that `canonical` takes.
    """
    digest, found = before, []
    for form in map(_encode, entries):
        state = fresh()
        state.update(digest + form)
        digest = state.digest()
        found.append(digest.hex())
    return found
