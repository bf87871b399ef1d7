"""Sends of datagrams, on a fake kernel and real sockets."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from console.enforcement import layouts as k
from console.enforcement.fake import Step
from console.enforcement.layouts import address_text
from console.enforcement.records import Seen
from console.model.words import ExitPoint, Mode, Udp
from tests.enforcement.guard.setting import ADDRESS, NUMBER, PATIENCE_S, Setting, policy, reject, sockaddr
from tests.enforcement.guard.test_connect import sockaddr6

REFUSED = reject(ExitPoint.CONNECT, remote_address="127.0.0.2")
OCTETS, PARTS, CONTROL, HEADERS = 0x1000_0000, 0x2000_0000, 0x3000_0000, 0x4000_0000


@pytest.fixture
def server():
    with socket.socket(type=socket.SOCK_DGRAM) as made:
        made.bind(("0.0.0.0", 0))
        made.settimeout(PATIENCE_S)
        yield made


@pytest.fixture
def client():
    with socket.socket(type=socket.SOCK_DGRAM) as made:
        yield made


@pytest.fixture
def setting():
    return Setting(REFUSED, udp=Udp.DECIDE)


def to(server, host="127.0.0.1"):
    return sockaddr(host, server.getsockname()[1])


def sendto(setting, endpoint, octets, name, *, flags=0, length=None):
    """Return a sendto that has an address."""
    setting.kernel.descriptors[NUMBER] = endpoint.fileno()
    setting.kernel.memory |= {OCTETS: octets, ADDRESS: name}
    size = len(name) if length is None else length
    return setting.kernel.call(k.SYS_SENDTO, NUMBER, OCTETS, len(octets), flags, ADDRESS, size)


def header(setting, parts, name=None, control=b"", *, at=0):
    """Put a message into the caller's memory; returns its struct user_msghdr."""
    move = at * 0x1_0000
    places = [OCTETS + move + number * 0x100 for number in range(len(parts))]
    setting.kernel.memory |= dict(zip(places, parts, strict=True))
    table = zip(places, map(len, parts), strict=True)
    setting.kernel.memory[PARTS + move] = b"".join(k.PART.pack(*part) for part in table)
    setting.kernel.memory[CONTROL + move] = control
    setting.kernel.memory[ADDRESS + move] = name or b""
    name_at = 0 if name is None else ADDRESS + move
    return k.MESSAGE.pack(name_at, len(name or b""), PARTS + move, len(parts), CONTROL + move, len(control), 0)


def sendmsg(setting, endpoint, parts, name=None, control=b"", *, flags=0):
    setting.kernel.descriptors[NUMBER] = endpoint.fileno()
    setting.kernel.memory[HEADERS] = header(setting, parts, name, control)
    return setting.kernel.call(k.SYS_SENDMSG, NUMBER, HEADERS, flags)


def sendmmsg(setting, endpoint, *messages, flags=0):
    """Return a sendmmsg of messages, each its parts and its address."""
    setting.kernel.descriptors[NUMBER] = endpoint.fileno()
    for at, message in enumerate(messages):
        place = HEADERS + at * k.MESSAGE_OF_MANY_SIZE
        setting.kernel.memory[place] = header(setting, *message, at=at)
        setting.kernel.memory[place + k.MESSAGE_COUNT_OFFSET] = b"\xee" * 4
    return setting.kernel.call(k.SYS_SENDMMSG, NUMBER, HEADERS, len(messages), flags)


def counts(setting, number):
    """Return the numbers of octets that were written back; None where nothing was."""
    places = [HEADERS + at * k.MESSAGE_OF_MANY_SIZE + k.MESSAGE_COUNT_OFFSET for at in range(number)]
    found = [setting.kernel.memory[place] for place in places]
    return [None if octets == b"\xee" * 4 else int.from_bytes(octets, "little") for octets in found]


def sent(setting, call):
    """Serve a call; returns the number it returned, or its errno as a negative one."""
    setting.supervisor.serve(call)
    count = setting.kernel.count(call)
    return count if count is not None else -setting.kernel.result(call)


