"""Packets that go by way of hosts which no rule has seen: source routes of IPv4, routing headers of IPv6.

That the options are refused as under a guard is in test_escapes.py (source_route).
"""

from __future__ import annotations

import textwrap
from ipaddress import ip_address

from console.enforcement.kernel.engine import find_cgroups
from console.enforcement.kernel.entries import entry
from console.enforcement.kernel.events import RAW
from console.messages import message
from console.model.words import ExitPoint, Mode, Outcome, Udp
from tests.enforcement.kernel_engine.conftest import House, remove

LOOSE = "bytes((131, 7, 4, 127, 0, 0, 3, 0))"
ROUTED = f"""
    LOOSE = {LOOSE}
    SEGMENT = bytes((0, 2, 4, 0, 0, 0, 0, 0)) + bytes(15) + bytes((1,))
"""
ALONE = """
    import ctypes, fcntl
    ctypes.CDLL(None).unshare(0x4000_0000)  # a network of its own
    fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sH14x", b"lo", 1))
    for name in ("all", "lo", "default"):
        for setting in ("accept_source_route", "accept_local", "route_localnet"):
            open(f"/proc/sys/net/ipv4/conf/{name}/{setting}", "w").write("1")
        open(f"/proc/sys/net/ipv6/conf/{name}/seg6_enabled", "w").write("1")
"""


def joined(*parts):
    return "".join(map(textwrap.dedent, parts))


def texts(house):
    return [entry(event, clock_ns=0, user="ROOT", program="").text for event in house.last if event.flags & RAW]


def test_option_with_a_route_is_refused_and_told(house):
    lines, told = house.run(joined(ROUTED, """
        made = socket.socket()
        tried("route", lambda: made.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, LOOSE))
        tried("six", lambda: socket.socket(socket.AF_INET6).setsockopt(socket.IPPROTO_IPV6, 57, SEGMENT))
        large = struct.pack("i", 1) + bytes(8188)
        tried("large", lambda: made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, large))
        print(made.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR))
    """))  # fmt: skip
    assert lines == ["route EPERM", "six EPERM", "large 0", "1"]
    assert told == [("*CONNECT", "*REJECTED", 0)] * 2
    assert texts(house) == [message("GWL049D").text] * 2


def test_engine_that_watches_lets_routes_be(house):
    house.put_in_force(modes=dict.fromkeys(ExitPoint, Mode.MONITOR))
    lines, told = house.run(
        joined(
            ROUTED,
            """
        tried("route", lambda: socket.socket().setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, LOOSE))
    """,
        )
    )
    assert (lines, told) == (["route 0"], [])


def test_socket_that_has_a_route_from_before_connects_nowhere(house):
    """Made under a policy that lets it be, as a socket from before the engine, or from outside its cgroup."""
    house.put_in_force(modes=dict.fromkeys(ExitPoint, Mode.MONITOR))
    with house.start(joined(ALONE, ROUTED, """
        four, six, plain = socket.socket(), socket.socket(socket.AF_INET6), socket.socket()
        four.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, LOOSE)
        six.setsockopt(socket.IPPROTO_IPV6, 57, SEGMENT)
        servers = socket.create_server(("127.0.0.1", 0)), socket.create_server(("::1", 0), family=socket.AF_INET6)
        print("made", flush=True)
        sys.stdin.readline()
        tried("four", lambda: four.connect(servers[0].getsockname()))
        tried("six", lambda: six.connect(servers[1].getsockname()))
        tried("plain", lambda: plain.connect(servers[0].getsockname()))
    """), stdin=-1) as program:  # fmt: skip
        assert program.stdout.readline() == "made\n"
        house.put_in_force()
        house.told()
        assert program.communicate("go on\n", 60)[0].splitlines() == ["four EPERM", "six EPERM", "plain 0"]
    assert house.told()[:2] == [("*CONNECT", "*REJECTED", 0)] * 2
    assert texts(house) == [message("GWL049D").text] * 2


