"""FTP in active mode through Dante: the server connects back to a client that it cannot reach.

::

    client 10.77.1.2 --- 10.77.1.1 Dante 10.77.2.1 --- 10.77.2.2 vsftpd

Each is in a network namespace of its own, and nothing is forwarded. The client has no way to the server at all.
"""

from __future__ import annotations

import contextlib
import os
import subprocess

import pytest

from console.policy.socks_entries import make_socks_entry
from console.store.journal import page_after
from console.store.session import reading
from tests.end_to_end.command import until
from tests.enforcement.kernel.jobs import PATIENCE_S, activate_rules, is_root, make_house
from tests.fidelity.peers import DATA, find, needs, placed

_CLIENT, _INSIDE, _OUTSIDE, _SERVER = "10.77.1.2", "10.77.1.1", "10.77.2.1", "10.77.2.2"
_DANTE = """
logoutput: {directory}/log
internal: 10.77.1.1 port = 1080
external: 10.77.2.1
clientmethod: none
socksmethod: none
user.privileged: root
user.notprivileged: nobody
client pass {{ from: 0/0 to: 0/0 }}
socks pass {{ from: 0/0 to: 0/0 command: bind connect bindreply }}
"""
_VSFTPD = """
listen=YES
listen_address=10.77.2.2
background=NO
anonymous_enable=YES
local_enable=NO
anon_root={directory}/files
no_anon_password=YES
ftp_username=ftp
secure_chroot_dir={directory}/empty
pasv_enable=NO
port_enable=YES
connect_from_port_20=YES
seccomp_sandbox=NO
xferlog_enable=NO
"""
_SESSION = "user ftp somebody\nbinary\nget data {target}\nls\nget data {target}.again\nquit\n"


def _made():
    """Say whether namespaces can be made here."""
    if not is_root() or find("ip") is None:
        return False
    made = subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False)
    return made.returncode == 0


pytestmark = [
    needs("ip", "danted", "vsftpd", "tnftp"),
    pytest.mark.skipif(not _made(), reason="network namespaces need root"),
]


class _Namespaces:
    """The three of them."""

    def __init__(self):
        self.client, self.socks, self.server = (f"greenwall-{os.getpid()}-{name}" for name in ("c", "s", "f"))

    def inside(self, namespace, *command):
        """Return the command line that runs a program in a namespace."""
        return [find("ip"), "netns", "exec", namespace, *placed(command)]

    def make(self):
        for name in (self.client, self.socks, self.server):
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        self._join(self.client, _CLIENT, self.socks, _INSIDE, "in")
        self._join(self.server, _SERVER, self.socks, _OUTSIDE, "out")

    def _join(self, near, near_address, far, far_address, name):
        near_end, far_end = f"gw{name}n{os.getpid() % 10_000}", f"gw{name}f{os.getpid() % 10_000}"
        _ip("link", "add", near_end, "netns", near, "type", "veth", "peer", "name", far_end, "netns", far)
        for namespace, end, address in ((near, near_end, near_address), (far, far_end, far_address)):
            _ip("-n", namespace, "address", "add", f"{address}/24", "dev", end)
            _ip("-n", namespace, "link", "set", end, "up")

    def remove(self):
        for name in (self.client, self.socks, self.server):
            subprocess.run([find("ip"), "netns", "delete", name], capture_output=True, check=False)


def _ip(*words):
    subprocess.run([find("ip"), *words], check=True)


@pytest.fixture(scope="module")
def namespaces():
    made = _Namespaces()
    try:
        made.make()
        yield made
    finally:
        made.remove()


@contextlib.contextmanager
def _running(namespaces, namespace, *command, host, port):
    words = namespaces.inside(namespace, *command)
    is_up = namespaces.inside(namespace, "ss", "-Hltn", f"src {host}:{port}")
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            until(
                lambda: process.poll() is not None or subprocess.run(is_up, capture_output=True, check=True).stdout,
                f"{command[0]} to listen",
                PATIENCE_S,
            )
            assert process.poll() is None, process.stdout.read()
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


@pytest.fixture
def ftp_server(namespaces, public):
    for name in ("files", "empty"):
        (public / name).mkdir()
    (public / "files" / "data").write_bytes(DATA)
    (public / "vsftpd.conf").write_text(_VSFTPD.format(directory=public))
    (public / "danted.conf").write_text(_DANTE.format(directory=public))
    dante = "danted", "-f", public / "danted.conf", "-p", public / "pid"
    with (
        _running(namespaces, namespaces.server, "vsftpd", public / "vsftpd.conf", host=_SERVER, port=21),
        _running(namespaces, namespaces.socks, *dante, host=_INSIDE, port=1080),
    ):
        yield


@pytest.fixture(scope="module")
def walled_house(tmp_path_factory):
    with make_house(tmp_path_factory.mktemp("walled") / "store", None, ()) as made:
        yield made


def test_client_cannot_reach_the_server_without_the_guard(namespaces, ftp_server):
    connect = namespaces.inside(namespaces.client, "tnftp", "-n", _SERVER)
    done = subprocess.run(connect, input="quit\n", capture_output=True, text=True, timeout=60, check=False)
    assert "unreachable" in done.stdout + done.stderr


@pytest.mark.parametrize("version", ["4", "5"])
def test_unmodified_client_fetches_and_lists_in_active_mode(namespaces, ftp_server, walled_house, tmp_path, version):
    entry = make_socks_entry(sequence=10, servers=f"{_INSIDE}:1080", version=version)
    activate_rules(walled_house.store, socks=(entry,))
    name, command = walled_house.command(find("tnftp"), "-A", "-n", "-v", _SERVER, options=("--rbind",))
    done = subprocess.run(
        namespaces.inside(namespaces.client, *command), input=_SESSION.format(target=tmp_path / "got"),
        capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "got").read_bytes() == (tmp_path / "got.again").read_bytes() == DATA, done.stdout
    assert str(len(DATA)) in done.stdout
    assert "PASV" not in done.stdout
    with reading(walled_house.store) as session:
        entries = [
            entry
            for entry in page_after(session, 0, limit=1_000_000)
            if entry.entry_type == "SK" and entry.qualified_job_name.endswith("/" + name)
        ]
    assert {entry.socks_server for entry in entries} == {f"{_INSIDE}:1080"}
    kinds = "".join(entry.sk_type for entry in entries)
    assert kinds == "C" + "CLA" * 3
    assert {entry.remote_address for entry in entries if entry.sk_type == "A"} == {_SERVER}
    assert {entry.local_address for entry in entries if entry.sk_type in "LA"} == {_OUTSIDE}
