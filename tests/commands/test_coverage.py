"""Which sockets count as covered: decided by who holds them, and by whom those were started."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from console.commands.coverage import Engine, Kind, cover, is_wanted, summary
from console.commands.execute import run_command
from console.commands.host_sockets import LISTEN, OPEN, HostProcess, HostSocket
from console.model.running import Guard
from console.model.words import Udp

STARTED = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
GUARD, JOB, OTHER = 100, 101, 200
SERVER = HostSocket(1, "TCP", LISTEN, "127.0.0.1", 80, "", 0, os.geteuid())


def process(pid, parent, *sockets, filters=0, **fields):
    given = {"name": f"p{pid}", "program": f"/bin/p{pid}", "started": STARTED.timestamp()} | fields
    return HostProcess(pid=pid, parent=parent, filters=filters, sockets=frozenset(sockets), **given)


GUARD_PROCESS = process(GUARD, 1)


def guard(**fields):
    row = {"guard_id": "0" * 32, "job_number": 7, "user": "ALICE", "job_name": "WEB", "command": "web", "pid": GUARD}
    return Guard.model_validate({**row, "started": STARTED, **fields})


def covered(*processes, shown=SERVER, guards=None, udp=Udp.IGNORE, sees_all=True):
    found = cover([shown], processes, [guard()] if guards is None else guards, udp, sees_all=sees_all)
    return found.sockets[0]


def test_a_socket_of_a_job_is_covered_by_its_guard():
    found = covered(GUARD_PROCESS, process(JOB, GUARD, 1, filters=1))
    assert (found.engine, found.job, found.reason) == (Engine.GUARD, "000007/ALICE/WEB", "")


def test_so_is_one_of_a_descendant_far_down():
    found = covered(
        GUARD_PROCESS, process(JOB, GUARD, filters=1), process(102, JOB, filters=1), process(103, 102, 1, filters=2)
    )
    assert found.engine is Engine.GUARD


def test_a_socket_of_any_other_process_is_not_and_the_reason_says_so():
    found = covered(GUARD_PROCESS, process(OTHER, 1, 1))
    assert (found.engine, found.job, found.reason) == (Engine.NONE, "", "Under no guard of this store")


def test_a_socket_that_both_hold_is_shared_and_the_one_outside_is_named():
    found = covered(GUARD_PROCESS, process(JOB, GUARD, 1, filters=1), process(OTHER, 1, 1))
    assert found.engine is Engine.SHARED
    assert found.job == "000007/ALICE/WEB"
    assert found.reason == "Held also by p200 (200), which is not guarded"
    assert found.first.pid == OTHER


def test_the_guards_own_copy_of_a_socket_does_not_count_as_unguarded():
    assert covered(replace(GUARD_PROCESS, sockets=frozenset({1})), process(JOB, GUARD, 1, filters=1)).engine == "*GUARD"


def test_a_child_of_the_guard_without_its_filter_is_an_exit_program():
    found = covered(replace(GUARD_PROCESS, filters=1), process(JOB, GUARD, 1, filters=1))
    assert (found.engine, found.reason) == (Engine.NONE, "Exit program of job 000007/ALICE/WEB")


def test_a_process_that_has_got_the_number_of_a_dead_guard_guards_nobody():
    later = replace(GUARD_PROCESS, started=(STARTED + timedelta(seconds=5)).timestamp())
    assert covered(later, process(JOB, GUARD, 1, filters=1)).engine is Engine.NONE


def test_a_datagram_socket_is_covered_only_where_the_policy_decides_about_datagrams():
    shown = replace(SERVER, protocol="UDP", state=OPEN)
    processes = (GUARD_PROCESS, process(JOB, GUARD, 1, filters=1))
    ignored = covered(*processes, shown=shown)
    assert ignored.engine is Engine.NONE
    assert "UDP(*IGNORE)" in ignored.reason
    assert covered(*processes, shown=shown, udp=Udp.DECIDE).engine is Engine.GUARD


def test_a_raw_socket_is_never_covered():
    shown = replace(SERVER, protocol="RAW", state=OPEN)
    assert covered(GUARD_PROCESS, process(JOB, GUARD, 1, filters=1), shown=shown, udp=Udp.DECIDE).engine is Engine.NONE


def test_what_cannot_be_seen_is_said():
    hidden = replace(process(OTHER, 1), sockets=None)
    shown = replace(SERVER, user_id=os.geteuid() + 1)
    found = cover([shown], [hidden], [], Udp.IGNORE, sees_all=False)
    assert found.sockets[0].reason == "Process of another user: not visible without root"
    assert summary(found)[-1] == "1 process could not be looked at: only root sees all."


def test_a_guard_that_cannot_be_looked_at_is_not_counted_among_the_unseen():
    found = cover([], [replace(GUARD_PROCESS, sockets=None)], [guard()], Udp.IGNORE, sees_all=False)
    assert found.unseen == 0


def test_a_socket_without_process_is_the_kernels_for_who_sees_all():
    assert covered().reason.startswith("Held by no process here")


def test_the_counts_say_how_many_are_not_under_an_engine():
    processes = (GUARD_PROCESS, process(JOB, GUARD, 1, 3, filters=1), process(OTHER, 1, 2, 3))
    sockets = [SERVER, replace(SERVER, inode=2), replace(SERVER, inode=3, state="ESTABLISHED")]
    found = cover(sockets, processes, [guard()], Udp.IGNORE, sees_all=True)
    assert found.count(Kind.LISTEN) == 2
    assert summary(found) == (
        "1 of 2 listening sockets are not under any engine,",
        "nor are 0 of 1 connections and 0 of 0 datagram sockets. Shared: 1.",
    )


def test_the_subset_none_takes_in_what_is_shared():
    found = covered(GUARD_PROCESS, process(JOB, GUARD, 1, filters=1), process(OTHER, 1, 1))
    assert is_wanted(found, "*NONE", "*ALL")
    assert is_wanted(found, "*SHARED", "*LISTEN")
    assert not is_wanted(found, "*GUARD", "*ALL")
    assert not is_wanted(found, "*NONE", "*CNN")


def test_the_command_lists_a_real_listener_of_this_process(context):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        result = run_command("DSPSOCCOV TYPE(*LISTEN)", context)
    (line,) = [line for line in result.lines if f":{port} " in line]
    assert re.search(rf"\b{os.getpid()}\b.*\*NONE .*Under no guard of this store", line)
    assert result.panel == "DisplayCoverage"
    assert any("listening sockets are not under any engine" in line for line in result.lines)
