"""An exit program from the command that registers it to the program that is refused and the entry that says so."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess

import psutil
import pytest

from tests.end_to_end.command import until
from tests.enforcement.kernel.jobs import guard_of

pytestmark = [pytest.mark.end_to_end, pytest.mark.kernel]

SITE = """
import os
from pathlib import Path

def ask(request):
    (Path(__file__).parent / "asked_by").write_text(f"{os.getuid()} {request.user} {request.program}")
    return "1" if request.remote_address == "127.0.0.2" else "0"
"""


@pytest.fixture
def site(greenwall):
    """Return the directory of the store's exit programs, with one in it."""
    directory = greenwall.directory / "exit_programs"
    directory.mkdir(mode=0o700)
    (directory / "site.py").write_text("raise RuntimeError('Python has a module of this name')")
    (directory / "our_site.py").write_text(SITE)
    for module in directory.iterdir():
        module.chmod(0o600)
    return directory


def curl(address, port):
    return ["curl", "-s", "-m", "10", "-o", "/dev/null", f"http://{address}:{port}/"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_is_refused_by_an_exit_program_and_the_journal_names_it(greenwall, site, server_port):
    greenwall.cl("ADDEXITPGM EXITPNT(*CONNECT) PGMNBR(2) PGM(our_site:ask) TIMLMT(5000)", "ACTSOCPCY")
    assert greenwall.run(*curl("127.0.0.1", server_port)).returncode == 0
    assert greenwall.run(*curl("127.0.0.2", server_port)).returncode == 7
    (refused,) = greenwall.journal(outcome="*REJECTED")
    assert refused["text"] == "exit program 2: our_site:ask answered '1'"
    assert (refused["rule_sequence"], refused["remote_address"]) == (99999, "127.0.0.2")
    greenwall.cl("RMVEXITPGM EXITPNT(*CONNECT) PGMNBR(2)", "ACTSOCPCY")
    assert greenwall.run(*curl("127.0.0.2", server_port)).returncode == 0


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("curl") is None, reason="needs root and curl")
def test_exit_program_runs_as_the_guards_user_and_is_told_the_jobs(greenwall, site, server_port):
    greenwall.cl("ADDEXITPGM EXITPNT(*CONNECT) PGMNBR(2) PGM(our_site:ask) TIMLMT(5000)", "ACTSOCPCY")
    nobody = pwd.getpwnam("nobody").pw_name
    assert greenwall("run", "--user", nobody, "--", *curl("127.0.0.1", server_port)).returncode == 0
    assert (site / "asked_by").read_text() == f"0 {nobody.upper()} {os.path.realpath(shutil.which('curl'))}"


def test_job_with_an_exit_program_stops_goes_on_and_ends_as_its_command_does(greenwall, site):
    greenwall.cl("ADDEXITPGM EXITPNT(*LISTEN) PGMNBR(2) PGM(our_site:ask) TIMLMT(5000)", "ACTSOCPCY")
    with greenwall.running("sh", "-c", "echo ready; kill -STOP $$; exit 4", stdin=subprocess.DEVNULL) as job:
        assert job.stdout.readline() == "ready\n"
        front = psutil.Process(job.pid)
        until(lambda: front.status() == psutil.STATUS_STOPPED, "the front to stop as its command did")
        (command,) = (child for child in guard_of(job.pid).children() if child.status() == psutil.STATUS_STOPPED)
        command.resume()
        front.resume()
        assert job.wait(30) == 4
