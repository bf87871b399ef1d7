"""Races against the guard's look: as many rounds as the environment says, 100,000 each in a campaign."""

from __future__ import annotations

import pytest

from tests.enforcement.kernel.escapes.expectations import ALLOWED, RACES
from tests.enforcement.kernel.escapes.ground import IS_CAMPAIGN, rounds_of
from tests.enforcement.kernel.jobs import is_root
from tests.enforcement.kernel.ways import BOTH_WAYS

pytestmark = BOTH_WAYS if IS_CAMPAIGN else []


@pytest.mark.parametrize("race", RACES, ids=str)
def test_race_is_never_won(ground, race):
    if race.needs_root and not is_root():
        pytest.skip("the technique needs root")
    seen = ground.run(race.technique, rounds=rounds_of(race.rounds) if race.needs_luck else race.rounds)
    numbers = seen.numbers
    for line in race.lines:
        assert line in seen.lines
    assert not numbers.get("wrong")
    assert set(seen.arrived) <= {("tcp", ALLOWED, ground.witness.open_port)}
    if race.arrives:
        came = seen.arrived["tcp", ALLOWED, ground.witness.open_port]
        assert came == numbers.get("succeeded", came) > 0
        # A connect that failed or was interrupted was decided too: the journal may hold more, but never less.
        assert seen.journal["*CONNECT", "*ALLOWED", ALLOWED] >= came
