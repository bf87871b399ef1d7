"""Connect, accept and listen decided in the kernel, for everything in a cgroup and for nothing else."""

from __future__ import annotations

import socket
import subprocess

import pytest

from console.enforcement.kernel import engine
from console.enforcement.kernel.entries import is_wanted
from console.enforcement.kernel.events import DATAGRAM, INERT
from console.enforcement.kernel.resets import is_to_be_reset, send_reset
from console.enforcement.layouts import address_text
from console.model.words import ExitPoint, Mode, RawSockets, Udp
from console.policy.audit_levels import Auditing, Levels
from tests.end_to_end.command import until
from tests.enforcement.kernel_engine.conftest import consumed

REJECT = {"action": "*REJECT"}
NO_CONNECT = {"exit_point": "*CONNECT", "sequence": 10} | REJECT


@pytest.mark.parametrize(
    ("fail", "said"), [("*EPERM", "EPERM"), ("*REFUSED", "ECONNREFUSED"), ("*TIMEOUT", "ETIMEDOUT")]
)
def test_connect_fails_as_its_rule_says(house, fail, said):
    house.put_in_force({"exit_point": "*CONNECT", "sequence": 10, "remote_address": "127.0.0.2", "fail": fail} | REJECT)
    lines, told = house.run("""
        server = socket.create_server(("0.0.0.0", 0))
        port = server.getsockname()[1]
        tried("refused", lambda: connect("127.0.0.2", port))
        tried("allowed", lambda: connect("127.0.0.1", port))
    """)
    assert lines == [f"refused {said}", "allowed 0"]
    assert told == [("*LISTEN", "*ALLOWED", 99999), ("*CONNECT", "*REJECTED", 10), ("*CONNECT", "*ALLOWED", 99999),
                    ("*ACCEPT", "*ALLOWED", 99999)]  # fmt: skip


def test_nobody_outside_the_cgroup_is_decided_about(house):
    house.put_in_force({"exit_point": "*CONNECT", "sequence": 10, "remote_address": "127.0.0.2"} | REJECT)
    with socket.create_server(("127.0.0.2", 0)) as server:
        socket.create_connection(server.getsockname()).close()
    assert house.told() == []


def test_refused_peer_hears_nothing_and_the_server_never_wakes(house):
    house.put_in_force({"exit_point": "*ACCEPT", "sequence": 10, "remote_address": "127.0.0.3"} | REJECT)
    lines, told = house.run("""
        server = socket.create_server(("127.0.0.1", 0))
        port = server.getsockname()[1]
        tried("refused", lambda: connect("127.0.0.1", port, "127.0.0.3"))
        print("readable", bool(select.select([server], [], [], 0)[0]))
        tried("allowed", lambda: connect("127.0.0.1", port))
        print("readable", bool(select.select([server], [], [], 5)[0]))
    """)
    assert lines == ["refused timed out", "readable False", "allowed 0", "readable True"]
    refused = [event for event in house.last if event.exit_point == "*ACCEPT" and event.outcome == "*REJECTED"]
    (event,) = refused
    assert address_text(event.remote.address) == "127.0.0.3"
    assert event.pid
    assert ("*ACCEPT", "*ALLOWED", 99999) in told


@pytest.mark.parametrize(
    ("host", "source", "family", "audit"),
    [("127.0.0.1", "127.0.0.3", socket.AF_INET, "*ALL"), ("::1", "::1", socket.AF_INET6, "*NONE")],
)
def test_refused_peer_is_reset_where_the_rule_says_so(house, host, source, family, audit):
    reset = {"exit_point": "*ACCEPT", "sequence": 10, "remote_address": source, "fail": "*REFUSED", "audit": audit}
    house.put_in_force(reset | REJECT)
    with house.start("""
        host, source, family = sys.argv[1], sys.argv[2], int(sys.argv[3])
        server = socket.create_server((host, 0), family=family)
        print("listens", flush=True)
        tried("refused", lambda: connect(host, server.getsockname()[1], source, family, 20))
        print("readable", bool(select.select([server], [], [], 0)[0]))
    """, host, source, int(family)) as program:  # fmt: skip
        assert program.stdout.readline() == "listens\n"
        refused = []

        def is_refused():
            refused.extend(event for event in consumed(house.engine) if is_to_be_reset(event))
            return refused

        until(is_refused, "the SYN to be told of", 20)
        assert [is_wanted(event, Levels(Auditing()), "ROOT") for event in refused] == [audit == "*ALL"]
        for event in refused:
            send_reset(event)
        assert program.communicate(timeout=60)[0].splitlines() == ["refused ECONNREFUSED", "readable False"]


