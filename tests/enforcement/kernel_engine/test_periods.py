"""Rules with time groups, in the kernel: it goes from one period to the next by itself.

What nobody tells it about any more it does not allow.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from console.enforcement.kernel.loading import put_in_force
from console.policy.checks import make_policy, make_rule
from console.policy.compiler import compile_policy
from console.policy.periods import MOST_PERIODS, Part, periods_ahead
from console.policy.time_groups import make_time_group
from tests.enforcement.kernel_engine.conftest import ACCOUNTS

CLOSES = datetime(2026, 11, 23, 18, tzinfo=UTC)
"""A Monday."""
OFFICE = make_time_group(name="OFFICE", days="*WEEKDAY", times="08:00-18:00", time_zone="UTC")
CONNECTS = """
    for host in ("127.0.0.2", "127.0.0.3", "127.0.0.4"):
        tried(host, lambda: connect(host, 9))
"""
REFUSED_BY_NOBODY = "ECONNREFUSED"


def ns(moment):
    return int(moment.timestamp()) * 10**9


def compiled():
    """127.0.0.2 is allowed in the office, 127.0.0.3 rejected there; the rest of 127.0.0.2/31 never allowed."""
    connect = {"exit_point": "*CONNECT"}
    rules = [
        make_rule(sequence=10, remote_address="127.0.0.2", action="*ALLOW", time_group="OFFICE", **connect),
        make_rule(sequence=20, remote_address="127.0.0.3", action="*REJECT", time_group="OFFICE", **connect),
        make_rule(sequence=30, remote_address="127.0.0.2", action="*REJECT", **connect),
    ]
    return compile_policy(make_policy({}, rules, {}, time_groups=[OFFICE]))


def put(house, policy, before_s, *, most=MOST_PERIODS):
    """Put it in force as some seconds before the office closes, with only some periods ahead."""
    now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    moment = ns(CLOSES) - int(before_s * 1e9)
    *parts, last = periods_ahead(policy, moment, now)
    put_in_force(house.engine, policy.at(moment), ACCOUNTS, [*parts[:most], last])
    return now + int(before_s * 1e9)


def wait_until(boot_ns):
    time.sleep(max(boot_ns - time.clock_gettime_ns(time.CLOCK_BOOTTIME), 0) / 1e9)


@pytest.mark.parametrize(("most", "third"), [(MOST_PERIODS, REFUSED_BY_NOBODY), (1, "EPERM")])
def test_kernel_goes_on_by_itself_and_allows_nothing_that_only_the_time_would(house, most, third):
    """With one period known ahead, and no worker: what holds in the office only rejects from then on."""
    end = put(house, compiled(), 4, most=most)
    assert house.run(CONNECTS)[0] == ["127.0.0.2 ECONNREFUSED", "127.0.0.3 EPERM", "127.0.0.4 ECONNREFUSED"]
    wait_until(end)
    assert house.run(CONNECTS)[0] == ["127.0.0.2 EPERM", f"127.0.0.3 {third}", "127.0.0.4 ECONNREFUSED"]


def test_inert_listener_is_reached_in_the_period_that_lets_it_listen(house):
    rule = make_rule(exit_point="*LISTEN", sequence=10, local_port="1024-65535", action="*REJECT", time_group="OFFICE")
    end = put(house, compile_policy(make_policy({}, [rule], {}, time_groups=[OFFICE])), 3)
    with house.start("""
        made = socket.socket()
        made.listen()
        tried("in the office", lambda: connect("127.0.0.1", made.getsockname()[1], limit=0.5))
        sys.stdin.readline()
        tried("later", lambda: connect("127.0.0.1", made.getsockname()[1], limit=5))
    """, stdin=-1) as program:  # fmt: skip
        assert program.stdout.readline() == "in the office timed out\n"
        wait_until(end)
        assert program.communicate("go on\n", 60)[0] == "later 0\n"


def test_kernel_goes_by_the_last_period_that_it_knows(house):
    """Of all that a policy has room for: the one before the last holds to its end, and then what the time leaves."""
    policy = compiled()
    *parts, last = periods_ahead(policy, ns(CLOSES) - 10**9, 0)
    now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    over = [part._replace(ends_ns=now - len(parts) + at) for at, part in enumerate(parts[:-1])]
    in_office = over[0].compiled
    put_in_force(house.engine, in_office, ACCOUNTS, [*over, Part(now + 4 * 10**9, in_office), last])
    assert house.run(CONNECTS)[0] == ["127.0.0.2 ECONNREFUSED", "127.0.0.3 EPERM", "127.0.0.4 ECONNREFUSED"]
    wait_until(now + 4 * 10**9)
    assert house.run(CONNECTS)[0] == ["127.0.0.2 EPERM", "127.0.0.3 EPERM", "127.0.0.4 ECONNREFUSED"]


def test_periods_are_known_for_months():
    parts = periods_ahead(compiled(), ns(CLOSES) - 10**9, 0)
    assert len(parts) == MOST_PERIODS + 1
    assert parts[0].ends_ns == 10**9
    assert parts[1].ends_ns == 10**9 + int(timedelta(hours=14).total_seconds()) * 10**9
    assert parts[-2].ends_ns > 140 * 86_400 * 10**9
    assert parts[-1].ends_ns == 0
