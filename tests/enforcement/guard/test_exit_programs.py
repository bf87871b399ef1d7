"""Real exit programs in processes of their own, asked about calls of a fake kernel."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import termios
import threading
import time

import psutil
import pytest

from console.enforcement.guard import exit_program_keeper, exit_program_process
from console.enforcement.guard.exit_programs import ExitPrograms
from console.model.words import Audit, ExitPoint, Mode
from console.policy.checks import default_rule, make_policy, make_rule
from console.policy.compiler import compile_policy
from console.policy.rule import ExitProgram
from console.store.location import Location
from tests.enforcement.guard.setting import PATIENCE_S, Setting, ended, sockaddr

PROGRAMS = """
import os, subprocess, sys, threading, time
from pathlib import Path

HERE = Path(__file__).parent

def allow(request):
    return "0"

def reject(request):
    return "1"

def note(request):
    with (HERE.parent / "asked").open("a") as asked:
        asked.write(repr(request) + "\\n")
    return "0"

def skip(request):
    note(request)
    return "9"

def maybe(request):
    return "maybe"

def number(request):
    return 0

def nothing(request):
    pass

def long_answer(request):
    return "0" * 10_000_000

def raises(request):
    raise ValueError("no such list\\nat all")

def leaves(request):
    sys.exit(0)

def dies(request):
    os._exit(0)

def crashes(request):
    os.abort()

def hangs(request):
    (HERE.parent / "hanging").touch()
    time.sleep(600)

def hangs_in_c(request):
    # Holds the interpreter lock: no signal handler and no other thread of it ever runs.
    import ctypes
    (HERE.parent / "hanging").touch()
    ctypes.PyDLL(None).sleep(600)

def waits(request):
    while not (HERE.parent / "go").exists():
        time.sleep(0.01)
    return note(request)

def waits_and_rejects(request):
    waits(request)
    return "1"

def prints(request):
    print("x" * 1_000_000)
    os.write(1, b"y" * 1_000_000)
    return "0"

def stray(request):
    # Answers in the place of the next question.
    for number in range(3, 4096):
        try:
            os.write(number, b'{"type":"reply","number":2,"answer":"0","problem":""}')
        except OSError:
            pass
    return "0"

def scribbles(request):
    for number in range(3, 4096):
        try:
            os.write(number, b"\\xff" * 100)
        except OSError:
            pass
    return "0"

def forks(request):
    os.fork()
    return "0"

def dies_on_port_1(request):
    if request.remote_port == 1:
        os._exit(0)
    return "0"

def dies_afterwards(request):
    threading.Timer(0.05, os._exit, [0]).start()
    return "0"

def starts_a_sleeper(request):
    sleeper = subprocess.Popen(["sleep", "600"])
    (HERE.parent / "sleeper").write_text(str(sleeper.pid))
    return "0"

def where(request):
    import json
    held = {number: os.readlink(f"/proc/self/fd/{number}") for number in map(int, os.listdir("/proc/self/fd"))
            if os.path.lexists(f"/proc/self/fd/{number}")}
    (HERE.parent / "where").write_text(json.dumps({"cwd": os.getcwd(), "path": sys.path, "held": held}))
    return "0"

class Odd(str):
    def __repr__(self):
        raise RuntimeError

def odd(request):
    return Odd("7")

