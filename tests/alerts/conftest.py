"""A store with a journal, and what alerts need besides."""

from __future__ import annotations

import pytest

from console.alerts.watcher import Watcher
from console.journal.writer import append
from console.model.alerts import Alert
from console.store import alerts as kept
from console.store.session import transaction
from tests.alerts.rows import at
from tests.factories import entry

REFUSED = {"name": "FAILING", "active": True, "condition": "outcome = *REJECTED", "per": "remote_address",
           "threshold": 3, "within_s": 10, "clear_s": 20, "quiet_s": 60, "text": "Refused too often"}  # fmt: skip


class Clock:
    """Time that moves when it is told to."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return at(self.seconds)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def journal(store):
    """Return what appends entries: seconds after the moment of the tests, and fields."""

    def add(*seconds, **fields):
        with transaction(store) as session:
            return append(session, [entry(entry_timestamp=at(each), **fields) for each in seconds])

    return add


@pytest.fixture
def refuse(journal):
    """Return what appends refused entries of one peer."""
    return lambda *seconds, peer="10.0.0.1", **fields: journal(
        *seconds, outcome="*REJECTED", remote_address=peer, **fields
    )


@pytest.fixture
def make_alert(store):
    """Return what adds an alert; it is about refused entries if nothing else is said."""

    def make(**fields):
        with transaction(store) as session:
            kept.add_alert(session, Alert.model_validate({**REFUSED, **fields}))

    return make


@pytest.fixture
def make_watcher(store, clock):
    return lambda: Watcher(store, clock, "HERE")
