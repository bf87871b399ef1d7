"""What a job inherits, how it ends, and its terminal: all as without a guard."""

from __future__ import annotations

import os
import pty
import pwd
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.command import Greenwall, until
from tests.enforcement.kernel.jobs import PATIENCE_S, guard_of, is_root, outcomes


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (("sh", "-c", "exit 3"), 3),
        (("sh", "-c", "kill -TERM $$"), 143),
        (("sh", "-c", "kill -KILL $$"), 137),
        (("sh", "-c", "sleep 0.05 & exit 7"), 7),
    ],
)
def test_exit_status_is_the_commands_own(house, command, status):
    done = house.greenwall.run(*command)
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")


def test_command_that_is_not_there_or_cannot_be_executed_is_said(house, tmp_path):
    done = house.greenwall.run("greenwall-test-no-such-command")
    assert (done.returncode, done.stderr[:7]) == (127, "GWL0407")
    done = house.greenwall.run(str(tmp_path / "nothing"))
    assert (done.returncode, done.stderr[:7]) == (127, "GWL0407")
    done = house.greenwall.run(str(tmp_path))
    assert (done.returncode, done.stderr[:7]) == (126, "GWL0408")


def test_nested_run_is_refused_with_a_message(house):
    done = house.greenwall.run(*house.greenwall.arguments("run", "--", "true"))
    assert (done.returncode, done.stderr[:7]) == (1, "GWL0404")


def compared(house, *command, **options):
    """Return what a command writes without a guard and with one."""

    def run(words):
        done = subprocess.run(words, capture_output=True, errors="surrogateescape", check=False, **options)
        return done.returncode, done.stdout, done.stderr

    return run(command), run(house.greenwall.arguments("run", "--", *command))


def test_job_has_no_descriptor_more(house):
    native, guarded = compared(house, "ls", "/proc/self/fd", stdin=subprocess.DEVNULL)
    assert guarded == native
    reading, writing = os.pipe()
    with os.fdopen(reading), os.fdopen(writing, "w"):
        native, guarded = compared(house, "ls", "/proc/self/fd", stdin=subprocess.DEVNULL, pass_fds=[writing])
    assert guarded == native


@pytest.mark.parametrize("environment", [{}, {"LC_ALL": "C", "EMPTY": "", "ODD NAME": "a=b\nc", "A": "\udcff"}])
def test_environment_is_the_callers(house, environment):
    native, guarded = compared(house, "/usr/bin/env", "-0", env=environment | {"PATH": os.environ["PATH"]})
    assert guarded == native


def test_arguments_that_are_no_utf_8_reach_the_job(house):
    native, guarded = compared(house, "/usr/bin/printf", "%s", b"\xff\xfe")
    assert guarded == native


SAME = ("Sig", "Shd", "Umask", "Groups", "Uid", "Gid", "Cap", "NoNewPrivs", "NS", "Cpus", "Mems")


def state(lines):
    """Return what of the limits and of /proc/PID/status is the same in each process of one kind."""
    limits, _, status = lines.partition("Name:")
    passing = ("SigQ", "NSpid", "NStgid", "NSpgid", "NSsid")
    return limits, [line for line in status.splitlines() if line.startswith(SAME) and not line.startswith(passing)]


@pytest.mark.parametrize("ignored", [(), (signal.SIGHUP, signal.SIGINT), (signal.SIGCHLD, signal.SIGTSTP)])
def test_signals_limits_and_masks_are_the_callers(house, ignored):
    def prepare():
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2, signal.SIGURG})
        os.umask(0o027)

    script = "ulimit -a; exec cat /proc/self/status"
    native, guarded = compared(house, "/bin/sh", "-c", script, preexec_fn=prepare)
    assert native[0] == guarded[0] == 0
    assert state(guarded[1]) == state(native[1])


def test_exit_status_comes_through_though_the_caller_ignores_sigchld(house):
    done = subprocess.run(
        house.greenwall.arguments("run", "--", sys.executable, "-c", "raise SystemExit(3)"),
        preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
        check=False,
    )
    assert done.returncode == 3


def test_input_and_outputs_pass_through(house):
    octets = bytes(range(256)) * 4096
    done = subprocess.run(house.greenwall.arguments("run", "--", "cat"), input=octets, capture_output=True, check=True)
    assert done.stdout == octets
    done = subprocess.run(
        house.greenwall.arguments("run", "--", "sh", "-c", "echo out; echo error >&2"), capture_output=True, check=True
    )
    assert (done.stdout, done.stderr) == (b"out\n", b"error\n")


def test_guard_holds_no_end_of_a_pipe_of_the_job(house):
    with house.running("/bin/sh", "-c", "exec >&-; read line") as job:
        assert job.rest() == []
        assert job.process.poll() is None
        job.say()
        assert job.status() == 0


