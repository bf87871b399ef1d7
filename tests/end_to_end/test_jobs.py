"""Jobs as operators see them: what they asked and were refused, ending them, and what stands under no guard."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time

import psutil
import pytest

from tests.end_to_end.command import end, until

pytestmark = [pytest.mark.end_to_end, pytest.mark.kernel]

_SOON_S = 10.0
"""Much shorter than the delays given, much longer than a request takes to reach a guard."""


def active(greenwall):
    """Return the jobs that run, by name; the first makes the store."""
    if not (greenwall.directory / "store.db").exists():
        return {}
    return {job["qualified_job_name"]: job for job in greenwall.show("jobs") if job["status"] == "active"}


def listed(greenwall):
    """Return the qualified name of the one job that runs, as soon as it is listed."""
    (name,) = until(lambda: active(greenwall), "the job to be listed")
    return name


def said(job):
    return job.stdout.readline().strip()


def ended_within(job, seconds):
    began = time.monotonic()
    job.wait(seconds)
    return time.monotonic() - began < seconds


def test_calls_of_a_job_are_counted_whether_journalled_or_not(greenwall, programs, server_port):
    greenwall.cl(
        f"ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(10) RMTADR(127.0.0.2) RMTPORT({server_port}) ACTION(*REJECT)",
        f"ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(20) RMTADR(127.0.0.3) RMTPORT({server_port}) ACTION(*ALLOW) AUD(*NONE)",
        "ACTSOCPCY",
    )
    script = (
        "import socket, sys\n"
        "for host in ('127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.3'):\n"
        "    with socket.socket() as client:\n"
        f"        print(client.connect_ex((host, {server_port})), flush=True)\n"
        "sys.stdin.readline()\n"
    )
    with greenwall.running(sys.executable, "-c", script) as job:
        assert [said(job) for _ in range(4)] == ["0", "1", "0", "0"]
        name = listed(greenwall)
        until(lambda: active(greenwall)[name]["decided"] == 4, "the counters")
        counted = active(greenwall)[name]
        assert counted["refused"] == 1
        assert counted["decision_us"] > 0
        assert counted["revision"] == 2
        job.stdin.close()
        job.wait(_SOON_S)
    (ended,) = greenwall.show("jobs")
    assert (ended["decided"], ended["refused"], ended["exit_status"]) == (4, 1, 0)
    assert len(greenwall.journal()) == 2


TREE = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        os.kill(os.getppid(), 9)
        time.sleep(600)
    time.sleep(600)
os.wait()
print(os.getpid(), flush=True)
time.sleep(600)
"""
"""A command with an orphan in a session of its own; tells the process id of the orphan, then its own."""


def test_a_job_that_is_asked_to_end_ends_with_all_that_it_started_and_nothing_else(greenwall):
    outside = psutil.Process()
    with greenwall.running(sys.executable, "-c", TREE) as job:
        processes = [psutil.Process(int(said(job))) for _ in range(2)]
        name = listed(greenwall)
        told = greenwall.cl(f"ENDSOCJOB JOB({name})")
        assert f"Job {name} is asked to end, and is killed after 30 seconds." in told
        assert ended_within(job, _SOON_S)
        assert job.returncode == 128 + signal.SIGTERM
        _gone, alive = psutil.wait_procs(processes, timeout=_SOON_S)
        assert alive == []
    assert outside.is_running()
    until(lambda: not active(greenwall), "the end to be listed")
    (ended,) = greenwall.show("jobs")
    assert ended["exit_status"] == 128 + signal.SIGTERM
    assert any(entry["text"].startswith("ENDSOCJOB") for entry in greenwall.show("journal"))


def test_a_command_that_catches_the_signal_ends_with_a_status_of_its_own(greenwall):
    script = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done"
    with greenwall.running("sh", "-c", script) as job:
        assert said(job) == "ready"
        greenwall.cl(f"ENDSOCJOB JOB({listed(greenwall)})")
        assert ended_within(job, _SOON_S)
        assert job.returncode == 7


DEAF = "trap '' TERM; echo ready; while :; do sleep 0.05; done"


def test_a_job_that_does_not_listen_is_killed_after_the_delay(greenwall):
    with greenwall.running("sh", "-c", DEAF) as job:
        assert said(job) == "ready"
        began = time.monotonic()
        greenwall.cl(f"ENDSOCJOB JOB({listed(greenwall)}) DELAY(2)")
        job.wait(_SOON_S)
        assert job.returncode == 128 + signal.SIGKILL
        assert time.monotonic() - began >= 2


