"""What comes of the answers of exit programs."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import threading

import psutil
import pytest

from console.enforcement.guard import exit_program_keeper
from console.model.words import Audit, ExitPoint, Mode
from console.policy.checks import make_rule
from tests.enforcement.guard.asking import has_ended, hosts, program, unread, until
from tests.enforcement.guard.setting import PATIENCE_S, ended, sockaddr


def test_0_allows_and_the_entry_is_as_without(asking, server):
    asking.use(program("allow"))
    assert asking.connect(server) == 0
    assert asking.last == ("*ALLOWED", "")


def test_1_rejects_with_eperm_and_the_entry_names_program_and_rule(asking, server):
    asking.use(program("reject"))
    assert asking.connect(server) == errno.EPERM
    assert asking.last == ("*REJECTED", "exit program 2: mine:reject answered '1'")
    assert asking.setting.recorded[-1].decision.sequence == 99999


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("maybe", "answered 'maybe'"),
        ("number", "answered 0"),
        ("nothing", "answered None"),
        ("long_answer", "answered '000000000000...0000000000000'"),
        ("raises", "raised ValueError: no such list at all"),
        ("leaves", "raised SystemExit: 0"),
        ("dies", "ended"),
        ("crashes", "ended"),
        ("scribbles", "wrote what is no answer"),
        ("no_function", "cannot be loaded: no_function is no function"),
        ("missing", "cannot be loaded: AttributeError: module 'mine' has no attribute 'missing'"),
    ],
)
def test_whatever_is_no_answer_rejects_and_is_said(asking, server, function, said):
    asking.use(program(function))
    assert asking.connect(server) == errno.EPERM
    assert asking.last == ("*REJECTED", f"exit program 2: mine:{function} {said}")


def test_answer_that_cannot_be_shown_rejects(asking, server):
    asking.use(program("odd"))
    assert asking.connect(server) == errno.EPERM
    assert asking.last[1].startswith("exit program 2: mine:odd answered <Odd instance at ")


def test_module_that_is_not_there_or_raises_rejects(asking, server):
    asking.write("broken", "import nothing_of_that_name")
    asking.write("leaving", "raise SystemExit")
    for module, said in [
        ("nowhere", "ModuleNotFoundError: No module named 'nowhere'"),
        ("broken", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("leaving", "SystemExit"),
    ]:
        asking.use(program("check", module=module))
        assert asking.connect(server) == errno.EPERM
        assert asking.last == ("*REJECTED", f"exit program 2: {module}:check cannot be loaded: {said}")


@pytest.mark.parametrize("function", ["hangs", "hangs_in_c"])
def test_one_that_overruns_its_limit_rejects_and_is_killed(asking, server, function):
    asking.use(program(function, time_limit_ms=200))
    until(hosts)  # within exec, a process has no command line for a moment
    (before,) = hosts()
    assert asking.connect(server) == errno.EPERM
    assert asking.last == ("*REJECTED", f"exit program 2: mine:{function} did not answer within 200 ms")
    until(lambda: has_ended(before))


def test_one_that_takes_long_to_load_is_not_over_its_limit(asking, server):
    asking.write("slow", "import time\ntime.sleep(2.1)\ndef check(request):\n    return '0'\n")
    asking.use(program("check", module="slow", time_limit_ms=2000))
    assert asking.connect(server) == 0


def test_crash_is_followed_by_a_pause_in_which_all_is_rejected_and_then_by_a_new_process(asking, server, monkeypatch):
    monkeypatch.setattr(exit_program_keeper, "_FIRST_PAUSE_S", 2.0)
    asking.use(program("dies_on_port_1"))
    assert asking.connect(server) == 0
    (before,) = hosts()
    assert asking.connect(("127.0.0.1", 1)) == errno.EPERM
    assert asking.last[1] == "exit program 2: mine:dies_on_port_1 ended"
    assert asking.connect(server) == errno.EPERM
    assert asking.last[1] == "exit program 2: mine:dies_on_port_1 does not run: ended"
    until(lambda: asking.connect(server) == 0)
    (after,) = hosts()
    assert after.pid != before.pid


def test_one_that_ended_while_nobody_asked_is_started_again_unnoticed(asking, server):
    asking.use(program("dies_afterwards"))
    for _ in range(2):
        assert asking.connect(server) == 0
        until(lambda: hosts() == [])
    assert asking.connect(server) == 0


def test_question_that_an_ending_process_did_not_read_is_put_to_the_next_one(asking, server):
    asking.use(program("note"))
    assert asking.connect(server) == 0
    (host,) = hosts()
    host.suspend()
    until(lambda: host.status() == psutil.STATUS_STOPPED)
    results = []
    calling = threading.Thread(target=lambda: results.append(asking.connect(server)))
    calling.start()
    (keeper,) = asking.asker._keepers.values()
    until(lambda: unread(keeper._process._line))
    host.kill()
    calling.join(PATIENCE_S)
    assert results == [0]
    assert len(asking.asked) == 2
    assert asking.last == ("*ALLOWED", "")


def test_9_is_not_asked_again_about_the_process_and_another_process_is(asking, server):
    asking.use(program("skip"))
    assert [asking.connect(server) for _ in range(3)] == [0, 0, 0]
    assert len(asking.asked) == 1
    assert asking.setting.outcomes == [
        ("*ALLOWED", "exit program 2: mine:skip answered '9'"),
        ("*ALLOWED", ""),
        ("*ALLOWED", ""),
    ]
    with subprocess.Popen(["sleep", "60"]) as child:
        until(lambda: os.readlink(f"/proc/{child.pid}/exe") != os.readlink("/proc/self/exe"))
        assert asking.connect(server, thread=child.pid) == 0
        child.kill()
    assert len(asking.asked) == 2


def test_9_holds_for_one_exit_program_and_one_revision_only(asking, server):
    asking.use(program("skip"), program("note", 3))
    asking.connect(server)
    asking.connect(server)
    assert len(asking.asked) == 3
    asking.use(program("skip"), revision=2)
    asking.connect(server)
    assert len(asking.asked) == 4


def test_9_ends_when_the_process_executes_another_program(asking, server):
    asking.use(program("skip"))
    script = "read line; exec cat"
    with subprocess.Popen(["bash", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as child:
        until(lambda: "bash" in os.readlink(f"/proc/{child.pid}/exe"))
        for _ in range(2):
            assert asking.connect(server, thread=child.pid) == 0
        assert len(asking.asked) == 1
        child.stdin.write(b"\n")
        child.stdin.flush()
        until(lambda: "cat" in os.readlink(f"/proc/{child.pid}/exe"))
        assert asking.connect(server, thread=child.pid) == 0
        assert len(asking.asked) == 2
        child.stdin.close()


def test_programs_are_asked_in_ascending_number_and_the_first_that_rejects_ends_it(asking, server):
    asking.use(program("note", 5), program("reject", 9), program("note", 30))
    assert asking.connect(server) == errno.EPERM
    assert asking.last[1] == "exit program 9: mine:reject answered '1'"
    assert len(asking.asked) == 1
    asking.use(program("note", 5), program("reject", 2), revision=2)
    assert asking.connect(server) == errno.EPERM
    assert len(asking.asked) == 1


def test_nobody_is_asked_about_what_the_rules_reject_nor_where_the_mode_is_off(asking, server):
    refuse = make_rule(exit_point=ExitPoint.CONNECT, sequence=10, remote_address="127.0.0.1", action="*REJECT")
    asking.use(program("note"), rules=[refuse])
    assert asking.connect(server) == errno.EPERM
    asking.use(program("note"), rules=[refuse], modes={ExitPoint.CONNECT: Mode.MONITOR}, revision=2)
    assert asking.connect(server) == 0
    assert asking.last == ("*MONITOR", "")
    asking.use(program("reject"), modes={ExitPoint.CONNECT: Mode.OFF}, revision=3)
    assert asking.connect(server) == 0
    assert asking.asked == []
    until(lambda: hosts() == [])


def test_monitor_says_what_would_be_rejected_and_lets_it_pass(asking, server):
    asking.use(program("reject"), modes={ExitPoint.CONNECT: Mode.MONITOR})
    assert asking.connect(server) == 0
    assert asking.last == ("*MONITOR", "exit program 2: mine:reject answered '1'")
    assert asking.connect(("127.0.0.1", 1)) == errno.ECONNREFUSED
    assert asking.last == ("*MONITOR", "exit program 2: mine:reject answered '1'; ECONNREFUSED")


@pytest.mark.parametrize("audit", [Audit.NONE, Audit.REJECT])
def test_rejection_is_journalled_whatever_the_rule_that_allowed_says(asking, server, audit):
    quiet = make_rule(exit_point=ExitPoint.CONNECT, sequence=10, audit=audit)
    asking.use(program("allow"), rules=[quiet])
    assert asking.connect(server) == 0
    assert asking.setting.recorded == []
    asking.use(program("reject"), rules=[quiet], revision=2)
    assert asking.connect(server) == errno.EPERM
    (entry,) = asking.setting.recorded
    assert (entry.decision.sequence, entry.revision) == (10, 2)


def test_question_tells_who_what_and_where(asking, server):
    asking.use(program("note"))
    with socket.socket() as client:
        client.bind(("127.0.0.5", 0))
        assert asking.setting.serve(asking.setting.connect(client, sockaddr(*server))) == 0
        port = client.getsockname()[1]
    user, path, pid = asking.setting.recorded[-1].who
    assert asking.asked == [
        f"ExitRequest(exit_point='*CONNECT', exit_point_name='QIBM_QSO_CONNECT', user={user!r}, program={path!r}, "
        f"job='000007/ALICE/CURL', pid={pid}, local_address='127.0.0.5', local_port={port}, "
        f"remote_address='127.0.0.1', remote_port={server[1]}, address_family='*IPV4')"
    ]


def test_accept_that_is_rejected_is_reset_and_says_eagain(asking):
    asking.use(program("reject", exit_point=ExitPoint.ACCEPT))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        with socket.create_connection(listening.getsockname()) as client:
            assert asking.setting.serve(asking.setting.accept(listening)) == errno.EAGAIN
            assert ended(client) == "ECONNRESET"
    assert asking.last == ("*REJECTED", "exit program 2: mine:reject answered '1'")


def test_accept_that_is_allowed_is_handed_over(asking):
    asking.use(program("note", exit_point=ExitPoint.ACCEPT))
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname()):
        call = asking.setting.accept(listening)
        asking.setting.serve(call)
        assert asking.setting.kernel.deliveries[0].call == call
    assert "QIBM_QSO_ACCEPT" in asking.asked[0]


def test_listen_that_is_rejected_fails(asking):
    asking.use(program("reject", exit_point=ExitPoint.LISTEN))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        assert asking.setting.serve(asking.setting.listen(listening)) == errno.EPERM
        assert not listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)


def test_many_threads_at_once_get_each_its_own_answer(asking, server):
    asking.write("odd_ports", "def check(request):\n    return '01'[request.remote_port % 2]\n")
    asking.use(program("check", module="odd_ports"))
    wrong = []

    def ask(port):
        expected = errno.EPERM if port % 2 else errno.ECONNREFUSED
        with socket.socket() as client:
            number = 1000 + port  # each call names a descriptor of its own
            setting = asking.setting
            setting.kernel.descriptors[number] = client.fileno()
            setting.kernel.memory[0x1000 * number] = sockaddr("127.0.0.1", port)
            call = setting.kernel.call(42, number, 0x1000 * number, 16)
            found = setting.serve(call)
        if found != expected:
            wrong.append((port, found))

    threads = [threading.Thread(target=ask, args=(port,)) for port in range(1, 41)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert wrong == []


def test_caller_that_went_while_it_was_asked_about_is_not_answered_nor_connected(asking, server):
    asking.use(program("waits"))
    with socket.socket() as client:
        call = asking.setting.connect(client, sockaddr(*server))
        serving = threading.Thread(target=asking.setting.serve, args=(call,))
        serving.start()
        asking.setting.kernel.leave(call)
        asking.let_go()
        serving.join(PATIENCE_S)
        with pytest.raises(OSError, match="not connected"):
            client.getpeername()
    assert asking.setting.recorded == []


def test_call_that_a_signal_made_its_caller_repeat_gets_the_answer_that_was_not_heard(asking, server):
    asking.use(program("waits"))
    with socket.socket() as client:
        setting = asking.setting
        call = setting.connect(client, sockaddr(*server))
        serving = threading.Thread(target=setting.serve, args=(call,))
        serving.start()
        until(lambda: any(keeper.users for keeper in asking.asker._keepers.values()))
        setting.kernel.leave(call)
        asking.let_go()
        assert setting.serve(setting.connect(client, sockaddr(*server))) == 0
        serving.join(PATIENCE_S)
    assert len(asking.asked) == 1
    assert asking.connect(server) == 0
    assert len(asking.asked) == 2


def test_revision_lets_go_of_a_removed_program_and_keeps_the_process_of_an_unchanged_one(asking, server):
    asking.use(program("allow"), program("note", 3))
    assert asking.connect(server) == 0
    kept = next(host for host in hosts() if host.cmdline()[-1] == "mine:allow")
    asking.use(program("allow"), revision=2)
    until(lambda: [host.pid for host in hosts()] == [kept.pid])
    assert asking.connect(server) == 0
    asking.use(program("allow", text="another"), revision=3)
    until(lambda: kept.pid not in [host.pid for host in hosts()])
    assert asking.connect(server) == 0
    asking.use(revision=4)
    until(lambda: hosts() == [])
    assert asking.connect(server) == 0


def test_call_that_is_being_asked_about_when_its_program_is_removed_gets_its_answer(asking, server):
    asking.use(program("waits_and_rejects"))
    results = []
    calling = threading.Thread(target=lambda: results.append(asking.connect(server)))
    calling.start()
    until(lambda: any(keeper.users for keeper in asking.asker._keepers.values()))
    asking.use(revision=2)
    assert asking.connect(server) == 0
    asking.let_go()
    calling.join(PATIENCE_S)
    assert results == [errno.EPERM]
    assert asking.setting.recorded[-1].revision == 1
    until(lambda: hosts() == [])


def test_call_with_a_policy_whose_program_is_gone_is_asked_about_all_the_same(asking, server):
    asking.use(program("reject"))
    old = asking.setting.supervisor.policy
    asking.use(revision=2)
    asking.setting.supervisor.enforce(old)
    assert asking.connect(server) == errno.EPERM
    assert asking.last[1] == "exit program 2: mine:reject answered '1'"
    until(lambda: hosts() == [])