def test_datagram_with_a_route_is_dropped_where_datagrams_are_decided(house):
    """One that its message says, and one of the socket from before."""
    code = joined(ALONE, ROUTED, """
        kind = socket.SOCK_DGRAM
        there, far = socket.socket(socket.AF_INET, kind), socket.socket(socket.AF_INET6, kind)
        there.bind(("127.0.0.1", 0))
        far.bind(("::1", 0))
        four, six, plain = socket.socket(socket.AF_INET, kind), *(socket.socket(socket.AF_INET6, kind) for _ in "12")
        six.setsockopt(socket.IPPROTO_IPV6, 57, SEGMENT)
        def send():
            tried("four", lambda: four.sendmsg([b"x"], [(socket.IPPROTO_IP, 7, LOOSE)], 0, there.getsockname()))
            tried("plain four", lambda: four.sendto(b"x", there.getsockname()))
            tried("six", lambda: six.sendto(b"x", far.getsockname()))
            tried("plain six", lambda: plain.sendto(b"x", far.getsockname()))
        send()
        sys.stdin.readline()
        send()
        far.settimeout(0.2)
        tried("arrived", lambda: far.recv(1))
        tried("arrived", lambda: far.recv(1))
        tried("arrived", lambda: far.recv(1))
        tried("arrived", lambda: far.recv(1))
    """)  # fmt: skip
    house.put_in_force(modes=dict.fromkeys(ExitPoint, Mode.MONITOR))
    with house.start(code, stdin=-1) as program:
        before = [program.stdout.readline().strip() for _ in range(4)]
        house.put_in_force(udp=Udp.DECIDE)
        house.told()
        after = program.communicate("go on\n", 60)[0].splitlines()
    assert before == ["four 0", "plain four 0", "six 0", "plain six 0"]
    assert after[:2] == ["four EPERM", "plain four 0"]
    assert after[3:] == ["plain six 0", "arrived 0", "arrived 0", "arrived 0", "arrived timed out"]
    refused, allowed = ("*CONNECT", "*REJECTED", 0), ("*CONNECT", "*ALLOWED", 99999)
    assert house.told() == [refused, allowed, refused, allowed]


def test_datagram_that_is_refused_for_its_way_alone_is_not_told_as_allowed_and_the_next_one_is(house):
    """Also one that never came to where its way is seen: there was none."""
    house.put_in_force(udp=Udp.DECIDE)
    lines, told = house.run(joined(ALONE, ROUTED, """
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for _ in "12":
            tried("routed", lambda: made.sendmsg([b"x"], [(socket.IPPROTO_IP, 7, LOOSE)], 0, ("127.0.0.1", 9)))
        for _ in "12":
            tried("plain", lambda: made.sendto(b"x", ("127.0.0.1", 9)))
        tried("nowhere", lambda: made.sendto(b"x", ("192.0.2.1", 9)))
        tried("plain", lambda: made.sendto(b"x", ("127.0.0.2", 9)))
        tried("nowhere", lambda: made.sendto(b"x", ("192.0.2.2", 9)))
    """))  # fmt: skip
    assert lines == ["routed EPERM"] * 2 + ["plain 0"] * 2 + ["nowhere ENETUNREACH", "plain 0", "nowhere ENETUNREACH"]
    assert told == [("*CONNECT", "*REJECTED", 0)] * 2 + [("*CONNECT", "*ALLOWED", 99999)] * 4
    remotes = [str(ip_address(event.remote.address & 0xFFFF_FFFF)) for event in house.last]
    assert remotes == ["127.0.0.3"] * 2 + ["127.0.0.1", "192.0.2.1", "127.0.0.2", "192.0.2.2"]
    assert house.engine.counters().decided == 7


def test_datagrams_that_threads_send_by_one_socket_are_all_told(house):
    house.put_in_force(udp=Udp.DECIDE)
    lines, _ = house.run(joined(ROUTED, """
        import threading
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        def send(host, count):
            for port in range(1, count):
                made.sendto(b"x", (host, port))
        def send_routed():
            for port in range(1, 400):
                tried("routed", lambda: made.sendmsg([b"x"], [(socket.IPPROTO_IP, 7, LOOSE)], 0, ("127.0.0.1", port)))
        threads = [threading.Thread(target=send, args=("127.0.0.%d" % n, 400)) for n in (1, 2, 3)]
        threads.append(threading.Thread(target=send_routed))
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    """))  # fmt: skip
    assert set(lines) <= {"routed EPERM", "routed EINVAL"}
    allowed = {event.remote for event in house.last if event.outcome is Outcome.ALLOWED}
    assert len(allowed) == 3 * 399