def test_daemon_that_outlives_the_command_stays_under_the_guard(house, port, tmp_path):
    results = tmp_path / "results"
    reading, writing = os.pipe()
    name, command = house.command("clients", "daemon", port, results)
    with os.fdopen(reading) as daemon_input, os.fdopen(writing, "w") as to_daemon:
        assert subprocess.run(command, stdin=daemon_input, timeout=PATIENCE_S, check=False).returncode == 0
        assert not results.exists()
        to_daemon.write("\n")
    until(lambda: results.exists() and results.read_text().count("\n") == 2, "the daemon")
    assert results.read_text() == "allowed 0\nrefused EPERM\n"
    until(lambda: len(house.entries(name)) == 2, "the entries")


@pytest.mark.skipif(not is_root(), reason="only root may run a job as another user")
def test_job_of_another_user_is_that_user_and_is_decided_as_that_user(house, port):
    script = f"id -un; for at in 1 2; do (exec 3<>/dev/tcp/127.0.0.$at/{port}) 2>/dev/null; echo $?; done"
    lines, entries = house.run("/bin/bash", "-c", script, options=("--user", "nobody"))
    assert lines == ["nobody", "0", "1"]
    assert outcomes(entries) == [("*CONNECT", "*ALLOWED", "127.0.0.1"), ("*CONNECT", "*REJECTED", "127.0.0.2")]


def test_unknown_user_is_refused_with_a_message(house):
    done = house.greenwall("run", "--user", "greenwall-no-such-user", "--", "true")
    assert (done.returncode, done.stderr[:7]) == (2, "GWL0409")


class Terminal:
    """A shell on a terminal of its own, and what has come out of it."""

    def __init__(self, *command):
        self.pid, self.descriptor = pty.fork()
        if not self.pid:
            os.execvp(command[0], command)
        self.shown = ""

    def type(self, text):
        os.write(self.descriptor, text.encode())

    def wait_for(self, pattern):
        deadline = time.monotonic() + PATIENCE_S
        while not (found := re.search(pattern, self.shown)):
            poll = select.poll()
            poll.register(self.descriptor, select.POLLIN)
            assert poll.poll(max(0.0, deadline - time.monotonic()) * 1000), f"no {pattern!r} in {self.shown!r}"
            self.shown += os.read(self.descriptor, 4096).decode(errors="replace")
        self.shown = self.shown[found.end() :]
        return found

    def close(self):
        os.close(self.descriptor)
        os.waitpid(self.pid, 0)


@pytest.fixture
def shell():
    terminal = Terminal("/bin/bash", "--norc", "--noprofile", "-i")
    terminal.type("stty -echo; PS1='rea''dy> '\n")
    terminal.wait_for("ready> ")
    yield terminal
    terminal.type("\nexit\n")
    terminal.close()


def quoted(words):
    return " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)


def test_keys_of_the_terminal_stop_continue_and_interrupt_the_job_once(house, shell):
    loop = "while :; do read line || :; echo got-$line; [ $line != end ] || exit 5; done"
    script = f"trap 'echo interrupted-once' INT; echo started; {loop}"
    words = house.greenwall.arguments("run", "--", "bash", "-c", script)
    shell.type(quoted(words) + "\n")
    shell.wait_for("started")
    shell.type("one\n")
    shell.wait_for("got-one")
    shell.type("\x1a")
    shell.wait_for("Stopped")
    shell.wait_for("ready> ")
    shell.type("fg\n")
    shell.wait_for("greenwall")
    shell.type("two\n")
    shell.wait_for("got-two")
    shell.type("\x03")
    shell.wait_for("interrupted-once")
    shell.type("three\n")
    found = shell.wait_for(r"(?s).*got-three")
    assert "interrupted" not in found.group()
    shell.type("end\n")
    shell.wait_for("ready> ")
    shell.type("echo status-$?\n")
    assert shell.wait_for(r"status-(\d+)").group(1) == "5"


def test_interrupt_key_ends_the_job_with_its_status(house, shell):
    words = house.greenwall.arguments("run", "--", "sh", "-c", "echo started; exec cat")
    shell.type(quoted(words) + "\n")
    shell.wait_for("started")
    shell.type("\x03")
    shell.wait_for("ready> ")
    shell.type("echo status-$?\n")
    assert shell.wait_for(r"status-(\d+)").group(1) == "130"


def type_before_the_job_is_there(house, shell, key, command):
    """Run a command in a shell, and type a key while its guard still waits for the worker's answer."""
    assert house.greenwall.run("true").returncode == 0  # starts the worker
    (worker,) = (psutil.Process(pid) for pid in house.workers())
    fronts = psutil.Process(shell.pid)
    worker.suspend()
    try:
        shell.type(quoted(house.greenwall.arguments("run", "--", *command)) + "\n")
        guard = until(lambda: [guard for front in fronts.children() for guard in front.children()], "the guard")[0]
        shell.type(key)
        until(lambda: pending(guard.pid), "the key's signal")
    finally:
        worker.resume()


