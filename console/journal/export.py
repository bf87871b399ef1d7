"""Reads the journal for an export: value tuples, a stretch at a time, with flat memory; and what comes after.

Each stretch is a read of its own, so that an export of millions of entries does not keep SQLite from tidying up its
write-ahead log meanwhile. Entries are never changed, and new ones come at the end: the stretches fit together.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version

from console.journal.formats.values import EntryValues, Origin
from console.store.engine import Store
from console.store.journal import EVERYTHING, JournalFilter, last_number
from console.store.journal_index import first_after
from console.store.journal_rows import rows
from console.store.made_usable import usable
from console.store.session import reading

STRETCH = 65_536
"""Numbers in a stretch: a second's work."""
_NAMES = EntryValues._fields


def origin() -> Origin:
    """Return what exports say of where they come from."""
    try:
        here = version("greenwall")
    except PackageNotFoundError:
        here = "0"
    return Origin(socket.gethostname(), here)


def entries(store: Store, only: JournalFilter = EVERYTHING, *, stretch: int = STRETCH) -> Iterator[EntryValues]:
    """Yield the entries that a filter shows, oldest first, as far as the journal goes now.

    Raises:
        StoreError: The store cannot be read.
    """
    low, high = only.from_number or 1, only.to_number
    with reading(store) as session:
        last = last_number(session)
    high = last if high is None else min(high, last)
    while low <= high:
        with reading(store) as session:
            first = first_after(session, low - 1)  # somebody may have planted an entry far off
            if first is None or first > high:
                return
            low = first + stretch
            part = replace(only, from_number=first, to_number=min(low - 1, high))
            # Somebody who can write the store can put anything there. `greenwall journal verify` says so.
            yield from map(EntryValues._make, usable(rows(session, part, _NAMES)))


def follow(
    store: Store, only: JournalFilter, wait: Callable[[], bool], *, stretch: int = STRETCH
) -> Iterator[EntryValues | None]:
    """Yield the entries that a filter shows, and then those that come; a None says that there are no more for now.

    Args:
        store: The store.
        only: Which entries.
        wait: Waits until it is time to look again; returns False when nobody wants more.
        stretch: As for `entries`.

    Raises:
        StoreError: The store cannot be read.
    """
    done = (only.from_number or 1) - 1
    while True:
        with reading(store) as session:
            last = last_number(session)
        if last > done:
            # Up to there and no further: what comes meanwhile would be passed over, were it not shown by the filter.
            yield from entries(store, replace(only, from_number=done + 1, to_number=last), stretch=stretch)
            done = last
        yield None
        if not wait():
            return
