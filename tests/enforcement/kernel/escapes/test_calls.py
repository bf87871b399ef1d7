"""Single calls that look for a way around a rule."""

from __future__ import annotations

import pytest

from tests.enforcement.kernel.escapes.expectations import CALLS
from tests.enforcement.kernel.jobs import is_root
from tests.enforcement.kernel.ways import BOTH_WAYS

pytestmark = BOTH_WAYS


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_call_leads_only_where_a_rule_allows(ground, call):
    if call.needs_root and not is_root():
        pytest.skip("the technique needs root")
    seen = ground.run(call.technique)
    assert tuple(seen.lines) == call.lines
    assert seen.arrived_in_words(ground.witness) == dict(call.arrived)
    assert seen.journal_in_words() == dict(call.journal)