def test_syn_that_is_sent_again_is_told_once(house):
    house.put_in_force({"exit_point": "*ACCEPT", "sequence": 10, "remote_address": "127.0.0.3"} | REJECT)
    lines, told = house.run("""
        server = socket.create_server(("127.0.0.1", 0))
        tried("refused", lambda: connect("127.0.0.1", server.getsockname()[1], "127.0.0.3", limit=3.5))
    """)
    assert lines == ["refused timed out"]
    assert told.count(("*ACCEPT", "*REJECTED", 10)) == 1


def test_listen_is_refused_at_its_bind(house):
    house.put_in_force({"exit_point": "*LISTEN", "sequence": 10, "local_port": "7777"} | REJECT)
    lines, told = house.run("""
        made = socket.socket()
        tried("bind", lambda: made.bind(("127.0.0.1", 7777)))
        tried("elsewhere", lambda: made.bind(("127.0.0.1", 0)))
        tried("listen", lambda: made.listen())
    """)
    assert lines == ["bind EPERM", "elsewhere 0", "listen 0"]
    assert told == [("*LISTEN", "*REJECTED", 10), ("*LISTEN", "*ALLOWED", 99999)]


def test_listener_that_slips_past_is_inert_and_told(house):
    house.put_in_force({"exit_point": "*LISTEN", "sequence": 10, "local_port": "1024-65535"} | REJECT)
    lines, told = house.run("""
        made = socket.socket()
        tried("listen", lambda: made.listen())
        tried("reach", lambda: connect("127.0.0.1", made.getsockname()[1]))
    """)
    assert lines == ["listen 0", "reach timed out"]
    assert told[0] == ("*LISTEN", "*REJECTED", 10)
    assert house.last[0].flags == INERT


def test_ipv6_and_mapped_addresses_are_the_same_as_in_rules(house):
    house.put_in_force(
        {"exit_point": "*CONNECT", "sequence": 10, "remote_address": "127.0.0.2"} | REJECT,
        {"exit_point": "*CONNECT", "sequence": 20, "remote_address": "::1", "fail": "*REFUSED"} | REJECT,
        {"exit_point": "*ACCEPT", "sequence": 10, "remote_address": "127.0.0.3"} | REJECT,
    )
    lines, _ = house.run("""
        server = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        port = server.getsockname()[1]
        six = socket.AF_INET6
        tried("mapped", lambda: connect("::ffff:127.0.0.2", port, family=six))
        tried("six", lambda: connect("::1", port, family=six))
        tried("peer", lambda: connect("127.0.0.1", port, "127.0.0.3"))
        tried("mapped peer", lambda: connect("::ffff:127.0.0.1", port, "::ffff:127.0.0.3", family=six))
        tried("allowed", lambda: connect("::ffff:127.0.0.1", port, family=six))
    """)
    assert lines == ["mapped EPERM", "six ECONNREFUSED", "peer timed out", "mapped peer timed out", "allowed 0"]


def test_effective_user_decides_about_connects_and_the_listener_s_about_accepts(house):
    house.put_in_force(
        {"exit_point": "*CONNECT", "sequence": 10, "user": "NOBODY", "remote_address": "127.0.0.2"} | REJECT,
        {"exit_point": "*ACCEPT", "sequence": 10, "user": "NOBODY"} | REJECT,
    )
    code = """
        server = socket.create_server(("0.0.0.0", 0))
        port = server.getsockname()[1]
        tried("connect", lambda: connect("127.0.0.2", port))
        tried("accept", lambda: connect("127.0.0.1", port))
        if os.geteuid() == 0:
            os.setresuid(0, 65534, 0)
            tried("effective", lambda: connect("127.0.0.2", port))
    """
    assert house.run(code, user=65534)[0] == ["connect EPERM", "accept timed out"]
    assert house.run(code)[0] == ["connect 0", "accept 0", "effective EPERM"]


