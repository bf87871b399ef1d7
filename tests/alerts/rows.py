"""Rows of the journal as alerts see them."""

from __future__ import annotations

from datetime import timedelta

from console.journal.entries import AUDIT_CODE
from tests.conftest import NOW
from tests.factories import entry


def at(seconds):
    """Return a moment so many seconds after that of the tests."""
    return NOW + timedelta(seconds=seconds)


def row(number=1, seconds=0, **fields):
    """Return the row of an entry with this number, so many seconds after the moment of the tests."""
    moment, *rest = entry(entry_timestamp=at(seconds), **fields)
    return (number, moment, "AUDRCV0001", AUDIT_CODE, *rest)
