"""What is signed of the journal: the rows of receivers, checkpoints, and what the file beside the store says of them.

The key is made when the journal is first written to. A journal of a store that an older Greenwall made is signed then
as it is found.
"""

from __future__ import annotations

from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlmodel import Session, col, select

from console.errors import StoreError
from console.journal import key_file
from console.journal.chain import microseconds
from console.journal.key_file import JournalKey, write_private
from console.journal.seal import CheckpointForm, ReceiverForm, is_signed, sign
from console.messages import Message, describe, message
from console.model.journal import Checkpoint, Receiver
from console.store.location import Location
from console.store.session import location_of


def key_of(session: Session) -> Ed25519PrivateKey:
    """Return the key of a session's journal. The first time it is made, and all receivers are signed with it.

    Args:
        session: A transaction.

    Raises:
        StoreError: The key cannot be read or made, or is gone.
    """
    location = location_of(session)
    if not location.journal_key.exists():
        if key_is_lost(session):
            raise StoreError("GWL0606", path=location.journal_key, reason="it is gone, though receivers are signed")
        key_file.make(location)
        key = load_key(location)
        for receiver in session.exec(select(Receiver)):
            receiver.signature = sign(key, receiver_form(receiver))
        session.flush()
    return load_key(location)


def key_is_lost(session: Session) -> bool:
    """Say whether there is no key, though there was one: something is signed."""
    location = location_of(session)
    if location.journal_key.exists():
        return False
    signed = select(Receiver.name).where(col(Receiver.signature) != "").limit(1)
    return (
        location.journal_head.exists()
        or session.exec(signed).first() is not None
        or session.exec(select(Checkpoint.number).limit(1)).first() is not None
    )


def load_key(location: Location) -> Ed25519PrivateKey:
    """Return the key of a journal.

    Raises:
        StoreError: It cannot be read.
    """
    return key_file.load(location).private


def key_fault(session: Session) -> Message | None:
    """Return what is wrong with the key of a session's journal, so that nothing can be written; None: nothing."""
    location = location_of(session)
    try:
        if location.journal_key.exists():
            key_file.load(location)
    except StoreError as error:
        return describe(error)
    except OSError as error:
        return message("GWL0606", path=location.journal_key, reason=error.strerror)
    return None


def load_trusted(location: Location) -> JournalKey | None:
    """Return what the signatures of a journal are checked with; None while it has no key.

    Raises:
        StoreError: It cannot be read.
    """
    return key_file.load(location) if location.journal_key.exists() else None


def key_of_reader(session: Session) -> Ed25519PublicKey:
    """Return the public key of a session's journal.

    Raises:
        StoreError: There is none yet, or it cannot be read.
    """
    return load_key(location_of(session)).public_key()


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
