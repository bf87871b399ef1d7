"""Real programs whose names are resolved at a SOCKS server, and that know nothing of it."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from console.enforcement import layouts as k
from console.model.words import ExitPoint, Udp
from console.policy.socks_entries import make_socks_entry
from tests.end_to_end.command import until
from tests.enforcement.kernel.jobs import PATIENCE_S, activate_rules, is_root, job_of, rejecting
from tests.enforcement.kernel.test_routing import (  # noqa: F401 -- fixtures among them
    echo,
    entries,
    place,
    routed_house,
    through,
)
from tests.fidelity.peers import find, needs
from tests.loopback import answer_http, serving
from tests.socks.test_servers import DANTE, OPENSSH, dante, openssh  # noqa: F401 -- fixtures

NAME = "www.far-away.example"
NAMES = {NAME: "127.0.0.1", "other.example": "127.0.0.1"}
OPTIONS = ("--remote-names",)
_HERE = Path(__file__).parent


def run(house, program, *arguments, options=OPTIONS, status=0):
    """Run a job to its end; returns its lines and its entries."""
    name, command = house.command(program, *arguments, options=options)
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL)
    assert (done.stderr, done.returncode) == ("", status)
    return done.stdout.splitlines(), entries(house, name)


@pytest.fixture
def server(routed_house, socks):  # noqa: F811
    """Return a SOCKS server that all connections go through, and that knows names which nobody else knows."""
    made = socks(names=NAMES)
    activate_rules(routed_house.store, **through(made))
    return made


def asked(server):
    return [each.host for each in server.asked]


def connects(found):
    return [entry for entry in found if entry[1].startswith("240.")]


@pytest.mark.parametrize("program", ["named", "named-static", "named-musl"])
@pytest.mark.parametrize("version", ["4A", "5"])
def test_program_that_looks_a_name_up_is_connected(routed_house, socks, echo, program, version):  # noqa: F811
    if not (routed_house.programs / program).exists():
        pytest.skip(f"{program} cannot be built here")
    server = socks(names=NAMES)
    activate_rules(routed_house.store, **through(server, version=version))
    lines, found = run(routed_house, program, NAME, echo)
    assert lines == ["address 240.0.0.1", f"name {NAME}", "connect 0", "peer 240.0.0.1", "echo hello"]
    assert [(each.version, each.host, each.port) for each in server.asked] == [(version, NAME, echo)]
    assert connects(found) == [("*ALLOWED", "240.0.0.1", place(server), f"name {NAME}")]


@needs("curl")
def test_curl_is_connected(routed_house, server):  # noqa: F811
    with serving(answer_http) as port:
        words = "-s", "-w", "%{remote_ip}\n", f"http://{NAME}:{port}/"
        lines, _ = run(routed_house, shutil.which("curl"), *words)
    assert (lines, asked(server)) == (["hi", "240.0.0.1"], [NAME])


@needs("wget")
def test_wget_is_connected(routed_house, server):  # noqa: F811
    with serving(answer_http) as port:
        lines, _ = run(routed_house, shutil.which("wget"), "-q", "-O", "-", f"http://{NAME}:{port}/")
    assert (lines, asked(server)) == (["hi"], [NAME])


@needs("ncat")
def test_ncat_is_connected(routed_house, server):  # noqa: F811
    with serving(answer_http) as port:
        lines, _ = run(routed_house, shutil.which("ncat"), NAME, port)
    assert (lines[-1], asked(server)) == ("hi", [NAME])


@needs("node")
@pytest.mark.parametrize("look_up", ["lookup", "resolve4"])
def test_node_is_connected_however_it_resolves(routed_house, server, echo, look_up):  # noqa: F811
    program = (
        "const dns = require('dns'), net = require('net');\n"
        f"dns.{look_up}('{NAME}', (error, found) => {{\n"
        "  const address = Array.isArray(found) ? found[0] : found;\n"
        f"  const client = net.connect({echo}, error ? '{NAME}' : address, () => client.write('hello'));\n"
        "  client.on('data', data => { console.log(address, `${data}`); client.end(); });\n"
        "});\n"
    )
    lines, _ = run(routed_house, shutil.which("node"), "-e", program)
    assert (lines, asked(server)) == (["240.0.0.1 hello"], [NAME])


@needs("go")
def test_static_go_program_is_connected(routed_house, server, echo, tmp_path):  # noqa: F811
    environment = os.environ | {"CGO_ENABLED": "0", "GOCACHE": str(tmp_path / "cache"), "GO111MODULE": "off"}
    program = tmp_path / "routed-go"
    subprocess.run(
        ["go", "build", "-o", program, _HERE / "programs" / "routed.go"], check=True, env=environment, timeout=300
    )
    lines, _ = run(routed_house, str(program), f"{NAME}:{echo}")
    assert (lines, asked(server)) == ([f"peer 240.0.0.1:{echo}", "echo hello"], [NAME])


@needs("dig")
@pytest.mark.parametrize("way", [(), ("+tcp",), ("@192.0.2.53",), ("@192.0.2.53", "+tcp"), ("@2001:db8::53",)])
def test_dig_is_answered_whomever_it_asks(routed_house, server, way):  # noqa: F811
    if "@2001:db8::53" in way and not socket.has_dualstack_ipv6():
        pytest.skip("there is no IPv6 here")
    lines, _ = run(routed_house, shutil.which("dig"), "+short", "+tries=1", *way, NAME)
    assert (lines, asked(server)) == (["240.0.0.1"], [])


ASK = """
import dns.resolver, sys
resolver = dns.resolver.Resolver(configure=False)
resolver.nameservers = ["192.0.2.53", "192.0.2.54"]
for tcp in (False, True):
    for name, kind in (("NAME", "A"), ("other.example", "A"), ("NAME", "A"), ("NAME", "AAAA"), ("NAME", "MX")):
        answer = resolver.resolve(name, kind, tcp=tcp, raise_on_no_answer=False, lifetime=10)
        print(answer.nameserver, *[each.to_text() for each in answer])
    print(*resolver.resolve_address("240.0.0.2", tcp=tcp))
