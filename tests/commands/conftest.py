"""A context on a real store."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from console.commands.definition import Context
from console.model.words import SPECIAL_AUTHORITIES
from tests.stores import open_fresh_store

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def context(tmp_path):
    store = open_fresh_store(tmp_path / "test.db")
    yield Context(
        store=store,
        user="OPER",
        job="000001/OPER/TEST",
        clock=lambda: NOW,
        authorities=frozenset(SPECIAL_AUTHORITIES),
        limited=False,
    )
    store.close()
