"""The filter, run by an interpreter of classic BPF over calls of every kind; no kernel has a part in it."""

from __future__ import annotations

import errno
import struct

import pytest

from console.enforcement import layouts as k
from console.enforcement.guard.filter import build_filter


def steps(program):
    return [k.FILTER_INSTRUCTION.unpack_from(program, at) for at in range(0, len(program), 8)]


PROGRAM = steps(build_filter())
DATAGRAMS_TOO = steps(build_filter(decide_datagrams=True))
NAMES_TOO = steps(build_filter(ask_names=True))
RECEIVES_TOO = steps(build_filter(decide_datagrams=True, ask_names=True, ask_receives=True))
BINDS_TOO = steps(build_filter(ask_names=True, ask_binds=True))
BINDS_WATCHED = steps(build_filter(watch_binds=True))
IO_URING = (k.SYS_IO_URING_SETUP, k.SYS_IO_URING_ENTER, k.SYS_IO_URING_REGISTER)
ASKED = {k.SYS_CONNECT: "connect", k.SYS_ACCEPT: "accept", k.SYS_ACCEPT4: "accept4", k.SYS_LISTEN: "listen"}
FLAGS_AT = {k.SYS_SENDTO: 3, k.SYS_SENDMSG: 2, k.SYS_SENDMMSG: 3}
HIGH = 0xDEAD_BEEF_0000_0000
"""A high word that int arguments may carry and the kernel ignores."""


def run(program, data):
    """Interpret a filter over struct seccomp_data; source: Documentation/networking/filter.rst."""
    accumulator, at = 0, 0
    while True:
        code, if_true, if_false, constant = program[at]
        at += 1
        match code:
            case 0x20:
                assert constant % 4 == 0
                (accumulator,) = struct.unpack_from("<I", data, constant)
            case 0x54:
                accumulator &= constant
            case 0x15:
                at += if_true if accumulator == constant else if_false
            case 0x35:
                at += if_true if accumulator >= constant else if_false
            case 0x45:
                at += if_true if accumulator & constant else if_false
            case 0x06:
                return constant
            case _:
                raise AssertionError(f"instruction {code:#x}")


def answer(number, *arguments, arch=k.AUDIT_ARCH_X86_64, program=PROGRAM):
    arguments += (0,) * (6 - len(arguments))
    return run(program, struct.pack("<IIQ6Q", number & 0xFFFF_FFFF, arch, 0x1234, *arguments))


def fails(number):
    return k.SECCOMP_RET_ERRNO | number


@pytest.mark.parametrize("program", [PROGRAM, DATAGRAMS_TOO, NAMES_TOO, BINDS_TOO, BINDS_WATCHED, RECEIVES_TOO])
def test_every_jump_lands_inside_the_filter(program):
    for at, (code, if_true, if_false, _) in enumerate(program):
        if code in (0x15, 0x35, 0x45):
            assert at + 1 + max(if_true, if_false) < len(program)
    assert program[-1][0] == 0x06
    assert len(program) <= 4096


@pytest.mark.parametrize("number", ASKED, ids=ASKED.values())
def test_guard_is_asked(number):
    assert answer(number) == k.SECCOMP_RET_USER_NOTIF
    assert answer(number, *[0xFFFF_FFFF_FFFF_FFFF] * 6) == k.SECCOMP_RET_USER_NOTIF


def test_names_ask_only_where_connections_may_go_through_socks_servers():
    for number in (k.SYS_GETPEERNAME, k.SYS_GETSOCKNAME):
        assert answer(number) == k.SECCOMP_RET_ALLOW
        assert answer(number, program=NAMES_TOO) == k.SECCOMP_RET_USER_NOTIF
    assert answer(k.SYS_CONNECT, program=NAMES_TOO) == k.SECCOMP_RET_USER_NOTIF


def test_rbind_asks_only_where_connections_may_go_through_socks_servers():
    rbind = (k.SYS_SETSOCKOPT, 3, HIGH | k.RBIND_LEVEL, k.RBIND_OPTION, 0x1000, 16)
    assert answer(*rbind) == k.SECCOMP_RET_ALLOW
    assert answer(*rbind, program=NAMES_TOO) == k.SECCOMP_RET_USER_NOTIF


