"""What tests of every part share: a real store in a file, and time that stands still."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from console.store.engine import open_store

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def now():
    return NOW


@pytest.fixture
def store_url(tmp_path):
    return f"sqlite:///{tmp_path}/test.db"


@pytest.fixture
def store(store_url):
    """Return a fresh store."""
    opened = open_store(store_url)
    yield opened
    opened.close()