no_function = 5
"""


class Asking:
    """A setting whose policy has exit programs, and the directory they are in."""

    def __init__(self, directory):
        self.directory = directory
        self.location = Location(directory, "store.db")
        self.write("mine", PROGRAMS)
        self.setting = Setting()
        self.asker = self.setting.supervisor.exit_programs = ExitPrograms(self.location, "000007/ALICE/CURL")

    def write(self, module, text):
        programs = self.directory / "exit_programs"
        programs.mkdir(mode=0o700, exist_ok=True)
        (programs / f"{module}.py").write_text(text)
        (programs / f"{module}.py").chmod(0o600)

    def use(self, *programs, revision=1, modes=None, rules=()):
        every = dict.fromkeys(ExitPoint, Mode.ENFORCE) | (modes or {})
        policy = make_policy(every, [*rules, *map(default_rule, ExitPoint)], exit_programs=programs)
        compiled = compile_policy(policy, revision)
        self.asker.prepare(compiled)
        self.setting.supervisor.enforce(compiled)
        self.asker.settle(compiled)

    def connect(self, to, **more):
        """Make a connect; returns its errno."""
        with socket.socket() as client:
            return self.setting.serve(self.setting.connect(client, sockaddr(*to), **more))

    def let_go(self):
        """Let the functions that wait go on."""
        (self.directory / "go").touch()

    @property
    def last(self):
        """What the last entry says."""
        return self.setting.outcomes[-1]

    @property
    def asked(self):
        path = self.directory / "asked"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def log(self):
        path = self.directory / "store.db.exit_programs.log"
        return path.read_text() if path.exists() else ""


def program(function, number=2, *, exit_point=ExitPoint.CONNECT, time_limit_ms=30_000, module="mine", text=""):
    return ExitProgram(exit_point, number, f"{module}:{function}", time_limit_ms, text)


def hosts(parent=None):
    """Return the processes of exit programs that a process, this one if none is given, has started."""
    return [child for child in (parent or psutil.Process()).children() if is_host(child)]


def is_host(process):
    try:
        return any("exit_program_host" in word for word in process.cmdline())
    except psutil.NoSuchProcess:  # or a zombie, which is one of these
        return False


def has_ended(process):
    """Say whether a process has ended; nobody may have asked how yet."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def unread(line):
    """Return how much of what was sent on a socket its other end has not read."""
    return int.from_bytes(fcntl.ioctl(line, termios.TIOCOUTQ, bytes(4)), sys.byteorder)


