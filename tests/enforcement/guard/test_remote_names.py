"""Where connects and datagrams of a job lead whose names are resolved remotely, on a fake kernel and real sockets."""

from __future__ import annotations

import errno
import socket
import struct

import pytest

from console.enforcement import layouts as k
from console.enforcement.fake import Step
from console.enforcement.guard.connect import ConnectPoint
from console.enforcement.guard.receiving import ReceivePoint
from console.enforcement.guard.remote_names import RemoteNames, is_local_service
from console.enforcement.guard.routing import own_network
from console.enforcement.guard.sending import SendPoint
from console.enforcement.guard.traffic import Traffic
from console.enforcement.layouts import address_text
from console.model.words import ExitPoint, Udp
from console.policy.audit_levels import Auditing, Levels
from tests.enforcement.guard.setting import ADDRESS, NUMBER, PATIENCE_S, SENDS, Setting, hears, reject, sockaddr
from tests.enforcement.guard.test_connect import sockaddr6

SERVER = sockaddr("192.0.2.53", 53)
QUESTION = struct.pack(">6H", 7, 256, 1, 0, 0, 0) + b"\3far\7example\0\0\1\0\1"
ANSWER_END = bytes.fromhex("f0000001")
OCTETS, HEADER, PARTS, NAME, CONTROL, LENGTH = (0x1000_0000 * number for number in range(1, 7))
RECEIVES = (k.SYS_RECVFROM, k.SYS_RECVMSG, k.SYS_RECVMMSG)


class NamedSetting(Setting):
    """A job whose names are resolved remotely."""

    def __init__(self, *rules, **settings):
        super().__init__(*rules, **settings)
        self.names = RemoteNames(self.note, own_network())
        self.names.start()
        self.connect_point = ConnectPoint(names=self.names)
        send_point, receive_point = SendPoint(names=self.names), ReceivePoint(self.names)
        self.supervisor.handlers = {
            **self.supervisor.handlers,
            k.SYS_CONNECT: (ExitPoint.CONNECT, self.connect_point.handle),
            k.SYS_GETPEERNAME: (ExitPoint.CONNECT, self.connect_point.router.peer_names.handle),
            **dict.fromkeys(SENDS, (ExitPoint.CONNECT, send_point.handle)),
            **dict.fromkeys(RECEIVES, (ExitPoint.CONNECT, receive_point.handle)),
        }

    def connecting(self, endpoint, name):
        """Serve a connect; returns what it was answered."""
        return self.serve(self.connect(endpoint, name))

    def sendto(self, endpoint, octets, name):
        """Serve a sendto; returns what it was answered."""
        self.kernel.descriptors[NUMBER] = endpoint.fileno()
        self.kernel.memory |= {OCTETS: octets, ADDRESS: name}
        return self.serve(self.kernel.call(k.SYS_SENDTO, NUMBER, OCTETS, len(octets), 0, ADDRESS, len(name)))

    def ask(self, endpoint, name=SERVER, question=QUESTION):
        """Send a question and wait for the answer to be there."""
        assert self.sendto(endpoint, question, name) == 0
        hears(endpoint)

    def peer(self, endpoint):
        """Return what getpeername tells; None where the kernel tells it."""
        self.kernel.descriptors[NUMBER] = endpoint.fileno()
        self.kernel.memory |= {NAME: bytes(128), LENGTH: struct.pack("=i", 128)}
        call = self.kernel.call(k.SYS_GETPEERNAME, NUMBER, NAME, LENGTH)
        if self.serve(call) is None:
            return None
        (size,) = struct.unpack("=i", self.kernel.memory[LENGTH])
        return self.kernel.memory[NAME][:size]


@pytest.fixture
def setting():
    return NamedSetting()


@pytest.fixture
def datagram():
    with socket.socket(type=socket.SOCK_DGRAM) as made:
        made.settimeout(PATIENCE_S)
        yield made


@pytest.fixture
def stream():
    with socket.socket() as made:
        yield made


