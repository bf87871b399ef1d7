"""Real programs under the exit points: allowed they work as ever, refused they see what a firewall could show them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.command import until
from tests.end_to_end.peer import free_port, visit
from tests.programs.build import SOURCES, has_static_libc

pytestmark = [pytest.mark.end_to_end, pytest.mark.kernel]


def needs(program):
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


def refuse(greenwall, exit_point, **values):
    """Put a rule that rejects in force."""
    words = " ".join(f"{keyword}('{value}')" for keyword, value in values.items())
    greenwall.cl(f"ADDSOCRUL EXITPNT({exit_point}) SEQNBR(*NEXT) {words} ACTION(*REJECT)", "ACTSOCPCY")


@needs("curl")
def test_curl_fetches_what_no_rule_refuses(greenwall, server_port):
    done = greenwall.run("curl", "-sS", f"http://127.0.0.1:{server_port}/")
    assert (done.returncode, done.stdout, done.stderr) == (0, "hi\n", "")
    (entry,) = greenwall.journal(sk_type="C", remote_port=server_port)
    assert (entry["outcome"], entry["rule_sequence"], entry["remote_address"]) == ("*ALLOWED", 99999, "127.0.0.1")
    assert entry["program"].endswith("/curl")


@needs("curl")
def test_curl_is_told_operation_not_permitted(greenwall, server_port):
    refuse(greenwall, "*CONNECT", RMTADR="127.0.0.0/8", RMTPORT=server_port)
    done = greenwall.run("curl", "-sSv", f"http://127.0.0.1:{server_port}/")
    assert done.returncode == 7
    assert "Operation not permitted" in done.stderr
    (entry,) = greenwall.journal(sk_type="C", remote_port=server_port)
    assert (entry["outcome"], entry["rule_sequence"]) == ("*REJECTED", 10)


@needs("curl")
@pytest.mark.parametrize(("fail", "words"), [("*REFUSED", "Connection refused"), ("*TIMEOUT", "Connection timed out")])
def test_curl_is_told_what_the_rule_chose(greenwall, server_port, fail, words):
    refuse(greenwall, "*CONNECT", RMTPORT=server_port, FAIL=fail)
    assert words in greenwall.run("curl", "-sSv", f"http://127.0.0.1:{server_port}/").stderr


@needs("curl")
def test_monitored_exit_point_lets_curl_pass_and_says_what_it_would_have_done(greenwall, server_port):
    refuse(greenwall, "*CONNECT", RMTPORT=server_port)
    greenwall.cl("CHGSOCEXT EXITPNT(*CONNECT) MODE(*MONITOR)", "ACTSOCPCY")
    assert greenwall.run("curl", "-sS", f"http://127.0.0.1:{server_port}/").stdout == "hi\n"
    (entry,) = greenwall.journal(sk_type="C", remote_port=server_port)
    assert (entry["outcome"], entry["rule_sequence"]) == ("*MONITOR", 10)


@pytest.mark.parametrize("static", [False, True], ids=["dynamic", "static"])
def test_c_program_is_refused_however_it_is_linked(greenwall, programs, server_port, static):
    if static and not has_static_libc():
        pytest.skip("libc6-dev is not installed")
    client = programs.get("client", static=static)
    assert greenwall.run(client, "127.0.0.1", str(server_port)).stdout == "OK\n"
    refuse(greenwall, "*CONNECT", RMTADR="127.0.0.2", RMTPORT=server_port)
    assert greenwall.run(client, "127.0.0.2", str(server_port)).stdout == "EPERM\n"
    assert greenwall.run(client, "127.0.0.1", str(server_port)).stdout == "OK\n"


def test_every_connect_of_every_thread_is_decided_and_journalled(greenwall, programs, server_port):
    refuse(greenwall, "*CONNECT", RMTADR="127.0.0.2", RMTPORT=server_port)
    threads = programs.get("threads")
    assert greenwall.run(threads, "127.0.0.1", str(server_port), "8", "40").stdout == "made 320 refused 0\n"
    assert greenwall.run(threads, "127.0.0.2", str(server_port), "8", "40").stdout == "made 0 refused 320\n"
    assert len(greenwall.journal(remote_port=server_port, outcome="*ALLOWED")) == 320
    assert len(greenwall.journal(remote_port=server_port, outcome="*REJECTED")) == 320


def test_blocking_server_never_sees_who_is_refused(greenwall, programs):
    refuse(greenwall, "*ACCEPT", RMTADR="127.0.0.2")
    with greenwall.running(programs.get("server"), "127.0.0.1", "0", "welcome") as job:
        port = int(job.stdout.readline())
        assert [visit(port, source) for source in ("127.0.0.2", "127.0.0.1", "127.0.0.2", "127.0.0.3")] == [
            "ConnectionResetError", "welcome", "ConnectionResetError", "welcome",
        ]  # fmt: skip
    outcomes = {
        (entry["remote_address"], entry["outcome"]) for entry in greenwall.journal(sk_type="A", local_port=port)
    }
    assert outcomes == {("127.0.0.2", "*REJECTED"), ("127.0.0.1", "*ALLOWED"), ("127.0.0.3", "*ALLOWED")}


def test_server_that_does_not_block_is_told_to_try_again(greenwall, programs):
    refuse(greenwall, "*ACCEPT", RMTADR="127.0.0.2")
    with greenwall.running(programs.get("epoll_server"), "127.0.0.1", "0") as job:
        port = int(job.stdout.readline())
        assert visit(port, "127.0.0.2") == "ConnectionResetError"
        assert job.stdout.readline() == "EAGAIN\n"
        assert visit(port, "127.0.0.1") == ""
        said = job.stdout.readline()
        assert said.startswith("accepted 127.0.0.1:")
        assert said.endswith(" nonblock cloexec\n"), "flags of accept4 are kept"


def test_asyncio_server_serves_all_but_the_refused(greenwall):
    refuse(greenwall, "*ACCEPT", RMTADR="127.0.0.2")
    with greenwall.running(sys.executable, str(SOURCES / "asyncio_server.py"), "127.0.0.1") as job:
        port = int(job.stdout.readline())
        for _ in range(3):
            assert visit(port, "127.0.0.2") == "ConnectionResetError"
            assert visit(port, "127.0.0.1") == "hello 127.0.0.1\n"
    assert len(greenwall.journal(sk_type="A", local_port=port, outcome="*ALLOWED")) == 3
    assert len(greenwall.journal(sk_type="A", local_port=port, outcome="*REJECTED")) == 3
    assert [entry["outcome"] for entry in greenwall.journal(sk_type="L", local_port=port)] == ["*ALLOWED"]


@pytest.fixture
def redis_server(tmp_path):
    """Return the command line of redis-server without its port.

    Debian's redis-server is redis-check-rdb under another name; the package redis-tools has it and starts no service.
    """
    found = shutil.which("redis-server")
    if found is None:
        check = shutil.which("redis-check-rdb")
        if check is None or shutil.which("redis-cli") is None:
            pytest.skip("redis-tools is not installed")
        found = str(tmp_path / "redis-server")
        Path(found).symlink_to(check)
    return [found, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(tmp_path)]


def redis_cli(port, *words):
    done = subprocess.run(
        ["redis-cli", "-p", str(port), *words], capture_output=True, text=True, timeout=20, check=False
    )
    return done.stdout.strip()


def test_redis_server_works_for_redis_cli_and_drops_the_refused(greenwall, redis_server):
    port = free_port()
    refuse(greenwall, "*ACCEPT", RMTADR="127.0.0.2", LCLPORT=port)
    with greenwall.running(*redis_server, "--port", str(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        until(lambda: redis_cli(port, "ping") == "PONG", "redis-server to answer")
        assert redis_cli(port, "set", "colour", "green") == "OK"
        assert redis_cli(port, "get", "colour") == "green"
        assert visit(port, "127.0.0.2") == "ConnectionResetError"
        assert redis_cli(port, "get", "colour") == "green"
    rejected = greenwall.journal(sk_type="A", outcome="*REJECTED")
    assert [(entry["remote_address"], entry["local_port"]) for entry in rejected] == [("127.0.0.2", port)]


def test_redis_server_cannot_listen_where_a_rule_refuses(greenwall, redis_server):
    port = free_port()
    refuse(greenwall, "*LISTEN", LCLPORT=port)
    done = greenwall.run(*redis_server, "--port", str(port))
    assert done.returncode == 1
    assert "Operation not permitted" in done.stdout + done.stderr
    (entry,) = greenwall.journal(sk_type="L", local_port=port)
    assert (entry["outcome"], entry["local_address"]) == ("*REJECTED", "127.0.0.1")