def pending(process):
    """Return the signals that a process has not taken yet, as bits."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"^ShdPnd:\s*(\w+)$", status, re.MULTILINE).group(1), 16)


def test_job_that_is_stopped_before_it_is_there_begins_stopped(fresh_house, shell):
    type_before_the_job_is_there(fresh_house, shell, "\x1a", ["sh", "-c", "echo be''gun; exit 5"])
    found = shell.wait_for("(?s).*?Stopped")
    assert "begun" not in found.group()
    shell.wait_for("ready> ")
    shell.type("fg\n")
    shell.wait_for("begun")
    shell.wait_for("ready> ")
    shell.type("echo status-$?\n")
    assert shell.wait_for(r"status-(\d+)").group(1) == "5"


def test_job_that_is_interrupted_before_it_is_there_never_begins(fresh_house, shell):
    type_before_the_job_is_there(fresh_house, shell, "\x03", ["sh", "-c", "echo be''gun"])
    found = shell.wait_for("(?s).*?ready> ")
    assert "begun" not in found.group()
    shell.type("echo status-$?\n")
    assert shell.wait_for(r"status-(\d+)").group(1) == "130"


def test_job_that_outlives_its_terminal_keeps_its_guard(house, port, tmp_path):
    results = tmp_path / "results"
    os.mkfifo(tmp_path / "go")
    ask = f"for at in 1 2; do (exec 3<>/dev/tcp/127.0.0.$at/{port}) 2>&1; echo $?; done"
    script = (
        f"trap '' HUP; echo started; read go <{tmp_path}/go; {{ {ask}; }} >{results}.new; mv {results}.new {results}"
    )
    terminal = Terminal(*house.greenwall.arguments("run", "--", "bash", "-c", script))
    terminal.wait_for("started")
    guard = guard_of(terminal.pid)
    os.close(terminal.descriptor)
    (tmp_path / "go").write_text("\n")
    until(results.exists, "the job")
    os.waitpid(terminal.pid, 0)
    allowed, *said, refused = results.read_text().splitlines()
    assert (allowed, refused) == ("0", "1")
    assert "Operation not permitted" in said[0]
    guard.wait(PATIENCE_S)


SCRIPT = """
trap 'echo hung up' HUP
"$@" &
read pid <"$FIFO"
until grep -q '^State:.T' /proc/$pid/status && grep -q '^State:.T' /proc/$!/status; do sleep 0.05; done
kill -$NUMBER $pid
[ $NUMBER = KILL ] || kill -CONT $pid
wait $!
echo status $?
"""
"""Starts a program that stops itself, and ends it."""


@pytest.mark.parametrize(("number", "status"), [("KILL", 137), ("TERM", 143)])
def test_end_of_a_stopped_job_does_not_hang_up_on_a_script_without_a_terminal(house, tmp_path, number, status):
    os.mkfifo(tmp_path / "fifo")
    environment = os.environ | {"FIFO": str(tmp_path / "fifo"), "NUMBER": number}
    stopping = ["bash", "-c", "echo $$ >$FIFO; kill -STOP $$"]
    for words in (stopping, house.greenwall.arguments("run", "--", *stopping)):
        done = subprocess.run(
            ["bash", "-c", SCRIPT, "script", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            env=environment, start_new_session=True, timeout=60, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (0, f"status {status}\n")


@pytest.mark.skipif(not is_root(), reason="becomes another user")
def test_guard_of_an_ordinary_user_works_and_its_job_cannot_get_into_it(programs, port, public):
    nobody = pwd.getpwnam("nobody")
    as_nobody = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "cwd": "/"}
    own = public / "own"
    own.mkdir(mode=0o700)
    os.chown(own, nobody.pw_uid, nobody.pw_gid)
    python, path = _python_for_others(as_nobody)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": path}

    def run(*command):
        words = [python, "-P", "-m", "console", "--store", f"sqlite:///{own}/store.db", "run", "--", *command]
        return subprocess.run(words, capture_output=True, text=True, check=False, env=environment, **as_nobody)

    client = str(programs / "clients")
    try:
        done = run(client, "plain", str(port), "127.0.0.1")
        assert (done.returncode, done.stdout, done.stderr) == (0, "127.0.0.1 0\n", "")
        done = run("sh", "-c", f"grep NoNewPrivs /proc/self/status; exec {client} attack $PPID")
        assert done.stdout.splitlines() == ["NoNewPrivs:\t1", "descriptors 0", "memory EACCES", "trace EPERM"]
        # What may not be looked at cannot be decided, and is rejected.
        done = run(client, "undumpable", str(port))
        assert (done.stdout, done.stderr) == ("connect EPERM\n", "")
    finally:
        Greenwall(own).end_workers()


def _python_for_others(as_nobody):
    """Return a Python that another user may execute, and the path on which it finds what this one has."""
    path = os.pathsep.join(entry for entry in [*sys.path, str(Path(__file__).parents[3])] if entry)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/python{version}", f"/usr/local/bin/python{version}"):
        try:
            command = [python, "-P", "-c", "import console.__main__, console.enforcement.launch"]
            subprocess.run(command, check=True, capture_output=True, env={"PYTHONPATH": path}, **as_nobody)
        except (OSError, subprocess.CalledProcessError):
            continue
        return python, path
    pytest.skip("other users may not execute this Python")