def test_address_of_nobody_is_decided_about_as_where_it_leads(house):
    house.put_in_force(
        {"exit_point": "*CONNECT", "sequence": 10, "remote_address": "127.0.0.0/8"} | REJECT,
        {"exit_point": "*CONNECT", "sequence": 20, "remote_address": "::1"} | REJECT,
        {"exit_point": "*CONNECT", "sequence": 30, "remote_address": "224.0.0.1", "fail": "*REFUSED"} | REJECT,
    )
    lines, _ = house.run("""
        port = socket.create_server(("0.0.0.0", 0)).getsockname()[1]
        six = socket.AF_INET6
        tried("four", lambda: connect("0.0.0.0", port))
        tried("bound", lambda: connect("0.0.0.0", port, "127.0.0.9"))
        tried("multicast", lambda: connect("0.0.0.0", port, "224.0.0.1"))
        tried("six", lambda: connect("::", port, family=six))
        tried("mapped", lambda: connect("::ffff:0.0.0.0", port, family=six))
        tried("mapped bound", lambda: connect("::ffff:0.0.0.0", port, "::ffff:127.0.0.9", six))
        tried("six mapped bound", lambda: connect("::", port, "::ffff:127.0.0.9", six))
    """)
    assert lines == [
        "four EPERM", "bound EPERM", "multicast ECONNREFUSED", "six EPERM", "mapped EPERM", "mapped bound EPERM",
        "six mapped bound EPERM",
    ]  # fmt: skip
    shown = [address_text(event.remote.address) for event in house.last if event.exit_point == ExitPoint.CONNECT]
    assert shown == ["127.0.0.1", "127.0.0.9", "224.0.0.1", "::1", "127.0.0.1", "127.0.0.9", "127.0.0.1"]


def test_address_of_nobody_leads_where_it_does_without_the_engine(house):
    lines, _ = house.run("""
        servers = socket.create_server(("0.0.0.0", 0)), socket.create_server(("::1", 0), family=socket.AF_INET6)
        port, other = (each.getsockname()[1] for each in servers)
        print(connect("0.0.0.0", port).getpeername()[0])
        print(connect("0.0.0.0", port, "127.0.0.9").getpeername()[0])
        print(connect("::", other, family=socket.AF_INET6).getpeername()[0])
        print(connect("::ffff:0.0.0.0", port, family=socket.AF_INET6).getpeername()[0])
    """)
    assert lines == ["127.0.0.1", "127.0.0.9", "::1", "::ffff:127.0.0.1"]


def test_user_of_an_accept_is_who_made_the_listener_listen(house):
    house.put_in_force({"exit_point": "*ACCEPT", "sequence": 10, "user": "NOBODY"} | REJECT)
    lines, told = house.run("""
        made = socket.socket()
        made.bind(("127.0.0.1", 0))
        os.setresuid(65534, 65534, 65534)
        made.listen()
        tried("accept", lambda: connect("127.0.0.1", made.getsockname()[1]))
    """)
    assert lines == ["accept timed out"]
    assert ("*ACCEPT", "*REJECTED", 10) in told


def test_listener_for_both_families_is_asked_about_as_both(house):
    house.put_in_force({"exit_point": "*LISTEN", "sequence": 10, "local_address": "0.0.0.0"} | REJECT)
    lines, told = house.run("""
        def listener(port, only):
            made = socket.socket(socket.AF_INET6)
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
            if port:
                made.bind(("::", port))
            made.listen()
            return made
        tried("only", lambda: listener(7778, 1))
        tried("both", lambda: listener(7779, 0))
        tried("neither bound", lambda: listener(0, 1))
        made = tried("unbound", lambda: listener(0, 0))
        tried("reach", lambda: connect("::1", made.getsockname()[1], family=socket.AF_INET6))
    """)
    assert lines == ["only 0", "both EPERM", "neither bound 0", "unbound 0", "reach timed out"]
    assert told[:4] == [("*LISTEN", outcome, rule) for outcome, rule in (
        ("*ALLOWED", 99999), ("*REJECTED", 10), ("*ALLOWED", 99999), ("*REJECTED", 10)
    )]  # fmt: skip


LISTENER_FROM_BEFORE = """
    made = socket.socket()
    made.listen()
    print("listens", flush=True)
    sys.stdin.readline()
    tried("reach", lambda: connect("127.0.0.1", made.getsockname()[1]))
"""


