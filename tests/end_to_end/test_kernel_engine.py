"""greenwall worker --engine kernel: the policy of the store decides for a cgroup, and its journal tells."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import uuid
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from console.enforcement.kernel.engine import find_cgroups
from tests.end_to_end.command import started, until
from tests.enforcement.kernel_engine.conftest import missing
from tests.loopback import answer_http, serving
from tests.socks.server import Manners, SocksServer

PATIENCE_S = 60
MORE_THAN_FIT = 200_000
"""Decisions, into the ring buffer."""
CONNECT = "import socket; print(socket.socket().connect_ex(({host!r}, 9)))"


@pytest.fixture
def cgroup():
    lacking = missing()
    if lacking:
        pytest.skip(lacking)
    made = find_cgroups() / f"greenwall-test-{uuid.uuid4().hex[:12]}"
    made.mkdir()
    yield made
    until(lambda: _is_removed(made), "the cgroup to be empty", PATIENCE_S)


@pytest.fixture
def engine(greenwall, cgroup):
    """Return a function that runs the worker with the engine; all of it is detached in the end."""

    @contextmanager
    def running(*words, expected="GWL0483"):
        command = greenwall.arguments(
            "worker", "--engine", "kernel", "--cgroup", str(cgroup), *(words or ["--enforce"])
        )
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as worker:
            said = worker.stderr.readline()
            try:
                assert expected in said, said
                yield worker
            finally:
                if worker.poll() is None:
                    worker.send_signal(signal.SIGCONT)  # a test may have stopped it
                    worker.terminate()

    yield running
    greenwall("engine", "detach")


def _is_removed(cgroup):
    try:
        cgroup.rmdir()
    except OSError:
        return False
    return True


def connect(cgroup, host):
    """Connect from the cgroup; returns the errno."""
    done = subprocess.run(
        ["/usr/bin/python3", "-c", CONNECT.format(host=host)], capture_output=True, text=True, check=True,
        preexec_fn=lambda: (cgroup / "cgroup.procs").write_text(str(os.getpid())),
    )  # fmt: skip
    return int(done.stdout)


def calls(greenwall):
    """Return the socket entries: outcome, rule, address, user, program."""
    return [
        (row["outcome"], row["rule_sequence"], row["remote_address"], row["user_name"], row["program"])
        for row in greenwall.show("journal")
        if row["entry_type"] == "SK"
    ]


def test_worker_with_the_engine_decides_and_writes_for_the_cgroup(greenwall, cgroup, engine):
    greenwall.cl("ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(10) RMTADR('127.0.0.2') ACTION(*REJECT)", "ACTSOCPCY")
    with engine():
        assert connect(cgroup, "127.0.0.2") == 1
        assert connect(cgroup, "127.0.0.1") == 111
        until(lambda: len(calls(greenwall)) == 2, "both entries", PATIENCE_S)
        refused, allowed = calls(greenwall)
        assert refused[:4] == ("*REJECTED", 10, "127.0.0.2", "ROOT")
        assert "python3" in refused[4]
        assert allowed[:3] == ("*ALLOWED", 99999, "127.0.0.1")
        greenwall.cl("CHGSOCRUL EXITPNT(*CONNECT) SEQNBR(10) FAIL(*TIMEOUT)", "ACTSOCPCY")
        until(lambda: connect(cgroup, "127.0.0.2") == 110, "the next revision", PATIENCE_S)
        (row,) = greenwall.show("workers")
        assert row["cgroup"] == str(cgroup)


def test_engine_goes_on_without_its_worker_and_the_next_writes_what_happened(greenwall, cgroup, engine):
    greenwall.cl("ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(10) RMTADR('127.0.0.2') ACTION(*REJECT)", "ACTSOCPCY")
    with engine() as worker:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        assert connect(cgroup, "127.0.0.2") == 1
    with engine():
        assert connect(cgroup, "127.0.0.2") == 1
        until(lambda: len(calls(greenwall)) == 2, "the entry of the time between, and the one after", PATIENCE_S)
    assert connect(cgroup, "127.0.0.2") == 1
    greenwall.done("engine", "detach")
    assert connect(cgroup, "127.0.0.2") == 111
    assert "GWL0484" in greenwall("engine", "detach").stderr


MANY = """
import errno, socket
for _ in range({count}):
    assert socket.socket().connect_ex(("127.0.0.2", 9)) == errno.EPERM
