"""The recipe for OpenSSH's own server: ForceCommand greenwall --sign-on, as data/help/ssh.md gives it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from console.resources import data_path
from tests.end_to_end.command import COMMAND, until
from tests.end_to_end.peer import free_port
from tests.end_to_end.ssh import with_alice
from tests.fidelity.peers import find
from tests.serve.people import PASSWORD

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(os.geteuid() != 0 or not Path("/usr/sbin/sshd").exists(), reason="sshd, and root, are needed"),
    pytest.mark.skipif(shutil.which("ssh") is None, reason="ssh is not installed"),
]

_SEPARATION = Path("/run/sshd")
_SERVER = """
ListenAddress 127.0.0.1:{port}
HostKey {directory}/host_key
PidFile {directory}/pid
AuthorizedKeysFile {directory}/key.pub
PermitRootLogin yes
PasswordAuthentication no
UsePAM yes
StrictModes no
Subsystem sftp internal-sftp
AcceptEnv LANG LC_*
"""


def recipe():
    """Return the lines for sshd_config that the help gives, from ``Match`` on."""
    text = data_path("help", "ssh.md").read_text(encoding="utf-8")
    (found,) = re.findall(r"^    Match User greenwall\n(?:^        .*\n)+", text, re.MULTILINE)
    return found


@pytest.fixture
def sshd(greenwall, public):
    """Run sshd with the recipe, for root in the place of the account, and return a client's command line."""
    told = recipe().replace("User greenwall", "User root")
    told = told.replace("/usr/local/bin/greenwall --sign-on", f"{COMMAND} --store {greenwall.url} --sign-on")
    assert greenwall.url in told
    with_alice(greenwall, public)
    with running(public, told, "root") as words:
        yield words


@contextlib.contextmanager
def running(public, told, account, before=()):
    """Run sshd, and give a client's command line."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", public / "host_key"], check=True)
    port = free_port()
    (public / "sshd.conf").write_text(_SERVER.format(directory=public, port=port) + told)
    made = not _SEPARATION.exists()
    _SEPARATION.mkdir(mode=0o755, exist_ok=True)
    line = [*before, find("sshd"), "-D", "-e", "-f", str(public / "sshd.conf")]
    with subprocess.Popen(line, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            own = ("-F", "none", "-i", f"{public}/key", "-o", f"Port={port}")
            own += ("-o", f"UserKnownHostsFile={public}/known")
            own += ("-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes")

            def words(*more, program="ssh", options=()):
                return [program, *own, *options, *((f"{account}@127.0.0.1",) if program == "ssh" else ()), *more]

            until(lambda: _answers(port), "sshd")
            yield words
        finally:
            server.terminate()
    if made:
        _SEPARATION.rmdir()


_ACCOUNT = {
    "passwd": "greenwall:x:63333:63333::/nonexistent:/bin/sh\n",
    "group": "greenwall:x:63333:\n",
    "shadow": "greenwall:*:19000:0:99999:7:::\n",
}
_OWN_WORLD = """
mount -t tmpfs -o mode=755 greenwall-test /usr/local/bin && cp "$0/greenwall" /usr/local/bin/ || exit
for name in passwd group shadow sudoers; do mount --bind "$0/$name" "/etc/$name" || exit; done
exec "$@"
"""


def sudo_recipe():
    """Return ForceCommand and the lines of sudoers that the help gives for a store of root's."""
    text = data_path("help", "ssh.md").read_text(encoding="utf-8").rpartition("become root for this one command:")[2]
    return re.findall(r"`([^`]+)`", text)


@pytest.fixture
def sudo_world(greenwall, public):
    """Return what runs a command in a world with the account and the sudoers of the recipe, and that recipe.

    A mount namespace: no file of this system is touched.
    """
    if shutil.which("sudo") is None or subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        pytest.skip("sudo and a mount namespace are needed")
    with_alice(greenwall, public)
    (public / "greenwall").write_text(f'#!/bin/sh\nexec {COMMAND} --store {greenwall.url} "$@"\n')
    (public / "greenwall").chmod(0o755)
    for name, line in _ACCOUNT.items():
        (public / name).write_text(Path("/etc", name).read_text() + line)
    (public / "shadow").chmod(0o640)
    force, *lines = sudo_recipe()
    (public / "sudoers").write_text("\n".join(["Defaults env_reset", *lines, ""]))
    (public / "sudoers").chmod(0o440)
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", _OWN_WORLD, str(public)], force


