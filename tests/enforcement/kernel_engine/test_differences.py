"""The kernel answers as the tables do: random policies, random calls, no difference."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.enforcement.layouts import Endpoint
from console.model.words import ExitPoint, SocksType
from console.policy.compiler import compile_policy
from console.policy.image import image
from console.policy.request import Request
from tests.policy.strategies import MOMENTS, policies, requests
from tests.policy.test_image import ACCOUNTS, NUMBERS, held_by_kernel, large_group


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    policy=policies(),
    asked=requests,
    numbers=st.lists(st.sampled_from(NUMBERS), min_size=100, max_size=100),
    moment=st.sampled_from(MOMENTS),
)
def test_kernel_decides_as_the_reference(house, policy, asked, numbers, moment):
    compiled = compile_policy(held_by_kernel(policy), 7).at(moment)
    house.engine.activate(image(compiled, ACCOUNTS))
    for request, number in zip(asked, numbers, strict=True):
        who = ACCOUNTS.get(number)
        user, groups = (who.user, who.groups) if who else (str(number), frozenset())
        decision = compiled.decide(request._replace(user=user, groups=groups))
        local = Endpoint(request.local_address, request.local_port)
        remote = Endpoint(request.remote_address, request.remote_port)
        found = house.engine.ask(request.exit_point, number, local, remote)
        assert (found.outcome, found.sequence, found.error, found.journal, found.alert, found.by_level) == (
            decision.outcome, decision.sequence, decision.errno, decision.journal, decision.alert,
            decision.by_level,
        )  # fmt: skip
        assert found.revision == 7
        entry = compiled.route(user, groups, request.remote_address, request.remote_port)
        way = 0 if entry is None or entry.type is SocksType.DIRECT else entry.sequence
        assert house.engine.ask_way(number, remote) == way


def test_kernel_finds_every_address_of_a_group_that_fills_pages_of_the_index(house):
    compiled, asked = large_group()
    house.engine.activate(image(compiled, ACCOUNTS))
    for address in asked:
        request = Request(ExitPoint.CONNECT, "ALICE", frozenset(), "", 0, 0, address, 443)
        found = house.engine.ask(ExitPoint.CONNECT, 7, Endpoint(0, 0), Endpoint(address, 443))
        decision = compiled.decide(request)
        assert (found.outcome, found.sequence) == (decision.outcome, decision.sequence)