def test_user_of_a_listener_from_before_is_who_made_its_socket(house):
    house.engine.attachment.detach()
    with house.start(LISTENER_FROM_BEFORE, stdin=-1, user=65534) as program:
        assert program.stdout.readline() == "listens\n"
        house.put_in_force({"exit_point": "*ACCEPT", "sequence": 10, "user": "ROOT"} | REJECT)
        house.engine.attachment.attach(house.cgroup)
        assert program.communicate("go\n", 60)[0] == "reach 0\n"
    assert ("*ACCEPT", "*ALLOWED", 99999) in house.told()
    assert [event.uid for event in house.last] == [65534, 65534]


def test_listener_that_was_inert_under_another_engine_is_inert_still(house):
    no_listen = {"exit_point": "*LISTEN", "sequence": 10, "local_port": "1024-65535"} | REJECT
    house.put_in_force(no_listen)
    with house.start(LISTENER_FROM_BEFORE, stdin=-1) as program:
        assert program.stdout.readline() == "listens\n"
        assert house.told() == [("*LISTEN", "*REJECTED", 10)]
        house.begin_again(no_listen)
        assert program.communicate("go\n", 60)[0] == "reach timed out\n"
    assert house.told() == [("*CONNECT", "*ALLOWED", 99999), ("*LISTEN", "*REJECTED", 10)]
    assert house.last[1].flags == INERT


def test_inert_listener_is_reached_when_the_same_revision_lets_it_listen(house):
    rule = {"exit_point": "*LISTEN", "sequence": 10, "local_port": "1024-65535"} | REJECT
    house.put_in_force(rule)
    with house.start("""
        made = socket.socket()
        made.listen()
        tried("refused", lambda: connect("127.0.0.1", made.getsockname()[1]))
        sys.stdin.readline()
        tried("watched", lambda: connect("127.0.0.1", made.getsockname()[1]))
    """, stdin=subprocess.PIPE) as program:  # fmt: skip
        assert program.stdout.readline() == "refused timed out\n"
        house.put_in_force(rule, modes={ExitPoint.LISTEN: Mode.MONITOR})  # greenwall engine monitor
        assert program.communicate("\n", timeout=60)[0] == "watched 0\n"


def test_inert_listener_is_reached_under_a_policy_that_lets_it_listen(house):
    house.put_in_force({"exit_point": "*LISTEN", "sequence": 10, "local_port": "1024-65535"} | REJECT)
    with house.start(LISTENER_FROM_BEFORE, stdin=-1) as program:
        assert program.stdout.readline() == "listens\n"
        house.put_in_force(revision=2)
        assert program.communicate("go\n", 60)[0] == "reach 0\n"


def test_monitor_lets_pass_and_tells(house):
    house.put_in_force(
        {"exit_point": "*CONNECT", "sequence": 10, "remote_address": "127.0.0.2"} | REJECT,
        {"exit_point": "*ACCEPT", "sequence": 10} | REJECT,
        modes={ExitPoint.CONNECT: Mode.MONITOR, ExitPoint.ACCEPT: Mode.MONITOR, ExitPoint.LISTEN: Mode.OFF},
    )
    lines, told = house.run("""
        server = socket.create_server(("0.0.0.0", 0))
        tried("connect", lambda: connect("127.0.0.2", server.getsockname()[1]))
    """)
    assert lines == ["connect 0"]
    assert told == [("*CONNECT", "*MONITOR", 10), ("*ACCEPT", "*MONITOR", 10)]


def test_what_a_guard_does_is_not_decided_twice(house):
    house.put_in_force(
        {"exit_point": "*CONNECT", "sequence": 10} | REJECT, {"exit_point": "*ACCEPT", "sequence": 10} | REJECT
    )
    with house.start("""
        sys.stdin.readline()
        server = socket.create_server(("127.0.0.1", 0))
        tried("connect", lambda: connect("127.0.0.1", server.getsockname()[1]))
        sys.stdin.readline()
        tried("later", lambda: connect("127.0.0.1", server.getsockname()[1]))
    """, stdin=-1) as program:  # fmt: skip
        house.engine.let_guard(program.pid)
        print("go", file=program.stdin, flush=True)
        assert program.stdout.readline() == "connect 0\n"
        assert house.told() == []
        house.engine.forget_guard(program.pid)
        house.engine.forget_guard(program.pid)
        assert program.communicate("go\n", 60)[0] == "later EPERM\n"


