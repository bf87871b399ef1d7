"""Passwords as the store keeps them: encrypted, with a key in a file beside the store that only its owner can read.

Sealed passwords are what pending entries, revisions and everything in the console hold; they can be compared, copied
and shown to be there, and nothing more. They are opened in three places: where the worker reads the revision that it
hands to guards, over a socket that only the owner can reach; where a server is tested; and for an export that was asked
to have them. A copy of the store without the key, as a backup may be, gives no password away.

Seals are Fernet tokens (AES-128-CBC and HMAC-SHA256, with the time of sealing in clear; github.com/fernet/spec). The
same password sealed twice gives two seals.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from console.errors import StoreError
from console.policy.rule import Policy, SocksEntry, SocksServer
from console.policy.secret import NO_SECRET, Secret
from console.policy.socks_entries import lacks_password
from console.store.key_files import make_key_file, read_key_file
from console.store.location import Location

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

_UNFIT = "GWL0333"


def seal(location: Location, secret: Secret, before: Secret = NO_SECRET) -> Secret:
    """Encrypt a password; the first one makes the key. What is sealed already, or none, stays as it is.

    Args:
        location: The store's.
        secret: The password.
        before: The sealed one in whose place it comes; kept if it is the same, so that nothing seems to change.

    Raises:
        StoreError: The key cannot be read or made.
    """
    if not secret or secret.is_sealed:
        return secret
    if before and _is_same(location, before, secret):
        return before
    token = _fernet(location.key, may_make=True).encrypt(secret.text.encode("utf-8"))
    return Secret(token.decode("ascii"), is_sealed=True)


def _is_same(location: Location, sealed: Secret, secret: Secret) -> bool:
    try:
        return opened(location, sealed) == secret
    except StoreError:
        # The key is lost, which is when passwords are given anew.
        return False


def unseal(location: Location, entry: SocksEntry) -> SocksEntry:
    """Return an entry with its password in clear.

    Raises:
        StoreError: The key cannot be read, or is not the one that the password was encrypted with.
    """
    if not entry.password.is_sealed:
        return entry
    password = opened(location, entry.password)
    if password is None:
        raise StoreError("GWL0334", sequence=entry.sequence, path=location.key)
    return replace(entry, password=password)


def opened(location: Location, sealed: Secret) -> Secret | None:
    """Return a password in clear; None where it was sealed with another key.

    Raises:
        StoreError: The key cannot be read.
    """
    # Loaded here: only a store with passwords needs it.
    from cryptography.fernet import InvalidToken

    try:
        return Secret(_fernet(location.key, may_make=False).decrypt(sealed.text.encode("utf-8")).decode("utf-8"))
    except (InvalidToken, UnicodeDecodeError):
        return None


def unseal_policy(location: Location, policy: Policy) -> Policy:
    """Return a policy with every password in clear.

    Raises:
        StoreError: The key cannot be read, or is not the one that a password was encrypted with.
    """
    return replace(policy, socks=tuple(unseal(location, entry) for entry in policy.socks)) if policy.socks else policy


def seal_policy(location: Location, policy: Policy, there: Iterable[SocksEntry] = ()) -> Policy:
    """Return a policy with every password sealed; a missing one is that of an entry for the same servers and user.

    Of several such entries it is the one with the same sequence; where none has it, and their passwords are not all the
    same, the password stays missing.

    Args:
        location: The store's.
        policy: As it was read from a document, which mostly holds no passwords.
        there: The entries that are there, with their passwords sealed.

    Raises:
        StoreError: The key cannot be read or made.
    """
    if not policy.socks:
        return policy
    known: dict[tuple[tuple[SocksServer, ...], str], dict[int, Secret]] = {}
    for entry in there:
        if entry.password:
            known.setdefault((entry.servers, entry.user_id), {})[entry.sequence] = entry.password

    def sealed(entry: SocksEntry) -> SocksEntry:
        alike = known.get((entry.servers, entry.user_id), {})
        before = alike.get(entry.sequence) or _only_one(location, list(alike.values()))
        if lacks_password(entry):
            return replace(entry, password=before)
        return replace(entry, password=seal(location, entry.password, before))

    return replace(policy, socks=tuple(map(sealed, policy.socks)))


def _only_one(location: Location, found: Sequence[Secret]) -> Secret:
    """Return the first of some sealed passwords if all of them are the same; nothing otherwise."""
    if len(found) > 1 and len({opened(location, each) for each in found}) > 1:
        return NO_SECRET
    return found[0] if found else NO_SECRET


def _fernet(path: Path, *, may_make: bool) -> Fernet:
    from cryptography.fernet import Fernet

    key = read_key_file(path, _UNFIT)
    if key is None and may_make:
        make_key_file(path, Fernet.generate_key())
        key = read_key_file(path, _UNFIT)
    if key is None:
        raise StoreError(_UNFIT, path=path, reason="there is no such file")
    try:
        return Fernet(key)
    except ValueError as error:
        raise StoreError(_UNFIT, path=path, reason="it holds no key") from error