"""


def test_resolver_that_looks_whom_an_answer_comes_from_is_answered(routed_house, server):  # noqa: F811
    lines, _ = run(routed_house, sys.executable, "-c", ASK.replace("NAME", NAME))
    once = [f"192.0.2.53 240.0.0.{number}" for number in (1, 2, 1)] + ["192.0.2.53"] * 2 + ["other.example."]
    assert lines == once * 2


def test_name_keeps_its_address_for_all_programs_of_a_job(routed_house, server, echo):  # noqa: F811
    named = shlex.quote(str(routed_house.programs / "named"))
    script = f"{named} other.example {echo}; {named} {NAME} {echo}; {named} OTHER.example {echo}"
    lines, _ = run(routed_house, "/bin/sh", "-c", script)
    assert [line for line in lines if line.startswith("address")] == [
        f"address 240.0.0.{number}" for number in (1, 2, 1)
    ]
    assert asked(server) == ["other.example", NAME, "other.example"]


def test_names_of_this_machine_are_found_here(routed_house, server, echo):  # noqa: F811
    lines, _ = run(routed_house, "named", "localhost", echo)
    assert lines[-1] == "echo hello"
    assert not any("240." in line for line in lines)
    assert set(asked(server)) <= {"127.0.0.1", "::1"}


def test_name_that_the_server_does_not_know_is_unreachable(routed_house, server, echo):  # noqa: F811
    lines, found = run(routed_house, "named", "nobody.example", echo)
    assert lines == ["address 240.0.0.1", "name nobody.example", "connect 113"]
    assert connects(found)[0][3].startswith("EHOSTUNREACH; name nobody.example; GWL080D ")


def test_name_leads_nowhere_without_a_server(routed_house, echo):  # noqa: F811
    activate_rules(routed_house.store)
    lines, found = run(routed_house, "named", NAME, echo, 2)
    assert lines == ["address 240.0.0.1", f"name {NAME}", "connect 101"] * 2
    text = f"ENETUNREACH; name {NAME}; GWL0860 "
    assert [(outcome, server, said[: len(text)]) for outcome, _, server, said in connects(found)] == [
        ("*ALLOWED", "", text)
    ] * 2


def test_name_leads_nowhere_directly(routed_house, socks, echo):  # noqa: F811
    direct = make_socks_entry(sequence=5, remote_address="240.0.0.0/4", type="*DIRECT")
    server = socks(names=NAMES)
    (entry,) = through(server)["socks"]
    activate_rules(routed_house.store, socks=(direct, entry))
    lines, found = run(routed_house, "named", NAME, echo)
    assert lines[-1] == "connect 101"
    assert "GWL0860" in connects(found)[0][3]
    assert server.asked == []


def test_version_4_has_no_names(routed_house, socks, echo):  # noqa: F811
    server = socks(names=NAMES)
    activate_rules(routed_house.store, **through(server, version="4"))
    lines, found = run(routed_house, "named", NAME, echo)
    assert lines[-1] == "connect 113"
    assert connects(found)[0][3].startswith(f"EHOSTUNREACH; name {NAME}; GWL0813 ")
    assert server.asked == []


def test_rules_are_asked_about_what_stands_for_a_name(routed_house, socks, echo):  # noqa: F811
    server = socks(names=NAMES)
    refused = rejecting(exit_point=ExitPoint.CONNECT, sequence=10, remote_address="240.0.0.0/4")
    activate_rules(routed_house.store, refused, **through(server))
    lines, found = run(routed_house, "named", NAME, echo)
    assert lines[-1] == "connect 1"
    assert connects(found) == [("*REJECTED", "240.0.0.1", "", f"name {NAME}")]
    assert server.asked == []


@pytest.mark.parametrize("program", ["named", "named-musl"])
def test_questions_are_decided_where_datagrams_are(routed_house, socks, echo, program):  # noqa: F811
    if not (routed_house.programs / program).exists():
        pytest.skip(f"{program} cannot be built here")
    server = socks(names=NAMES)
    activate_rules(routed_house.store, **through(server), udp=Udp.DECIDE)
    lines, _ = run(routed_house, program, NAME, echo)
    assert lines[-1] == "echo hello"
    refused = rejecting(exit_point=ExitPoint.CONNECT, sequence=10, remote_port="53")
    activate_rules(routed_house.store, refused, **through(server), udp=Udp.DECIDE)
    lines, found = run(routed_house, program, NAME, echo)
    assert lines[0].startswith("unknown")
    assert {entry[0] for entry in found} == {"*REJECTED"}
    assert asked(server) == [NAME]


DATAGRAMS = """
import errno, socket, sys
def result(call, *arguments):
    try: call(*arguments)
    except OSError as error: return errno.errorcode[error.errno]
    return 0