def until(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def asking(tmp_path):
    tmp_path.chmod(0o700)
    made = Asking(tmp_path)
    yield made
    made.asker.end()
    until(lambda: hosts() == [])


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
        yield listening.getsockname()


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


def test_exit_program_has_nothing_of_its_guard(asking, server, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    asking.use(program("where"))
    assert asking.connect(server) == 0
    found = json.loads((tmp_path / "where").read_text())
    assert found["cwd"] == "/"
    assert str(tmp_path) not in found["path"]
    assert found["path"][-1] == str(tmp_path / "exit_programs")
    assert "" not in found["path"]
    held = {number: path for number, path in found["held"].items() if not path.startswith("/proc")}
    assert set(held) - {"0", "1", "2"} == {number for number, path in held.items() if path.startswith("socket:")}
    assert len(held) == 4
    assert held["0"] == os.devnull
    assert held["1"] == held["2"] == str(tmp_path / "store.db.exit_programs.log")


def test_traceback_and_output_are_in_the_log_which_has_a_limit(asking, server):
    asking.use(program("raises"))
    asking.connect(server)
    assert "mine:raises Traceback (most recent call last):" in asking.log
    assert "ValueError: no such list" in asking.log
    asking.use(program("prints"), revision=2)
    for _ in range(4):
        assert asking.connect(server) == 0
    sizes = [path.stat().st_size for path in asking.directory.glob("store.db.exit_programs.log*")]
    assert len(sizes) == 2
    assert max(sizes) < 4_000_000


def test_one_that_was_never_asked_ends_without_a_word(asking):
    asking.use(program("allow"))
    until(lambda: any(keeper._process._line.recv(1, socket.MSG_PEEK) for keeper in asking.asker._keepers.values()))
    asking.use(revision=2)
    until(lambda: hosts() == [])
    assert asking.log == ""


@pytest.mark.parametrize("thing", ["pipe", "link", "second name"])
def test_what_stands_in_the_place_of_the_log_is_left_alone(asking, server, thing):
    log = asking.directory / "store.db.exit_programs.log"
    if thing == "pipe":
        os.mkfifo(log)
    elif thing == "link":
        log.symlink_to(asking.directory / "elsewhere")
    else:
        (asking.directory / "file").touch()
        log.hardlink_to(asking.directory / "file")
    asking.use(program("prints"))
    assert asking.connect(server) == 0
    assert not (asking.directory / "elsewhere").exists()
    assert not log.exists() or not log.stat().st_size


@pytest.mark.parametrize("what", ["directory", "module", "link"])
def test_modules_that_others_can_write_are_not_imported(asking, server, what):
    programs = asking.directory / "exit_programs"
    if what == "directory":
        programs.chmod(0o777)
    elif what == "module":
        (programs / "mine.py").chmod(0o666)
    else:
        programs.rename(asking.directory / "elsewhere")
        programs.symlink_to(asking.directory / "elsewhere")
    asking.use(program("allow"))
    assert asking.connect(server) == errno.EPERM
    assert "cannot be loaded: ModuleNotFoundError: No module named 'mine'; " in asking.last[1]


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files away")
@pytest.mark.parametrize("what", ["store", "above", "directory", "module"])
def test_modules_of_another_user_are_not_run_in_our_name_even_if_the_store_is_his(asking, server, what):
    programs = asking.directory / "exit_programs"
    given = {
        "store": asking.directory,
        "above": asking.directory.parent,
        "directory": programs,
        "module": programs / "mine.py",
    }[what]
    os.chown(given, 65534, -1)
    try:
        asking.use(program("allow"))
        assert asking.connect(server) == errno.EPERM
    finally:
        os.chown(given, 0, -1)  # what is above belongs to other tests too
    assert asking.last[1].endswith(f"No module named 'mine'; {given} belongs to user 65534")


def test_modules_are_not_imported_where_others_can_put_another_directory_in_place_of_theirs(asking, server):
    asking.directory.chmod(0o777)
    asking.use(program("allow"))
    assert asking.connect(server) == errno.EPERM
    assert asking.last[1].endswith(f"{asking.directory} can be written by others than its owner")
    asking.directory.chmod(0o1777)
    asking.use(program("allow", text="anew"), revision=2)
    assert asking.connect(server) == 0


def test_answer_to_another_question_is_none(asking, server):
    asking.use(program("stray"))
    assert asking.connect(server) == errno.EPERM
    assert asking.last[1] == "exit program 2: mine:stray wrote what is no answer"


def test_fork_in_an_exit_program_answers_once(asking, server):
    asking.use(program("forks"))
    assert [asking.connect(server) for _ in range(5)] == [0] * 5


def test_what_an_exit_program_has_started_ends_with_it(asking, server):
    asking.use(program("starts_a_sleeper"))
    assert asking.connect(server) == 0
    sleeper = psutil.Process(int((asking.directory / "sleeper").read_text()))
    asking.use(revision=2)
    until(lambda: has_ended(sleeper))


def test_end_does_not_wait_for_one_that_hangs(asking, server):
    asking.use(program("hangs", time_limit_ms=60_000))
    results = []
    calling = threading.Thread(target=lambda: results.append(asking.connect(server)))
    calling.start()
    until((asking.directory / "hanging").exists)
    asking.asker.end()
    calling.join(PATIENCE_S)
    assert results == [errno.EPERM]


def test_process_that_cannot_be_started_rejects(asking, server, monkeypatch):
    def fail(*_arguments):
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(exit_program_process, "_start", fail)
    asking.use(program("allow"))
    assert asking.connect(server) == errno.EPERM
    assert asking.last[1] == (
        "exit program 2: mine:allow does not run: cannot be started: Resource temporarily unavailable"
    )


def test_exit_program_that_holds_the_interpreter_in_c_dies_with_its_guard(tmp_path):
    script = f"""
import sys, threading
sys.path.insert(0, {os.getcwd()!r})
from pathlib import Path
from tests.enforcement.guard.test_exit_programs import *
asking = Asking(Path({str(tmp_path)!r}))
asking.use(program("hangs_in_c", time_limit_ms=60_000))
threading.Thread(target=asking.connect, args=(("127.0.0.1", 1),)).start()
until((asking.directory / "hanging").exists)
print(hosts()[0].pid, flush=True)
signal.pause()
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as guard:
        host = psutil.Process(int(guard.stdout.readline()))
        assert host.is_running()
        guard.send_signal(signal.SIGKILL)
        until(lambda: has_ended(host))


def test_policy_with_exit_programs_where_none_can_be_asked_rejects(asking, server):
    asking.use(program("allow"))
    asking.setting.supervisor.exit_programs = None
    assert asking.connect(server) == errno.EPERM
    assert asking.last == ("*REJECTED", "no exit program can be asked here")