def test_a_job_is_killed_at_once_also_when_it_was_given_time_before(greenwall):
    with greenwall.running("sh", "-c", DEAF) as job:
        assert said(job) == "ready"
        name = listed(greenwall)
        greenwall.cl(f"ENDSOCJOB JOB({name}) DELAY(600)")
        again = greenwall("cl", f"ENDSOCJOB JOB({name})")
        assert (again.returncode, "GWL0162" in again.stderr) == (1, True)
        greenwall.cl(f"ENDSOCJOB JOB({name}) OPTION(*IMMED)")
        assert ended_within(job, _SOON_S)
        assert job.returncode == 128 + signal.SIGKILL
    gone = greenwall("cl", f"ENDSOCJOB JOB({name})")
    assert (gone.returncode, "GWL0161" in gone.stderr) == (1, True)


@pytest.mark.parametrize("which", [0, 1], ids=["child", "command"])
def test_a_stopped_job_is_ended_too(greenwall, which):
    with greenwall.running(sys.executable, "-c", TREE) as job:
        processes = [psutil.Process(int(said(job))) for _ in range(2)]
        name = listed(greenwall)
        processes[which].suspend()
        until(lambda: processes[which].status() == psutil.STATUS_STOPPED, "the process to stop")
        greenwall.cl(f"ENDSOCJOB JOB({name})")
        assert ended_within(job, _SOON_S)
        assert job.returncode == 128 + signal.SIGTERM
        assert psutil.wait_procs(processes, timeout=_SOON_S)[1] == []


def test_a_command_that_somebody_stops_and_continues_takes_the_front_along(greenwall):
    waiting = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    with greenwall.running(sys.executable, "-c", waiting) as job:
        command, front = psutil.Process(int(said(job))), psutil.Process(job.pid)
        for _ in range(3):
            command.suspend()
            until(lambda: front.status() == psutil.STATUS_STOPPED, "the front to stop")
            command.resume()
            until(lambda: front.status() != psutil.STATUS_STOPPED, "the front to go on")


def test_a_command_that_somebody_continues_is_continued_once(greenwall):
    telling = """
import os, signal
signal.signal(signal.SIGCONT, lambda *_: os.write(1, b"continued\\n"))
signal.signal(signal.SIGUSR1, lambda *_: os.write(1, b"asked\\n"))
os.write(1, f"{os.getpid()}\\n".encode())
while True:
    signal.pause()
"""
    with greenwall.running(sys.executable, "-c", telling) as job:
        command, front = psutil.Process(int(said(job))), psutil.Process(job.pid)
        command.suspend()
        until(lambda: front.status() == psutil.STATUS_STOPPED, "the front to stop")
        command.resume()
        until(lambda: front.status() != psutil.STATUS_STOPPED, "the front to go on")
        heard = [said(job)]
        while len(heard) < 4:  # what the front hands on comes before what it is sent then, but for the first of these
            front.send_signal(signal.SIGUSR1)
            heard.append(said(job))
        assert heard == ["continued", "asked", "asked", "asked"]


def test_a_job_that_goes_on_forking_is_killed_whole(greenwall):
    script = "trap '' TERM; echo ready; while :; do (sleep 0.01; sleep 0.01) & sleep 0.005; done"
    with greenwall.running("sh", "-c", script) as job:
        assert said(job) == "ready"
        greenwall.cl(f"ENDSOCJOB JOB({listed(greenwall)}) OPTION(*IMMED)")
        assert ended_within(job, _SOON_S)
    until(lambda: not active(greenwall), "the end of the job")


def test_a_request_made_while_no_worker_runs_is_carried_out_by_the_next(greenwall):
    with greenwall.running("sleep", "600") as job:
        name = listed(greenwall)
        (worker,) = greenwall.workers()
        end(worker, signal.SIGKILL)
        assert "GWL0164" in greenwall.cl(f"ENDSOCJOB JOB({name})")
        assert greenwall.run("true").returncode == 0  # starts the next worker
        assert ended_within(job, _SOON_S)
        assert job.returncode == 128 + signal.SIGTERM


LISTENER = """
import socket, sys
inherited = [socket.socket(fileno=int(number)) for number in sys.argv[1:]]
own = socket.create_server(("127.0.0.1", 0))
print(own.getsockname()[1], flush=True)
for each in inherited:
    each.listen()
sys.stdin.readline()
"""


def found(greenwall, port):
    """Return the listening socket of a port, as the coverage view has it."""
    sockets = greenwall.show("coverage")
    (one,) = [each for each in sockets if each["local_port"] == port and each["state"] == "LISTEN"]
    return one


