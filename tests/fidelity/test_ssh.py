"""sshd and ssh: processes that change their user, a sandbox of their own, terminals, and forwarded connections."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.command import until
from tests.end_to_end.peer import free_port
from tests.enforcement.kernel.jobs import PATIENCE_S, is_root
from tests.fidelity.peers import (
    ALLOWED,
    DATA,
    NO_LISTENER,
    NO_SOURCE,
    REFUSED,
    ask,
    counted,
    expect,
    find,
    is_dropped,
    needs,
    run,
    run_job,
    server,
)  # fmt: skip
from tests.loopback import answer_http, hang_up, serving

pytestmark = [*([needs("sshd", "ssh", "ssh-keygen")]), pytest.mark.skipif(not is_root(), reason="sshd needs root")]

_SEPARATION = Path("/run/sshd")
"""Where Debian's sshd puts the process that has not logged in; its service makes it at each start."""
_CONFIGURATION = """
ListenAddress {listen}
HostKey {directory}/host_key
PidFile {directory}/pid
AuthorizedKeysFile {directory}/key.pub
PermitRootLogin yes
PasswordAuthentication no
UsePAM yes
StrictModes no
PrintMotd no
PrintLastLog no
Subsystem sftp internal-sftp
"""


def other_user():
    """Return a user that may log in and is not root, or None."""
    shells = {"/bin/sh", "/bin/bash", "/usr/bin/bash"}
    return next((entry.pw_name for entry in pwd.getpwall() if entry.pw_uid and entry.pw_shell in shells), None)


@pytest.fixture
def sshd(house, public):
    """Return a function that gives sshd's command line, listening on an address."""
    made = not _SEPARATION.exists()
    _SEPARATION.mkdir(mode=0o755, exist_ok=True)
    for name in ("host_key", "key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", public / name], check=True)

    def command(port, host=ALLOWED):
        (public / "sshd.conf").write_text(_CONFIGURATION.format(directory=public, listen=f"{host}:{port}"))
        return find("sshd"), "-D", "-e", "-f", str(public / "sshd.conf")

    yield command
    if made:
        _SEPARATION.rmdir()


@pytest.fixture
def ssh(public):
    """Return a function that gives a client's command line."""

    def command(port, *words, host=ALLOWED, user="root", program="ssh", options=()):
        own = ("-F", "none", "-i", f"{public}/key", "-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={public}/known")
        own += ("-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR", "-o", f"Port={port}")
        return program, *own, *options, *((f"{user}@{host}",) if program == "ssh" else ()), *words

    return command


def test_sshd_logs_the_allowed_in_and_never_sees_the_refused(house, sshd, ssh):
    port = free_port()
    with server(house, port, *sshd(port)) as job:
        assert run(*ssh(port, "id -un; exit 7")).returncode == 7
        assert run(*ssh(port, "cat"), data=DATA).stdout == DATA
        refused = run(*ssh(port, "id", options=("-b", REFUSED)))
        assert (refused.returncode, refused.stdout) == (255, b"")
        assert is_dropped(port)
        expect(house, job, "*ACCEPT", {("*ALLOWED", ALLOWED): 2, ("*REJECTED", REFUSED): 2})


def test_session_is_that_of_its_user_and_decided_as_that_user(house, sshd, ssh, public):
    user, port = other_user(), free_port()
    if user is None:
        pytest.skip("no user but root may log in here")
    with serving(hang_up) as inner, server(house, port, *sshd(port)) as job:
        script = f"id -un; for at in 1 2; do (exec 3<>/dev/tcp/127.0.0.$at/{inner}) 2>/dev/null; echo $?; done"
        done = run(*ssh(port, f"bash -c '{script}'", user=user))
        assert done.stdout.decode().split() == [user, "0", "1"]
        until(lambda: len(counted(house.entries(job.name), "*CONNECT")) == 2, "the entries", PATIENCE_S)
    users = {entry["user_name"] for entry in house.greenwall.journal(exit_point="*CONNECT", remote_port=inner)}
    assert users == {user.upper()}


def test_session_with_a_terminal_has_one(house, sshd, ssh):
    port = free_port()
    with server(house, port, *sshd(port)):
        done = run(*ssh(port, "tty; stty size; exit 5", options=("-tt",)))
    first, second = done.stdout.decode().split("\r\n")[:2]
    assert (first[:9], len(second.split()), done.returncode) == ("/dev/pts/", 2, 5)


def test_files_are_copied_there_and_back(house, sshd, ssh, public):
    port = free_port()
    (public / "data").write_bytes(DATA)
    with server(house, port, *sshd(port)):
        there = ssh(port, str(public / "data"), f"root@{ALLOWED}:{public}/there", program="scp")
        assert run(*there).returncode == 0
        back, _ = run_job(house, *ssh(port, f"root@{ALLOWED}:{public}/there", f"{public}/back", program="scp"))
        assert (back.returncode, (public / "back").read_bytes()) == (0, DATA)


def test_forwarded_connections_are_decided_where_they_are_made(house, sshd, ssh, public):
    port, allowed, refused = free_port(), free_port(), free_port()
    with serving(answer_http) as inner, server(house, port, *sshd(port)) as job:
        control = ("-o", "ExitOnForwardFailure=yes", "-N", "-f", "-M", "-S", f"{public}/control")
        forwards = ("-L", f"{allowed}:{ALLOWED}:{inner}", "-L", f"{refused}:{REFUSED}:{inner}")
        words = [find("ssh"), *ssh(port, options=control + forwards)[1:]]
        silence = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        subprocess.run(words, check=True, **silence)
        try:
            assert b"200 OK" in ask(allowed, b"GET / HTTP/1.0\r\n\r\n")
            assert ask(refused, b"") == b""
        finally:
            run(*ssh(port, options=("-S", f"{public}/control", "-O", "exit")))
        expect(house, job, "*CONNECT", {("*ALLOWED", ALLOWED): 1, ("*REJECTED", REFUSED): 1})


def test_listening_for_a_client_is_decided(house, sshd, ssh):
    port, there = free_port(), free_port()
    with serving(answer_http) as inner, server(house, port, *sshd(port)) as job:
        options = ("-o", "ExitOnForwardFailure=yes")
        forward = ("-R", f"{there}:{ALLOWED}:{inner}")
        script = f"exec 3<>/dev/tcp/127.0.0.1/{there}; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; head -c 15 <&3"
        done = run(*ssh(port, f'bash -c "{script}"', options=options + forward))
        assert done.stdout == b"HTTP/1.0 200 OK"
        found = counted(house.entries(job.name), "*LISTEN")
        assert ("*ALLOWED", ALLOWED) in found


def test_ssh_says_what_refused_it(house, ssh):
    port = free_port()
    for host, options in ((REFUSED, ()), (ALLOWED, ("-b", NO_SOURCE))):
        done, entries = run_job(house, *ssh(port, "true", host=host, options=options))
        assert done.returncode == 255
        assert f"ssh: connect to host {host} port {port}: Operation not permitted" in done.stderr.decode()
        assert counted(entries, "*CONNECT") == {("*REJECTED", host): 1}


def test_ssh_under_a_guard_works_as_without(house, sshd, ssh):
    port = free_port()
    with subprocess.Popen(sshd(port), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as native:
        try:
            until(lambda: b"SSH" in _banner(port), "sshd", PATIENCE_S)
            done, entries = run_job(house, *ssh(port, "cat; exit 3"), data=DATA)
            assert (done.returncode, done.stdout) == (3, DATA)
            assert counted(entries, "*CONNECT") == {("*ALLOWED", ALLOWED): 1}
        finally:
            native.terminate()


def _banner(port):
    try:
        return ask(port, b"quit\n")
    except OSError:
        return b""


def test_sshd_says_that_it_may_not_listen(house, sshd):
    port = free_port()
    done, entries = run_job(house, *sshd(port, NO_LISTENER))
    assert done.returncode == 255
    assert f"listen on [{NO_LISTENER}]:{port}: Operation not permitted" in done.stderr.decode()
    assert counted(entries, "*LISTEN") == {("*REJECTED", NO_LISTENER): 1}


def test_environment_of_a_session_is_not_the_guards(house, sshd, ssh):
    port = free_port()
    with server(house, port, *sshd(port)):
        names = {line.partition(b"=")[0] for line in run(*ssh(port, "env")).stdout.splitlines()}
    assert not {name for name in names if name.startswith((b"GREENWALL", b"PYTHON"))}, os.environ
