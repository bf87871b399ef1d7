"""Fresh stores, made once and copied: the migrations take a tenth of a second, and thousands of tests want a store."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from console.store.engine import Store, open_store


@functools.cache
def _fresh() -> bytes:
    """Return the file of a store as `open_store` makes it."""
    with tempfile.TemporaryDirectory(prefix="greenwall-") as directory:
        path = Path(directory) / "store.db"
        open_store(f"sqlite:///{path}").close()
        return path.read_bytes()


def put_fresh_store(path: Path) -> None:
    """Put a fresh store where none is, with the mode of one."""
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(_fresh())


def open_fresh_store(path: Path) -> Store:
    """Open a store as `open_store` does, which makes it where none is."""
    if not path.exists():
        put_fresh_store(path)
    return open_store(f"sqlite:///{path}")
