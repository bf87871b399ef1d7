"""The services of greenwall install with what their units take from them: capabilities, system calls, memory."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys

import pytest

from console.resources import data_path
from tests.end_to_end import hardened
from tests.end_to_end.command import started, until
from tests.end_to_end.ssh import ssh_server, with_alice
from tests.serve.people import PASSWORD

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"),
    pytest.mark.skipif(shutil.which("ssh") is None, reason="ssh is not installed"),
]


@pytest.fixture(autouse=True)
def _kernel_can_deny_memory():
    if ctypes.CDLL(None).prctl(66, 0, 0, 0, 0) < 0:  # PR_GET_MDWE
        pytest.skip("needs PR_SET_MDWE (Linux 6.3)")


def under(unit):
    return sys.executable, hardened.__file__, str(data_path("systemd", unit))


def test_what_a_unit_takes_away_is_gone(tmp_path):
    tried = (
        "import mmap, os, pathlib\n"
        "for call in (lambda: os.setuid(1), lambda: mmap.mmap(-1, 4096, prot=7)):\n"
        "    try: call()\n"
        "    except OSError as error: print(error.errno)\n"
        "print(*(line.split()[1] for line in pathlib.Path('/proc/self/status').read_text().splitlines()"
        " if line.startswith(('CapEff', 'NoNewPrivs'))))\n"
    )
    done = subprocess.run([*under("greenwall-ssh.service"), sys.executable, "-c", tried],
                          capture_output=True, text=True, check=True)  # fmt: skip
    kept = 1 << 2 | 1 << 10 | 1 << 19
    assert done.stdout.splitlines() == ["1", "13", f"{kept:016x} 1"]


def test_console_over_ssh_is_served_to_who_signs_on_by_password_and_shows_its_panels(greenwall, tmp_path, terminal):
    with_alice(greenwall, tmp_path)
    with ssh_server(greenwall, tmp_path, before=under("greenwall-ssh.service")) as server:
        console = terminal(server.words(options=("-o", "PubkeyAuthentication=no")))
        console.wait_for("password:")
        console.enter(PASSWORD)
        console.wait_for("Greenwall Main Menu")
        console.enter("wrksocrul")
        console.wait_for("Work with Socket Rules")


def test_worker_writes_what_guards_tell_and_verifies_the_journal(greenwall):
    with started(
        [*under("greenwall-worker.service"), *greenwall.arguments("worker")], stderr=subprocess.DEVNULL
    ) as worker:
        until(greenwall.workers, "the worker")
        connects = "import socket; socket.socket().connect_ex(('127.0.0.1', 9))"
        greenwall.done("run", "--", sys.executable, "-c", connects)
        until(lambda: [row for row in greenwall.show("journal") if row["sk_type"] == "C"], "the entry")
        assert greenwall.workers() == [worker.pid]
        assert "is whole" in greenwall.done("journal", "verify")