address = socket.gethostbyname(sys.argv[1])
for place in ((address, 443), (address, 53), ("224.0.0.251", 5353), ("224.0.0.252", 5355), ("127.255.255.255", 137)):
    made = socket.socket(type=socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    print(place[1], result(made.sendto, b"x", place), result(made.sendmsg, [b"x"], [], 0, place),
          result(made.connect, place))
sink = socket.socket(type=socket.SOCK_DGRAM)
sink.bind(("127.0.0.1", 0))
made = socket.socket(type=socket.SOCK_DGRAM)
made.sendto(b"hello", sink.getsockname())
octets, source = sink.recvfrom(10)
sink.sendmsg([octets], [], 0, source)
print(*made.recvmsg(10)[0::3])
"""


@pytest.mark.parametrize("udp", [Udp.IGNORE, Udp.DECIDE])
def test_datagrams_go_to_no_name_and_to_no_neighbour_who_is_asked_for_one(routed_house, server, udp):  # noqa: F811
    activate_rules(routed_house.store, **through(server), udp=udp)
    lines, _ = run(routed_house, sys.executable, "-c", DATAGRAMS, NAME)
    assert lines[:5] == [f"{port} ENETUNREACH ENETUNREACH ENETUNREACH" for port in (443, 53, 5353, 5355, 137)]
    assert lines[5].startswith("b'hello' ('127.0.0.1', ")


WAITING = """
import signal, socket, struct, sys
question = struct.pack(">6H", 7, 256, 1, 0, 0, 0) + b"\\3far\\7example\\0\\0\\1\\0\\1"
asking = socket.socket(type=socket.SOCK_DGRAM)
asking.sendto(question, ("192.0.2.53", 53))
octets, source = asking.recvfrom(512)
print(octets[-4:].hex(), source, asking.getsockname()[1] > 0)
asking.settimeout(None)
asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("=qq", 0, 200000))
try: asking.recvfrom(512)
except BlockingIOError: print("nothing")
asking.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("=qq", 0, 0))
class Woken(Exception): pass
def wake(*_): raise Woken
signal.signal(signal.SIGUSR1, wake)
try:
    print("waiting", flush=True)
    asking.recvfrom(512)
