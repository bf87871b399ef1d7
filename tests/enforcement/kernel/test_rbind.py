"""Programs that take an inbound connection through a SOCKS server: each bind is an Rbind, or they ask for it."""

from __future__ import annotations

import pytest

from console.model.words import ExitPoint
from console.policy.socks_entries import make_socks_entry
from tests.end_to_end.command import until
from tests.enforcement.kernel.jobs import PATIENCE_S, activate_rules, guard_of, rejecting
from tests.enforcement.kernel.rbind_jobs import (
    CONTROL,
    EVERYTHING,
    HOST,
    READY,
    Peer,
    connections,
    failing,
    run,
)
from tests.enforcement.kernel.test_routing import place, through
from tests.loopback import serving
from tests.socks.server import BIND, SocksServer


@pytest.mark.parametrize("version", ["4", "4A", "5"])
def test_bind_after_a_connect_through_a_server_takes_a_connection_there(rbind_house, socks, version):
    server, peer = socks(), Peer()
    activate_rules(rbind_house.store, **through(server, version=version))
    lines, found = run(rbind_house, peer, *EVERYTHING, "quiet", "accept")
    there = "{} {}".format(*peer.told)
    came = "{} {}".format(*peer.came_from)
    assert lines == [
        *CONTROL, "bind 0", f"name 0 {there}", "listen 0", "tell 0",
        f"accept 0 {came}", f"own 0 {there}", f"peer 0 {came}", "read 0", "got hello",
        "quiet 0 0", "accept EINVAL 0.0.0.0 0",
    ]  # fmt: skip
    (_, (command, host)) = [(asked.command, asked.host) for asked in server.asked]
    assert (command, host) == (BIND, HOST)
    label = place(server)
    bound, inbound = peer.told[1], peer.came_from[1]
    assert [(kind, outcome, local, server) for kind, outcome, local, _, server, _ in found[2:]] == [
        ("L", "*ALLOWED", bound, label),
        ("A", "*ALLOWED", bound, label),
    ]
    assert found[1][0] == "C"
    assert found[1][5] == f"Rbind; the server listens at {HOST}:{bound}"
    assert found[3][3] == inbound


def test_connection_over_ipv6_is_taken_too(rbind_house):
    peer = Peer("::1")
    with SocksServer(host="::1") as server:
        entry = {"sequence": 10, "servers": "[{}]:{}".format(*server.address), "version": "5"}
        activate_rules(rbind_house.store, socks=(make_socks_entry(**entry),))
        lines, found = run(rbind_house, peer, *EVERYTHING, "accept", host="::1")
    there, came = "{} {}".format(*peer.told), "{} {}".format(*peer.came_from)
    assert lines == [
        *CONTROL, "bind 0", f"name 0 {there}", "listen 0", "tell 0",
        f"accept 0 {came}", f"own 0 {there}", f"peer 0 {came}", "read 0", "got hello",
        "accept EINVAL 0.0.0.0 0",
    ]  # fmt: skip
    assert there.startswith("::1 ")
    assert [kind for kind, *_ in found] == ["C", "C", "L", "A"]


def test_signal_interrupts_an_accept_and_the_next_takes_the_connection(rbind_house, socks):
    activate_rules(rbind_house.store, **through(socks()))
    lines, found = run(rbind_house, Peer(), "bind", "listen", "ring", "accept", "tell", "accept", "read")
    assert lines[3:5] == ["rang", "accept EINTR 0.0.0.0 0"]
    assert lines[-1] == "got hello"
    assert [kind for kind, *_ in found] == ["C", "C", "L", "A"]


def test_accept_that_a_signal_restarts_takes_the_connection(rbind_house, socks):
    activate_rules(rbind_house.store, **through(socks()))
    lines, found = run(rbind_house, Peer(pause_s=1), "bind", "listen", "ring-on", "tell", "accept", "read")
    assert lines[3:5] == ["tell 0", "rang"]
    assert lines[-1] == "got hello"
    assert [kind for kind, *_ in found] == ["C", "C", "L", "A"]


def test_program_that_asks_gets_it_without_the_option(rbind_house, socks):
    server, peer = socks(), Peer()
    activate_rules(rbind_house.store, **through(server))
    lines, _ = run(rbind_house, peer, "rbind", "name", "listen", "tell", "accept", "read", options=())
    there = "{} {}".format(*peer.told)
    assert lines[1:4] == ["rbind 0", f"name 0 {there}", "listen 0"]
    assert lines[-1] == "got hello"


def test_bind_is_a_bind_without_the_option(rbind_house, socks):
    server = socks()
    activate_rules(rbind_house.store, **through(server))
    lines, found = run(rbind_house, Peer(), "bind", "rbind", options=())
    assert lines == [*CONTROL, "bind 0", "rbind EINVAL"]
    assert len(server.asked) == len(found) == 1


def test_asking_without_a_guard_is_refused_harmlessly(rbind_house):
    with serving(Peer()) as port:
        lines = rbind_house.native("rbind", HOST, port, "rbind", "bind", "close", "rbind")
    assert lines == [*CONTROL, "rbind ENOPROTOOPT", "bind 0", "close 0", "rbind EBADF"]


