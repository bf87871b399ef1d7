"""What SQLite needs to be a store: pragmas, transactions that begin when we say so, files that are private."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, Dialect, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from console.errors import StoreError
from console.request_end import is_to_end
from console.store.session import BEGIN

APPLICATION_ID = 0x47574C31
"""``GWL1``, at offset 68 of the file: tells a store from any other SQLite file."""

_HEADER_BYTES = 100
BUSY_TIMEOUT_MS = 5000
"""How long a statement waits for another process's write lock."""

PRAGMAS = {
    "busy_timeout": BUSY_TIMEOUT_MS,
    "foreign_keys": 1,
    "synchronous": 2,
    "journal_mode": "wal",
}
"""Set on every connection. Synchronous 2 is FULL: in WAL mode NORMAL may lose the last commits in a power cut, but the
worker tells guards that their entries are on disk, and they forget them."""

_STEPS_BETWEEN_LOOKS = 100_000
"""Instructions of SQLite's machine, some milliseconds, after which a statement looks whether it is to end."""


def prepare(engine: Engine) -> None:
    """Make every connection of an engine open a file that is there, set the pragmas and begin transactions explicitly.

    Python's sqlite3 begins a transaction only before it changes rows, so that neither reads nor table definitions are
    inside one. Source: SQLAlchemy, SQLite dialect, "Serializable isolation / Savepoints / Transactional DDL".
    """
    event.listen(engine, "do_connect", _open_what_is_there)
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)


def _open_what_is_there(
    _dialect: Dialect, _record: ConnectionPoolEntry, arguments: list[str], options: dict[str, object]
) -> None:
    """Have SQLite open a file and never make one: in place of a store that was deleted it would put an empty file.

    Source: sqlite.org/uri.html, ``mode=rw``.
    """
    arguments[0] = f"{Path(arguments[0]).absolute().as_uri()}?mode=rw"
    options["uri"] = True


def _on_connect(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for name, value in PRAGMAS.items():
        cursor.execute(f"PRAGMA {name}={value}")
    cursor.close()
    if isinstance(connection, sqlite3.Connection):
        connection.set_progress_handler(is_to_end, _STEPS_BETWEEN_LOOKS)


def _on_begin(connection: Connection) -> None:
    connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get(BEGIN, 'DEFERRED')}")


def make_file(path: Path) -> None:
    """Make an empty store file that only its owner can read.

    SQLite gives the -wal and -shm files the mode of the database, so this one call protects all three.

    Raises:
        StoreError: The file cannot be made, or is there already.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StoreError("GWL0304", path=path, reason=error.strerror) from error
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def check_file(path: Path) -> bool:
    """Look whether a file is a store, so that a file that is not ours stays as it is.

    SQLite reads it, not we: a process that closes any descriptor of a file loses all its locks on it (fcntl(2)), and
    other connections of this process may have the store open. Without their lock the next process that closes the store
    would take itself for the last, and delete the write-ahead log with all that is still written to it. SQLite keeps a
    descriptor until it needs no lock any more. As an immutable file it locks, makes and recovers nothing.

    Args:
        path: A file that exists.

    Returns:
        Whether it is a store; an empty file is none yet.

    Raises:
        StoreError: It cannot be read, is no database, or is another program's.
    """
    try:
        there = path.stat()
    except OSError as error:
        raise StoreError("GWL0305", path=path, reason=error.strerror) from error
    if not stat.S_ISREG(there.st_mode):
        raise StoreError("GWL0305", path=path, reason="It is not a regular file")
    if not os.access(path, os.R_OK):
        raise StoreError("GWL0305", path=path, reason=os.strerror(errno.EACCES))
    if not there.st_size:
        return False
    if there.st_size < _HEADER_BYTES:  # to SQLite, an empty database
        raise StoreError("GWL0306", path=path)
    if _application_id(path) != APPLICATION_ID:
        raise StoreError("GWL0307", path=path)
    if not os.access(path, os.W_OK):
        raise StoreError("GWL0305", path=path, reason=os.strerror(errno.EACCES))
    return True


def _application_id(path: Path) -> int:
    """Read the application id of a database; while it is written to, its size may be behind what it says itself.

    Source: sqlite.org/uri.html, ``immutable=1``; sqlite.org/pragma.html, writable_schema.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            connection.execute("PRAGMA writable_schema=1")  # a size that is behind counts as damage without it
            (found,) = connection.execute("PRAGMA application_id").fetchone()
    except sqlite3.OperationalError as error:
        raise StoreError("GWL0305", path=path, reason=str(error)) from error
    except sqlite3.DatabaseError as error:
        raise StoreError("GWL0306", path=path) from error
    return int(found)


def mark_file(path: Path) -> None:
    """Write our application id into an empty store file, straight into the main file and not into its WAL.

    Raises:
        StoreError: The file cannot be written.
    """
    try:
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StoreError("GWL0310", url=path, reason=str(error)) from error
