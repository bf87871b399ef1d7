"""A receiver saved to a file that can be verified without the store: its signed row, then its entries.

Layout: Lines of UTF-8. The first is a JSON object: ``greenwall_receiver`` 1, ``fields`` the names of an entry's values,
``receiver`` the values that were signed (`console.journal.seal.ReceiverForm`), ``signature`` and ``public_key`` in
hexadecimal. Each other is a JSON array: the values of an entry, times in microseconds since 1970, and its hash.

The checks are pure: they take lines and a key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec
from sqlmodel import Session

from console.errors import JournalError
from console.journal.chain import FIELDS, canonical, link
from console.journal.seal import ReceiverForm, is_signed, public_key, public_text
from console.journal.signer import key_of_reader, receiver_form
from console.journal.stored import read_entries
from console.model.journal import Receiver

_VERSION = 1
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class FileVerdict:
    """What a check of a saved receiver has found."""

    entries: int
    """How many entries are good, from the first on."""
    receiver: str = ""
    bad_entry: int | None = None
    """Number of the first that is not what was written; None: all are."""
    public_key: str = ""
    """Of the key that signed it, in hexadecimal."""


class _Header(msgspec.Struct):
    greenwall_receiver: int
    fields: list[str]
    receiver: list[object]
    signature: str
    public_key: str


def saved_lines(session: Session, receiver: Receiver) -> Iterator[str]:
    """Yield a receiver as lines, each with its end.

    Args:
        session: Reads the store.
        receiver: Detached, so that it does not change any more.

    Raises:
        StoreError: The key of the journal cannot be read.
    """
    header = _Header(
        _VERSION,
        list(FIELDS),
        list(receiver_form(receiver)),
        receiver.signature,
        public_text(key_of_reader(session)),
    )
    yield msgspec.json.encode(header).decode() + "\n"
    for values in read_entries(session, receiver.first_sequence, receiver.last_sequence):
        yield canonical(values).decode() + "\n"


def check_lines(lines: Iterable[bytes], trusted: str = "") -> FileVerdict:
    """Check a saved receiver: every entry, in order, and the signature over its end.

    Args:
        lines: Of the file.
        trusted: Public key that it must be signed with, in hexadecimal; empty: whichever it names. Only the first shows
            that it was not made by somebody else altogether.

    Raises:
        JournalError: It is no saved receiver.
    """
    rest = iter(lines)
    header, form = _header(next(rest, b""))
    name, first, last = form.name, form.first_sequence, form.last_sequence
    good, digest = 0, bytes.fromhex(form.before_hash)
    size = 0
    for line in rest:
        expected = first + good
        values = _values(line)
        body = canonical(values[:-1])
        if expected > last or values[0] != expected or values[2] != name or link(digest, body).hex() != values[-1]:
            return FileVerdict(good, name, expected, header.public_key)
        digest = bytes.fromhex(str(values[-1]))
        good += 1
        size += len(body)
    whole = good == last - first + 1 and digest.hex() == form.last_hash
    if not whole:
        return FileVerdict(good, name, first + good, header.public_key)
    if trusted.lower().strip() not in ("", header.public_key) or not _is_signed(header, form):
        return FileVerdict(0, name, first, header.public_key)
    return FileVerdict(good, name, None, header.public_key)


def _header(line: bytes) -> tuple[_Header, ReceiverForm]:
    try:
        header = msgspec.json.decode(line, type=_Header)
        form = ReceiverForm(*header.receiver)  # type: ignore[arg-type]
        bytes.fromhex(form.before_hash)
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        raise JournalError("GWL0622", reason=str(error)) from error
    if header.fields != list(FIELDS) or {type(form.first_sequence), type(form.last_sequence)} != {int}:
        raise JournalError("GWL0622", reason="its fields are not those of a receiver")
    return header, form


def _values(line: bytes) -> list[object]:
    """Return the values of a line; as many as an entry has, none of them right, for one that is none."""
    try:
        found = _decode(line)
    except msgspec.MsgspecError:
        found = None
    return found if isinstance(found, list) and len(found) == len(FIELDS) + 1 else [None] * (len(FIELDS) + 1)


def _is_signed(header: _Header, form: ReceiverForm) -> bool:
    try:
        return is_signed(public_key(header.public_key), form, header.signature)
    except ValueError:
        return False