def stand_in(setting, name="far.example"):
    """Return the address that stands for a name."""
    return address_text(setting.names.table.address_of(name))


# Connects -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("udp", [Udp.IGNORE, Udp.DECIDE])
def test_connect_to_a_name_server_leads_to_the_guard_and_tells_nobody(datagram, udp):
    setting = NamedSetting(udp=udp)
    assert setting.connecting(datagram, SERVER) == 0
    assert datagram.getpeername()[0] == "127.0.0.1"
    assert setting.peer(datagram) == SERVER
    datagram.send(QUESTION)
    assert datagram.recv(512).endswith(ANSWER_END)


def test_connection_to_a_name_server_leads_to_the_guard(setting, stream):
    assert setting.connecting(stream, SERVER) == 0
    assert setting.peer(stream) == SERVER
    stream.settimeout(PATIENCE_S)
    stream.sendall(len(QUESTION).to_bytes(2, "big") + QUESTION)
    assert stream.recv(512).endswith(ANSWER_END)
    assert setting.outcomes == [("*ALLOWED", "asked the guard for names")]


def test_name_server_that_a_rule_refuses_is_refused(stream):
    setting = NamedSetting(reject(ExitPoint.CONNECT, remote_port="53"))
    assert setting.connecting(stream, SERVER) == errno.EPERM
    assert setting.outcomes == [("*REJECTED", "")]


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_name_servers_beyond_the_limit_are_unreachable(setting, kind):
    results = []
    for number in range(66):
        with socket.socket(type=kind) as made:
            results.append(setting.connecting(made, sockaddr(f"192.0.2.{number}", 53)))
    assert results == [0] * 64 + [errno.ENETUNREACH] * 2


def test_socket_of_another_network_is_led_nowhere(setting, datagram, stream):
    setting.names._network = 0
    assert setting.connecting(datagram, SERVER) == errno.ENETUNREACH
    assert setting.connecting(stream, SERVER) == errno.ENETUNREACH
    assert setting.sendto(datagram, QUESTION, SERVER) == errno.ENETUNREACH


def test_name_without_a_socks_entry_is_unreachable_and_named(setting, stream):
    assert setting.connecting(stream, sockaddr(stand_in(setting), 80)) == errno.ENETUNREACH
    ((outcome, text),) = setting.outcomes
    assert outcome == "*ALLOWED"
    assert text.startswith("ENETUNREACH; name far.example; GWL0860 ")


def test_name_that_a_rule_refuses_is_named(stream):
    setting = NamedSetting(reject(ExitPoint.CONNECT, remote_address="240.0.0.0/4"))
    assert setting.connecting(stream, sockaddr(stand_in(setting), 80)) == errno.EPERM
    assert setting.outcomes == [("*REJECTED", "name far.example")]


def test_mapped_address_of_a_name_is_one_too(setting):
    with socket.socket(socket.AF_INET6) as stream:
        address = sockaddr6("::ffff:" + stand_in(setting), 80)
        assert setting.connecting(stream, address) == errno.ENETUNREACH
    assert "name far.example" in setting.outcomes[0][1]


def test_other_connects_are_what_they_are(setting, stream):
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert setting.connecting(stream, sockaddr(*server.getsockname())) == 0
        assert setting.peer(stream) is None
    assert setting.outcomes == [("*ALLOWED", "")]


def test_connects_that_may_be_led_elsewhere_are_never_plain(setting):
    places = [sockaddr("192.0.2.1", 53), sockaddr("240.0.0.1", 80), sockaddr("192.0.2.1", 5353)]
    assert all(setting.names.concerns(k.parse_sockaddr(each)) for each in places)
    assert not setting.names.concerns(k.parse_sockaddr(sockaddr("192.0.2.1", 80)))


# Daemons that look names up -----------------------------------------------------------------------------------------


def unix(path, size=0):
    return struct.pack("=H", socket.AF_UNIX) + path.encode().ljust(size, b"\0")


