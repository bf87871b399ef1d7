"""Passwords: how they are kept, and what they must be. No password and no hash leaves this package.

Kept as Argon2id hashes (RFC 9106), each with the parameters that it was made with; a sign-on brings an older one up to
those of today.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from console.errors import CommandError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MOST_CHARACTERS = 128
"""Source: CRTUSRPRF, keyword PASSWORD at QPWDLVL 2 and up."""

_TIME_COST, _MEMORY_KIB, _LANES = 2, 19_456, 1
"""Passes, KiB and lanes. Source: OWASP Password Storage Cheat Sheet, Argon2id; more memory would let a few strangers
who sign on at once press the worker's machine hard."""

NOT_KNOWN_HASH = "$argon2id$v=19$m=19456,t=2,p=1$fx0UQHzoLUMqkAdnOI2SgA$BYedFD1JjthX6WZO27IIuN0u1upS0h9QAyFwSnz6Iw0"
"""Hash of a random password that nobody kept, with the parameters of today: what is checked for an unknown user, so
that it takes as long as for a known one."""

REQUIRED_DIFFERENCE = {"0": 0, "1": 32, "2": 24, "3": 18, "4": 12, "5": 10, "6": 8, "7": 6, "8": 4}
"""QPWDRQDDIF -> from how many passwords before a new one must differ. Source: Security reference, QPWDRQDDIF; the one
in use counts as one of them."""


def hashed(password: str) -> str:
    """Return the hash of a password."""
    return _hasher().hash(_octets(password))


def matches(kept: str, password: str) -> bool:
    """Say whether a password is the one of a hash; without a hash it takes as long, and says no.

    Args:
        kept: The hash, or nothing.
        password: As typed.
    """
    from argon2.exceptions import InvalidHashError, VerificationError

    is_long = len(password) > MOST_CHARACTERS
    try:
        found = _hasher().verify(kept or NOT_KNOWN_HASH, _octets("" if is_long else password))
    except (InvalidHashError, VerificationError):
        return False
    return found and bool(kept) and not is_long


def is_outdated(kept: str) -> bool:
    """Say whether a hash was made with other parameters than those of today."""
    return _hasher().check_needs_rehash(kept)


def check_password(password: str, name: str, *, least: int) -> None:
    """Say whether a password is fit to be one.

    Args:
        password: As typed.
        name: Of its profile.
        least: Characters, QPWDMINLEN.

    Raises:
        CommandError: It is not; the error does not hold it.
    """
    if len(password) < least:
        raise CommandError("GWL1021", least=least)
    if len(password) > MOST_CHARACTERS:
        raise CommandError("GWL1022", most=MOST_CHARACTERS)
    if not password.isprintable() or not password.strip():
        raise CommandError("GWL1023")
    folded = password.upper()
    if folded in (name, name[::-1]) or len(set(folded)) == 1:
        raise CommandError("GWL1024")


def was_used(password: str, before: Sequence[str], difference: str) -> bool:
    """Say whether a password is one of those before that it must differ from.

    Args:
        password: As typed.
        before: Hashes, the one in use first.
        difference: QPWDRQDDIF.
    """
    return any(matches(kept, password) for kept in before[: REQUIRED_DIFFERENCE[difference]] if kept)


@cache
def _hasher() -> PasswordHasher:
    # Loaded here: most verbs of the shell see no password.
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=_TIME_COST, memory_cost=_MEMORY_KIB, parallelism=_LANES)


def _octets(password: str) -> bytes:
    """Return a password in octets, the same for every keyboard. Source: RFC 8265, section 4.2 (OpaqueString)."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