"""


def start_many(cgroup, count):
    """Begin to make refused connects in the cgroup."""
    return subprocess.Popen(
        ["/usr/bin/python3", "-c", MANY.format(count=count)],
        preexec_fn=lambda: (cgroup / "cgroup.procs").write_text(str(os.getpid())),
    )


def missing_said(greenwall):
    """Return how many decisions the journal says are missing."""
    texts = [row["text"] for row in greenwall.show("journal") if row["entry_type"] == "GR"]
    return sum(int(text.split()[0]) for text in texts if "decisions of the kernel" in text)


def test_worker_that_is_told_to_end_under_load_loses_nothing(greenwall, cgroup, engine):
    greenwall.cl("ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(10) RMTADR('127.0.0.2') ACTION(*REJECT)", "ACTSOCPCY")
    with engine() as worker:
        with start_many(cgroup, 5000) as many:
            until(lambda: calls(greenwall), "the first entries", PATIENCE_S)
            worker.terminate()
            worker.wait(PATIENCE_S)
        assert many.returncode == 0
    with engine():
        until(lambda: len(calls(greenwall)) == 5000, "all entries", PATIENCE_S)
    assert missing_said(greenwall) == 0


def test_what_was_lost_without_a_worker_is_said_by_the_next(greenwall, cgroup, engine):
    greenwall.cl("ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(10) RMTADR('127.0.0.2') ACTION(*REJECT)", "ACTSOCPCY")
    with engine() as worker:
        worker.kill()
        worker.wait()
    with start_many(cgroup, MORE_THAN_FIT) as many:
        pass
    assert many.returncode == 0
    for _ in range(2):  # the second has nothing more to say
        with engine() as worker:
            until(lambda: sum(found := counted(greenwall)) >= MORE_THAN_FIT and found[1], "all to be there", PATIENCE_S)
            worker.terminate()
            worker.wait(PATIENCE_S)
        assert sum(counted(greenwall)) == MORE_THAN_FIT


def test_what_the_kernel_has_told_when_it_is_detached_is_in_the_journal(greenwall, cgroup, engine):
    greenwall.cl("ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(10) RMTADR('127.0.0.2') ACTION(*REJECT)", "ACTSOCPCY")
    with engine() as worker:
        worker.kill()
        worker.wait()
    assert connect(cgroup, "127.0.0.2") == 1
    assert f"below {cgroup}." in greenwall.done("engine", "detach")
    assert [call[:3] for call in calls(greenwall)] == [("*REJECTED", 10, "127.0.0.2")]
    greenwall.done("run", "--", "true")  # starts a worker, which takes in what administration has left
    told = [entry["text"] for entry in greenwall.show("journal") if entry["entry_type"] == "GR"]
    assert [text for text in told if f"below {cgroup}." in text], told


def test_uninstall_detaches_or_says_who_must_end_first(greenwall, cgroup, engine):
    if any(Path("/etc", name).exists() for name in ("default/greenwall", "systemd/system/greenwall-worker.service")):
        pytest.skip("Greenwall is installed here")
    greenwall.cl("ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(10) RMTADR('127.0.0.2') ACTION(*REJECT)", "ACTSOCPCY")
    with engine() as worker:
        assert "GWL0485" in greenwall("uninstall").stderr
        worker.terminate()
        worker.wait()
        assert connect(cgroup, "127.0.0.2") == 1
        assert "GWL049B" in greenwall.done("uninstall")
        assert connect(cgroup, "127.0.0.2") == 111
    assert len(calls(greenwall)) == 1
    assert "GWL049B" not in greenwall.done("uninstall")


def test_engine_of_a_store_that_was_deleted_can_be_detached(greenwall, cgroup, engine):
    greenwall.cl("ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(10) RMTADR('127.0.0.2') ACTION(*REJECT)", "ACTSOCPCY")
    with engine() as worker:
        worker.terminate()
        worker.wait()
        assert connect(cgroup, "127.0.0.2") == 1
        (greenwall.directory / "store.db").unlink()
        assert "GWL04A1" in greenwall.done("engine", "detach")
        assert connect(cgroup, "127.0.0.2") == 111


def test_revision_that_could_not_be_taken_back_is_not_activated(greenwall, cgroup, engine):
    greenwall.cl("ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(10) PGM('/usr/bin/true') ACTION(*REJECT)", "ACTSOCPCY")
    with engine(expected="GWL0471"):
        pass
    greenwall.cl("RMVSOCRUL EXITPNT(*CONNECT) SEQNBR(10)")
    refused = greenwall("cl", "ACTSOCPCY CONFIRM(5)").stderr
    assert "GWL049E" in refused
    assert "/usr/bin/true" in refused
    greenwall.cl("ACTSOCPCY")
    with engine():
        greenwall.cl(
            "ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(10) RMTADR('127.0.0.2') ACTION(*REJECT)", "ACTSOCPCY CONFIRM(5)"
        )


def test_what_an_engine_has_told_whose_cgroup_is_gone_is_in_the_journal(greenwall, cgroup, engine):
    greenwall.cl("ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(10) RMTADR('127.0.0.2') ACTION(*REJECT)", "ACTSOCPCY")
    with engine() as worker:
        worker.kill()
        worker.wait()
        assert connect(cgroup, "127.0.0.2") == 1
    until(lambda: _is_removed(cgroup), "the cgroup to be empty", PATIENCE_S)
    with started(greenwall.arguments("worker"), stderr=subprocess.DEVNULL):
        until(lambda: len(calls(greenwall)) == 1, "the entry of the time without a worker", PATIENCE_S)
    cgroup.mkdir()


def _is_done(process):
    """Say whether a program has ended, or has become another one."""
    with contextlib.suppress(FileNotFoundError):  # it ended just now
        return process.poll() is not None or "sleep" in os.readlink(f"/proc/{process.pid}/exe")
    return False


def test_entry_names_the_program_that_made_the_call(greenwall, cgroup, engine, tmp_path):
    """Of a process that has ended before it is written down, and of one that runs something else by then."""
    renamed = tmp_path / "caller"
    shutil.copy("/usr/bin/python3", renamed)
    code = CONNECT.format(host="127.0.0.1")
    with engine() as worker:
        worker.send_signal(signal.SIGSTOP)
        for command in (
            [renamed, "-c", code],
            [renamed, "-c", f"{code}; import os; os.execv('/bin/sleep', ['x', '60'])"],
        ):
            process = subprocess.Popen(
                command, preexec_fn=lambda: (cgroup / "cgroup.procs").write_text(str(os.getpid()))
            )
            until(partial(_is_done, process), "the program to be done with its call", PATIENCE_S)
        worker.send_signal(signal.SIGCONT)
        until(lambda: len(calls(greenwall)) == 2, "both entries", PATIENCE_S)
        process.kill()
        process.wait()
        assert [row[-1] for row in calls(greenwall)] == ["caller", "caller"]
        with started(
            ["/usr/bin/python3", "-c", f"{code}; import time; time.sleep(60)"],
            preexec_fn=lambda: (cgroup / "cgroup.procs").write_text(str(os.getpid())),
        ):
            until(lambda: len(calls(greenwall)) == 3, "the entry", PATIENCE_S)
        assert calls(greenwall)[2][-1].startswith("/usr/bin/python3")


def counted(greenwall):
    """Return how many socket entries there are, and how many decisions the journal says are missing."""
    with contextlib.closing(sqlite3.connect(greenwall.url.removeprefix("sqlite:///"))) as store:
        (calls,) = store.execute("SELECT count(*) FROM journal_entry WHERE entry_type = 'SK'").fetchone()
        said = store.execute("SELECT text FROM journal_entry WHERE text LIKE '%decisions of the kernel%'").fetchall()
    return calls, sum(int(text.split()[0]) for (text,) in said)


def test_worker_that_is_started_without_the_engine_goes_on_with_what_was_left_attached(greenwall, cgroup, engine):
    with engine() as worker:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    greenwall.run("true")
    assert [row["cgroup"] for row in greenwall.show("workers")] == [str(cgroup)] * 2
    greenwall.cl("ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(10) RMTADR('127.0.0.2') ACTION(*REJECT)", "ACTSOCPCY")
    until(lambda: connect(cgroup, "127.0.0.2") == 1, "the revision to be in force in the kernel", PATIENCE_S)
    greenwall.end_workers()
    greenwall.done("engine", "detach")
    greenwall.run("true")
    assert greenwall.show("workers")[0]["cgroup"] == ""
    greenwall.cl("ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(20) PGM('/usr/bin/curl') ACTION(*REJECT)", "ACTSOCPCY")


def test_what_the_kernel_cannot_see_is_refused_at_activation_and_at_the_start(greenwall, cgroup, engine):
    with engine():
        greenwall.cl("ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(10) PGM('/usr/bin/curl') ACTION(*REJECT)")
        refused = greenwall("cl", "ACTSOCPCY")
        assert (refused.returncode, refused.stderr.split()[0]) == (1, "GWL0471")
        assert "GWL0485" in greenwall("engine", "detach").stderr
    greenwall.done("engine", "detach")


def test_what_the_kernel_does_only_in_part_is_said_at_activation(greenwall, cgroup, engine):
    with engine():
        greenwall.cl("ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(10) RMTADR('127.0.0.2') ACTION(*REJECT)")
        assert "GWL049A" in greenwall.cl("ACTSOCPCY")
        assert "GWL049A" not in greenwall.cl("CHGSOCPCY RAWSKT(*ALLOW)", "ACTSOCPCY")


def test_policy_that_would_keep_its_operator_out_is_activated_only_when_that_is_said(greenwall, cgroup, engine):
    through_ssh = {**os.environ, "SSH_CONNECTION": "192.0.2.7 50000 192.0.2.1 22"}
    with engine():
        greenwall.cl("ADDSOCRUL EXITPNT(*ACCEPT) SEQNBR(10) RMTADR('192.0.2.0/24') ACTION(*REJECT)")
        assert greenwall("cl", "ACTSOCPCY", env=through_ssh).stderr.startswith("GWL0487 Rule 10 of *ACCEPT")
        greenwall.done("cl", "ACTSOCPCY FORCE(*YES)", env=through_ssh)


def test_engine_watches_until_it_is_told_to_enforce(greenwall, cgroup, engine):
    greenwall.cl("ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(10) RMTADR('127.0.0.2') ACTION(*REJECT)", "ACTSOCPCY")
    assert "GWL048C" in greenwall("engine", "enforce").stderr
    with engine("--cgroup", str(cgroup), expected="GWL048B"):
        assert connect(cgroup, "127.0.0.2") == 111
        until(lambda: calls(greenwall), "the entry", PATIENCE_S)
        assert calls(greenwall)[0][:3] == ("*MONITOR", 10, "127.0.0.2")
        assert greenwall.done("engine", "enforce").startswith("GWL048D")
        until(lambda: connect(cgroup, "127.0.0.2") == 1, "the rules to hold", PATIENCE_S)
        until(lambda: "decides" in greenwall.show("workers")[0]["kernel"], "the worker to say so", PATIENCE_S)
        greenwall.done("engine", "monitor")
        until(lambda: connect(cgroup, "127.0.0.2") == 111, "the rules to hold no longer", PATIENCE_S)


def test_operator_who_would_cut_himself_off_enforces_only_when_that_is_said(greenwall, cgroup, engine):
    through_ssh = {**os.environ, "SSH_CONNECTION": "192.0.2.7 50000 192.0.2.1 22"}
    greenwall.cl("ADDSOCRUL EXITPNT(*ACCEPT) SEQNBR(10) RMTADR('192.0.2.0/24') ACTION(*REJECT)", "ACTSOCPCY")
    with engine("--cgroup", str(cgroup), expected="GWL048B"):
        assert greenwall("engine", "enforce", env=through_ssh).stderr.startswith("GWL0487 Rule 10 of *ACCEPT")
        greenwall.done("engine", "enforce", "--force", env=through_ssh)


def test_connection_goes_through_a_socks_server_and_the_relay_outlives_its_worker(greenwall, cgroup, engine):
    with SocksServer(Manners()) as server, serving(answer_http) as port:
        place = "{}:{}".format(*server.address)
        greenwall.cl(f"ADDSOCKSE SEQNBR(10) RMTADR('127.0.0.1') RMTPORT({port}) TYPE(*SOCKS) SERVER('{place}')",
                     "ACTSOCPCY")  # fmt: skip
        with engine() as worker:
            assert "hi" in fetched(cgroup, port)
            worker.kill()
            worker.wait()
        assert "hi" in fetched(cgroup, port)
        with engine():
            assert "hi" in fetched(cgroup, port)
            until(lambda: len(calls(greenwall)) == 3, "three entries", PATIENCE_S)
    rows = [row for row in greenwall.show("journal") if row["entry_type"] == "SK"]
    assert [(row["outcome"], row["remote_port"], row["socks_server"]) for row in rows] == [
        ("*ALLOWED", port, place)
    ] * 3
    assert len(server.asked) == 3


FETCH = """
import socket
made = socket.create_connection(("127.0.0.1", {port}), 20)
made.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
print(made.getpeername()[1] == {port}, made.makefile().read())
"""


def fetched(cgroup, port):
    """Fetch something from a server, from the cgroup."""
    done = subprocess.run(
        ["/usr/bin/python3", "-c", FETCH.format(port=port)], capture_output=True, text=True, check=True,
        preexec_fn=lambda: (cgroup / "cgroup.procs").write_text(str(os.getpid())),
    )  # fmt: skip
    assert done.stdout.startswith("True"), done.stdout
    return done.stdout


def test_option_that_makes_no_sense_is_refused(greenwall):
    for words in (("--engine", "both"), ("--cgroup", "/x")):
        assert greenwall("worker", *words).stderr.startswith("GWL0486")


def notices(greenwall):
    """Return what the journal says about cgroups that went and came."""
    texts = [row["text"] for row in greenwall.show("journal") if row["entry_type"] == "GR"]
    return [text.split()[3] for text in texts if text.startswith("The cgroup ")]


def refused(greenwall):
    """Return how many entries say that a connect to 127.0.0.2 was refused."""
    return sum(call[:3] == ("*REJECTED", 10, "127.0.0.2") for call in calls(greenwall))


def test_cgroup_that_is_made_anew_is_decided_for_as_the_one_before(greenwall, cgroup, engine):
    """As systemd makes a slice anew: by the worker that saw it, without that worker, and by the next one."""
    greenwall.cl("ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(10) RMTADR('127.0.0.2') ACTION(*REJECT)", "ACTSOCPCY")
    with engine() as worker:
        assert connect(cgroup, "127.0.0.2") == 1
        until(lambda: _is_removed(cgroup), "the cgroup to be empty", PATIENCE_S)
        until(lambda: notices(greenwall) == ["is"], "the worker to say that the cgroup is gone", PATIENCE_S)
        (row,) = greenwall.show("workers")
        assert f"The cgroup {cgroup} is gone" in row["kernel"]
        greenwall.cl("ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(20) RMTADR('127.0.0.3') ACTION(*REJECT)", "ACTSOCPCY")
        cgroup.mkdir()
        until(lambda: notices(greenwall) == ["is", "was"], "the worker to say that it is attached", PATIENCE_S)
        until(lambda: "decides" in greenwall.show("workers")[0]["kernel"], "the worker to say so", PATIENCE_S)
        until(lambda: connect(cgroup, "127.0.0.3") == 1, "the revision of the time between to be in force", PATIENCE_S)
        assert connect(cgroup, "127.0.0.2") == 1
        until(lambda: refused(greenwall) == 2, "its entry", PATIENCE_S)
        worker.kill()
        worker.wait()
        assert connect(cgroup, "127.0.0.2") == 1
    with engine():
        until(lambda: refused(greenwall) == 3, "the entry of the time without a worker", PATIENCE_S)
        assert connect(cgroup, "127.0.0.2") == 1
        until(lambda: refused(greenwall) == 4, "one entry more, and no second one", PATIENCE_S)
    greenwall.done("engine", "detach")
    assert connect(cgroup, "127.0.0.2") == 111
