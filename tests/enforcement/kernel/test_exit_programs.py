"""Exit programs of a real guard, asked about the calls of real jobs."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from console.model.words import ExitPoint, Mode
from console.policy.rule import ExitProgram
from console.store.wakeup import notify
from tests.end_to_end.command import until
from tests.enforcement.guard.asking import has_ended, hosts
from tests.enforcement.kernel.jobs import PATIENCE_S, activate_rules, guard_of

PROGRAMS = """
import ctypes, os, time
from pathlib import Path

ASKED = Path(__file__).parent.parent / "asked"
GO = ASKED.with_name("go")

def note(request):
    with ASKED.open("a") as asked:
        asked.write(f"{request.exit_point} {request.job.split('/')[2]} {request.pid} {request.remote_address}\\n")

def even(request):
    note(request)
    return "01"[request.remote_port % 2]

def skip(request):
    note(request)
    return "9"

def reject(request):
    return "1"

def allow(request):
    return "0"

def waits_for_2(request):
    return waits(request) if request.remote_address == "127.0.0.2" else "0"

def waits(request):
    note(request)
    while not GO.exists():
        time.sleep(0.01)
    return "0"

def not_for_2(request):
    return "01"[request.remote_address == "127.0.0.2"]

def hangs(request):
    ctypes.PyDLL(None).sleep(600)

def dies(request):
    os._exit(1)
"""

ANSWERS = """
import errno, os, socket, sys, threading, time

def connect(address, port):
    with socket.socket() as client:
        try:
            client.connect((address, int(port)))
        except OSError as error:
            return errno.errorcode[error.errno]
        return "0"
"""


def program(function, exit_point=ExitPoint.CONNECT, *, number=2, time_limit_ms=30_000):
    return ExitProgram(exit_point, number, f"mine:{function}", time_limit_ms)


class Home:
    """A house whose exit points have exit programs."""

    def __init__(self, house):
        self.house = house
        programs = house.greenwall.directory / "exit_programs"
        programs.mkdir(mode=0o755)
        (programs / "mine.py").write_text(PROGRAMS)
        (programs / "mine.py").chmod(0o644)

    def use(self, *programs, modes=None):
        revision = activate_rules(self.house.store, modes=modes, exit_programs=programs)
        notify(self.house.store)
        return revision

    def job(self, script, *arguments):
        """Return the command line of a job that runs a script, and the job's name."""
        name, command = self.house.command(sys.executable, "-c", ANSWERS + script, *arguments)
        return name, command

    def run(self, script, *arguments):
        return self.house.run(sys.executable, "-c", ANSWERS + script, *arguments)

    def running(self, script, *arguments):
        return self.house.running(sys.executable, "-u", "-c", ANSWERS + script, *arguments)

    def let_go(self):
        """Let the functions that wait go on."""
        (self.house.greenwall.directory / "go").touch()

    @property
    def asked(self):
        path = self.house.greenwall.directory / "asked"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def home(fresh_house):
    return Home(fresh_house)


@contextlib.contextmanager
def servers(count=2):
    """Serve on ports of loopback, even ones first, odd ones after; connections are accepted by the kernel only."""
    with contextlib.ExitStack() as stack:
        found = {0: [], 1: []}
        while min(map(len, found.values())) < count:
            server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=100))
            found[server.getsockname()[1] % 2].append(server.getsockname()[1])
        yield found[0][0], found[1][0]


def started(job, count=1):
    """Return the exit programs of a job that has said something; it may have been faster than they."""
    guard = guard_of(job.process.pid)
    return until(lambda: len(found := hosts(guard)) == count and found, "the exit programs", PATIENCE_S)


def texts(entries):
    return [(exit_point, outcome, text) for exit_point, outcome, _, _, text in entries]


def test_connect_is_let_go_or_refused_as_the_exit_program_says(home):
    home.use(program("even"))
    with servers() as (even, odd):
        lines, entries = home.run("for port in sys.argv[1:]: print(connect('127.0.0.1', port))", even, odd, even)
    assert lines == ["0", "EPERM", "0"]
    refused = "exit program 2: mine:even answered '1'"
    assert texts(entries) == [
        ("*CONNECT", "*ALLOWED", ""),
        ("*CONNECT", "*REJECTED", refused),
        ("*CONNECT", "*ALLOWED", ""),
    ]
    assert len(home.asked) == 3


def test_listen_is_refused(home):
    home.use(program("reject", ExitPoint.LISTEN))
    lines, entries = home.run("""
server = socket.socket()
server.bind(("127.0.0.1", 0))
try:
    server.listen()
except OSError as error:
    print(errno.errorcode[error.errno], server.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
""")
    assert lines == ["EPERM 0"]
    assert texts(entries) == [("*LISTEN", "*REJECTED", "exit program 2: mine:reject answered '1'")]


