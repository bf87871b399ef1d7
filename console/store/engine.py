"""Opens the store: makes a fresh one, upgrades an old one, refuses what is not ours."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError, SQLAlchemyError

from console.errors import StoreError
from console.store import schema, sqlite
from console.store.location import Location, default_url
from console.store.locks import locked
from console.store.privacy import check_owner, check_way
from console.store.session import BEGIN, store_error
from console.store.url import database_file, locate, parse_url, without_credentials

__all__ = ["Location", "Store", "default_url", "open_store"]


@dataclass(frozen=True, slots=True)
class Store:
    """An open store. Close it when done; work in it with `console.store.session`."""

    url: str = field(repr=False)
    """As it was named, perhaps with a password."""
    engine: Engine
    location: Location
    """Directory and stem of the sockets, locks and spools beside it."""
    memory: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """What its users keep in this process from one transaction to the next, each under a name of its own."""

    @property
    def shown_url(self) -> str:
        """Return the URL without its password."""
        return self.engine.url.render_as_string(hide_password=True)

    @property
    def file(self) -> Path | None:
        """Return the file of a SQLite store."""
        return database_file(self.engine.url)

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()


def open_store(url: str, *, create: bool = True) -> Store:
    """Open a store; make and seed it when it is not there, upgrade it when it is older.

    Args:
        url: A SQLAlchemy URL.
        create: Whether to make a store where there is none.

    Raises:
        StoreError: It cannot be opened; an existing file was not changed.
    """
    parsed = parse_url(url)
    location = locate(parsed)
    path = database_file(parsed)
    _check_directory(location, may_make=path is None or url == default_url())
    check_way(path or location.key)
    there = None if path is None else _look_at(path)
    if path is not None and there is not None:
        check_owner(path, there)
    ready = path is None or (there is not None and sqlite.check_file(path))
    if not ready and not create:
        raise StoreError("GWL0308", path=path)
    store = Store(url, _engine(parsed, without_credentials(url)), location)
    try:
        if not (ready and _is_current(store)):
            with locked(location.open_lock):
                _make_or_upgrade(store)
    except SQLAlchemyError as error:
        store.close()
        raise store_error(error, store.shown_url) from error
    except StoreError:
        store.close()
        raise
    return store


def make_directory(url: str) -> None:
    """Make the directory that a store lies in if Greenwall may: the default store's, and those of servers' stores.

    Raises:
        StoreError: It is not there and is not ours to make, or cannot be made.
    """
    parsed = parse_url(url)
    _check_directory(locate(parsed), may_make=database_file(parsed) is None or url == default_url())


def _look_at(path: Path) -> os.stat_result | None:
    """Return what is there, None if nothing is; who may not look is told so, where `Path.exists` fails."""
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreError("GWL0305", path=path, reason=error.strerror) from error


def _check_directory(location: Location, *, may_make: bool) -> None:
    there = _look_at(location.directory)
    if there is not None and stat.S_ISDIR(there.st_mode):
        return
    if not may_make:
        raise StoreError("GWL0303", directory=location.directory)
    missing = [location.directory, *location.directory.parents]
    try:
        for directory in reversed([each for each in missing if not each.exists()]):
            directory.mkdir(mode=0o700, exist_ok=True)
        os.chmod(location.directory, 0o700)
    except OSError as error:
        raise StoreError("GWL0304", path=location.directory, reason=error.strerror) from error


_SERVER_OPTIONS = {"postgresql": {"options": "-c timezone=UTC"}}
"""Times come back in the zone of the connection, and are compared as texts, too."""


def _engine(parsed: URL, url: str) -> Engine:
    try:
        engine = create_engine(parsed, connect_args=_SERVER_OPTIONS.get(parsed.get_backend_name(), {}))
    except ModuleNotFoundError as error:
        raise StoreError("GWL0312", url=url, driver=error.name) from error
    except NoSuchModuleError as error:
        raise StoreError("GWL0312", url=url, driver=parsed.drivername) from error
    except ArgumentError as error:
        raise StoreError("GWL0301", url=url) from error
    if engine.dialect.name == "sqlite":
        sqlite.prepare(engine)
    return engine


def engine_apart(store: Store) -> Engine:
    """Return an engine of one connection of its own to a SQLite store; whoever asks for it disposes of it."""
    engine = create_engine(store.engine.url, pool_size=1, max_overflow=0)
    sqlite.prepare(engine)
    return engine


def _is_current(store: Store) -> bool:
    try:
        with store.engine.connect() as connection:
            return schema.is_current(connection, store.shown_url)
    except OperationalError:
        # The process that makes the store is just turning it to WAL mode; ask again when it has given the lock back.
        return False


def _make_or_upgrade(store: Store) -> None:
    """Do what is left to do; the caller holds the lock, and another process may have done it all before."""
    path = store.file
    if path is not None and not path.exists():
        sqlite.make_file(path)
    if path is not None and not sqlite.check_file(path):
        sqlite.mark_file(path)
    # One transaction: a process killed here leaves either no tables or all of them with their first rows.
    with store.engine.execution_options(**{BEGIN: "IMMEDIATE"}).begin() as connection:
        if schema.is_current(connection, store.shown_url):
            return
        fresh = not schema.version(connection)
        schema.upgrade(connection)
        if fresh:
            # Only here: the default policy takes a reader of policies, which takes longer to load than the store.
            from console.store.seed import seed

            seed(connection)
