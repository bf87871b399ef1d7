"""What a program can see of its calls, its process and its terminal is the same under a guard and without one."""

from __future__ import annotations

import collections
import os
import resource
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.command import until
from tests.fidelity.peers import ask, at_once, counted

_SOURCE = Path(__file__).parent / "programs" / "manners.c"


@pytest.fixture(scope="session")
def manners(tmp_path_factory):
    """Return the path of the compiled program."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc: not installed")
    built = tmp_path_factory.mktemp("manners") / "manners"
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", built, _SOURCE], check=True)
    return str(built)


@pytest.mark.parametrize("what", ["timeouts", "cancel", "stop", "names"])
def test_calls_end_as_without_a_guard(house, manners, what):
    lines, _ = house.run(manners, what)
    native = house.native(manners, what)
    # Two processes may write in either order, guard or none.
    assert (sorted(lines), len(lines) > 5) == (sorted(native), True) if what == "stop" else lines == native


@pytest.mark.parametrize("how", ["accept", "select", "poll", "epoll", "exclusive", "reuseport"])
def test_each_connection_goes_to_one_process_and_all_get_work(house, manners, how):
    processes, connections = 4, 200
    with house.running(manners, "prefork", how, processes, start_new_session=True) as job:
        said = [job.line() for _ in range(processes + 1)]
        (port,) = (int(line) for line in said if line != "ready")
        answers = collections.Counter(at_once(lambda: ask(port, b""), connections))
        # The worker writes them down while the job goes on.
        until(lambda: sum(counted(house.entries(job.name), "*ACCEPT").values()) >= connections, "the entries")
        entries = house.entries(job.name)
    assert set(answers) == {b"%d" % name for name in range(processes)}
    assert answers.total() == connections
    assert counted(entries, "*ACCEPT") == {("*ALLOWED", "127.0.0.1"): connections}


STATE = """
import os, resource, signal, sys
print(os.getcwd(), oct(os.umask(0)), os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0))
print(sorted(os.sched_getaffinity(0)), os.getpgrp() == os.getpid(), os.getsid(0) == os.getpid())
print([resource.getrlimit(getattr(resource, name)) for name in sorted(dir(resource)) if name.startswith("RLIMIT_")])
print([line for line in open("/proc/self/status") if line.startswith(("Sig", "ShdPnd")) and line[:5] != "SigQ:"])
print(sorted(name for name in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + name)))
print([open(f"/proc/self/{name}").read() for name in ("oom_score_adj", "timerslack_ns", "cgroup", "personality")])
"""


def prepare_state():
    os.chdir("/usr/share")
    os.umask(0o137)
    os.nice(3)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, 300))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_STACK, (16 << 20, resource.RLIM_INFINITY))
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def told(words, **options):
    done = subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, **options)
    return done.returncode, done.stdout, done.stderr


def test_state_of_a_process_is_the_callers(house):
    words = ["/usr/bin/python3", "-I", "-c", STATE]
    native = told(words, preexec_fn=prepare_state)
    assert told(house.greenwall.arguments("run", "--", *words), preexec_fn=prepare_state) == native
    assert (native[0], native[2]) == (0, "")


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2), (0, 2)])
def test_closed_standard_descriptors_are_closed_in_the_job(house, tmp_path, closed):
    def run(name, *prefix):
        result = tmp_path / name
        script = f"ls /proc/$$/fd >{result}; sleep 0; exit 6"
        shut = " ".join(f"{number}{'<' if number == 0 else '>'}&-" for number in closed)
        words = ["/bin/sh", "-c", f'exec "$@" {shut}', "sh", *prefix, "/bin/sh", "-c", script]
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        return done.returncode, result.read_text().split(), done.stdout, done.stderr

    assert run("guarded", *house.greenwall.arguments("run", "--")) == run("native")


IGNORED_WORDS = ["grep", "^SigIgn", "/proc/self/status"]


def test_signals_that_the_caller_ignores_are_ignored_in_the_job(house):
    # SIGCHLD too: the guard must hear of its child, and the front of its guard, all the same.
    names = ("HUP", "INT", "QUIT", "USR1", "USR2", "ALRM", "TERM", "CHLD", "TSTP", "TTIN", "WINCH")
    numbers = {signal.Signals[f"SIG{name}"] for name in names}

    def prepare():
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)

    native = told(IGNORED_WORDS, preexec_fn=prepare)
    assert int(native[1].split()[1], 16) == sum(1 << number - 1 for number in numbers)
    assert told(house.greenwall.arguments("run", "--", *IGNORED_WORDS), preexec_fn=prepare) == native


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
@pytest.mark.parametrize("traps", ["trap '' PIPE;", "trap '' XFSZ;", ""])
def test_signal_that_python_ignores_itself_is_in_the_job_as_the_shell_passed_it_on(house, shell, traps):
    script = f'{traps} "$@"; exit $?'
    native = told([shell, "-c", script, "sh", *IGNORED_WORDS])
    assert told([shell, "-c", script, "sh", *house.greenwall.arguments("run", "--", *IGNORED_WORDS)]) == native


def test_signal_that_python_ignores_itself_has_its_default_where_nothing_is_known_of_it(house):
    done = told(house.greenwall.arguments("run", "--", *IGNORED_WORDS))
    assert done == told(IGNORED_WORDS) == (0, "SigIgn:\t0000000000000000\n", "")