@pytest.mark.parametrize(
    "path",
    [
        "/var/run/nscd/socket", "/run/nscd/socket", "/run/systemd/resolve/io.systemd.Resolve", "/run//nscd/./socket",
        "/run/avahi-daemon/socket",
    ],
)  # fmt: skip
def test_daemons_that_look_names_up_are_not_there(setting, path):
    for size in (len(path), len(path) + 1, 108):
        with socket.socket(socket.AF_UNIX) as client:
            assert setting.connecting(client, unix(path, size)) == errno.ENOENT
    assert is_local_service(unix(path))


@pytest.mark.parametrize("path", ["/run/nscd", "/run/nscd/socket2", "run/nscd/socket", "", "\0/run/nscd/socket", "/"])
def test_other_unix_sockets_are_the_callers_own(setting, path):
    with socket.socket(socket.AF_UNIX) as client:
        call = setting.connect(client, unix(path))
        setting.serve(call)
    assert setting.kernel.went_on == [call]


def test_daemons_are_there_without_remote_names():
    setting = Setting()
    with socket.socket(socket.AF_UNIX) as client:
        call = setting.connect(client, unix("/run/nscd/socket"))
        setting.serve(call)
    assert setting.kernel.went_on == [call]


# Datagrams ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("udp", [Udp.IGNORE, Udp.DECIDE])
@pytest.mark.parametrize(
    ("address", "port"),
    [("240.0.0.1", 443), ("240.0.0.1", 53), ("224.0.0.251", 5353), ("224.0.0.252", 5355), ("192.0.2.255", 137)],
)
def test_datagrams_that_would_tell_a_name_are_led_nowhere(datagram, udp, address, port):
    setting = NamedSetting(udp=udp)
    assert stand_in(setting) == "240.0.0.1"
    assert setting.sendto(datagram, b"x", sockaddr(address, port)) == errno.ENETUNREACH
    assert setting.connecting(datagram, sockaddr(address, port)) == errno.ENETUNREACH


def test_question_of_no_family_is_one_of_ipv4(setting, datagram):
    setting.ask(datagram, bytes(2) + SERVER[2:])
    assert receive(setting, datagram)[1:] == (SERVER, 16)


def test_question_that_a_rule_refuses_is_refused(datagram):
    setting = NamedSetting(reject(ExitPoint.CONNECT, remote_port="53"), udp=Udp.DECIDE)
    assert setting.sendto(datagram, QUESTION, SERVER) == errno.EPERM


def test_decided_question_says_who_was_asked(datagram):
    setting = NamedSetting(udp=Udp.DECIDE)
    setting.ask(datagram)
    assert setting.sendto(datagram, b"x", sockaddr(stand_in(setting), 443)) == errno.ENETUNREACH
    assert setting.outcomes == [
        ("*ALLOWED", "asked the guard for names"),
        ("*ALLOWED", "ENETUNREACH; name far.example"),
    ]


