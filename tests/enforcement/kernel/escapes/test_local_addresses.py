"""Rules about the address that a connect comes from."""

from __future__ import annotations

import pytest

from console.model.words import ExitPoint
from tests.enforcement.kernel.escapes.expectations import ALLOWED
from tests.enforcement.kernel.escapes.ground import Ground, rounds_of
from tests.enforcement.kernel.jobs import activate_rules, rejecting


@pytest.mark.parametrize("watched", [False, True], ids=["bound by itself", "bound by its guard"])
def test_socket_bound_during_its_connect_comes_from_no_refused_address(fresh_house, techniques, witness, watched):
    if not watched:  # guards then leave bind to the program, which is fast enough to be in between
        fresh_house.greenwall.cl("CHGSYSVAL SYSVAL(QAUDLVL) VALUE('*NETSCK *JOBDTA')")
    activate_rules(fresh_house.store, rejecting(exit_point=ExitPoint.CONNECT, sequence=10, local_address="127.0.0.66"))
    witness.counts()
    seen = Ground(fresh_house, techniques, witness).run("bind_during_connect", rounds=rounds_of(5_000))
    numbers = seen.numbers
    assert numbers["wrong"] == 0
    assert watched or numbers["refused"] > 0
    assert seen.arrived_in_words(witness) == {f"tcp {ALLOWED}": numbers["done"]}
