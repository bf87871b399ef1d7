"""One look at some entries that were read at once: whether they are what was written, all of them.

Pure. Says yes or no, and column by column, so that nothing is done for each entry but to hash it. Which entry it is,
and what is wrong with it, is found one by one where the answer is no (`console.journal.walk`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from console.journal.chain import FIELDS, links
from console.journal.stored import moments_us
from console.model.journal import JournalEntry

_TYPES = [JournalEntry.model_fields[name].annotation for name in FIELDS]
_TEXTS = [place for place, kind in enumerate(_TYPES) if kind is str]
_NUMBERS = [place for place, kind in enumerate(_TYPES) if kind is int]

Columns = Sequence[Sequence[Any]]
"""The values of `FIELDS` and the hash, each of all entries of a page."""


def columns_of(page: Sequence[Sequence[Any]]) -> Columns:
    """Return a page column by column."""
    return tuple(zip(*page, strict=True))


def is_plain(columns: Columns) -> bool:
    """Say whether texts are texts and numbers numbers.

    Octets would be hashed as the text that stands for them in JSON: another value, and the same hash. Nothing of ours
    is ever hashed that is neither of the two, so that what is can be refused whatever its hash.
    """
    try:
        for place in _TEXTS:
            "".join(columns[place])
        for place in _NUMBERS:
            sum(columns[place])
    except TypeError:
        return False
    return True


def is_unbroken(columns: Columns, first: int, receiver: str, before: bytes) -> bool:
    """Say whether entries are what was written; False for those of which it cannot be said so soon, too.

    Args:
        columns: Of the page.
        first: Number that the first entry is to have.
        receiver: Name of the receiver that they are in.
        before: Hash of the entry before the first.
    """
    numbers, moments, names = columns[:3]
    if list(numbers) != list(range(first, first + len(numbers))) or names.count(receiver) != len(names):
        return False
    if not is_plain(columns):
        return False
    try:
        entries = zip(numbers, moments_us(moments), *columns[2:-1], strict=True)
        return links(before, entries) == list(columns[-1])
    except (TypeError, ValueError):
        return False
