"""Rules that hold at certain times, in a busy job: what is remembered without Python ends with its time."""

from __future__ import annotations

import dataclasses
import errno
import time

import pytest

from console.enforcement.guard import plain_calls
from console.model.words import ExitPoint
from console.policy.checks import make_policy
from console.policy.compiler import compile_policy
from console.policy.time_groups import Period, make_time_group
from tests.end_to_end.command import until
from tests.enforcement.guard.setting import reject
from tests.enforcement.kernel.test_plain_accepts import Server
from tests.enforcement.kernel.test_plain_calls import warm
from tests.loopback import hang_up, serving

pytestmark = pytest.mark.skipif(plain_calls.native is None, reason="the module for plain calls is not compiled")

GROUP = make_time_group(name="LATER", time_zone="UTC")
FOR_EVER = 2**62
SOON_NS = 1_000_000_000


@dataclasses.dataclass
class From:
    """A schedule whose one group is active from a moment on: groups of policies begin with minutes."""

    moment: int

    def period(self, at_ns):
        if at_ns < self.moment:
            return Period(at_ns, self.moment, frozenset())
        return Period(at_ns, FOR_EVER, frozenset({"LATER"}))


def rejecting_from(exit_point, moment):
    compiled = compile_policy(make_policy({}, [reject(exit_point, time_group="LATER")], time_groups=[GROUP]))
    return dataclasses.replace(compiled, schedule=From(moment))


@pytest.fixture(scope="module")
def port():
    with serving(hang_up) as number:
        yield number


def told_around(moment, ask):
    """Ask again and again until a while after a moment; returns what was told before it, and what after it."""
    before, after = [], []
    while (began := time.time_ns()) < moment + SOON_NS // 2 or len(after) <= 10:
        told = ask()
        if began >= moment:
            after.append(told)
        elif time.time_ns() < moment:
            before.append(told)
    assert before, "the job took longer for its first calls than was left before the moment"
    return before, after


def test_connects_are_rejected_from_that_moment_on(house_of, port):
    house = house_of(rejecting_from(ExitPoint.CONNECT, FOR_EVER))
    warm(house, port)
    moment = time.time_ns() + SOON_NS
    house.supervisor.enforce(rejecting_from(ExitPoint.CONNECT, moment))
    before, after = told_around(moment, lambda: house.connect(port, count=10))
    assert all(told == {0: 10} for told in before)
    assert all(told == {errno.EPERM: 10} for told in after)
    # Python is asked for room now and then, too: once in 1,600 calls or so.
    until(lambda: house.seen(port, count=20) == ({errno.EPERM: 20}, []), "those of the new time to be remembered, too")


def test_accepts_are_rejected_from_that_moment_on(house_of):
    house = house_of(rejecting_from(ExitPoint.ACCEPT, FOR_EVER), "acceptor")
    server = Server(house, blocks=False)
    with server.clients:
        server.warm()
        moment = time.time_ns() + SOON_NS
        house.supervisor.enforce(rejecting_from(ExitPoint.ACCEPT, moment))

        def ask():
            server.dial()
            return server.accept()[0]

        before, after = told_around(moment, ask)
        assert all("peer" in told for told in before)
        assert all(told == {"errno": "EAGAIN"} for told in after)


def test_a_policy_without_times_is_remembered_without_end(house_of, port):
    house = house_of(compile_policy(make_policy({}, [reject(ExitPoint.CONNECT, remote_address="127.0.0.9")])))
    warm(house, port)
    assert house.seen(port, count=100) == ({0: 100}, [])