def test_binds_ask_only_where_they_may_be_rbinds():
    for program in (PROGRAM, NAMES_TOO):
        assert answer(k.SYS_BIND, program=program) == k.SECCOMP_RET_ALLOW
    assert answer(k.SYS_BIND, program=BINDS_TOO) == k.SECCOMP_RET_USER_NOTIF


def test_binds_that_are_watched_ask_and_so_does_what_restricts_them_but_for_our_own_restriction():
    assert answer(k.SYS_BIND, program=BINDS_WATCHED) == k.SECCOMP_RET_USER_NOTIF
    assert answer(k.SYS_LANDLOCK_RESTRICT_SELF, 3, 0, program=BINDS_WATCHED) == k.SECCOMP_RET_USER_NOTIF
    own = answer(k.SYS_LANDLOCK_RESTRICT_SELF, 3, 0, k.OWN_RESTRICTION, program=BINDS_WATCHED)
    assert own == answer(k.SYS_LANDLOCK_RESTRICT_SELF, 3, 0, program=BINDS_TOO) == k.SECCOMP_RET_ALLOW


@pytest.mark.parametrize("number", [k.SYS_RECVMSG, k.SYS_RECVMMSG])
def test_receives_ask_only_where_names_are_resolved_remotely(number):
    for program in (PROGRAM, DATAGRAMS_TOO, NAMES_TOO, BINDS_TOO):
        assert answer(number, 3, 4, 5, program=program) == k.SECCOMP_RET_ALLOW
    assert answer(number, 3, 4, 5, program=RECEIVES_TOO) == k.SECCOMP_RET_USER_NOTIF


@pytest.mark.parametrize("address", [1, 1 << 32, 0xFFFF_FFFF_0000_0000, 0x7FFF_0000_0000])
def test_receives_without_an_address_ask_nobody(address):
    assert answer(k.SYS_RECVFROM, 3, 4, 5, 0, address, 7) == k.SECCOMP_RET_ALLOW
    assert answer(k.SYS_RECVFROM, 3, 4, 5, 0, address, 7, program=RECEIVES_TOO) == k.SECCOMP_RET_USER_NOTIF
    assert answer(k.SYS_RECVFROM, 3, 4, 5, 0, 0, 7, program=RECEIVES_TOO) == k.SECCOMP_RET_ALLOW


@pytest.mark.parametrize("number", range(600))
def test_any_other_call_passes(number):
    if number in ASKED or number in IO_URING:
        return
    assert answer(number) == k.SECCOMP_RET_ALLOW
    if number not in (k.SYS_SENDMSG, k.SYS_SENDMMSG):
        assert answer(number, program=DATAGRAMS_TOO) == k.SECCOMP_RET_ALLOW


@pytest.mark.parametrize("number", [0, 42, 43, 50, 288, 425, 1_000_000, 0x3FFF_FFFF, 0xBFFF_FFFF])
def test_x32_entry_is_closed(number):
    assert answer(number | k.X32_BIT) == fails(errno.ENOSYS)


def test_number_with_the_sign_bit_is_no_way_past():
    assert answer(0xFFFF_FFFF) == fails(errno.ENOSYS)
    assert answer(0x8000_0000 | k.SYS_CONNECT) == fails(errno.ENOSYS)


def test_i386_socket_calls_fail_and_others_pass():
    for number in range(600):
        expected = fails(errno.EPERM) if number in k.I386_SOCKET_CALLS else k.SECCOMP_RET_ALLOW
        assert answer(number, arch=k.AUDIT_ARCH_I386) == expected


@pytest.mark.parametrize("arch", [0, 0xC000_00B7, 0x4000_0028, 0xC000_00F3, 0xFFFF_FFFF])
def test_unknown_architecture_fails_whatever_the_call(arch):
    for number in (0, 39, k.SYS_CONNECT, k.SYS_SENDTO):
        assert answer(number, arch=arch) == fails(errno.ENOSYS)


@pytest.mark.parametrize("number", IO_URING)
def test_io_uring_is_not_there_not_even_for_a_ring_that_is(number):
    assert answer(number, 8, 0x7FFF_0000) == fails(errno.ENOSYS)