def test_peer_that_wants_its_answers_to_go_another_way_hears_nothing(house):
    """A SYN with a source route, which a host that accepts those would answer by way of whoever the peer names."""
    code = joined(
        ALONE,
        ROUTED,
        """
        server = socket.create_server(("127.0.0.1", 0))
        print("listens", flush=True)
        sys.stdin.readline()
        open(sys.argv[1], "w").write("0")  # what is sent from there no program sees
        made = socket.socket()
        made.settimeout(0.7)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, LOOSE)
        tried("routed", lambda: made.connect(server.getsockname()))
        tried("plain", lambda: connect(*server.getsockname()))
    """,
    )
    answers = []
    for watched in (True, False):
        house.put_in_force(modes=dict.fromkeys(ExitPoint, Mode.MONITOR))
        with house.start(code, find_cgroups() / "cgroup.procs", stdin=-1) as program:
            assert program.stdout.readline() == "listens\n"
            if not watched:
                house.put_in_force()
            answers.append(program.communicate("go on\n", 60)[0].splitlines())
    assert answers == [["routed 0", "plain 0"], ["routed timed out", "plain 0"]]
    house.told()
    assert texts(house) == [message("GWL049D").text]


def test_engine_below_another_hides_no_route_from_it(house):
    """The one of a cgroup below runs first, and only watches; what forgets a route passes both."""
    below = house.cgroup / "below"
    below.mkdir()
    inner = House(below)
    try:
        inner.put_in_force(modes=dict.fromkeys(ExitPoint, Mode.MONITOR))
        lines, _ = inner.run(joined(ROUTED, """
            made, six = socket.socket(), socket.socket(socket.AF_INET6)
            tried("route", lambda: made.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, LOOSE))
            tried("six", lambda: six.setsockopt(socket.IPPROTO_IPV6, 57, SEGMENT))
            tried("none", lambda: made.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, b""))
            large = struct.pack("i", 1) + bytes(8188)
            tried("large", lambda: made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, large))
        """))  # fmt: skip
        assert lines == ["route EPERM", "six EPERM", "none 0", "large 0"]
        house.told()
        assert texts(house) == [message("GWL049D").text] * 2
    finally:
        inner.close()
        remove(below)


def test_refused_route_is_told_where_connects_are_not_decided(house):
    modes = {ExitPoint.CONNECT: Mode.OFF, ExitPoint.ACCEPT: Mode.OFF, ExitPoint.LISTEN: Mode.ENFORCE}
    house.put_in_force(modes=dict.fromkeys(ExitPoint, Mode.OFF))
    with house.start(joined(ROUTED, """
        made = socket.socket()
        made.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, LOOSE)
        print("made", flush=True)
        sys.stdin.readline()
        tried("connect", lambda: made.connect(("127.0.0.1", 9)))
    """), stdin=-1) as program:  # fmt: skip
        assert program.stdout.readline() == "made\n"
        house.put_in_force(modes=modes)
        house.told()
        refused = house.engine.counters().refused
        assert program.communicate("go on\n", 60)[0] == "connect EPERM\n"
    assert house.told() == [("*CONNECT", "*REJECTED", 0)]
    assert texts(house) == [message("GWL049D").text]
    assert house.engine.counters().refused == refused + 1


def test_datagram_with_a_route_is_told_with_its_port_and_as_nothing_else(house):
    """Also where a rule rejects what has no port."""
    house.put_in_force(
        {"exit_point": "*CONNECT", "sequence": 10, "remote_port": "1-65535", "action": "*ALLOW"},
        {"exit_point": "*CONNECT", "sequence": 20, "action": "*REJECT"},
        udp=Udp.DECIDE,
    )
    lines, _ = house.run(joined(ROUTED, """
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        tried("sent", lambda: made.sendmsg([b"x"], [(socket.IPPROTO_IP, 7, LOOSE)], 0, ("127.0.0.1", 9)))
    """))  # fmt: skip
    assert lines == ["sent EPERM"]
    refused = [event for event in house.last if event.outcome == Outcome.REJECTED]
    assert [(event.sequence, event.remote.port) for event in refused] == [(0, 9)]
    assert texts(house) == [message("GWL049D").text]