def test_asking_without_socks_entries_is_refused_as_without_a_guard(rbind_house):
    activate_rules(rbind_house.store)
    lines, _ = run(rbind_house, Peer(), "rbind", options=())
    assert lines == [*CONTROL, "rbind ENOPROTOOPT"]
    lines, _ = run(rbind_house, Peer(), "rbind", "bind")
    assert lines == [*CONTROL, "rbind ENOTCONN", "bind 0"]


@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize("flavour", ["accept", "accept-later"])
def test_listener_is_readable_when_the_peer_has_come_and_not_before(rbind_house, socks, order, flavour):
    activate_rules(rbind_house.store, **through(socks()))
    first = ["bind", "listen", "nonblock"] if order == "before" else ["nonblock", "bind", "listen"]
    lines, _ = run(rbind_house, Peer(), *first, "quiet", "accept", "tell", "wait", flavour, "flags", "quiet", "accept")
    assert lines[4:8] == ["quiet 0 0", "accept EAGAIN 0.0.0.0 0", "tell 0", f"wait {READY}"]
    assert lines[8].startswith(f"accept 0 {HOST}")
    later = int(flavour == "accept-later")
    assert lines[9:] == [f"flags {later} {later}", "quiet 0 0", "accept EINVAL 0.0.0.0 0"]


def test_accept_that_has_a_time_limit_keeps_to_it(rbind_house, socks):
    activate_rules(rbind_house.store, **through(socks()))
    lines, _ = run(rbind_house, Peer(), "bind", "listen", "limit", "accept", "tell", "wait", "accept", "read")
    assert lines[4] == "accept EAGAIN 0.0.0.0 0"
    assert lines[-1] == "got hello"


@pytest.mark.parametrize("version", ["4", "5"])
def test_server_that_gives_up_waiting_is_told_once_as_aborted(rbind_house, socks, version):
    server = socks(bind_limit_s=0.1)
    activate_rules(rbind_house.store, **through(server, version=version))
    lines, found = run(rbind_house, Peer(), "bind", "listen", "accept", "accept")
    assert lines[1:] == ["bind 0", "listen 0", "accept ECONNABORTED 0.0.0.0 0", "accept EINVAL 0.0.0.0 0"]
    kind, outcome, _, _, label, text = found[-1]
    assert (kind, outcome, label) == ("A", "*ALLOWED", place(server))
    assert text.startswith("ECONNABORTED; GWL0816")


def test_server_that_gives_up_wakes_who_polls(rbind_house, socks):
    activate_rules(rbind_house.store, **through(socks(bind_limit_s=0.1)))
    lines, _ = run(rbind_house, Peer(), "nonblock", "bind", "listen", "wait", "accept", "quiet", "accept")
    assert lines[4:] == [f"wait {READY}", "accept ECONNABORTED 0.0.0.0 0", "quiet 0 0", "accept EINVAL 0.0.0.0 0"]


@pytest.mark.parametrize("checks_peer", [True, False])
def test_connection_from_elsewhere_is_not_taken(rbind_house, socks, checks_peer):
    server, peer = socks(checks_peer=checks_peer), Peer("127.0.0.9")
    activate_rules(rbind_house.store, **through(server))
    lines, found = run(rbind_house, peer, "bind", "listen", "tell", "accept")
    assert lines[-1] == "accept ECONNABORTED 0.0.0.0 0"
    assert ("GWL0816" if checks_peer else "GWL0817") in found[-1][5]


@pytest.mark.parametrize("octets", range(8))
def test_server_that_hangs_up_in_its_first_reply_fails_the_bind(rbind_house, octets):
    lines, found = failing(rbind_house, {"close_after": octets}, "bind", "name")
    assert lines == ["bind ECONNREFUSED", "name 0 0.0.0.0 0"]
    assert found[1][5].startswith("ECONNREFUSED; Rbind; GWL0804")


@pytest.mark.parametrize("octets", range(8, 16))
def test_server_that_hangs_up_in_its_second_reply_fails_the_accept(rbind_house, octets):
    lines, _ = failing(rbind_house, {"close_after": octets}, "bind", "listen", "tell", "accept")
    assert lines[-1] == "accept ECONNABORTED 0.0.0.0 0"


@pytest.mark.parametrize(
    ("version", "manners", "expected", "said"),
    [
        ("4", {"binds": False}, "ECONNREFUSED", "GWL080A"),
        ("5", {"binds": False}, "ENOTSUP", "GWL0810"),
        ("4", {"refuse": 93}, "EACCES", "GWL0808"),
        ("5", {"refuse": 2}, "EACCES", "GWL080B"),
        ("4", {"garbage": b"HTTP/1.1 400 Bad Request"}, "ECONNREFUSED", "GWL0805"),
        ("5", {"silent_after": 0}, "ETIMEDOUT", "GWL0803"),
    ],
)
def test_server_that_does_not_bind_fails_the_bind(rbind_house, version, manners, expected, said):
    lines, found = failing(rbind_house, manners, "bind", "name", version=version, time_limit_ms=500)
    assert lines == [f"bind {expected}".replace("ENOTSUP", "EOPNOTSUPP"), "name 0 0.0.0.0 0"]
    assert found[1][5].startswith(f"{expected}; Rbind; {said}")


