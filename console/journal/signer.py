"""The key of the journal, in a file beside the store that only its owner can read, and what is signed with it.

The key is made when the journal is first written to. A journal of a store that an older Greenwall made is signed then
as it is found.
"""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlmodel import Session, select

from console.errors import StoreError
from console.journal.chain import microseconds
from console.journal.seal import (
    KEY_BYTES,
    CheckpointForm,
    ReceiverForm,
    is_signed,
    private_key,
    public_text,
    sign,
)
from console.model.journal import Checkpoint, Receiver
from console.store.location import Location
from console.store.session import location_of

_OTHERS = 0o077


def key_of(session: Session) -> Ed25519PrivateKey:
    """Return the key of a session's journal. The first time it is made, and all receivers are signed with it.

    Args:
        session: A transaction.

    Raises:
        StoreError: The key cannot be read or made.
    """
    location = location_of(session)
    if not location.journal_key.exists():
        _make(location)
        key = load_key(location)
        for receiver in session.exec(select(Receiver)):
            receiver.signature = sign(key, receiver_form(receiver))
        session.flush()
    return load_key(location)


def load_key(location: Location) -> Ed25519PrivateKey:
    """Return the key of a journal.

    Raises:
        StoreError: It cannot be read.
    """
    path = location.journal_key
    try:
        status = os.stat(path, follow_symlinks=False)
    except OSError as error:
        raise StoreError("GWL0606", path=path, reason=error.strerror) from error
    if not stat.S_ISREG(status.st_mode) or status.st_mode & _OTHERS:
        raise StoreError("GWL0606", path=path, reason="others than its owner may read or write it")
    return _loaded(path, status.st_ino, status.st_mtime_ns)


def load_public_key(location: Location) -> Ed25519PublicKey | None:
    """Return the public key of a journal; None while it has none.

    Raises:
        StoreError: It cannot be read.
    """
    return load_key(location).public_key() if location.journal_key.exists() else None


def key_of_reader(session: Session) -> Ed25519PublicKey:
    """Return the public key of a session's journal.

    Raises:
        StoreError: There is none yet, or it cannot be read.
    """
    return load_key(location_of(session)).public_key()


@lru_cache(maxsize=16)
def _loaded(path: Path, _inode: int, _changed_ns: int) -> Ed25519PrivateKey:
    try:
        return private_key(bytes.fromhex(path.read_text(encoding="ascii").split()[0]))
    except OSError as error:
        raise StoreError("GWL0606", path=path, reason=error.strerror) from error
    except (ValueError, IndexError) as error:
        raise StoreError("GWL0606", path=path, reason="it holds no key") from error


def _make(location: Location) -> None:
    """Put a key in its place, whole and on disk before anything is signed with it; one that is there stays."""
    path = location.journal_key
    octets = os.urandom(KEY_BYTES)
    text = f"{octets.hex()}\n{public_text(private_key(octets).public_key())}\n"
    with suppress(FileExistsError):
        write_private(path, text, replace=False)


def write_private(path: Path, text: str, *, replace: bool) -> None:
    """Write a file that only its owner can read, whole or not at all.

    Args:
        path: Where.
        text: What, in ASCII.
        replace: Whether it may take the place of one that is there.

    Raises:
        FileExistsError: There is one, and it may not be replaced.
        StoreError: It cannot be made.
    """
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                if os.geteuid() == 0:  # a store's owner must be able to read what root makes
                    owner = path.parent.stat()
                    os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                os.replace(temporary, path)
            else:
                os.link(temporary, path)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except FileExistsError:
        raise
    except OSError as error:
        raise StoreError("GWL0304", path=path, reason=error.strerror) from error


def receiver_form(receiver: Receiver) -> ReceiverForm:
    """Return what is signed of a receiver."""
    return ReceiverForm(
        receiver.name,
        microseconds(receiver.attached_at),
        _us(receiver.detached_at),
        receiver.first_sequence,
        receiver.last_sequence,
        receiver.before_hash,
        receiver.last_hash,
        receiver.size_bytes,
        receiver.checkpoints,
        _us(receiver.saved_at),
        _us(receiver.deleted_at),
        int(receiver.purged),
    )


def is_sound(location: Location, key: Ed25519PrivateKey, receiver: Receiver) -> bool:
    """Say whether a receiver's row is what was signed; ask before changing it.

    What is not must never be signed: that would make good what somebody without the key has written. A row without
    signature is sound while there was never a worker that saw a checkpoint: the journal is new, or an older version's.

    Args:
        location: The store's.
        key: The journal's.
        receiver: As it was read.
    """
    if not receiver.signature:
        return not location.journal_head.exists()
    return is_signed(key.public_key(), receiver_form(receiver), receiver.signature)


def sign_receiver(key: Ed25519PrivateKey, receiver: Receiver) -> None:
    """Sign a receiver's row as it is."""
    receiver.signature = sign(key, receiver_form(receiver))


def make_checkpoint(key: Ed25519PrivateKey, receiver: Receiver, at: datetime) -> Checkpoint:
    """Return a checkpoint of the end of a receiver, which counts it; sign the receiver after that."""
    receiver.checkpoints += 1
    form = CheckpointForm(receiver.checkpoints, receiver.last_sequence, receiver.last_hash, microseconds(at))
    return Checkpoint(
        number=form.number,
        sequence_number=form.sequence_number,
        chain_hash=form.chain_hash,
        made_at=at,
        signature=sign(key, form),
    )


def write_head(location: Location, checkpoint: tuple[int, int, str]) -> None:
    """Say beside the store how far the journal has come, so that a store that was put back shows.

    Args:
        location: The store's.
        checkpoint: Number, sequence number and hash of the last one.

    Raises:
        StoreError: It cannot be written.
    """
    number, sequence, digest = checkpoint
    write_private(location.journal_head, f"{number} {sequence} {digest}\n", replace=True)


def read_head(location: Location) -> tuple[int, int, str] | None:
    """Return number, sequence number and hash of the checkpoint that `write_head` wrote last; None for none."""
    try:
        number, sequence, digest = location.journal_head.read_text(encoding="ascii").split()
        return int(number), int(sequence), digest
    except (OSError, ValueError):
        return None


def _us(moment: datetime | None) -> int:
    return 0 if moment is None else microseconds(moment)
