"""The processes of exit programs: what they may run and have, what they write, and how they end."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading

import psutil
import pytest

from console.enforcement.guard import exit_program_process
from tests.enforcement.guard.asking import has_ended, hosts, program, until
from tests.enforcement.guard.setting import PATIENCE_S


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
import signal, sys, threading
sys.path.insert(0, {os.getcwd()!r})
from pathlib import Path
from tests.enforcement.guard.asking import Asking, hosts, program, until
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