except Woken: print("woken")
asking.sendto(question, ("192.0.2.54", 53))
octets, _, flags, source = asking.recvmsg(4, 0, socket.MSG_PEEK)
print(len(octets), bool(flags & socket.MSG_TRUNC), source)
print(asking.recvfrom(4)[1])
asking.connect(("192.0.2.55", 53))
print(asking.getpeername())
asking.send(question)
print(asking.recvfrom(512)[1])
"""


def test_receives_end_as_without_a_guard(routed_house, server):  # noqa: F811
    with routed_house.running(sys.executable, "-c", WAITING, options=OPTIONS) as job:
        assert job.line() == "f0000001 ('192.0.2.53', 53) True"
        assert [job.line(), job.line()] == ["nothing", "waiting"]
        called = Path(f"/proc/{job_of(job.process.pid).pid}/syscall")
        until(lambda: called.read_text().startswith(f"{k.SYS_RECVFROM} "), "the job to receive", PATIENCE_S)
        job.process.send_signal(signal.SIGUSR1)
        assert job.line() == "woken"
        assert job.line() == "4 True ('192.0.2.54', 53)"
        assert job.line() == "('192.0.2.54', 53)"
        assert job.line() == "('192.0.2.55', 53)"
        assert job.line() == "('192.0.2.55', 53)"


RBIND = """
import socket, sys
control = socket.create_connection((sys.argv[1], int(sys.argv[2])))
listener = socket.socket()
listener.bind(("", 0))
print(*listener.getsockname(), flush=True)
listener.listen()
data, peer = listener.accept()
print(data.recv(5), peer[0] == data.getpeername()[0], peer[0])
"""


def test_connection_is_taken_back_from_a_name(routed_house, server, echo):  # noqa: F811
    options = (*OPTIONS, "--rbind")
    with routed_house.running(sys.executable, "-c", RBIND, NAME, echo, options=options) as job:
        host, port = job.line().split()
        with socket.create_connection((host, int(port)), PATIENCE_S) as data:
            data.sendall(b"hello")
            assert job.line() == "b'hello' True 127.0.0.1"
    assert [(each.command, each.host) for each in server.asked] == [(1, NAME), (2, NAME)]


# What leaves the machine, in a network of its own ------------------------------------------------------------------

_NAME_SERVER = """
import select, socket, sys
import dns.message, dns.rrset
sockets = []
for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
    made = socket.socket(type=kind)
    made.bind(("10.77.9.53", 53))
    sockets.append(made)
