"""Single calls that look for a way around a rule."""

from __future__ import annotations

import pytest

from tests.enforcement.kernel.escapes.expectations import CALLS


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_call_leads_only_where_a_rule_allows(ground, call):
    seen = ground.run(call.technique)
    assert tuple(seen.lines) == call.lines
    assert seen.arrived_in_words(ground.witness) == dict(call.arrived)
    assert seen.journal_in_words() == dict(call.journal)