def test_server_may_hide_its_address(rbind_house, socks):
    activate_rules(rbind_house.store, **through(socks(hides_address=True)))
    peer = Peer()
    lines, _ = run(rbind_house, peer, *EVERYTHING)
    assert peer.told[0] == HOST
    assert lines[-1] == "got hello"


def test_direct_connect_breaks_the_pair_and_a_lookup_does_not(rbind_house, socks):
    server = socks()
    settings = through(server, remote_address="127.0.0.1")
    activate_rules(rbind_house.store, **settings)
    lines, _ = run(rbind_house, Peer(), "lookup", "bind", "new", "direct", "rbind", "bind", "listen")
    assert lines[1:] == [
        "lookup 0", "bind 0", "new 0", "direct ECONNREFUSED", "rbind ENOTCONN", "bind 0", "listen 0",
    ]  # fmt: skip
    assert [asked.command for asked in server.asked] == [1, BIND]


def test_each_transfer_of_a_session_has_a_connection_of_its_own(rbind_house, socks):
    server = socks()
    activate_rules(rbind_house.store, **through(server))
    transfer = ["bind", "listen", "tell", "accept", "close", "read"]
    lines, _ = run(rbind_house, Peer(), *transfer, "new", *transfer, "new", *transfer)
    assert lines.count("got hello") == 3
    assert [asked.command for asked in server.asked] == [1, BIND, BIND, BIND]


def test_socket_that_connects_after_all_is_bound_where_its_program_wanted(rbind_house, socks):
    activate_rules(rbind_house.store, **through(socks(), sequence=10))
    lines, found = run(rbind_house, Peer(), "local", "connect", "name")
    assert lines[1:3] == ["local 0", "connect 0"]
    assert lines[3].startswith("name 0 127.0.0.5 ")
    assert [kind for kind, *_ in found] == ["C", "C", "C"]


def test_address_that_is_not_of_this_machine_cannot_be_bound(rbind_house, socks):
    server = socks()
    activate_rules(rbind_house.store, **through(server))
    lines, _ = run(rbind_house, Peer(), "elsewhere", "bind", "bind", "elsewhere")
    assert lines[1:] == ["elsewhere EADDRNOTAVAIL", "bind 0", "bind EINVAL", "elsewhere EINVAL"]
    assert [asked.command for asked in server.asked] == [1, BIND]


def test_listen_is_decided_under_the_address_of_the_server(rbind_house, socks):
    server = socks(hides_address=True)
    rule = rejecting(exit_point=ExitPoint.LISTEN, sequence=10, local_address=HOST)
    activate_rules(rbind_house.store, rule, **through(server))
    lines, found = run(rbind_house, Peer(), "bind", "listen", "accept")
    assert lines[1:] == ["bind 0", "listen EPERM", "accept EINVAL 0.0.0.0 0"]
    assert found[-1][:2] == ("L", "*REJECTED")


def test_accept_is_decided_under_the_address_of_who_comes(rbind_house, socks):
    rule = rejecting(exit_point=ExitPoint.ACCEPT, sequence=10, remote_address=HOST)
    activate_rules(rbind_house.store, rule, **through(socks()))
    lines, found = run(rbind_house, Peer(), "bind", "listen", "tell", "accept", "accept")
    assert lines[-2:] == ["accept ECONNABORTED 0.0.0.0 0", "accept EINVAL 0.0.0.0 0"]
    assert found[-1][:2] == ("A", "*REJECTED")


def test_asking_is_decided_as_a_connect_to_who_is_expected(rbind_house, socks):
    # The rule is one about the source, which the control connection has not.
    server = socks()
    rule = rejecting(exit_point=ExitPoint.CONNECT, sequence=10, local_address="127.0.0.5")
    activate_rules(rbind_house.store, rule, **through(server))
    lines, found = run(rbind_house, Peer(), "local", "name")
    assert lines[1:] == ["local EPERM", "name 0 0.0.0.0 0"]
    assert found[-1] == ("C", "*REJECTED", 0, found[0][3], "", "Rbind")
    assert len(server.asked) == 1


def test_closing_the_listener_lets_the_server_go(rbind_house, socks):
    server = socks()
    activate_rules(rbind_house.store, **through(server))
    with serving(Peer()) as port, rbind_house.running("rbind", HOST, port, "bind", "listen", "close", "new", "nonblock",
                                                     "wait", options=("--rbind",)) as job:  # fmt: skip
        while job.line() != "nonblock 0":
            pass
        guard = guard_of(job.process.pid)
        until(lambda: not connections(guard, server), "the guard to let go", PATIENCE_S)