sockets[1].listen()
print("listening", flush=True)
asked = open(sys.argv[1], "a", buffering=1)
while True:
    for ready in select.select(sockets, [], [])[0]:
        if ready is sockets[1]:
            ready.accept()
            print("TCP", file=asked)
            continue
        octets, source = ready.recvfrom(4096)
        query = dns.message.from_wire(octets)
        print(query.question[0].name.to_text(), file=asked)
        response = dns.message.make_response(query)
        if query.question[0].rdtype == 1:
            response.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", "127.0.0.1"))
        ready.sendto(response.to_wire(), source)
"""
_INSIDE = 'mount --bind "$0/resolv.conf" /etc/resolv.conf && mount --bind "$0/$1" /etc/hosts && shift && exec "$@"'


def _made():
    """Say whether namespaces can be made here."""
    if not is_root() or find("ip") is None:
        return False
    return subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, check=False).returncode == 0


class _Network:
    """A network of the test's own, with a name server in it that writes down what it is asked."""

    def __init__(self, directory):
        self.name = f"greenwall-{os.getpid()}-names"
        self._directory = directory
        (directory / "resolv.conf").write_text("nameserver 10.77.9.53\noptions timeout:2 attempts:1\n")
        (directory / "hosts").write_text("127.0.0.1 localhost\n")
        (directory / "hosts-there").write_text(f"127.0.0.1 localhost {NAME}\n")

    def inside(self, *command, hosts="hosts"):
        """Return the command line that runs a program there."""
        words = ["sh", "-c", _INSIDE, str(self._directory), hosts, *map(str, command)]
        return [find("ip"), "netns", "exec", self.name, "unshare", "--mount", *words]

    @contextlib.contextmanager
    def running(self, *command, listening):
        """Run a server there that knows the name by itself."""
        words = self.inside(*command, hosts="hosts-there")
        is_up = [find("ip"), "netns", "exec", self.name, "ss", "-Hltn", f"src {listening}"]
        with subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            try:
                until(
                    lambda: process.poll() is not None or subprocess.run(is_up, capture_output=True, check=True).stdout,
                    f"{command[0]} to listen",
                    PATIENCE_S,
                )
                assert process.poll() is None
                yield
            finally:
                process.terminate()
                process.wait(PATIENCE_S)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    made = _Network(tmp_path_factory.mktemp("network"))
    try:
        for words in (
            ["netns", "add", made.name],
            ["-n", made.name, "link", "set", "lo", "up"],
            ["-n", made.name, "address", "add", "10.77.9.53/32", "dev", "lo"],
        ):
            subprocess.run([find("ip"), *words], check=True)
        yield made
    finally:
        subprocess.run([find("ip"), "netns", "delete", made.name], capture_output=True, check=False)


@pytest.fixture
def questions(network, tmp_path):
    """Return a function that returns what the name server was asked so far."""
    asked = tmp_path / "questions"
    asked.touch()
    words = network.inside(sys.executable, "-c", _NAME_SERVER, asked)
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "listening\n"
            yield lambda: asked.read_text().split()
        finally:
            process.kill()


_REPEATING = """
import socket
server = socket.create_server(("127.0.0.1", 8081))
while True:
    peer, _ = server.accept()
    with peer:
        peer.sendall(peer.recv(5))
"""
_DANTE_CONFIGURATION = """
logoutput: {directory}/log
internal: 127.0.0.1 port = 1080
external: 127.0.0.1
clientmethod: none
socksmethod: none
user.privileged: root
user.notprivileged: nobody
client pass {{ from: 0/0 to: 0/0 }}
socks pass {{ from: 0/0 to: 0/0 }}
"""