def test_process_that_has_the_number_of_a_guard_is_none(house, monkeypatch):
    house.put_in_force(NO_CONNECT)
    with house.start("""
        sys.stdin.readline()
        tried("connect", lambda: connect("127.0.0.1", 9))
    """, stdin=-1) as program:  # fmt: skip
        before = engine.started(program.pid) - 1
        monkeypatch.setattr(engine, "started", lambda pid: before)
        house.engine.let_guard(program.pid)
        assert program.communicate("go\n", 60)[0] == "connect EPERM\n"


def test_datagrams_and_other_families_pass_where_the_policy_ignores_them(house):
    house.put_in_force(
        {"exit_point": "*CONNECT", "sequence": 10} | REJECT, {"exit_point": "*LISTEN", "sequence": 10} | REJECT
    )
    lines, told = house.run("""
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        tried("bind", lambda: made.bind(("127.0.0.1", 0)))
        tried("datagram", lambda: made.connect(("127.0.0.1", 9)))
        tried("send", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)))
        tried("unix", lambda: socket.socket(socket.AF_UNIX).bind("\\0greenwall-test-%d" % os.getpid()))
    """)
    assert (lines, told) == (["bind 0", "datagram 0", "send 0", "unix 0"], [])


DATAGRAMS = """
    def datagram(host, family=socket.AF_INET):
        made = socket.socket(family, socket.SOCK_DGRAM)
        return lambda: made.sendto(b"x", (host, 9)), lambda: made.connect((host, 9))
    six = socket.AF_INET6
    for name, host, family in (
        ("four", "127.0.0.2", socket.AF_INET), ("mapped", "::ffff:127.0.0.2", six), ("six", "::1", six),
        ("nobody", "0.0.0.0", socket.AF_INET), ("six nobody", "::", six),
    ):
        send, join = datagram(host, family)
        tried(name + " send", send)
        tried(name + " connect", join)
"""


def test_datagrams_are_decided_where_the_policy_says_so(house):
    house.put_in_force(
        {"exit_point": "*CONNECT", "sequence": 10, "remote_address": "127.0.0.0/8", "remote_port": "9"} | REJECT,
        {"exit_point": "*CONNECT", "sequence": 20, "remote_address": "::1", "fail": "*REFUSED"} | REJECT,
        udp=Udp.DECIDE,
    )
    lines, told = house.run(DATAGRAMS)
    assert lines == [
        "four send EPERM", "four connect EPERM", "mapped send EPERM", "mapped connect EPERM",
        "six send ECONNREFUSED", "six connect ECONNREFUSED", "nobody send EPERM", "nobody connect EPERM",
        "six nobody send ECONNREFUSED", "six nobody connect ECONNREFUSED",
    ]  # fmt: skip
    assert {flags for event in house.last if (flags := event.flags)} == {DATAGRAM}
    assert len(told) == 10


def test_datagrams_that_pass_are_told_once_a_socket_and_destination(house):
    house.put_in_force(udp=Udp.DECIDE)
    lines, told = house.run("""
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for host in ("127.0.0.1", "127.0.0.2", "127.0.0.1", "127.0.0.2"):
            tried(host, lambda: made.sendto(b"x", (host, 9)))
    """)
    assert len(lines) == 4
    assert told == [("*CONNECT", "*ALLOWED", 99999)] * 2
    assert house.engine.counters().decided == 4


def test_echo_requests_of_unprivileged_sockets_are_datagrams(house):
    house.put_in_force(
        {"exit_point": "*CONNECT", "sequence": 10, "remote_address": "127.0.0.2"} | REJECT,
        {"exit_point": "*CONNECT", "sequence": 20, "remote_address": "::1"} | REJECT,
        udp=Udp.DECIDE,
    )
    lines, told = house.run("""
        import ctypes, fcntl
        ctypes.CDLL(None).unshare(0x4000_0000)  # a network of its own, in which everybody may make such sockets
        open("/proc/sys/net/ipv4/ping_group_range", "w").write("0 2147483647")
        fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sH14x", b"lo", 1))
        request = bytes((8, 0, 0, 0, 0, 1, 0, 1))
        four = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
        tried("refused", lambda: four.sendto(request, ("127.0.0.2", 0)))
        tried("allowed", lambda: four.sendto(request, ("127.0.0.1", 0)))
        tried("connect", lambda: four.connect(("127.0.0.2", 0)))
        six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM, socket.IPPROTO_ICMPV6)
        tried("six", lambda: six.sendto(bytes((128,)) + request[1:], ("::1", 0)))
    """)
    assert lines == ["refused EPERM", "allowed 0", "connect EPERM", "six 0"]  # Linux does not say it of IPv6
    assert told == [("*CONNECT", outcome, rule) for outcome, rule in (
        ("*REJECTED", 10), ("*ALLOWED", 99999), ("*REJECTED", 10), ("*REJECTED", 20)
    )]  # fmt: skip