def nothing_waits(server):
    server.setblocking(False)
    with pytest.raises(BlockingIOError):
        server.recv(16)
    return True


def test_allowed_datagram_is_sent_on_the_callers_socket(setting, server, client):
    assert sent(setting, sendto(setting, client, b"abc", to(server))) == 3
    assert server.recvfrom(16) == (b"abc", ("127.0.0.1", client.getsockname()[1]))
    (decided,) = setting.recorded
    assert (decided.exit_point, decided.decision.outcome) == (Seen.DATAGRAM, "*ALLOWED")
    assert decided.local.port == client.getsockname()[1]
    assert (address_text(decided.remote.address), decided.remote.port) == ("127.0.0.1", server.getsockname()[1])


def test_rejected_datagram_is_not_sent_and_is_recorded_each_time(setting, server, client):
    for _ in range(2):
        assert sent(setting, sendto(setting, client, b"abc", to(server, "127.0.0.2"))) == -errno.EPERM
    assert nothing_waits(server)
    assert setting.outcomes == [("*REJECTED", "")] * 2


def test_datagrams_that_may_pass_are_recorded_once_a_destination(setting, server, client):
    for _ in range(3):
        assert sent(setting, sendto(setting, client, b"abc", to(server))) == 3
        assert sent(setting, sendto(setting, client, b"abc", to(server, "127.0.0.3"))) == 3
    assert setting.outcomes == [("*ALLOWED", "")] * 2
    setting.supervisor.enforce(policy(REFUSED, udp=Udp.DECIDE, revision=2))
    assert sent(setting, sendto(setting, client, b"abc", to(server))) == 3
    assert [decided.revision for decided in setting.recorded] == [1, 1, 2]


def test_exit_point_that_monitors_lets_datagrams_pass_and_says_so(server, client):
    setting = Setting(REFUSED, udp=Udp.DECIDE, modes={ExitPoint.CONNECT: Mode.MONITOR})
    assert sent(setting, sendto(setting, client, b"abc", to(server, "127.0.0.2"))) == 3
    assert setting.outcomes == [("*MONITOR", "")]


@pytest.mark.parametrize("settings", [{"udp": Udp.IGNORE}, {"modes": {ExitPoint.CONNECT: Mode.OFF}}])
def test_where_datagrams_are_not_decided_any_more_they_are_the_kernels(server, client, settings):
    setting = Setting(REFUSED, **({"udp": Udp.DECIDE} | settings))
    call = sendto(setting, client, b"abc", to(server, "127.0.0.2"))
    assert setting.serve(call) is None
    assert setting.kernel.went_on == [call]


@pytest.mark.parametrize("make", [socket.socket, lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)])
def test_sends_on_other_sockets_are_the_kernels(setting, server, make):
    with make() as endpoint:
        call = sendmsg(setting, endpoint, [b"abc"], to(server, "127.0.0.2"))
        assert setting.serve(call) is None
        assert setting.kernel.went_on == [call]


def test_what_is_no_socket_is_answered_here(setting, server, tmp_path):
    with (tmp_path / "file").open("wb") as file:
        assert sent(setting, sendto(setting, file, b"abc", to(server))) == -errno.ENOTSOCK


def test_message_in_pieces_is_one_datagram(setting, server, client):
    assert sent(setting, sendmsg(setting, client, [b"ab", b"", b"cde"], to(server))) == 5
    assert server.recv(16) == b"abcde"


def test_message_without_an_address_goes_where_its_socket_is_connected_to_and_asks_nobody(setting, server, client):
    assert sent(setting, sendmsg(setting, client, [b"abc"])) == -errno.EDESTADDRREQ
    client.connect(("127.0.0.2", server.getsockname()[1]))
    assert sent(setting, sendmsg(setting, client, [b"abc"])) == 3
    assert sent(setting, sendmsg(setting, client, [b"def"], b"")) == 3
    assert [server.recv(16), server.recv(16)] == [b"abc", b"def"]
    assert setting.outcomes == []


