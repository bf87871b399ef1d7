"""Public keys as OpenSSH writes them, read and named; pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import NamedTuple

from console.errors import CommandError

TYPES = (
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-rsa",
)
"""Source: sshd(8), AUTHORIZED_KEYS FILE FORMAT, without DSA, which OpenSSH has given up."""
_RSA = "ssh-rsa"
_LEAST_BITS = 2048
"""Source: NIST SP 800-131A, table 2."""
_LENGTH_OCTETS = 4


class PublicKey(NamedTuple):
    """A public key."""

    key: str
    """Type and key, without a comment."""
    fingerprint: str
    """``SHA256:...``."""
    comment: str


def read_key(text: str, keyword: str = "PUBKEY") -> PublicKey:
    """Read a line of an ``id_ed25519.pub`` or an authorized_keys without options.

    Layout of the key: a length in four octets, big-endian, and the type in ASCII; then what the type says.

    Raises:
        CommandError: It is no public key, or a private one.
    """
    parts = text.split(None, 2)
    kind = parts[0] if parts else ""
    if "-----BEGIN" in text:
        raise CommandError("GWL1031", keyword=keyword)
    if kind not in TYPES or len(parts) == 1:
        raise CommandError("GWL1030", keyword=keyword, types=", ".join(TYPES))
    try:
        octets = base64.b64decode(parts[1], validate=True)
    except binascii.Error:
        octets = b""
    length = int.from_bytes(octets[:_LENGTH_OCTETS], "big")
    if octets[_LENGTH_OCTETS : _LENGTH_OCTETS + length] != kind.encode("ascii"):
        raise CommandError("GWL1030", keyword=keyword, types=", ".join(TYPES))
    if kind == _RSA and _rsa_bits(octets) < _LEAST_BITS:
        raise CommandError("GWL1035", bits=_rsa_bits(octets), least=_LEAST_BITS)
    digest = base64.b64encode(hashlib.sha256(octets).digest()).decode("ascii").rstrip("=")
    return PublicKey(f"{kind} {parts[1]}", f"SHA256:{digest}", parts[2].strip() if len(parts) > 2 else "")


def _rsa_bits(octets: bytes) -> int:
    """Return the length of the modulus. Layout: type, exponent, modulus, each with its length before it (RFC 4253)."""
    for _ in range(2):
        octets = octets[_LENGTH_OCTETS + int.from_bytes(octets[:_LENGTH_OCTETS], "big") :]
    length = int.from_bytes(octets[:_LENGTH_OCTETS], "big")
    return int.from_bytes(octets[_LENGTH_OCTETS : _LENGTH_OCTETS + length], "big").bit_length()
