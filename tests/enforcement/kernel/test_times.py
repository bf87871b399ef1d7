"""A rule with a time group, a job that connects without a pause, and the clock of this system."""

from __future__ import annotations

import dataclasses
import sys
import time

from console.model.words import ExitPoint
from console.policy.checks import default_rule, make_policy
from console.policy.time_groups import make_time_group
from console.store.revisions import activate, set_pending
from console.store.session import transaction
from tests.conftest import NOW
from tests.enforcement.kernel.jobs import rejecting

_PROGRAM = """
import socket, sys, time
port, until, last = int(sys.argv[1]), float(sys.argv[2]), None
while (began := time.time()) < until:
    with socket.socket() as client:
        result = client.connect_ex(("127.0.0.1", port))
    ended = time.time()
    if result != last:
        print(result, before if last is not None else began, ended, flush=True)
    before, last = began, result
"""
"""Tells each change of the result: the errno, when the last connect with the one before began, and when the first with
this one had ended: it was decided in between, however long this machine let it wait."""
_LONG_ENOUGH_S = 3.0
_AFTER_S = 0.5
_LONGEST_S = 120
"""A rule's times begin with a minute: it may be a whole one until then."""


def test_the_first_connect_after_a_real_boundary_is_rejected(fresh_house, port):
    minute = int(time.time() + _LONG_ENOUGH_S) // 60 * 60 + 60
    begins = time.strftime("%H:%M", time.gmtime(minute))
    ends = time.strftime("%H:%M", time.gmtime(minute + 7200))
    group = make_time_group(name="SOON", times=f"{begins}-{ends}", time_zone="UTC")
    rule = rejecting(exit_point=ExitPoint.CONNECT, sequence=10, remote_address="127.0.0.1", time_group="SOON")
    policy = make_policy({}, [rule, *map(default_rule, ExitPoint)], time_groups=[group])
    with transaction(fresh_house.store) as session:
        set_pending(session, dataclasses.replace(policy))
        activate(session, services={}, user="TEST", at=NOW)
    until = minute + _AFTER_S
    lines, entries = fresh_house.run(sys.executable, "-c", _PROGRAM, port, until, timeout=_LONGEST_S)
    (first, *_), (second, last_let, first_refused) = (line.split() for line in lines)
    assert (first, second) == ("0", "1"), "allowed, then EPERM"
    assert float(first_refused) >= minute - 0.1
    assert float(last_let) <= minute + 0.1
    outcomes = [outcome for _, outcome, _, _, _ in entries]
    assert outcomes.index("*REJECTED") == outcomes.count("*ALLOWED"), "none is allowed any more"