@pytest.mark.parametrize(("command", "status"), [("/nowhere/at/all", 127), ("/etc/passwd", 126)])
def test_job_that_could_not_be_started_has_ended_with_the_status_of_run(greenwall, command, status):
    assert greenwall.run(command).returncode == status
    until(lambda: greenwall.show("jobs")[0]["status"] == "ended", "the end is recorded")
    assert greenwall.show("jobs")[0]["exit_status"] == status
    said = [entry["text"] for entry in greenwall.show("journal") if entry["entry_type"] == "JS"]
    assert said == [f"Job started: {command}", f"Job ended: status {status}"]


def test_coverage_tells_listeners_of_jobs_from_others_and_names_what_both_hold(greenwall):
    with contextlib.ExitStack() as held:
        outside = held.enter_context(socket.create_server(("127.0.0.1", 0)))
        shared = held.enter_context(socket.socket())
        shared.bind(("127.0.0.1", 0))
        number = shared.fileno()
        command = (sys.executable, "-c", LISTENER, str(number))
        with greenwall.running(*command, pass_fds=[number]) as job:
            inside = int(said(job))
            name = listed(greenwall)
            until(
                lambda: any(each["local_port"] == shared.getsockname()[1] for each in greenwall.show("coverage")), "it"
            )
            covered = found(greenwall, inside)
            assert (covered["engine"], covered["qualified_job_name"], covered["reason"]) == ("*GUARD", name, "")
            uncovered = found(greenwall, outside.getsockname()[1])
            assert (uncovered["engine"], uncovered["reason"]) == ("*NONE", "Under no guard of this store")
            assert os.getpid() in [process["pid"] for process in uncovered["processes"]]
            both = found(greenwall, shared.getsockname()[1])
            assert (both["engine"], both["qualified_job_name"]) == ("*SHARED", name)
            assert "which is not guarded" in both["reason"]
            job.stdin.close()


def test_coverage_can_be_printed_and_says_how_many_are_not_covered(greenwall):
    greenwall.cl("WRKSOCJOB")
    with socket.create_server(("127.0.0.1", 0)) as outside:
        lines = greenwall.done("show", "coverage").splitlines()
        port = outside.getsockname()[1]
    (line,) = [line for line in lines if f":{port} " in line and " LISTEN " in line]
    assert f" {os.getpid()} " in line
    assert any("listening sockets are not under any engine" in line for line in lines)


EXIT_PROGRAM = """
import signal, socket
from pathlib import Path
here = Path(__file__).parent
own = socket.create_server(("127.0.0.1", 0))
(here / "port").write_text(str(own.getsockname()[1]))
signal.signal(signal.SIGTERM, lambda *_: (here / "asked to end").touch())
def ask(request):
    return "0"
"""


def test_an_exit_program_is_under_no_guard_and_not_ended_with_the_job(greenwall):
    directory = greenwall.directory / "exit_programs"
    directory.mkdir(mode=0o700)
    (directory / "our_site.py").write_text(EXIT_PROGRAM)
    (directory / "our_site.py").chmod(0o600)
    greenwall.cl("ADDEXITPGM EXITPNT(*CONNECT) PGMNBR(2) PGM(our_site:ask)", "ACTSOCPCY")
    with greenwall.running("sh", "-c", DEAF) as job:
        assert said(job) == "ready"
        name = listed(greenwall)
        port = int(until(lambda: (directory / "port").exists() and (directory / "port").read_text(), "its port"))
        uncovered = found(greenwall, port)
        assert (uncovered["engine"], uncovered["reason"]) == ("*NONE", f"Exit program of job {name}")
        greenwall.cl(f"ENDSOCJOB JOB({name}) DELAY(1)")
        job.wait(_SOON_S)
    assert not (directory / "asked to end").exists()


@pytest.mark.parametrize("size", [(80, 24), (132, 30)], ids=["80x24", "132x30"])
def test_a_job_is_seen_and_ended_by_keys(greenwall, terminal, size):
    with greenwall.running("sleep", "600") as job:
        name = listed(greenwall)
        console = terminal(greenwall.arguments(), size)
        console.wait_for("Greenwall Main Menu")
        console.enter("WRKSOCJOB")
        console.wait_for(name)
        console.move_to(name)
        console.enter("8")
        console.wait_for("Display Journal Entries")
        console.wait_for("Job started")
        console.press("F12")
        console.wait_for("Work with Socket Jobs")
        console.move_to(name)
        console.enter("4")
        console.wait_for("Confirm End of Socket Jobs")
        assert name in console.screen()
        console.press("Enter")
        console.wait_for(f"Job {name} is asked to end")
        job.wait(_SOON_S)
        console.press("F5")
        console.wait_until_gone(name)
        console.press("F12")
        console.wait_for("Greenwall Main Menu")
        console.enter("DSPSOCCOV")
        console.wait_for("sockets are not under any engine")
        console.press("S-F2")  # F14
        console.wait_for("Display Threat Model")