def test_questions_and_their_answers_are_no_datagrams_of_a_peer(setting, datagram):
    """Seen by what tells the journal of datagrams: the question went nowhere, and the answer came from nobody."""
    setting.supervisor.audit(Levels(Auditing(levels=("*NETUDP",))))
    setting.supervisor.handlers = Traffic(names=setting.names).handlers(setting.supervisor.handlers)
    setting.ask(datagram)
    assert receive(setting, datagram)[1:] == (SERVER, 16)
    assert setting.connecting(datagram, SERVER) == 0
    assert setting.told == []
    with socket.socket(type=socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        setting.sendto(datagram, b"x", sockaddr(*sink.getsockname()))
        port = sink.getsockname()[1]
    assert [each.remote.port for each in setting.told] == [port]


def test_other_datagrams_go_where_they_say(setting, datagram):
    with socket.socket(type=socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        assert setting.sendto(datagram, b"hello", sockaddr(*sink.getsockname())) == 0
        assert sink.recv(10) == b"hello"
        sink.sendto(b"back", datagram.getsockname())
        hears(datagram)
    assert receive(setting, datagram) is None
    assert datagram.recv(10) == b"back"
    assert setting.recorded == []


# Receives -----------------------------------------------------------------------------------------------------------


def receiving(room=128):
    """Return the memory of a caller that receives."""
    octets = {OCTETS + at: bytes(128) for at in range(0, 512, 128)}
    header = {HEADER + 8: bytes(4), HEADER + 40: bytes(8), HEADER + 48: bytes(4), HEADER + k.MESSAGE.size: bytes(4)}
    more = {OCTETS + 0x1000: bytes(128), NAME: b"\xaa" * 128, CONTROL: bytes(64), LENGTH: struct.pack("=i", room)}
    return octets | header | more


def receive(setting, endpoint, *, size=512, room=128, flags=0):
    """Serve a recvfrom; returns octets, address and the length told, or None where it is the kernel's; or the errno."""
    setting.kernel.descriptors[NUMBER] = endpoint.fileno()
    setting.kernel.memory |= receiving(room)
    result = setting.serve(setting.kernel.call(k.SYS_RECVFROM, NUMBER, OCTETS, size, flags, NAME, LENGTH))
    if result is None or result:
        return result
    count = setting.kernel.answers[-1].count
    (length,) = struct.unpack("=i", setting.kernel.memory[LENGTH])
    octets = b"".join(setting.kernel.memory.get(OCTETS + at, b"") for at in range(0, 512, 128))
    return octets[:count], setting.kernel.memory[NAME][: min(room, length)], length


def test_answer_comes_from_whom_was_asked(setting, datagram):
    setting.ask(datagram)
    octets, source, length = receive(setting, datagram)
    assert octets.endswith(ANSWER_END)
    assert (source, length) == (SERVER, 16)
    datagram.setblocking(False)
    with pytest.raises(BlockingIOError):
        datagram.recv(1)


@pytest.mark.parametrize("room", [0, 1, 15])
def test_address_is_cut_to_its_room(setting, datagram, room):
    setting.ask(datagram)
    assert receive(setting, datagram, room=room)[1:] == (SERVER[:room], 16)


def test_negative_room_is_refused(setting, datagram):
    setting.ask(datagram)
    assert receive(setting, datagram, room=-1) == errno.EINVAL


def test_answer_is_cut_to_its_room_and_its_size_told_to_who_wants_it(setting, datagram):
    setting.ask(datagram)
    assert len(receive(setting, datagram, size=5, flags=socket.MSG_PEEK)[0]) == 5
    assert setting.kernel.answers[-1].count == 5
    receive(setting, datagram, size=5, flags=socket.MSG_TRUNC)
    assert setting.kernel.answers[-1].count == len(QUESTION) + 16


def test_answer_that_was_only_looked_at_is_still_there(setting, datagram):
    setting.ask(datagram)
    first = receive(setting, datagram, flags=socket.MSG_PEEK)
    assert receive(setting, datagram) == first


def test_answer_that_could_not_be_handed_over_is_still_there(setting, datagram):
    setting.ask(datagram)
    setting.kernel.descriptors[NUMBER] = datagram.fileno()
    setting.kernel.memory |= receiving()
    call = setting.kernel.call(k.SYS_RECVFROM, NUMBER, OCTETS, 512, 0, NAME, LENGTH)
    setting.kernel.leave(call, at=Step.WRITE)
    setting.serve(call)
    assert receive(setting, datagram)[0].endswith(ANSWER_END)


def test_socket_with_nothing_says_so_where_it_does_not_wait(setting, datagram):
    setting.ask(datagram)
    receive(setting, datagram)
    assert receive(setting, datagram, flags=socket.MSG_DONTWAIT) == errno.EAGAIN
    datagram.setblocking(False)
    assert receive(setting, datagram) == errno.EAGAIN


def test_caller_that_goes_while_it_waits_is_not_answered(setting, datagram):
    setting.ask(datagram)
    receive(setting, datagram)
    datagram.setblocking(True)
    setting.kernel.memory |= receiving()
    call = setting.kernel.call(k.SYS_RECVFROM, NUMBER, OCTETS, 512, 0, NAME, LENGTH)
    setting.kernel.leave(call)
    assert setting.serve(call) is None
    assert setting.kernel.went_on == []


def test_error_queue_is_the_kernels(setting, datagram):
    setting.ask(datagram)
    assert receive(setting, datagram, flags=socket.MSG_ERRQUEUE) is None


def test_socket_that_asked_nobody_is_the_kernels(setting, datagram, stream):
    for endpoint in (datagram, stream):
        assert receive(setting, endpoint) is None
    assert len(setting.kernel.went_on) == 2


def test_descriptor_that_is_none_is_said_to_be_none(setting):
    assert setting.serve(setting.kernel.call(k.SYS_RECVMSG, 99, HEADER, 0)) == errno.EBADF


@pytest.mark.parametrize("number", [k.SYS_RECVMSG, k.SYS_RECVMMSG])
def test_message_header_is_filled(setting, datagram, number):
    setting.ask(datagram)
    memory = setting.kernel.memory
    memory |= receiving()
    setting.kernel.descriptors[NUMBER] = datagram.fileno()
    memory[HEADER] = k.MESSAGE.pack(NAME, 128, PARTS, 2, CONTROL, 64, 0)
    memory[PARTS] = k.PART.pack(OCTETS, 20) + k.PART.pack(OCTETS + 0x1000, 20)
    assert setting.serve(setting.kernel.call(number, NUMBER, HEADER, 1 if number == k.SYS_RECVMMSG else 0)) == 0
    answer = QUESTION[:2] + bytes.fromhex("8180 0001 0001 0000 0000") + QUESTION[12:] + bytes.fromhex("c00c 0001 0001")
    assert memory[OCTETS][:20] == answer[:20]
    assert memory[OCTETS + 0x1000][:15] == answer[20:35]
    assert memory[NAME][:16] == SERVER
    assert struct.unpack("=i", memory[HEADER + 8]) == (16,)
    assert struct.unpack("=Q", memory[HEADER + 40]) == (0,)
    assert struct.unpack("=I", memory[HEADER + 48]) == (socket.MSG_TRUNC,)
    if number == k.SYS_RECVMMSG:
        assert struct.unpack("=I", memory[HEADER + k.MESSAGE.size]) == (40,)
        assert setting.kernel.answers[-1].count == 1
    else:
        assert setting.kernel.answers[-1].count == 40


def test_control_data_are_handed_on(setting, datagram):
    datagram.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
    setting.ask(datagram)
    memory = setting.kernel.memory
    memory |= receiving()
    setting.kernel.descriptors[NUMBER] = datagram.fileno()
    for size, expected in ((64, 24), (8, 0)):
        memory[HEADER] = k.MESSAGE.pack(0, 0, PARTS, 0, CONTROL, size, 0)
        assert setting.serve(setting.kernel.call(k.SYS_RECVMSG, NUMBER, HEADER, socket.MSG_PEEK)) == 0
        assert struct.unpack("=Q", memory[HEADER + 40]) == (expected,)
        assert bool(struct.unpack("=I", memory[HEADER + 48])[0] & socket.MSG_CTRUNC) == (not expected)
    assert k.CONTROL_HEADER.unpack_from(memory[CONTROL]) == (17, socket.IPPROTO_IP, socket.IP_TOS)


def test_memory_that_is_not_there_is_said_so(setting, datagram):
    setting.ask(datagram)
    setting.kernel.descriptors[NUMBER] = datagram.fileno()
    setting.kernel.memory |= receiving()
    call = setting.kernel.call(k.SYS_RECVFROM, NUMBER, OCTETS, 512, 0, NAME, LENGTH)
    setting.kernel.fail(call, Step.WRITE, errno.EFAULT)
    assert setting.serve(call) == errno.EFAULT
    call = setting.kernel.call(k.SYS_RECVMSG, NUMBER, HEADER, 0)
    setting.kernel.fail(call, Step.READ, errno.EFAULT)
    assert setting.serve(call) == errno.EFAULT
