"""The store of a verb: which one the options name, and how it is opened and closed again.

The database layer is loaded when a store is opened, not before: `console.verbs` says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from console.store.engine import Store


@contextmanager
def open_for_verb(url: str, *, must_exist: bool = False) -> Iterator[Store]:
    """Open the store for a verb.

    Args:
        url: As named by option or environment; empty for the default store.
        must_exist: Whether a store that was named must be there: who asks for what is in it has mistyped otherwise.
    """
    from console.store.engine import default_url, open_store

    store = open_store(url or default_url(), create=not (url and must_exist))
    try:
        yield store
    finally:
        store.close()


def store_url(context: typer.Context) -> str:
    """Return the URL of the store, the default one if none is named."""
    from console.store.location import default_url

    return str(context.obj) or default_url()
