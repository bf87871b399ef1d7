"""Signatures of the journal: of a receiver's row, and of checkpoints. Pure: takes keys and values, gives signatures.

A chain of hashes shows what was changed by somebody who cannot compute hashes. Who can write into the store can compute
the chain anew from any entry on; what he cannot do without the key is sign where it ends. Every transaction that adds
entries signs the new end of the attached receiver, so that no end is ever without a signature; checkpoints stay.

The key is an Ed25519 key (RFC 8032). The octets signed are the canonical form (`console.journal.chain`) of the values,
behind a word that says what they are.
"""

from __future__ import annotations

from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from console.journal.chain import canonical

KEY_BYTES = 32


class ReceiverForm(NamedTuple):
    """What is signed of a receiver: its row without the signature, times in microseconds since 1970, 0 for none."""

    name: str
    attached_us: int
    detached_us: int
    first_sequence: int
    last_sequence: int
    before_hash: str
    last_hash: str
    size_bytes: int
    checkpoints: int
    saved_us: int
    deleted_us: int
    purged: int


class CheckpointForm(NamedTuple):
    """What is signed of a checkpoint: its row without the signature."""

    number: int
    sequence_number: int
    chain_hash: str
    made_us: int


class ExportForm(NamedTuple):
    """What is signed of a file with entries."""

    form: str
    lines: int
    size_bytes: int
    digest: str
    """BLAKE2b-256 of its octets, in hexadecimal."""
    made_us: int


Form = ReceiverForm | CheckpointForm | ExportForm

_WORDS = {ReceiverForm: "receiver", CheckpointForm: "checkpoint", ExportForm: "export"}


def sign(key: Ed25519PrivateKey, form: Form) -> str:
    """Return the signature of a receiver or checkpoint, in hexadecimal."""
    return key.sign(_signed(form)).hex()


def is_signed(key: Ed25519PublicKey, form: Form, signature: object) -> bool:
    """Say whether a signature is that of the key over just these values.

    Args:
        key: Public key of the journal.
        form: Values as they were found, of whatever type.
        signature: As it was found.
    """
    if not isinstance(signature, str):
        return False
    try:
        key.verify(bytes.fromhex(signature), _signed(form))
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def private_key(octets: bytes) -> Ed25519PrivateKey:
    """Return the key that 32 octets are.

    Raises:
        ValueError: They are none.
    """
    return Ed25519PrivateKey.from_private_bytes(octets)


def public_text(key: Ed25519PublicKey) -> str:
    """Return a public key in hexadecimal, 64 digits."""
    return key.public_bytes_raw().hex()


def public_key(text: str) -> Ed25519PublicKey:
    """Return the key that `public_text` wrote.

    Raises:
        ValueError: It is none.
    """
    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text.strip()))


def _signed(form: Form) -> bytes:
    return canonical((f"greenwall {_WORDS[type(form)]}", *form))
