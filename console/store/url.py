"""The URL of a store: its parts, and the place on this machine that belongs to it."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from console.errors import StoreError
from console.store.location import Location, locate_file, state_directory

_CREDENTIALS = re.compile(r"://.*@", re.DOTALL)
"""What may hold a password in a text that cannot be taken apart: up to the last @, as passwords may hold one too."""


def parse_url(text: str) -> URL:
    """Return a store URL taken apart.

    Args:
        text: A SQLAlchemy URL; of SQLite ones only those that name a file.

    Raises:
        StoreError: It is not a URL, or names a SQLite database that no second process could share.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise StoreError("GWL0301", url=without_credentials(text)) from error
    if url.get_backend_name() == "sqlite" and (
        url.get_driver_name() != "pysqlite" or not url.database or url.database.startswith((":", "file:")) or url.query
    ):
        raise StoreError("GWL0302", url=without_credentials(text))
    return url


def without_credentials(text: str) -> str:
    """Return the text of a URL, be it one or not, without user and password: for messages."""
    return _CREDENTIALS.sub("://***@", text)


def database_file(url: URL) -> Path | None:
    """Return the absolute path of a SQLite store, None for a store on a server."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    return Path(os.path.abspath(url.database))


def locate(url: URL) -> Location:
    """Return where the sockets, locks and spools of a store lie.

    Beside a SQLite file; for a store on a server in a directory of this machine that is named after its URL.
    """
    path = database_file(url)
    if path is None:
        key = hashlib.blake2b(url.render_as_string(hide_password=True).encode(), digest_size=8).hexdigest()
        return Location(state_directory() / "stores" / key, "store")
    return locate_file(path)
