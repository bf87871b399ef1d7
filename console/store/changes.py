"""Says whether anybody has written to a store, for who would otherwise read it all the time to see.

SQLite counts what other connections commit (PRAGMA data_version): a connection of its own sees all transactions but its
own, in some microseconds and without reading a page. So what a worker writes by it is no change: that it lives, and
what it is told all the time. The number says something within one connection only, hence the connection's beside it.

Source: sqlite.org/pragma.html#pragma_data_version.
"""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from console.store.engine import Store, engine_apart
from console.store.session import transaction

BUSY = object()
"""The state of a store while `writing` is going on."""

_Stamp = tuple[int, int, int] | None


class Changes:
    """What changes in a store, and beside it the key of its journal.

    Args:
        store: The store. One on a server says nothing of changes.

    Threads: Any.
    """

    def __init__(self, store: Store) -> None:
        self._key = store.location.journal_key
        self._is_told = store.file is not None
        self._store = replace(store, engine=engine_apart(store)) if self._is_told else store
        self._mutex = threading.Lock()
        """Held by who has the connection: there is one."""
        self._numbers = itertools.count()
        """For each connection that was ever made: after a lost one the next counts anew."""
        self.grown = 0
        """How often `writing` has put entries into the journal."""

    def state(self) -> object:
        """Return what is equal to what it was for as long as nobody else has written; None where that is not known.

        Never waits: while `writing` is going on it is `BUSY`.
        """
        if not self._is_told:
            return None
        if not self._mutex.acquire(blocking=False):
            return BUSY
        try:
            connection = self._store.engine.raw_connection()
            try:
                (version,) = connection.cursor().execute("PRAGMA data_version").fetchone()
                which = connection.info.setdefault("which", next(self._numbers))
            finally:
                connection.close()
        except (sqlite3.Error, SQLAlchemyError):  # whoever looks into the store is told why
            return None
        finally:
            self._mutex.release()
        return which, version, _stamp(self._key)

    @contextmanager
    def writing(self, *, entries: bool = True) -> Iterator[Session]:
        """Open a session for a transaction that is no change to who has asked for `state`.

        Args:
            entries: Whether the journal grows by it.

        Raises:
            StoreError: The store cannot be read or written; nothing was changed.
        """
        with self._mutex, transaction(self._store) as session:
            yield session
        self.grown += entries

    def close(self) -> None:
        """Give the connection back; again is fine."""
        if self._is_told:
            self._store.engine.dispose()


def _stamp(path: Path) -> _Stamp:
    """Return what tells a file from itself after somebody has written to it, or changed who may read it."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns
