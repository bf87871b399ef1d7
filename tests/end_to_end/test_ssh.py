"""The console over SSH: with OpenSSH's own clients, in a terminal where there is one."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from console.serve.terminals import terminal_type
from console.shell.operator import user_profile
from console.store.engine import open_store
from console.store.session import transaction
from console.store.user_profiles import remove_profile
from console.store.workers import add_worker
from tests.end_to_end.command import until
from tests.end_to_end.ssh import ssh_server, with_alice
from tests.serve.people import PASSWORD, add_person, change_person, take_keys

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(shutil.which("ssh") is None, reason="ssh is not installed"),
]


@pytest.fixture
def server(greenwall, tmp_path):
    with_alice(greenwall, tmp_path)
    with ssh_server(greenwall, tmp_path) as running:
        yield running


def in_shell(terminal, words, **how):
    """Run a client as from a shell, which goes on afterwards: tmux scrolls the screen of a command that has ended."""
    return terminal(["sh", "-c", 'echo before; "$@"; echo "left with $?"; read -r line', "sh", *words], **how)


@pytest.fixture
def console(server, terminal):
    """Return a terminal in which ALICE has signed on by key."""
    opened = in_shell(terminal, server.words())
    opened.wait_for("Greenwall Main Menu")
    return opened


def by_password(server, terminal, password=PASSWORD, user="alice"):
    opened = in_shell(terminal, server.words(user=user, options=("-o", "PubkeyAuthentication=no")))
    opened.wait_for("password:")
    opened.enter(password)
    return opened


def widest(screen):
    return max(len(row.rstrip()) for row in screen.screen().split("\n"))


def ended_reason(server):
    (*_, entry) = until(lambda: server.entries("JS", "E"), "the entry of the end")
    return entry["text"].partition(" ended. ")[2]


def test_operator_signs_on_by_key_works_with_rules_resizes_and_signs_off(server, console):
    console.enter("wrksocrul")
    console.wait_for("Work with Socket Rules")
    console.resize(132, 30)
    until(lambda: widest(console) > 80, "a wide page")
    console.resize(80, 24)
    until(lambda: widest(console) <= 80 and "Work with Socket Rules" in console.screen(), "a page of 80 columns")
    console.press("F3")
    console.wait_for("Greenwall Main Menu")
    console.enter("90")
    console.wait_for("left with 0")
    (*_, ended) = until(lambda: server.entries("JS", "E"), "the entry of the end")
    (*_, began) = server.entries("JS", "S")
    assert began["qualified_job_name"] == ended["qualified_job_name"]
    assert began["qualified_job_name"].endswith("/ALICE/SSH")
    assert began["remote_address"] == "127.0.0.1"
    assert "signed on by public key" in began["text"]
    assert ended["text"].endswith("ended. Signed off.")
    assert server.consoles() == []


def test_operator_signs_on_by_password(server, terminal):
    opened = by_password(server, terminal)
    opened.wait_for("Greenwall Main Menu")
    opened.enter("90")
    opened.wait_for("left with 0")
    assert PASSWORD not in "".join(server.log)


def test_wrong_password_is_refused_like_an_unknown_user_and_journalled(server, terminal):
    for user in ("alice", "mallory"):
        opened = by_password(server, terminal, "not-it", user=user)
        assert "Permission denied" in opened.wait_for("left with 255")
    until(lambda: len(server.entries("SK", "X")) == 2, "the entries of two connections")
    assert [entry["user_name"] for entry in server.entries("PW")] == ["ALICE", "MALLORY"]
    assert all("not-it" not in line for line in server.log)


def test_too_many_wrong_passwords_disable_the_profile_and_its_key_lets_in_no_longer(server, terminal):
    for _ in range(3):
        by_password(server, terminal, "not-it").wait_for("left with 255")
    assert "Permission denied" in by_password(server, terminal).wait_for("left with 255")
    assert "Permission denied" in server.run("-tt").stderr


@pytest.mark.parametrize("words", [("ls",), ("-tt", "sh"), ("-s", "sftp"), ("-s", "netconf"), ("-T",)])
def test_nothing_but_the_console_runs(server, words):
    options = tuple(word for word in words if word.startswith("-"))
    done = server.run(*(word for word in words if not word.startswith("-")), options=options)
    assert done.returncode == 255, done
    assert "request failed on channel 0" in done.stderr
    assert server.consoles() == []


def test_files_are_not_copied(server, tmp_path):
    (tmp_path / "file").write_text("x")
    target = f"alice@127.0.0.1:{tmp_path}/there"
    for how in ((), ("-O",)):
        done = server.run(f"{tmp_path}/file", target, program="scp", options=how)
        assert done.returncode != 0
    assert server.run("alice@127.0.0.1", program="sftp").returncode != 0
    assert not (tmp_path / "there").exists()


@pytest.fixture
def master(server, tmp_path):
    """Return the options of a client that shares a connection which stays open."""
    control = ("-S", f"{tmp_path}/control")
    line = server.words(options=(*control, "-M", "-N", "-f", "-o", "BatchMode=yes"))
    subprocess.run(line, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield control
    server.run(options=(*control, "-O", "exit"))


def test_connections_are_forwarded_in_neither_direction(server, master, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as target:
        port = target.getsockname()[1]
        refused = server.run(options=(*master, "-W", f"127.0.0.1:{port}"))
        assert refused.returncode != 0
        target.settimeout(0.2)
        with pytest.raises(TimeoutError):
            target.accept()
        for there in (f"0:127.0.0.1:{port}", f"{tmp_path}/listener:127.0.0.1:{port}"):
            done = server.run(options=(*master, "-O", "forward", "-R", there))
            assert "forwarding" in done.stderr
            assert done.returncode != 0
    assert not (tmp_path / "listener").exists()
    listening = {
        each.laddr.port for each in psutil.Process(server.process.pid).net_connections() if each.status == "LISTEN"
    }
    assert listening == {server.port}


def test_unix_sockets_are_not_reached(server, tmp_path):
    with socket.socket(socket.AF_UNIX) as target:
        target.bind(f"{tmp_path}/target")
        target.listen()
        target.settimeout(0.5)
        local = tmp_path / "local"
        line = server.words(options=("-o", "BatchMode=yes", "-N", "-L", f"{local}:{tmp_path}/target"))
        with subprocess.Popen(line, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
            try:
                until(local.exists, "the client's socket")
                with socket.socket(socket.AF_UNIX) as asking:
                    asking.connect(str(local))
                    asking.settimeout(10)
                    assert asking.recv(1) == b""
                with pytest.raises(TimeoutError):
                    target.accept()
            finally:
                client.terminate()


def test_environment_agent_and_x11_do_not_get_in(server, terminal, tmp_path):
    agent = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True).stdout
    variables = dict(part.split("=", 1) for part in agent.replace("\n", "").split(";") if "=" in part)
    try:
        options = ("-A", "-Y", "-o", "SendEnv=GREENWALL_STORE LANG LC_*", "-o", "SetEnv=LD_PRELOAD=/tmp/x")
        opened = terminal(server.words(options=options), DISPLAY=":99", GREENWALL_STORE="x", **variables)
        opened.wait_for("Greenwall Main Menu")
        environment = server.console().environ()
    finally:
        os.kill(int(variables["SSH_AGENT_PID"]), signal.SIGTERM)
    assert environment["TERM"] == terminal_type(environment["TERM"]) != ""
    assert environment["LANG"] == "C.UTF-8"
    assert environment["SSH_CONNECTION"].endswith(f" 127.0.0.1 {server.port}")
    assert not {"SSH_AUTH_SOCK", "DISPLAY", "LD_PRELOAD", "GREENWALL_STORE", "LC_ALL"} & set(environment)
    sockets = [each for each in psutil.Process(server.process.pid).net_connections("unix") if each.laddr]
    assert not [each for each in sockets if "agent" in str(each.laddr)]


def test_who_has_signed_on_is_in_neither_arguments_nor_environment(server, console):
    process = server.console()
    seen = " ".join([*process.cmdline(), *process.environ().values()])
    assert "ALICE" not in seen.upper().replace(str(server.directory).upper(), "")
    assert "sqlite" not in seen


def test_killed_client_ends_the_console(server, console):
    process = server.console()
    (client,) = [each for each in psutil.process_iter() if is_client(each, server.port)]
    client.kill()
    assert process.wait(20) is not None or not process.is_running()
    until(lambda: ended_reason(server) == "The client has gone.", "the entry")


def is_client(process, port):
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return process.name() == "ssh" and f"Port={port}" in process.cmdline()
    return False


def test_killed_console_ends_the_connection_and_leaves_the_terminal_in_order(server, console):
    server.console().kill()
    shown = console.wait_for("left with 1")
    assert "before" in shown
    assert "the console failed with status -9" in shown
    assert "status -9" in ended_reason(server)


def test_killed_server_leaves_no_console_and_the_next_one_says_so(server, console):
    process = server.console()
    server.process.kill()
    console.wait_for("left with 255")
    until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, "the console to end")
    with ssh_server(server.greenwall, server.directory):
        assert ended_reason(server) == "The SSH server was killed."


def test_server_that_is_told_to_end_ends_its_sessions_in_order(server, console):
    process = server.console()
    server.process.terminate()
    assert server.process.wait(20) == 0
    assert "the SSH server ends" in console.wait_for("left with 1")
    assert not process.is_running()
    assert "has ended" in server.log[-1]
    assert "the SSH server ends" in ended_reason(server)


def make_anew(url):
    """Delete ALICE, and make a profile of her name, in no time."""
    store = open_store(url)
    with transaction(store) as session:
        remove_profile(session, "ALICE")
    store.close()
    add_person(url, "ALICE")


@pytest.mark.parametrize(
    ("take", "says"),
    [
        (lambda url: change_person(url, "ALICE", status="*DISABLED"), "does not let in any more"),
        (lambda url: take_keys(url, "ALICE"), "the public key was taken"),
        (lambda url: make_anew(url), "does not let in any more"),
    ],
)
def test_session_ends_with_the_right_to_it(server, console, take, says):
    take(server.greenwall.url)
    assert says in console.wait_for("left with 1")


def test_host_key_is_made_once_for_the_owner_only_and_shown(server):
    key = server.greenwall.directory / "store.db.ssh_host_ed25519_key"
    assert key.stat().st_mode & 0o777 == 0o600
    shown = server.greenwall.done("ssh", "--fingerprint").splitlines()
    assert shown[0] == server.fingerprint
    server.run("-tt")
    (line,) = Path(server.directory / "known").read_text().splitlines()
    assert line.split()[1:] == shown[1].split()[1:]


def test_operator_sees_who_has_the_console_open_and_ends_a_session(server, console):
    job = until(lambda: sessions(server), "the session on the list")
    assert job.endswith("/ALICE/SSH")
    server.greenwall.cl(f"ENDSSHSSN JOB({job})")
    assert f"Session ended by {user_profile()}." in console.wait_for("left with 1")
    until(lambda: not sessions(server), "an empty list")
    assert "GWL1090" in server.greenwall("cl", f"ENDSSHSSN JOB({job})").stderr


def sessions(server):
    """Return the job of the only session, as WRKSSHSSN lists it; empty for none."""
    rows = [line.split()[0] for line in server.greenwall.cl("WRKSSHSSN").splitlines() if "/SSH" in line]
    return rows[0] if rows else ""


def test_expired_password_opens_the_panel_for_a_new_one_and_nothing_else(server, terminal):
    change_person(server.greenwall.url, "ALICE", password_expired=True)
    opened = by_password(server, terminal)
    shown = opened.wait_for("Change Password")
    assert "Main Menu" not in shown
    assert "===>" not in shown
    opened.press("F3")
    opened.wait_for("left with")
    assert "Main Menu" not in opened.screen()

    opened = by_password(server, terminal)
    opened.wait_for("Change Password")
    opened.type(PASSWORD)
    opened.press("Tab")
    opened.type("Another4tests-Passphrase")
    opened.press("Tab")
    opened.type("Another4tests-Passphrase")
    opened.press("Enter")
    opened.wait_for("Greenwall Main Menu")


def test_service_manager_is_told_when_the_server_is_ready_and_when_it_stops(greenwall, tmp_path):
    with_alice(greenwall, tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(f"{tmp_path}/notify")
        notified.settimeout(30)
        line = greenwall.arguments("ssh", "--listen", "127.0.0.1:0")
        variables = {**os.environ, "NOTIFY_SOCKET": f"{tmp_path}/notify"}
        with subprocess.Popen(line, env=variables, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                assert notified.recv(100) == b"READY=1"
                process.terminate()
                assert notified.recv(100) == b"STOPPING=1"
                assert process.wait(20) == 0
            finally:
                process.kill()


@pytest.mark.parametrize(
    "options", [("--listen", "localhost:22"), ("--sessions", "0"), ("--attempts", "99"), ("--idle", "x")]
)
def test_options_that_make_no_sense_are_refused(greenwall, options):
    done = greenwall("ssh", *options)
    assert done.returncode == 2
    assert "GWL" in done.stderr


def test_verb_of_a_session_refuses_who_is_not_the_server(greenwall):
    assert "GWL1053" in greenwall("ssh-session", "0").stderr
    assert "ssh-session" not in greenwall.done("--help")


def test_policy_for_the_whole_system_that_would_cut_the_operator_off_is_asked_about(server, console):
    store = open_store(server.greenwall.url)
    with transaction(store) as session:
        add_worker(session, pid=1, host="vm", at=datetime.now(UTC), revision=1, cgroup="/sys/fs/cgroup")
    store.close()
    server.greenwall.cl(f"ADDSOCRUL *ACCEPT 10 LCLPORT({server.port}) ACTION(*REJECT)")
    console.enter("actsocpcy")
    console.wait_for("Display Program Messages")
    console.wait_for("would refuse a connection like yours (127.0.0.1")
    console.enter("c")
    console.wait_for("Greenwall Main Menu")
    console.wait_for("would refuse a connection like yours (127.0.0.1")
    assert server.greenwall.show("policy")[0]["pending_changes"] == 1
    console.enter("actsocpcy")
    console.wait_for("Display Program Messages")
    console.enter("g")
    console.wait_for("Revision 2 is active: 1 rule added.")
