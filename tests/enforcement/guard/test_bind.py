"""Binds that are made by the guard, because the journal wants to know of ports that cannot be had."""

from __future__ import annotations

import errno
import os
import socket
import struct

import pytest

from console.enforcement import layouts as k
from console.enforcement.credentials import own_capabilities, without_capability
from console.enforcement.fake import Step
from console.enforcement.guard import bind as module
from console.enforcement.guard.acting import NET_BIND_SERVICE, is_privileged
from console.enforcement.guard.bind import BindPoint
from console.enforcement.records import Seen
from console.model.words import ExitPoint
from console.policy.audit_levels import Auditing, Levels
from tests.enforcement.guard.setting import ADDRESS, NUMBER, Setting, reject, sockaddr


class Binding(Setting):
    def __init__(self, *rules, **settings):
        super().__init__(*rules, **settings)
        self.point = BindPoint()
        self.supervisor.handlers = {
            **self.supervisor.handlers,
            k.SYS_BIND: (ExitPoint.LISTEN, self.point.handle),
            k.SYS_LANDLOCK_RESTRICT_SELF: (ExitPoint.LISTEN, self.point.handle_restriction),
        }

    def bind(self, endpoint, address, length=None):
        self.kernel.descriptors[NUMBER] = endpoint.fileno()
        self.kernel.memory[ADDRESS] = address
        return self.kernel.call(k.SYS_BIND, NUMBER, ADDRESS, len(address) if length is None else length)

    @property
    def ports(self):
        return [(each.exit_point, each.local.port, each.text) for each in self.told]


@pytest.fixture
def binding():
    return Binding()


@pytest.fixture
def fresh():
    with socket.socket() as endpoint:
        yield endpoint


@pytest.fixture
def taken():
    with socket.socket() as endpoint:
        endpoint.bind(("127.0.0.1", 0))
        endpoint.listen()
        yield endpoint.getsockname()[1]


def test_bind_is_made_on_the_callers_socket(binding, fresh):
    assert binding.serve(binding.bind(fresh, sockaddr("127.0.0.3", 0))) == 0
    assert fresh.getsockname()[0] == "127.0.0.3"
    assert binding.told == binding.recorded == []


def test_port_that_another_has_is_told_with_where_it_was_wanted(binding, fresh, taken):
    assert binding.serve(binding.bind(fresh, sockaddr("127.0.0.1", taken))) == errno.EADDRINUSE
    assert binding.ports == [(Seen.PORT, taken, "bind: EADDRINUSE")]
    assert binding.told[0].who.process == os.getpid()


def test_nothing_is_told_where_the_level_is_off(binding, fresh, taken):
    binding.supervisor.audit(Levels(Auditing(levels=("*NETSCK",))))
    assert binding.serve(binding.bind(fresh, sockaddr("127.0.0.1", taken))) == errno.EADDRINUSE
    assert binding.told == []


@pytest.mark.parametrize("seen", [True, False])
def test_level_of_one_user_is_about_that_user_only(binding, fresh, taken, seen):
    user = binding.supervisor.names.user(os.geteuid()) if seen else "NOBODYELSE"
    binding.supervisor.audit(Levels(Auditing(levels=("*NONE",), users={user: ("*NETFAIL",)})))
    binding.serve(binding.bind(fresh, sockaddr("127.0.0.1", taken)))
    assert bool(binding.told) is seen


@pytest.mark.parametrize("address", [("192.0.2.1", 5000), ("127.0.0.1", 0)])
def test_what_fails_otherwise_fails_so_and_is_not_told(binding, fresh, address):
    expected = errno.EADDRNOTAVAIL if address[1] else 0
    assert binding.serve(binding.bind(fresh, sockaddr(*address))) == expected
    assert binding.told == []


@pytest.mark.parametrize(
    ("address", "length"),
    [
        (b"", 0),
        (sockaddr("127.0.0.1", 0), 4096),
        (sockaddr("127.0.0.1", 0), 2**32 - 1),
        (sockaddr("127.0.0.1", 0)[:8], None),
        (struct.pack("=H", socket.AF_UNIX) + b"/tmp/nowhere", None),
        (struct.pack("=H", socket.AF_UNSPEC) + bytes(14), None),
    ],
)
def test_address_that_is_none_of_the_internet_is_the_kernels(binding, fresh, address, length):
    call = binding.bind(fresh, address, length)
    assert binding.serve(call) is None
    assert binding.kernel.went_on == [call]


def test_memory_that_cannot_be_read_is_the_kernels(binding, fresh):
    call = binding.bind(fresh, sockaddr("127.0.0.1", 0))
    binding.kernel.fail(call, Step.READ, errno.EFAULT)
    binding.serve(call)
    assert binding.kernel.went_on == [call]


