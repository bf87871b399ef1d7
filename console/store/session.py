"""One transaction at a time, and the one place where SQLAlchemy's errors become ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlmodel import Session

from console.errors import RequestEnded, StoreError
from console.request_end import is_to_end

if TYPE_CHECKING:
    from console.store.engine import Store
    from console.store.location import Location

BEGIN = "greenwall_begin"
"""Execution option: the word after BEGIN on SQLite, see `console.store.sqlite`."""

_SNAPSHOT = "REPEATABLE READ"
_ONE_WRITER = 0x47574C31
"""Key of the advisory lock that a writing transaction holds on PostgreSQL: what SQLite's write lock is."""
_LONGEST_WAIT_MS = 5000
"""As `console.store.sqlite.BUSY_TIMEOUT_MS`."""

LOCATION = "greenwall_location"
"""In `Session.info`: where the store's keys lie."""

MEMORY = "greenwall_memory"
"""In `Session.info`: what is kept of the store from one transaction to the next, see `console.store.engine.Store`."""


def location_of(session: Session) -> Location:
    """Return where the keys of a session's store lie."""
    location: Location = session.info[LOCATION]
    return location


@contextmanager
def transaction(store: Store) -> Iterator[Session]:
    """Open a session that may write; commit at the end, roll back on any exception.

    The write lock is taken at once, on PostgreSQL an advisory one. A transaction that first reads and then writes would
    otherwise fail on SQLite with "database is locked", without waiting, whenever another process wrote in between.

    Raises:
        RequestEnded: The operator ended the request; nothing was changed.
        StoreError: The store cannot be read or written; nothing was changed.
    """
    with _session(store, "IMMEDIATE") as session:
        connection = session.connection()  # begins now; otherwise the first statement would
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_LONGEST_WAIT_MS}")
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ONE_WRITER})")
        yield session
        session.commit()


@contextmanager
def reading(store: Store) -> Iterator[Session]:
    """Open a session that sees one state of the store and writes nothing.

    Raises:
        StoreError: The store cannot be read.
    """
    with _session(store, "DEFERRED") as session:
        yield session


def unchanged_mark(session: Session) -> tuple[int, int] | None:
    """Return what stays the same on this connection for as long as nobody, we included, has written to the store.

    None where nothing can be said: on PostgreSQL, and in a transaction that may write, which may be rolled back.
    """
    bind = session.get_bind()
    if bind.dialect.name != "sqlite" or bind.get_execution_options().get(BEGIN) != "DEFERRED":
        return None
    connection = session.connection()
    version = connection.exec_driver_sql("PRAGMA data_version").scalar_one()
    return int(version), int(connection.exec_driver_sql("SELECT total_changes()").scalar_one())


@contextmanager
def _session(store: Store, begin: str) -> Iterator[Session]:
    try:
        options = {BEGIN: begin}
        if begin == "DEFERRED" and store.engine.dialect.name == "postgresql":
            options["isolation_level"] = _SNAPSHOT
        info = {LOCATION: store.location, MEMORY: store.memory}
        with Session(store.engine.execution_options(**options), expire_on_commit=False, info=info) as session:
            yield session
    except SQLAlchemyError as error:
        if is_to_end():
            raise RequestEnded from error
        raise store_error(error, store.shown_url) from error
    except (LookupError, TypeError, ValueError) as error:
        if not _is_about_a_row(error):
            raise
        raise StoreError("GWL0310", url=store.shown_url, reason=f"a row in it is damaged: {error}") from error


def _is_about_a_row(error: Exception) -> bool:
    """Say whether SQLAlchemy could make no value of what a column holds; it passes the errors of its types on.

    Nothing that Greenwall writes is so, but who can write the file can: the journal must still be one to look at.
    """
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return step is not None and str(step.tb_frame.f_globals.get("__name__", "")).startswith("sqlalchemy.")


def store_error(error: SQLAlchemyError, url: str) -> StoreError:
    """Return our error for one of SQLAlchemy's.

    Args:
        error: What SQLAlchemy raised.
        url: The store, without password.
    """
    reason = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    if isinstance(error, OperationalError) and ("locked" in reason or "lock timeout" in reason):
        return StoreError("GWL0311", url=url)
    return StoreError("GWL0310", url=url, reason=reason)
