"""What a guard writes of decided calls under other audit levels than those of a fresh store."""

from __future__ import annotations

import os
import socket

import pytest

from console.model.words import ExitPoint, Udp
from console.policy.audit_levels import Auditing, Levels
from console.policy.checks import make_rule
from tests.enforcement.guard.setting import Setting, hears, reject, sockaddr
from tests.enforcement.guard.test_sending import sendto, to


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def setting(*rules, levels=("*NONE",), control=("*AUDLVL",), users=None, **settings):
    made = Setting(*rules, **settings)
    made.supervisor.audit(Levels(Auditing(control=control, levels=levels, users=users or {})))
    return made


def connect(made, server):
    with socket.socket() as client:
        return made.serve(made.connect(client, sockaddr(*server.getsockname())))


@pytest.mark.parametrize(
    ("levels", "control", "written"),
    [
        (("*NETSCK",), ("*AUDLVL",), 1),
        (("*NETCMN",), ("*AUDLVL",), 0),
        (("*NONE",), ("*AUDLVL",), 0),
        (("*NETSCK",), ("*NONE",), 0),
        (("*NETSCK",), ("*OBJAUD",), 0),
    ],
)
def test_allowed_connect_is_written_as_the_levels_say(server, levels, control, written):
    made = setting(levels=levels, control=control)
    assert connect(made, server) == 0
    assert len(made.recorded) == written


@pytest.mark.parametrize(("audit", "written"), [("*DFT", 1), ("*ALL", 1), ("*REJECT", 1), ("*NONE", 0)])
def test_rejected_connect_is_written_as_its_rule_says_whatever_the_levels_are(server, audit, written):
    for control in (("*NONE",), ("*AUDLVL",)):
        made = setting(reject(ExitPoint.CONNECT, audit=audit), control=control)
        connect(made, server)
        assert len(made.recorded) == written


def test_rule_that_wants_all_written_has_what_it_allows_written_without_any_level(server):
    made = setting(make_rule(exit_point=ExitPoint.CONNECT, sequence=10, action="*ALLOW", audit="*ALL"))
    connect(made, server)
    assert len(made.recorded) == 1


def test_level_of_a_user_writes_what_that_user_does(server):
    user = Setting().supervisor.names.user(os.geteuid())
    for audited in (user, "SOMEBODYELSE"):
        made = setting(users={audited: ("*NETSCK",)})
        connect(made, server)
        assert len(made.recorded) == (audited == user)


@pytest.mark.parametrize(
    ("levels", "written"),
    [(("*NETSCK",), 0), (("*NETTELSVR",), 0), (("*NETSCK", "*NETTELSVR"), 1)],
)
def test_accept_on_the_telnet_port_takes_both_levels(monkeypatch, levels, written):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setattr("console.policy.audit_levels.TELNET_PORT", listener.getsockname()[1])
        made = setting(levels=levels)
        with socket.create_connection(listener.getsockname()):
            hears(listener)
            made.serve(made.accept(listener))
        assert len(made.recorded) == written


def test_accept_on_another_port_takes_one_level(server):
    made = setting(levels=("*NETSCK",))
    with socket.create_connection(server.getsockname()):
        hears(server)
        made.serve(made.accept(server))
    assert len(made.recorded) == 1


@pytest.mark.parametrize(("level", "written"), [("*NETSCK", 1), ("*NETUDP", 1), ("*NETFAIL", 0)])
def test_datagram_that_was_decided_is_written_with_the_connects_and_with_the_datagrams(level, written):
    made = setting(levels=(level,), udp=Udp.DECIDE)
    with socket.socket(type=socket.SOCK_DGRAM) as server, socket.socket(type=socket.SOCK_DGRAM) as client:
        server.bind(("127.0.0.1", 0))
        made.serve(sendto(made, client, b"x", to(server)))
    assert len(made.recorded) == written


def test_what_is_not_written_is_not_refused_for_want_of_room(server):
    made = setting()
    Setting.full, before = True, Setting.full
    try:
        assert connect(made, server) == 0
        made.supervisor.audit(Levels(Auditing()))
        assert connect(made, server) != 0
    finally:
        Setting.full = before
    assert made.turned_away == 1


def test_change_of_levels_makes_another_policy_object_so_that_no_decision_made_before_is_remembered():
    made = Setting()
    before = made.supervisor.policy
    made.supervisor.audit(Levels(Auditing()))
    assert made.supervisor.policy is not before