@pytest.fixture
def sshd_with_sudo(sudo_world, public):
    """Run sshd with the recipe for a store of root's, in a world of its own, and return a client's command line."""
    world, force = sudo_world
    told = re.sub(r"ForceCommand .*", force, recipe())
    with running(public, told, "greenwall", before=world) as words:
        yield words


def _answers(port):
    done = subprocess.run(["ssh-keyscan", "-p", str(port), "127.0.0.1"], capture_output=True, timeout=20, check=False)
    return b"ssh-ed25519" in done.stdout


def run(words):
    return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)


def test_account_leads_to_the_sign_on_panel_and_a_profile_to_the_console(sshd, terminal):
    console = terminal(sshd())
    console.wait_for("Sign On")
    console.fill("User", "alice")
    console.type(PASSWORD)
    console.press("Enter")
    console.wait_for("Greenwall Main Menu")
    console.enter("90")
    console.wait_for("Sign On")
    console.press("F3")
    assert console.wait_for_end() == 0


def test_command_sftp_and_scp_get_nothing_but_the_refusal(sshd, tmp_path):
    (tmp_path / "file").write_text("x")
    for words in (
        sshd("touch", f"{tmp_path}/there"),
        sshd(f"{tmp_path}/file", f"root@127.0.0.1:{tmp_path}/there", program="scp"),
        sshd(f"{tmp_path}/file", f"root@127.0.0.1:{tmp_path}/there", program="scp", options=("-O",)),
        sshd("root@127.0.0.1", program="sftp"),
    ):
        assert run(words).returncode != 0
    assert "GWL000D" in run(sshd("sh")).stderr
    assert not (tmp_path / "there").exists()


def test_account_forwards_nothing(sshd):
    assert run(sshd(options=("-W", "127.0.0.1:22"))).returncode != 0
    assert run(sshd(options=("-N", "-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:22"))).returncode != 0


def test_account_that_is_not_the_owner_becomes_root_for_the_console_alone(greenwall, sshd_with_sudo, terminal):
    console = terminal(sshd_with_sudo())
    console.wait_for("Sign On")
    console.fill("User", "alice")
    console.type(PASSWORD)
    console.press("Enter")
    console.wait_for("Greenwall Main Menu")
    console.resize(132, 27)
    console.enter("90")
    console.wait_for("Sign On")
    console.press("F3")
    assert console.wait_for_end() == 0
    greenwall.done("run", "--", "true")  # starts a worker, which writes the journal
    (entry,) = [each for each in greenwall.show("journal") if (each["entry_type"], each["sk_type"]) == ("JS", "S")]
    assert entry["text"].endswith("from 127.0.0.1")


def test_account_may_nothing_else_as_root(sudo_world):
    world, _ = sudo_world
    for words in (
        ["id"],
        ["/usr/local/bin/greenwall"],
        ["/usr/local/bin/greenwall", "--sign-on", "cl", "DSPUSRPRF"],
        ["/usr/local/bin/greenwall", "cl", "DSPUSRPRF"],
        ["GREENWALL_STORE=x", "/usr/local/bin/greenwall", "--sign-on"],
    ):
        done = run([*world, "setpriv", "--reuid=63333", "--regid=63333", "--clear-groups", "sudo", "-n", *words])
        assert done.returncode == 1
        assert "GWL" not in done.stderr
        assert "sudo" in done.stderr
    allowed = [*world, "setpriv", "--reuid=63333", "--regid=63333", "--clear-groups", "sudo", "-n"]
    assert "GWL000D" in run([*allowed, "/usr/local/bin/greenwall", "--sign-on"]).stderr