def test_address_on_a_connected_socket_is_decided(setting, server, client):
    client.connect(("127.0.0.1", server.getsockname()[1]))
    assert sent(setting, sendmsg(setting, client, [b"abc"], to(server, "127.0.0.2"))) == -errno.EPERM


def test_unspecific_address_means_an_ipv4_one_to_an_ipv4_socket(setting, server, client):
    assert sent(setting, sendto(setting, client, b"abc", bytes(2) + to(server, "127.0.0.2")[2:])) == -errno.EPERM
    assert sent(setting, sendto(setting, client, b"abc", bytes(2) + to(server)[2:])) == 3
    assert server.recv(16) == b"abc"


@pytest.mark.parametrize(("host", "result"), [("::ffff:127.0.0.2", -errno.EPERM), ("::ffff:127.0.0.1", 3)])
def test_mapped_address_is_the_ipv4_one(setting, server, host, result):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client:
        assert sent(setting, sendto(setting, client, b"abc", sockaddr6(host, server.getsockname()[1]))) == result


def test_ipv4_address_is_decided_on_an_ipv6_socket(setting, server):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client:
        assert sent(setting, sendto(setting, client, b"abc", to(server, "127.0.0.2"))) == -errno.EPERM
        assert sent(setting, sendto(setting, client, b"abc", to(server))) == 3


def test_unspecific_address_on_an_ipv6_socket_is_none(setting):
    with (
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client,
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as server,
    ):
        server.bind(("::1", 0))
        server.settimeout(PATIENCE_S)
        name = bytes(2) + sockaddr("127.0.0.2", server.getsockname()[1])[2:]
        assert sent(setting, sendto(setting, client, b"abc", name)) == -errno.EDESTADDRREQ
        client.connect(server.getsockname())
        assert sent(setting, sendto(setting, client, b"abc", name)) == 3
        assert server.recv(16) == b"abc"


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")])
def test_datagram_to_no_address_is_decided_as_one_to_loopback(family, host):
    name = {socket.AF_INET: sockaddr, socket.AF_INET6: sockaddr6}[family]
    loopback = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}[family]
    with socket.socket(family, socket.SOCK_DGRAM) as server, socket.socket(family, socket.SOCK_DGRAM) as client:
        server.bind((loopback, 0))
        server.settimeout(PATIENCE_S)
        port = server.getsockname()[1]
        refused = Setting(reject(ExitPoint.CONNECT, remote_address=loopback), udp=Udp.DECIDE)
        assert sent(refused, sendto(refused, client, b"abc", name(host, port))) == -errno.EPERM
        allowed = Setting(udp=Udp.DECIDE)
        assert sent(allowed, sendto(allowed, client, b"abc", name(host, port))) == 3
        assert server.recv(16) == b"abc"


@pytest.mark.parametrize("length", [0, 1, 2, 8, 15, -1, 129])
def test_address_of_a_wrong_length_is_invalid(setting, server, client, length):
    name = to(server)[:length] if length >= 0 else to(server)
    assert sent(setting, sendto(setting, client, b"abc", name + bytes(128), length=length)) == -errno.EINVAL
    assert setting.outcomes == []


def test_name_longer_than_any_address_is_cut_as_the_kernel_does(setting, server, client):
    call = sendmsg(setting, client, [b"abc"], to(server) + bytes(300))
    assert sent(setting, call) == 3
    assert server.recv(16) == b"abc"


@pytest.mark.parametrize("place", [ADDRESS, OCTETS, PARTS, HEADERS])
def test_memory_that_is_not_there_is_a_fault(setting, server, client, place):
    call = sendmsg(setting, client, [b"abc"], to(server))
    del setting.kernel.memory[place]
    assert sent(setting, call) == -errno.EFAULT
    assert nothing_waits(server)


def test_datagram_that_is_too_long_is_refused_without_being_read(setting, server, client):
    call = sendto(setting, client, b"abc", to(server))
    longer = call._replace(arguments=(*call.arguments[:2], 1 << 40, *call.arguments[3:]))
    assert sent(setting, longer) == -errno.EMSGSIZE
    assert [size for _, size in setting.kernel.reads] == [16]


