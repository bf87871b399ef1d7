"""The key of the journal, in a file beside the store that only its owner can read.

Layout: Lines of ASCII: the private key, then the public one, in hexadecimal. Where the key before it was lost, a line
``since N``: what this key signs begins with entry N. Further lines are public keys of before, which whoever has kept
them may put there: what they have signed is checked with them.
"""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from console.errors import StoreError
from console.journal.seal import KEY_BYTES, Form, is_signed, private_key, public_key, public_text
from console.store.location import Location

_OTHERS = 0o077
_SINCE = "since"


class JournalKey(NamedTuple):
    """The key of a journal, and what is known of those before it."""

    private: Ed25519PrivateKey
    since: int = 1
    """Entries before this one were signed with a key that is gone."""
    former: tuple[Ed25519PublicKey, ...] = ()

    def vouches(self, form: Form, signature: object) -> bool:
        """Say whether a signature over just these values is that of this key, or of a former one that is known."""
        return any(is_signed(key, form, signature) for key in (self.private.public_key(), *self.former))


def load(location: Location) -> JournalKey:
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


@lru_cache(maxsize=16)
def _loaded(path: Path, _inode: int, _changed_ns: int) -> JournalKey:
    try:
        private, *rest = path.read_text(encoding="ascii").splitlines()
        words = [each.split() for each in rest[1:] if each.strip()]
        since = [int(number) for first, *numbers in words if first == _SINCE for number in numbers]
        former = [public_key(first) for first, *_ in words if first != _SINCE]
        return JournalKey(private_key(bytes.fromhex(private)), max(since, default=1), tuple(former))
    except OSError as error:
        raise StoreError("GWL0606", path=path, reason=error.strerror) from error
    except ValueError as error:
        raise StoreError("GWL0606", path=path, reason="it holds no key") from error


def make(location: Location, *, since: int = 1) -> None:
    """Put a key in its place, whole and on disk before anything is signed with it; one that is there stays.

    Args:
        location: The store's.
        since: The first entry that it signs.

    Raises:
        StoreError: It cannot be made.
    """
    octets = os.urandom(KEY_BYTES)
    text = f"{octets.hex()}\n{public_text(private_key(octets).public_key())}\n"
    if since > 1:
        text += f"{_SINCE} {since}\n"
    with suppress(FileExistsError):
        write_private(location.journal_key, text, replace=False)


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
