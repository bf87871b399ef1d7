"""Rules that hold at certain times: each call is decided by those that hold when it is made, by a clock passed in."""

from __future__ import annotations

import errno
import socket
from datetime import datetime

import pytest

from console.enforcement.fake import Step
from console.model.words import ExitPoint
from console.policy.audit_levels import Auditing, Levels
from console.policy.checks import make_policy
from console.policy.compiler import compile_policy
from console.policy.time_groups import make_time_group
from tests.end_to_end.command import until
from tests.enforcement.guard.setting import PATIENCE_S, Setting, ended, hears, reject, sockaddr

OFFICE = make_time_group(name="OFFICE", days="*WEEKDAY", times="08:00-18:00", time_zone="UTC")
SIX = int(datetime.fromisoformat("2026-11-27T18:00:00+00:00").timestamp()) * 1_000_000_000


def in_office(exit_point, revision=1):
    """Return a policy that rejects in the office's times."""
    return compile_policy(make_policy({}, [reject(exit_point, time_group="OFFICE")], time_groups=[OFFICE]), revision)


class Timed(Setting):
    """A setting with a clock of its own."""

    def __init__(self, exit_point, **more):
        super().__init__(**more)
        self.now = SIX - 1
        self.supervisor._clock_ns = lambda: self.now
        self.supervisor.enforce(in_office(exit_point))


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def connects(setting, server):
    with socket.socket() as client:
        return setting.serve(setting.connect(client, sockaddr(*server.getsockname())))


def test_a_rule_ends_at_the_nanosecond_and_begins_at_the_nanosecond(server):
    setting = Timed(ExitPoint.CONNECT)
    assert connects(setting, server) == errno.EPERM
    setting.now = SIX
    assert connects(setting, server) == 0
    setting.now = SIX + 62 * 3600 * 1_000_000_000 - 1  # Monday, 07:59:59.999999999
    assert connects(setting, server) == 0
    setting.now += 1
    assert connects(setting, server) == errno.EPERM
    assert [decided.decision.sequence for decided in setting.recorded] == [10, 99_999, 99_999, 10]


def test_a_clock_that_is_put_back_brings_the_rules_of_that_time_back(server):
    setting = Timed(ExitPoint.CONNECT)
    setting.now = SIX
    assert connects(setting, server) == 0
    setting.now = SIX - 1
    assert connects(setting, server) == errno.EPERM


def test_a_revision_that_comes_as_the_time_is_up_is_not_replaced_by_the_one_before(server):
    setting = Timed(ExitPoint.CONNECT)
    moments = [SIX]

    def clock():
        if moments:
            moments.pop()
            setting.supervisor.enforce(in_office(ExitPoint.LISTEN, revision=2))
        return SIX

    setting.supervisor._clock_ns = clock
    assert setting.supervisor.policy.revision == 2
    assert connects(setting, server) == 0


def test_other_audit_levels_do_not_bring_an_earlier_time_back(server):
    setting = Timed(ExitPoint.CONNECT)
    setting.now = SIX
    setting.supervisor.audit(Levels(Auditing()))
    assert connects(setting, server) == 0


def test_an_accept_that_began_before_is_decided_when_the_connection_comes(server):
    setting = Timed(ExitPoint.ACCEPT, room=True)
    setting.now = SIX + 62 * 3600 * 1_000_000_000 - 1
    setting.serve(setting.accept(server))
    with socket.create_connection(server.getsockname(), PATIENCE_S) as client:
        until(lambda: setting.kernel.deliveries, "the first to be let in", PATIENCE_S)
        setting.serve(setting.accept(server))
        setting.now += 1
        # The reset may come before the client knows that it is connected.
        with pytest.raises(ConnectionResetError), socket.create_connection(server.getsockname(), PATIENCE_S) as second:
            second.recv(1)
        assert len(setting.kernel.deliveries) == 1
        client.close()


def test_a_connection_that_was_kept_is_decided_anew_when_its_time_is_up(server):
    setting = Timed(ExitPoint.ACCEPT)
    setting.now = SIX
    with socket.create_connection(server.getsockname(), PATIENCE_S) as client:
        hears(server)
        first = setting.accept(server)
        setting.kernel.leave(first, at=Step.DELIVER)
        setting.serve(first)
        setting.now = SIX - 1
        hears(server)
        setting.serve(setting.accept(server))
        assert ended(client) == "ECONNRESET"
    assert [decided.decision.outcome for decided in setting.recorded] == ["*ALLOWED", "*REJECTED"]
