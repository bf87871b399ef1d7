"""A process that looks at stretches of the journal for one that verifies it (`console.journal.spans`).

Layout: Lines of JSON. The first says which store, and whether the index is to be looked at; each other is a stretch,
and is answered with a line. It ends when there are no more.
"""

from __future__ import annotations

import os
import sys

import msgspec

from console.collector import calm
from console.errors import StoreError
from console.journal.spans import Span, look_at
from console.store.engine import Store, open_store
from console.store.session import reading

_NICE = 5


def main() -> None:
    """Answer until there is nothing more to answer.

    Raises:
        StoreError: The store cannot be opened.
    """
    os.nice(_NICE)
    calm()
    url, index = msgspec.json.decode(sys.stdin.buffer.readline(), type=tuple[str, bool])
    store = open_store(url, create=False)
    try:
        for line in sys.stdin.buffer:
            _answer(store, msgspec.json.decode(line, type=Span), index=index)
    finally:
        store.close()


def _answer(store: Store, span: Span, *, index: bool) -> None:
    try:
        with reading(store) as session:
            found = look_at(session, span, index=index)
    except StoreError:
        found = None
    sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