@pytest.mark.parametrize(("number", "index"), FLAGS_AT.items())
@pytest.mark.parametrize("more", [0, 0x4000, 0x4040, HIGH])
def test_fast_open_is_refused_among_any_other_flags(number, index, more):
    arguments = [3, 4, 5, 6, 7, 8]
    arguments[index] = k.MSG_FASTOPEN | more
    assert answer(number, *arguments) == fails(errno.EOPNOTSUPP)


@pytest.mark.parametrize(("number", "index"), FLAGS_AT.items())
def test_fast_open_bit_in_another_argument_means_nothing(number, index):
    arguments = [k.MSG_FASTOPEN] * 6
    arguments[index] = 0x4000
    assert answer(number, *arguments) == k.SECCOMP_RET_ALLOW


@pytest.mark.parametrize("address", [1, 0x7FFF_0000, 1 << 32, HIGH])
def test_send_to_an_address_asks_where_datagrams_are_decided(address):
    assert answer(k.SYS_SENDTO, 3, 4, 5, 0, address, 16, program=DATAGRAMS_TOO) == k.SECCOMP_RET_USER_NOTIF
    assert answer(k.SYS_SENDTO, 3, 4, 5, 0, address, 16) == k.SECCOMP_RET_ALLOW


def test_send_without_an_address_asks_nobody():
    assert answer(k.SYS_SENDTO, 3, 4, 5, 0, 0, 16, program=DATAGRAMS_TOO) == k.SECCOMP_RET_ALLOW


@pytest.mark.parametrize("number", [k.SYS_SENDMSG, k.SYS_SENDMMSG])
def test_messages_ask_where_datagrams_are_decided(number):
    assert answer(number, 3, 4, 0, 0, program=DATAGRAMS_TOO) == k.SECCOMP_RET_USER_NOTIF


@pytest.mark.parametrize(("number", "index"), FLAGS_AT.items())
def test_fast_open_is_refused_where_datagrams_are_decided_too(number, index):
    arguments = [3, 4, 5, 6, 7, 8]
    arguments[index] = k.MSG_FASTOPEN
    assert answer(number, *arguments, program=DATAGRAMS_TOO) == fails(errno.EOPNOTSUPP)


INTERNET = [2, 10, HIGH | 2]
FLAGS = [0, 0o2000000, 0o4000, HIGH]


@pytest.mark.parametrize("family", INTERNET)
@pytest.mark.parametrize("flags", FLAGS)
def test_only_protocols_that_rules_can_see_pass(family, flags):
    expected = {
        1: {0: k.SECCOMP_RET_ALLOW, 6: k.SECCOMP_RET_ALLOW, 262: k.SECCOMP_RET_USER_NOTIF},
        2: dict.fromkeys((0, 1, 17, 58, 136), k.SECCOMP_RET_ALLOW),
    }
    for kind, known in expected.items():
        for protocol in range(263):
            wanted = known.get(protocol, fails(errno.EPROTONOSUPPORT))
            assert answer(k.SYS_SOCKET, family, kind | flags, protocol) == wanted
            assert answer(k.SYS_SOCKET, family, kind | flags, HIGH | protocol) == wanted


@pytest.mark.parametrize("kind", [1, 2])
@pytest.mark.parametrize("protocol", [263, 1000, 0x7FFF_FFFF, 0x8000_0006, 0xFFFF_FFFF])
def test_numbers_that_no_protocol_has_are_invalid(kind, protocol):
    assert answer(k.SYS_SOCKET, 2, kind, protocol) == fails(errno.EINVAL)


@pytest.mark.parametrize("family", INTERNET)
@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize("kind", [3, 10])
def test_raw_internet_sockets_ask(family, flags, kind):
    for protocol in (0, 1, 6, 255, 262):
        assert answer(k.SYS_SOCKET, family, kind | flags, protocol) == k.SECCOMP_RET_USER_NOTIF


@pytest.mark.parametrize("kind", [4, 5, 6, 7, 8, 9])
def test_types_that_mean_another_protocol_are_not_there(kind):
    for protocol in (0, 6, 132):
        assert answer(k.SYS_SOCKET, 10, kind | 0o2000000, protocol) == fails(errno.ESOCKTNOSUPPORT)


@pytest.mark.parametrize("kind", [0, 11, 15])
def test_types_that_there_are_not_are_the_kernels_to_refuse(kind):
    assert answer(k.SYS_SOCKET, 2, kind, 0) == k.SECCOMP_RET_ALLOW