RAW_SOCKETS = """
    tried("raw", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP))
    tried("six", lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_UDP))
    tried("plain", lambda: socket.socket())
"""


@pytest.mark.parametrize(
    ("raw", "mode", "said", "outcome"),
    [
        (RawSockets.REFUSE, Mode.ENFORCE, "EPERM", "*REJECTED"),
        (RawSockets.REFUSE, Mode.MONITOR, "0", "*MONITOR"),
        (RawSockets.REFUSE, Mode.OFF, "0", None),
        (RawSockets.ALLOW, Mode.ENFORCE, "0", None),
    ],
)
def test_raw_sockets_are_refused_as_the_policy_says(house, raw, mode, said, outcome):
    house.put_in_force(raw_sockets=raw, modes={ExitPoint.CONNECT: mode})
    lines, told = house.run(RAW_SOCKETS)
    assert lines == [f"raw {said}", f"six {said}", "plain 0"]
    assert told == ([("*CONNECT", outcome, 0)] * 2 if outcome else [])
    assert [event.detail for event in house.last] == ([0x0203_0006, 0x0A03_0011] if outcome else [])


def test_protocols_that_no_rule_sees_are_refused_as_not_built_in(house):
    code = """
        tried("sctp", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132))
        tried("udplite", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 136))
    """
    house.put_in_force()
    assert house.run(code)[0][0] == "sctp EPROTONOSUPPORT"


def test_calls_are_counted_and_what_nobody_reads_is_counted_as_lost(house):
    house.put_in_force(NO_CONNECT)
    lines, _ = house.run("""
        for _ in range(200_000):
            try:
                socket.socket().connect(("127.0.0.1", 9))
            except PermissionError:
                continue
            print("let through")
        print("done")
    """)
    assert lines == ["done"]
    counted = house.engine.counters()
    assert counted.decided == counted.refused == 200_000
    assert counted.lost > 0


def test_detached_engine_decides_nothing(house):
    house.put_in_force({"exit_point": "*CONNECT", "sequence": 10, "fail": "*TIMEOUT"} | REJECT)
    code = 'tried("connect", lambda: connect("127.0.0.1", 9))'
    assert house.run(code)[0] == ["connect ETIMEDOUT"]
    house.engine.attachment.detach()
    assert house.run(code) == (["connect ECONNREFUSED"], [])


def test_activation_under_load_lets_nothing_through_and_refuses_nothing(house):
    """Two policies that both refuse one address and allow another, and differ in everything else."""
    always = ({"exit_point": "*CONNECT", "sequence": 90_000, "remote_address": "127.0.0.2"} | REJECT,)
    filler = [
        {"exit_point": "*CONNECT", "sequence": 10 + at, "remote_address": f"10.{at // 250}.{at % 250}.0/24"} | REJECT
        for at in range(2000)
    ]
    house.put_in_force(*always)
    with house.start("""
        server = socket.create_server(("0.0.0.0", 0), backlog=4096)
        port = server.getsockname()[1]
        print("ready", flush=True)
        wrong = rounds = 0
        while not select.select([sys.stdin], [], [], 0)[0]:
            for host, expected in (("127.0.0.2", errno.EPERM), ("127.0.0.1", 0)):
                made = socket.socket()
                wrong += made.connect_ex((host, port)) != expected
                made.close()
            server.accept()[0].close()
            rounds += 1
        print(wrong, rounds > 100)
    """, stdin=-1) as program:  # fmt: skip
        assert program.stdout.readline() == "ready\n"
        for revision in range(20):
            house.put_in_force(*always, *(filler if revision % 2 else ()), revision=revision)
            house.told()
        assert program.communicate("stop\n", 60)[0] == "0 True\n"
