"""An export that can be verified without the store: a file beside it says what is in it, signed with the journal's key.

Layout: One JSON object, ``greenwall_export`` 1, ``export`` the values that were signed
(`console.journal.seal.ExportForm`), ``signature`` and ``public_key`` in hexadecimal. Any format and any subset of the
journal can be sealed so; that entries are missing which a subset leaves out nobody can tell, and the seal says nothing
of it: it says that these octets, and no others, were exported from the journal with this key.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from console.errors import JournalError
from console.journal.chain import microseconds
from console.journal.infile import open_regular
from console.journal.outfile import private_file
from console.journal.seal import ExportForm, is_signed, public_key, public_text, sign

ENDING = ".seal"
_VERSION = 1
_CHUNK_BYTES = 1 << 20
_LONGEST = 4096
"""Octets of a seal."""


class Sealed(NamedTuple):
    """What a sealed export says of itself."""

    lines: int
    public_key: str
    """Of the key that signed it, in hexadecimal."""


class _Seal(msgspec.Struct):
    greenwall_export: int
    export: list[object]
    signature: str
    public_key: str


def seal_of(path: str | Path) -> Path:
    """Return where the seal of an export lies."""
    return Path(f"{path}{ENDING}")


def seal_export(path: str, key: Ed25519PrivateKey, *, form: str, at: datetime, replace: bool = False) -> None:
    """Seal a file that was exported.

    Args:
        path: The file, whole and on disk.
        key: The journal's.
        form: What it is in: ``jsonl``.
        at: When.
        replace: Whether a seal that is there is replaced.

    Raises:
        JournalError: It cannot be read again, or the seal is there already, or cannot be written.
    """
    made = ExportForm(form, *_contents(path), microseconds(at))
    seal = _Seal(_VERSION, list(made), sign(key, made), public_text(key.public_key()))
    with private_file(str(seal_of(path)), replace=replace) as file:
        file.write(msgspec.json.encode(seal).decode() + "\n")


def check_export(path: Path, trusted: str = "") -> Sealed:
    """Check an export against its seal.

    Args:
        path: The export; its seal lies beside it.
        trusted: Public key that it must be signed with, in hexadecimal; empty: whichever it names.

    Raises:
        JournalError: It is not what was exported, or its seal is none.
    """
    try:
        with open_regular(seal_of(path)) as file:
            seal = msgspec.json.decode(file.read(_LONGEST), type=_Seal)
        form = ExportForm(*seal.export)  # type: ignore[arg-type]
        signed = is_signed(public_key(seal.public_key), form, seal.signature)
    except (OSError, msgspec.MsgspecError, TypeError, ValueError) as error:
        raise JournalError("GWL062E", path=seal_of(path), reason=str(error)) from error
    if not signed or trusted.lower().strip() not in ("", seal.public_key):
        raise JournalError("GWL062E", path=seal_of(path), reason="it is not signed with that key")
    if _contents(str(path)) != (form.lines, form.size_bytes, form.digest):
        raise JournalError("GWL062D", path=path)
    return Sealed(form.lines, seal.public_key)


def _contents(path: str) -> tuple[int, int, str]:
    """Return lines, octets and hash of a file."""
    lines = size = 0
    digest = blake2b(digest_size=32)
    try:
        with open_regular(path) as file:
            while octets := file.read(_CHUNK_BYTES):
                lines += octets.count(b"\n")
                size += len(octets)
                digest.update(octets)
    except OSError as error:
        raise JournalError("GWL0651", path=path, reason=error.strerror or str(error)) from error
    return lines, size, digest.hexdigest()