@pytest.mark.parametrize("family", [21, 30, 33, 43, HIGH | 43])
def test_families_that_connect_otherwise_are_not_there(family):
    for kind in (1, 2, 3, 4, 5):
        assert answer(k.SYS_SOCKET, family, kind, 0) == fails(errno.EAFNOSUPPORT)


def test_pair_of_sockets_is_no_way_to_tipc():
    assert answer(k.SYS_SOCKETPAIR, 30, 1, 0) == fails(errno.EAFNOSUPPORT)
    assert answer(k.SYS_SOCKETPAIR, 1, 1, 0) == k.SECCOMP_RET_ALLOW


@pytest.mark.parametrize("family", [17, 24, 44])
def test_families_of_whole_frames_ask(family):
    for kind in (1, 2, 3, 10):
        assert answer(k.SYS_SOCKET, family, kind, 0x0300) == k.SECCOMP_RET_USER_NOTIF


@pytest.mark.parametrize("family", [0, 1, 3, 15, 16, 31, 38, 40, 41])
def test_other_families_keep_their_types_and_protocols(family):
    for kind in range(1, 11):
        for protocol in (0, 33, 132, 262):
            assert answer(k.SYS_SOCKET, family, kind, protocol) == k.SECCOMP_RET_ALLOW


@pytest.mark.parametrize("high", [0, HIGH])
def test_upgrade_to_another_protocol_asks(high):
    assert answer(k.SYS_SETSOCKOPT, 3, high | 6, high | 31, 0x7FFF_0000, 4) == k.SECCOMP_RET_USER_NOTIF
    assert answer(k.SYS_SETSOCKOPT, 3, 1, 31, 0x7FFF_0000, 4) == k.SECCOMP_RET_ALLOW


@pytest.mark.parametrize(("level", "name"), [(0, 4), (41, 57), (41, 5), (41, 6)])
def test_route_by_way_of_other_hosts_is_refused_and_can_be_cleared(level, name):
    assert answer(k.SYS_SETSOCKOPT, 3, level, name, 0x7FFF_0000, 12) == fails(errno.EPERM)
    assert answer(k.SYS_SETSOCKOPT, 3, level, name, 0, 0) == k.SECCOMP_RET_ALLOW


def test_other_options_pass():
    routes = {(0, 4), (41, 57), (41, 5), (41, 6), (6, 31)}
    for level in (0, 1, 6, 17, 41):
        for name in range(128):
            if (level, name) not in routes:
                assert answer(k.SYS_SETSOCKOPT, 3, level, name, 0x7FFF_0000, 4) == k.SECCOMP_RET_ALLOW


TERMINAL = {0x5412: errno.EIO, 0x541C: errno.ENOTTY}


@pytest.mark.parametrize(("request_number", "expected"), TERMINAL.items(), ids=["TIOCSTI", "TIOCLINUX"])
@pytest.mark.parametrize("high", [0, HIGH])
def test_no_words_are_put_into_the_terminals_mouth(request_number, expected, high):
    assert answer(16, 0, high | request_number, 0x7FFF_0000) == fails(expected)
    assert answer(54, 0, high | request_number, 0x7FFF_0000, arch=k.AUDIT_ARCH_I386) == fails(expected)


@pytest.mark.parametrize("request_number", [0x5401, 0x5411, 0x5413, 0x541B, 0x541D])
def test_other_requests_to_a_terminal_pass(request_number):
    assert answer(16, 0, request_number, 0x7FFF_0000) == k.SECCOMP_RET_ALLOW
    assert answer(54, 0, request_number, 0x7FFF_0000, arch=k.AUDIT_ARCH_I386) == k.SECCOMP_RET_ALLOW


@pytest.mark.parametrize("length", [33, 48, 0x7FFF_FFFF, 0xFFFF_FFFF, HIGH | 48])
def test_flow_label_with_options_is_refused(length):
    assert answer(k.SYS_SETSOCKOPT, 3, 41, 32, 0x7FFF_0000, length) == fails(errno.EPERM)


@pytest.mark.parametrize("length", [0, 31, 32])
def test_flow_label_without_options_passes(length):
    assert answer(k.SYS_SETSOCKOPT, 3, 41, 32, 0x7FFF_0000, length) == k.SECCOMP_RET_ALLOW