def visit(port, address):
    """Connect from an address; return what comes: octets, or "reset", which may come before connect has returned."""
    try:
        with socket.create_connection(("127.0.0.1", port), PATIENCE_S, source_address=(address, 0)) as visitor:
            return visitor.recv(16)
    except ConnectionResetError:
        return "reset"


SERVER = """
server = socket.create_server(("127.0.0.1", 0), backlog=64)
def serve():
    while True:
        connection, peer = server.accept()
        with connection:
            connection.sendall(peer[0].encode())
for _ in range(int(sys.argv[1])):
    threading.Thread(target=serve, daemon=True).start()
print(server.getsockname()[1])
sys.stdin.read()
"""


@pytest.mark.parametrize("threads", [1, 8])
def test_accept_drops_whom_the_exit_program_rejects_and_goes_on_waiting(home, threads):
    home.use(program("not_for_2", ExitPoint.ACCEPT))
    with home.running(SERVER, threads) as job:
        port = int(job.line())
        found = [visit(port, f"127.0.0.{1 + turn % 2}") for turn in range(10)]
        job.process.stdin.close()
        assert job.status() == 0
    assert found == [b"127.0.0.1", "reset"] * 5
    entries = texts(home.house.entries(job.name))
    assert entries.count(("*ACCEPT", "*REJECTED", "exit program 2: mine:not_for_2 answered '1'")) == 5
    assert entries.count(("*ACCEPT", "*ALLOWED", "")) == 5


def test_listener_whose_visitor_is_being_asked_about_does_not_hold_up_another_listener(home):
    home.use(program("waits_for_2", ExitPoint.ACCEPT))
    home.use(program("waits_for_2", ExitPoint.ACCEPT), program("allow", ExitPoint.LISTEN))
    with home.running(SERVER, 2) as job, home.running(SERVER, 1) as other:
        port, other_port = int(job.line()), int(other.line())
        with socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.2", 0)) as slow:
            until(lambda: home.asked, "the question", PATIENCE_S)
            assert visit(other_port, "127.0.0.1") == b"127.0.0.1"
            slow.settimeout(PATIENCE_S)
            home.let_go()
            assert slow.recv(16) == b"127.0.0.2"


def test_calls_at_other_exit_points_go_on_while_an_exit_program_is_asked(home):
    home.use(program("waits", time_limit_ms=60_000))
    with home.running("""
results = []
thread = threading.Thread(target=lambda: results.append(connect("127.0.0.1", 1)))
thread.start()
sys.stdin.readline()
for _ in range(20):
    socket.create_server(("127.0.0.1", 0)).close()
print(results)
thread.join()
print(results)
""") as job:
        until(lambda: home.asked, "the question", PATIENCE_S)
        job.say()
        assert job.line() == "[]"
        home.let_go()
        assert job.line() == "['ECONNREFUSED']"


def test_9_is_not_asked_again_about_the_process_and_its_child_is_a_new_one(home):
    home.use(program("skip"))
    with servers() as (port, _):
        _, entries = home.run("""
for _ in range(3): connect("127.0.0.1", sys.argv[1])
if not os.fork():
    for _ in range(3): connect("127.0.0.1", sys.argv[1])
    os._exit(0)
os.wait()
thread = threading.Thread(target=connect, args=("127.0.0.1", sys.argv[1]))
thread.start()
thread.join()
""", port)  # fmt: skip
    assert len(home.asked) == 2
    assert len(entries) == 7
    assert {outcome for _, outcome, _ in texts(entries)} == {"*ALLOWED"}


@pytest.mark.parametrize(
    ("function", "limit_ms", "said"),
    [
        ("hangs", 300, "did not answer within 300 ms"),
        ("dies", 30_000, "ended"),
        ("nowhere", 30_000, "cannot be loaded"),
    ],
)
def test_exit_program_that_cannot_answer_rejects_and_the_jobs_exit_status_is_its_own(home, function, limit_ms, said):
    home.use(program(function, time_limit_ms=limit_ms))
    name, command = home.job("print(connect('127.0.0.1', 1)); sys.exit(37)")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (37, "EPERM\n", "")
    ((_, outcome, text),) = texts(home.house.entries(name))
    assert outcome == "*REJECTED"
    assert text.startswith(f"exit program 2: mine:{function} {said}")


def test_job_that_a_signal_ends_ends_its_guard_and_its_exit_programs(home):
    home.use(program("allow"), program("allow", ExitPoint.LISTEN))
    with home.running("print('ready'); sys.stdin.read()") as job:
        assert job.line() == "ready"
        guard = guard_of(job.process.pid)
        asked = started(job, 2)
        job.process.send_signal(signal.SIGTERM)
        assert job.status() == 128 + signal.SIGTERM
        until(lambda: has_ended(guard) and all(map(has_ended, asked)), "the guard's end", PATIENCE_S)