@pytest.mark.parametrize("family", [socket.AF_UNIX, socket.AF_NETLINK])
def test_socket_of_another_family_is_the_kernels(binding, family):
    with socket.socket(family, socket.SOCK_DGRAM) as endpoint:
        call = binding.bind(endpoint, sockaddr("127.0.0.1", 0))
        binding.serve(call)
    assert binding.kernel.went_on == [call]


def test_what_is_no_descriptor_is_said_to_be_none(binding, fresh):
    call = binding.bind(fresh, sockaddr("127.0.0.1", 0))
    binding.kernel.descriptors.clear()
    assert binding.serve(call) == errno.EBADF


def test_descriptor_that_cannot_be_looked_at_is_the_kernels(binding, fresh):
    call = binding.bind(fresh, sockaddr("127.0.0.1", 0))
    binding.kernel.fail(call, Step.TAKE, errno.EPERM)
    binding.serve(call)
    assert binding.kernel.went_on == [call]


def test_job_that_restricts_itself_is_let_alone_from_then_on(binding, fresh, taken):
    restriction = binding.kernel.call(k.SYS_LANDLOCK_RESTRICT_SELF, 3, 0)
    binding.serve(restriction)
    call = binding.bind(fresh, sockaddr("127.0.0.1", taken))
    binding.serve(call)
    assert binding.kernel.went_on == [restriction, call]


def test_bind_that_a_signal_interrupted_is_told_to_be_done_when_it_is_made_again(binding, fresh):
    first = binding.bind(fresh, sockaddr("127.0.0.1", 0))
    binding.kernel.leave(first, at=Step.ANSWER)
    assert binding.serve(first) is None
    assert binding.serve(binding.bind(fresh, sockaddr("127.0.0.1", 0))) == 0
    assert binding.serve(binding.bind(fresh, sockaddr("127.0.0.1", 0))) == errno.EINVAL


def test_bind_whose_answer_was_lost_is_done_if_there_are_signs_of_that(binding, fresh, monkeypatch):
    binding.serve(binding.bind(fresh, sockaddr("127.0.0.1", 0)))
    again = sockaddr(*fresh.getsockname())
    monkeypatch.setattr(module, "was_interrupted", lambda *_: False)
    assert binding.serve(binding.bind(fresh, again)) == errno.EINVAL
    monkeypatch.setattr(module, "was_interrupted", lambda *_: True)
    assert binding.serve(binding.bind(fresh, again)) == 0
    assert binding.serve(binding.bind(fresh, sockaddr("127.0.0.1", 1))) == errno.EINVAL


@pytest.fixture
def privileged():
    port = next((port for port in range(700, 1024) if is_privileged(port)), 0)
    if not port:
        pytest.skip("there are no privileged ports here")
    return port


def test_caller_without_the_capability_gets_no_privileged_port(binding, fresh, privileged, monkeypatch):
    if not own_capabilities() & NET_BIND_SERVICE:
        pytest.skip("takes a guard that has the capability")
    monkeypatch.setattr(module, "may_bind_as_it_is", lambda *_: False)
    assert binding.serve(binding.bind(fresh, sockaddr("127.0.0.1", privileged))) == errno.EACCES
    assert binding.ports == [(Seen.PORT, privileged, "bind: EACCES")]
    assert own_capabilities() & NET_BIND_SERVICE


def test_caller_with_a_capability_that_the_guard_has_not_is_the_kernels(binding, fresh, privileged, monkeypatch):
    monkeypatch.setattr(module, "may_bind_as_it_is", lambda *_: True)
    call = binding.bind(fresh, sockaddr("127.0.0.1", privileged))
    with without_capability(NET_BIND_SERVICE):
        binding.serve(call)
    assert binding.kernel.went_on == [call]


def test_listen_that_cannot_have_its_port_is_told_beside_its_entry(binding):
    with socket.socket() as first, socket.socket() as second:
        for endpoint in (first, second):
            endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        first.bind(("127.0.0.1", 0))
        second.bind(first.getsockname())
        first.listen()
        assert binding.serve(binding.listen(second)) == errno.EADDRINUSE
    assert binding.ports == [(Seen.PORT, binding.recorded[0].local.port, "listen: EADDRINUSE")]
    assert binding.outcomes == [("*ALLOWED", "EADDRINUSE")]


def test_network_of_another_namespace_is_the_kernels(binding, fresh, monkeypatch):
    monkeypatch.setattr(module, "is_in_our_network", lambda *_: False)
    call = binding.bind(fresh, sockaddr("127.0.0.1", 0))
    binding.serve(call)
    assert binding.kernel.went_on == [call]


def test_refused_listen_is_an_authority_failure_where_its_rule_writes_anything():
    for audit, expected in (("*DFT", [Seen.REFUSED_LISTEN]), ("*NONE", [])):
        setting = Binding(reject(ExitPoint.LISTEN, audit=audit))
        with socket.socket() as endpoint:
            endpoint.bind(("127.0.0.1", 0))
            assert setting.serve(setting.listen(endpoint)) == errno.EPERM
        assert [each.exit_point for each in setting.told] == expected
