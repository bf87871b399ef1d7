"""Real exit programs in processes of their own, asked about calls of a fake kernel."""

from __future__ import annotations

import fcntl
import socket
import sys
import termios
import time

import psutil

from console.enforcement.guard.exit_programs import ExitPrograms
from console.model.words import ExitPoint, Mode
from console.policy.checks import default_rule, make_policy
from console.policy.compiler import compile_policy
from console.policy.rule import ExitProgram
from console.store.location import Location
from tests.enforcement.guard.setting import PATIENCE_S, Setting, sockaddr

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