def test_longest_datagram_is_sent_whole(setting, server, client):
    octets = bytes(range(256)) * 255 + bytes(227)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    assert len(octets) == 65507
    assert sent(setting, sendto(setting, client, octets, to(server))) == 65507
    assert server.recv(1 << 17) == octets
    assert sent(setting, sendto(setting, client, octets + b"x", to(server))) == -errno.EMSGSIZE


def test_message_of_too_many_pieces_is_refused(setting, server, client):
    call = sendmsg(setting, client, [b"abc"], to(server))
    fields = list(k.MESSAGE.unpack(setting.kernel.memory[HEADERS]))
    fields[3] = 1025
    setting.kernel.memory[HEADERS] = k.MESSAGE.pack(*fields)
    assert sent(setting, call) == -errno.EMSGSIZE


def test_zero_copy_datagram_arrives_as_it_was(setting, server, client):
    client.setsockopt(socket.SOL_SOCKET, 60, 1)
    assert sent(setting, sendto(setting, client, b"z" * 9000, to(server), flags=0x400_0000)) == 9000
    assert server.recv(10_000) == b"z" * 9000


def control(level, kind, octets):
    return k.CONTROL_HEADER.pack(16 + len(octets), level, kind) + octets + bytes(-len(octets) % 8)


def test_control_data_are_passed_on(setting, server, client):
    server.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
    data = control(0, 8, struct.pack("=I4s4s", 0, socket.inet_aton("127.0.0.9"), bytes(4)))
    data += control(0, socket.IP_TOS, struct.pack("=i", 0x20))
    assert sent(setting, sendmsg(setting, client, [b"abc"], to(server), data)) == 3
    octets, received, _, peer = server.recvmsg(16, 64)
    assert (octets, peer[0]) == (b"abc", "127.0.0.9")
    assert received[0][2][:1] == b"\x20"


@pytest.mark.parametrize(
    ("data", "number"),
    [
        (control(0, 7, b"\x83\x07\x04" + socket.inet_aton("127.0.0.2") + b"\0"), errno.EPERM),
        (control(1, 36, bytes(4)), errno.EPERM),
        (control(41, 57, bytes(24)), errno.EPERM),
        (control(0, 1, bytes(4)) + control(41, 5, bytes(24)), errno.EPERM),
        (struct.pack("<Qii", 15, 0, 1), errno.EINVAL),
        (struct.pack("<Qii", 17, 0, 1), errno.EINVAL),
    ],
)
def test_control_data_that_route_or_need_a_privilege_are_refused(setting, server, client, data, number):
    assert sent(setting, sendmsg(setting, client, [b"abc"], to(server), data)) == -number
    assert nothing_waits(server)


def test_many_messages_are_decided_one_by_one(setting, server, client):
    call = sendmmsg(
        setting,
        client,
        ([b"a"], to(server)),
        ([b"bb"], to(server)),
        ([b"c"], to(server, "127.0.0.2")),
        ([b"d"], to(server)),
    )
    assert sent(setting, call) == 2
    assert counts(setting, 4) == [1, 2, None, None]
    assert [server.recv(16), server.recv(16)] == [b"a", b"bb"]
    assert nothing_waits(server)
    assert setting.outcomes == [("*ALLOWED", ""), ("*REJECTED", "")]


def test_first_of_many_messages_says_how_they_fail(setting, server, client):
    assert sent(setting, sendmmsg(setting, client, ([b"a"], to(server, "127.0.0.2")))) == -errno.EPERM
    assert sent(setting, sendmmsg(setting, client, ([b"a"], None))) == -errno.EDESTADDRREQ
    assert sent(setting, sendmmsg(setting, client)) == 0


@pytest.mark.parametrize("step", [Step.CALLER, Step.TAKE, Step.READ])
def test_caller_that_goes_before_its_memory_was_read_sends_nothing(setting, server, client, step):
    call = sendto(setting, client, b"abc", to(server))
    setting.kernel.leave(call, at=step)
    assert setting.serve(call) is None
    assert nothing_waits(server)


