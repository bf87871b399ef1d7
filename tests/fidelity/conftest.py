"""One store with rules for all programs here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.enforcement.kernel.jobs import make_house
from tests.fidelity.peers import RULES


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.kernel)


@pytest.fixture(scope="session")
def house(tmp_path_factory):
    """Return a store with a worker, under whose rules jobs run."""
    with make_house(tmp_path_factory.mktemp("house") / "store", Path("/"), RULES) as made:
        yield made