@pytest.mark.skipif(not _made(), reason="network namespaces need root")
@needs("ip", "ss", "danted", "curl", "wget", "dig", "go")
def test_no_question_leaves_a_job_and_each_of_them_does_otherwise(
    fresh_house,
    network,
    questions,
    tmp_path,
    echo,  # noqa: F811
):
    """Through Dante, which finds the name in its own hosts file; the job's has no such name."""
    (tmp_path / "danted.conf").write_text(_DANTE_CONFIGURATION.format(directory=tmp_path))
    web = "-m", "http.server", "--bind", "127.0.0.1", "--directory", tmp_path, "8080"
    entry = make_socks_entry(sequence=10, servers="127.0.0.1:1080")
    activate_rules(fresh_house.store, socks=(entry,))
    go = tmp_path / "routed-go"
    environment = os.environ | {"CGO_ENABLED": "0", "GOCACHE": str(tmp_path / "cache"), "GO111MODULE": "off"}
    subprocess.run(["go", "build", "-o", go, _HERE / "programs" / "routed.go"], check=True, env=environment)
    programs = [
        (find("curl"), "-sS", "-o", os.devnull, f"http://{NAME}:8080/"),
        (find("wget"), "-q", "-O", os.devnull, f"http://{NAME}:8080/"),
        (find("dig"), "+short", NAME),
        (find("dig"), "+tcp", "+tries=1", "+time=2", "+short", NAME),
        (sys.executable, "-c", f"import socket; socket.create_connection(('{NAME}', 8080))"),
        (go, f"{NAME}:8080"),
        *((fresh_house.programs / name, NAME, 8081) for name in ("named", "named-static", "named-musl")),
    ]
    programs = [program for program in programs if Path(program[0]).exists()]
    danted = network.running(
        "danted", "-f", tmp_path / "danted.conf", "-p", tmp_path / "pid", listening="127.0.0.1:1080"
    )
    repeating = sys.executable, "-c", _REPEATING
    with (
        danted,
        network.running(sys.executable, *web, listening="127.0.0.1:8080"),
        network.running(*repeating, listening="127.0.0.1:8081"),
    ):
        for program in programs:
            done = _run_there(fresh_house, network, program, OPTIONS)
            assert done.returncode == 0, (program, done)
        assert questions() == []
        for program in programs:
            before = len(questions())
            _run_there(fresh_house, network, program, ())
            assert len(questions()) > before, program


def _run_there(house, network, program, options):
    _, command = house.command(*map(str, program), options=options)
    return subprocess.run(
        network.inside(*command), capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
    )


@pytest.mark.parametrize(
    ("server", "version"),
    [
        pytest.param("dante", "5", marks=DANTE),  # 1.4.2 takes no names by version 4A
        pytest.param("openssh", "4A", marks=OPENSSH),
        pytest.param("openssh", "5", marks=OPENSSH),
    ],
)
def test_servers_that_people_run_resolve_names(routed_house, echo, request, server, version):  # noqa: F811
    at = request.getfixturevalue(server)
    entry = make_socks_entry(sequence=10, servers=f"{at.host}:{at.port}", version=version)
    activate_rules(routed_house.store, socks=(entry,))
    name = socket.gethostname()
    lines, found = run(routed_house, sys.executable, "-c", _CONNECT_BY_QUESTION, name, echo)
    assert lines == ["240.0.0.1", "b'hello'"]
    assert connects(found) == [("*ALLOWED", "240.0.0.1", f"{at.host}:{at.port}", f"name {name.lower()}")]


_CONNECT_BY_QUESTION = """
import dns.resolver, socket, sys
resolver = dns.resolver.Resolver(configure=False)
resolver.nameservers = ["192.0.2.53"]
(address,) = (each.to_text() for each in resolver.resolve(sys.argv[1], "A", search=False))
print(address)
with socket.create_connection((address, int(sys.argv[2]))) as client:
    client.sendall(b"hello")
    print(client.recv(5))
"""
"""Asks a name server for a name that this machine knows, so that the SOCKS server, which is here too, finds it."""
