"""The version of a store's tables: what it is, what it should be, and the way from one to the other."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from console.errors import StoreError

HEAD = "0018"
"""Version of the tables that this Greenwall works with: the last migration's, held to it by a test. Written here so
that opening a store need not load Alembic."""

_MIGRATIONS = Path(__file__).parent / "migrations"


def version(connection: Connection) -> str:
    """Return the version of the store's tables, ``""`` when it has none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return str(found or "")


def is_current(connection: Connection, url: str) -> bool:
    """Say whether the store's tables are those that this Greenwall works with.

    Raises:
        StoreError: They are newer.
    """
    found = version(connection)
    if found > HEAD:
        raise StoreError("GWL0309", url=url, found=found, known=HEAD)
    return found == HEAD


def upgrade(connection: Connection) -> None:
    """Bring the tables up to `HEAD`, inside the connection's transaction: whole or not at all."""
    # Loading Alembic takes a tenth of a second; only a fresh or an old store needs it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, HEAD)