def test_call_made_again_by_an_interrupted_caller_sends_nothing_twice(setting, server, client):
    first = sendto(setting, client, b"abc", to(server))
    setting.kernel.leave(first, at=Step.ANSWER)
    assert setting.serve(first) is None
    assert sent(setting, sendto(setting, client, b"abc", to(server))) == 3
    assert server.recv(16) == b"abc"
    assert nothing_waits(server)
    assert sent(setting, sendto(setting, client, b"abc", to(server))) == 3
    assert server.recv(16) == b"abc"


def test_call_that_is_interrupted_again_before_it_is_read_sends_nothing_twice(setting, server, client):
    for step in (Step.ANSWER, Step.READ, Step.ANSWER):
        again = sendto(setting, client, b"abc", to(server))
        setting.kernel.leave(again, at=step)
        assert setting.serve(again) is None
    assert sent(setting, sendto(setting, client, b"abc", to(server))) == 3
    assert server.recv(16) == b"abc"
    assert nothing_waits(server)


def test_other_octets_after_an_interruption_are_sent(setting, server, client):
    first = sendto(setting, client, b"abc", to(server))
    setting.kernel.leave(first, at=Step.ANSWER)
    assert setting.serve(first) is None
    assert sent(setting, sendto(setting, client, b"abd", to(server))) == 3
    assert [server.recv(16), server.recv(16)] == [b"abc", b"abd"]


def test_many_messages_made_again_go_on_where_they_were_interrupted(setting, server, client):
    messages = [([octet], to(server)) for octet in (b"a", b"b", b"c")]
    first = sendmmsg(setting, client, *messages)
    write = setting.kernel.write_memory

    def write_and_leave(call, address, octets):
        if address == HEADERS + k.MESSAGE_OF_MANY_SIZE + k.MESSAGE_COUNT_OFFSET:
            setting.kernel.leave(first)
        write(call, address, octets)

    setting.kernel.write_memory = write_and_leave
    assert setting.serve(first) is None
    setting.kernel.write_memory = write
    assert sent(setting, sendmmsg(setting, client, *messages)) == 3
    assert counts(setting, 3) == [1, 1, 1]
    assert [server.recv(16) for _ in range(3)] == [b"a", b"b", b"c"]
    assert nothing_waits(server)


def connect(setting, endpoint, name):
    return setting.serve(setting.connect(endpoint, name))


def test_connect_of_a_datagram_socket_is_decided(setting, server, client):
    assert connect(setting, client, to(server, "127.0.0.2")) == errno.EPERM
    assert connect(setting, client, to(server)) == 0
    assert client.getpeername() == ("127.0.0.1", server.getsockname()[1])
    assert connect(setting, client, bytes(16)) == 0
    assert setting.outcomes == [("*REJECTED", ""), ("*ALLOWED", "")]


_CLONE_NEWNET = 0x4000_0000
_SIOCSIFFLAGS = 0x8914
_IFF_UP_RUNNING = 0x41


def ping_socket():
    """Return a datagram socket of ICMP, in a network of its own where this one's setting allows none."""
    try:
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
    except PermissionError:
        if os.geteuid() != 0:
            pytest.skip("not root, and net.ipv4.ping_group_range has no group of ours")
    with ThreadPoolExecutor(1) as elsewhere:
        return elsewhere.submit(_ping_socket_of_another_network).result()


def _ping_socket_of_another_network():
    assert ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
    Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 2147483647")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", _IFF_UP_RUNNING))
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)


def test_port_in_the_address_of_a_ping_matches_no_rule_about_a_port():
    setting = Setting(reject(ExitPoint.CONNECT, remote_port="1-65535"), udp=Udp.DECIDE)
    echo = struct.pack(">BBHHH", 8, 0, 0, 0, 1)
    with ping_socket() as client:
        assert sent(setting, sendto(setting, client, echo, sockaddr("127.0.0.1", 53))) == len(echo)
        assert connect(setting, client, sockaddr("127.0.0.1", 53)) == 0
    assert [decided.remote.port for decided in setting.recorded] == [0, 0]
