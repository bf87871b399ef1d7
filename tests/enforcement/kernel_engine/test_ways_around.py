"""Other ways around the engine, tried with real programs: what holds. What does not is in data/help/limits.md."""

from __future__ import annotations

import shutil
import socket
import subprocess
import textwrap
from pathlib import Path

import pytest

from console.enforcement.kernel.engine import find_cgroups
from console.enforcement.layouts import address_text
from tests.conftest import public_directory

SQPOLL = 2
REJECT = {"action": "*REJECT"}
NO_CONNECT = {"exit_point": "*CONNECT", "sequence": 10, "remote_address": "127.0.0.2"} | REJECT
OWN_NETWORK = """
    import ctypes, fcntl, subprocess
    ctypes.CDLL(None).unshare(0x4000_0000)
    fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sH14x", b"lo", 1))
"""


def joined(*parts):
    return "".join(map(textwrap.dedent, parts))


def test_socket_of_a_process_that_left_the_cgroup_is_decided_still(house):
    """A socket belongs to the cgroup in which it was made; only what is made outside is not decided."""
    house.put_in_force(NO_CONNECT)
    lines, _ = house.run("""
        server = socket.create_server(("0.0.0.0", 0))
        port = server.getsockname()[1]
        from_before = socket.socket()
        open(sys.argv[1], "w").write("0")
        tried("made inside", lambda: from_before.connect(("127.0.0.2", port)))
        tried("made outside", lambda: connect("127.0.0.2", port))
    """, find_cgroups() / "cgroup.procs")  # fmt: skip
    assert lines == ["made inside EPERM", "made outside 0"]


def test_user_without_privilege_cannot_leave_the_cgroup(house):
    lines, _ = house.run("""
        tried("leave", lambda: os.open(sys.argv[1], os.O_WRONLY))
    """, find_cgroups() / "cgroup.procs", user=65534)  # fmt: skip
    assert lines == ["leave EACCES"]


def test_socket_that_is_handed_out_is_decided_outside_too(house):
    house.put_in_force(NO_CONNECT)
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with socket.create_server(("127.0.0.2", 0)) as server, ours:
        with theirs:
            house.run("""
                channel = socket.socket(fileno=int(sys.argv[1]))
                made = socket.socket()
                socket.send_fds(channel, [b"x"], [made.fileno()])
            """, theirs.fileno(), pass_fds=[theirs.fileno()])  # fmt: skip
        _, (number,), _, _ = socket.recv_fds(ours, 1, 1)
        with socket.socket(fileno=number) as handed, pytest.raises(PermissionError):
            handed.connect(server.getsockname())


def test_listeners_of_two_users_on_one_port_are_each_their_own(house):
    """With SO_REUSEPORT a SYN goes to one of them; the rules of its user decide. Only one user may share a port."""
    house.put_in_force({"exit_point": "*ACCEPT", "sequence": 10, "user": "NOBODY"} | REJECT)
    lines, told = house.run("""
        def listener(user):
            made = socket.socket()
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            made.bind(("127.0.0.1", port))
            os.setresuid(-1, user, -1)
            made.listen(64)
            os.setresuid(-1, 0, -1)
            return made
        port = 0
        first = listener(0)
        port = first.getsockname()[1]
        second = listener(65534)
        def reaches():
            try:
                return bool(connect("127.0.0.1", port, limit=0.3))
            except TimeoutError:
                return False
        came = sum(reaches() for _ in range(24))
        for each in (first, second):
            each.setblocking(False)
        def count(each):
            found = 0
            try:
                while each.accept():
                    found += 1
            except BlockingIOError:
                return found
        print(0 < came < 24, count(first) == came, count(second))
    """)
    assert lines == ["True True 0"]
    assert ("*ACCEPT", "*REJECTED", 10) in told


def test_connected_socket_from_before_goes_on_and_its_next_connect_is_decided(house):
    house.engine.attachment.detach()
    with house.start("""
        server = socket.create_server(("0.0.0.0", 0))
        port = server.getsockname()[1]
        made = connect("127.0.0.2", port)
        print("connected", flush=True)
        sys.stdin.readline()
        tried("send", lambda: made.send(b"x"))
        import ctypes
        unspec = struct.pack("=H14x", socket.AF_UNSPEC)
        print("dissolved", ctypes.CDLL(None).connect(made.fileno(), unspec, 16))
        tried("again", lambda: made.connect(("127.0.0.2", port)))
    """, stdin=-1) as program:  # fmt: skip
        assert program.stdout.readline() == "connected\n"
        house.begin_again(NO_CONNECT)
        assert program.communicate("go on\n", 60)[0].splitlines() == ["send 0", "dissolved 0", "again EPERM"]


@pytest.mark.skipif(subprocess.run(["ip", "mptcp", "limits"], capture_output=True, check=False).returncode != 0,
                    reason="no MPTCP")  # fmt: skip
def test_further_path_of_a_connection_is_decided_as_its_user(house):
    """MPTCP: the kernel connects by itself to an address that the server has named."""
    house.put_in_force(NO_CONNECT | {"remote_address": "10.9.9.2", "user": "NOBODY"})
    lines, _ = house.run(joined(OWN_NETWORK, """
        subprocess.run(["ip", "mptcp", "limits", "set", "subflows", "4", "add_addr_accepted", "4"], check=True)
        subprocess.run(["ip", "addr", "add", "10.9.9.1/32", "dev", "lo"], check=True)
        subprocess.run(["ip", "addr", "add", "10.9.9.2/32", "dev", "lo"], check=True)
        subprocess.run(["ip", "mptcp", "endpoint", "add", "10.9.9.2", "signal"], check=True)
        server = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
        server.bind(("0.0.0.0", 0))
        server.listen()
        os.setresuid(65534, 65534, 0)
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
        made.connect(("10.9.9.1", server.getsockname()[1]))
        peer = server.accept()[0]
        for _ in range(20):
            made.send(b"x")
            peer.recv(1)
            peer.send(b"x")
            made.recv(1)
            time.sleep(0.05)
        print(open("/proc/net/tcp").read().count("0209090A:"))
    """))  # fmt: skip
    found = [(event.uid, event.outcome.value, address_text(event.remote.address))
             for event in house.last if event.exit_point.value == "*CONNECT"]  # fmt: skip
    assert lines == ["0"]
    assert set(found) == {(65534, "*ALLOWED", "10.9.9.1"), (65534, "*REJECTED", "10.9.9.2")}


@pytest.fixture(scope="module")
def ring_connect():
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    with public_directory() as directory:
        program = directory / "ring_connect"
        source = Path(__file__).with_name("ring_connect.c")
        subprocess.run(["gcc", "-D_GNU_SOURCE", "-Wall", "-Werror", "-o", program, source], check=True)
        yield program


@pytest.mark.parametrize("flags", [0, SQPOLL])
def test_connect_by_io_uring_is_decided_as_its_user(house, ring_connect, flags):
    house.put_in_force(NO_CONNECT | {"user": "NOBODY"})
    with socket.create_server(("127.0.0.2", 0)) as server:
        port = server.getsockname()[1]
        said = [house.run_command(ring_connect, port, "127.0.0.2", flags, user=user) for user in (65534, None)]
    if "no ring" in said[0][0]:
        pytest.skip("io_uring is not to be had")
    assert said == [["EPERM"], ["0"]]