def test_front_ends_with_its_command_while_the_guard_goes_on_for_the_rest_of_the_job(home):
    home.use(program("even"))
    with servers() as (even, odd), home.running("""
print("ready")
sys.stdin.readline()
if not os.fork():
    sys.stdin.readline()
    print(connect("127.0.0.1", sys.argv[1]), connect("127.0.0.1", sys.argv[2]))
    os._exit(0)
os._exit(3)
""", even, odd) as job:  # fmt: skip
        assert job.line() == "ready"
        guard = guard_of(job.process.pid)
        job.say()
        assert job.status() == 3
        assert not has_ended(guard)
        job.say()
        assert job.line() == "0 EPERM"
        until(lambda: has_ended(guard), "the guard's end", PATIENCE_S)


def test_exit_program_of_a_guard_that_is_killed_ends(home):
    home.use(program("hangs", time_limit_ms=60_000))
    with home.running("print('ready'); connect('127.0.0.1', 1)") as job:
        assert job.line() == "ready"
        guard = guard_of(job.process.pid)
        (asked,) = started(job)
        time.sleep(0.5)  # it should be hanging by then; if it is not yet, the test shows less and is still right
        guard.kill()
        until(lambda: has_ended(asked), "the exit program's end", PATIENCE_S)


def test_revision_brings_and_takes_exit_programs_while_a_job_runs(home):
    home.use()
    with servers() as (_, odd), home.running("""
for line in sys.stdin: print(connect("127.0.0.1", sys.argv[1]))
""", odd) as job:  # fmt: skip

        def says():
            job.say()
            return job.line()

        assert says() == "0"
        home.use(program("even"))
        until(lambda: says() == "EPERM", "the exit program", PATIENCE_S)
        home.use(program("even"), modes={ExitPoint.CONNECT: Mode.MONITOR})
        until(lambda: says() == "0", "monitoring", PATIENCE_S)
        home.use(program("dies"))
        until(lambda: says() == "EPERM", "another exit program", PATIENCE_S)
        home.use()
        until(lambda: says() == "0", "no exit program", PATIENCE_S)
        until(lambda: hosts(guard_of(job.process.pid)) == [], "the exit program's end", PATIENCE_S)
        job.process.stdin.close()
        assert job.status() == 0


def test_exit_program_is_not_under_the_filter_and_its_job_cannot_get_at_it(home):
    home.use(program("allow"))
    with home.running("""
import ctypes
print("ready")
pid = int(sys.stdin.readline())
libc = ctypes.CDLL(None, use_errno=True)
print(libc.ptrace(16, pid, 0, 0), errno.errorcode[ctypes.get_errno()])
try:
    open(f"/proc/{pid}/mem", "rb")
    print("read")
except OSError as error:
    print(errno.errorcode[error.errno])
pidfd = os.pidfd_open(pid)
print([libc.syscall(438, pidfd, number, 0) for number in range(64)].count(-1))
""") as job:  # fmt: skip
        assert job.line() == "ready"
        (asked,) = started(job)
        assert "Seccomp:\t0\n" in Path(f"/proc/{asked.pid}/status").read_text()
        job.say(f"{asked.pid}\n")
        assert [job.line(), job.line(), job.line()] == ["-1 EPERM", "EACCES", "64"]


def held(process):
    """Return what a process has open; nothing while it opens and closes something."""
    directory = f"/proc/{process.pid}/fd"
    try:
        return [os.readlink(f"{directory}/{number}") for number in sorted(map(int, os.listdir(directory)))]
    except FileNotFoundError:
        return []


def test_exit_program_has_no_descriptor_of_its_guard(home):
    home.use(program("allow"))
    log = str(home.house.greenwall.directory / "store.db.exit_programs.log")
    with home.running("print('ready'); sys.stdin.read()") as job:
        assert job.line() == "ready"
        (asked,) = started(job)
        # Once its error output is its output too, it has taken up its work.
        until(lambda: held(asked)[:3] == [os.devnull, log, log], "its start", PATIENCE_S)
        (line,) = held(asked)[3:]
    assert line.startswith("socket:")


@pytest.mark.parametrize("threads", [16])
def test_many_threads_at_once_each_get_their_answer(home, threads):
    home.use(program("even"))
    with servers() as (even, odd):
        lines, entries = home.run("""
wrong = []
def ask(number):
    port = int(sys.argv[1 + number % 2])
    for _ in range(10):
        found = connect("127.0.0.1", port)
        if found != ("EPERM" if port % 2 else "0"): wrong.append(found)
threads = [threading.Thread(target=ask, args=(number,)) for number in range(int(sys.argv[3]))]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(wrong)
""", even, odd, threads)  # fmt: skip
    assert lines == ["[]"]
    assert len(entries) == threads * 10
