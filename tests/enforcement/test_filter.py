"""The filter, run by an interpreter of classic BPF over calls of every kind; no kernel has a part in it."""

from __future__ import annotations

import errno
import struct

import pytest

from console.enforcement import layouts as k
from console.enforcement.guard.filter import build_filter

PROGRAM = [k.FILTER_INSTRUCTION.unpack_from(build_filter(), at) for at in range(0, len(build_filter()), 8)]
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


def answer(number, *arguments, arch=k.AUDIT_ARCH_X86_64):
    arguments += (0,) * (6 - len(arguments))
    return run(PROGRAM, struct.pack("<IIQ6Q", number & 0xFFFF_FFFF, arch, 0x1234, *arguments))


def fails(number):
    return k.SECCOMP_RET_ERRNO | number


def test_every_jump_lands_inside_the_filter():
    for at, (code, if_true, if_false, _) in enumerate(PROGRAM):
        if code in (0x15, 0x35, 0x45):
            assert at + 1 + max(if_true, if_false) < len(PROGRAM)
    assert PROGRAM[-1][0] == 0x06
    assert len(PROGRAM) <= 4096


@pytest.mark.parametrize("number", ASKED, ids=ASKED.values())
def test_guard_is_asked(number):
    assert answer(number) == k.SECCOMP_RET_USER_NOTIF
    assert answer(number, *[0xFFFF_FFFF_FFFF_FFFF] * 6) == k.SECCOMP_RET_USER_NOTIF


@pytest.mark.parametrize("number", range(600))
def test_any_other_call_passes(number):
    if number in ASKED or number == k.SYS_IO_URING_SETUP:
        return
    assert answer(number) == k.SECCOMP_RET_ALLOW


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


def test_io_uring_cannot_be_set_up():
    assert answer(k.SYS_IO_URING_SETUP, 8, 0x7FFF_0000) == fails(errno.ENOSYS)


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


@pytest.mark.parametrize("family", [2, 10, HIGH | 2])
@pytest.mark.parametrize("protocol", [33, 132, 262, HIGH | 262])
@pytest.mark.parametrize("kind", [1, 5, 1 | 0o2000000 | 0o4000])
def test_protocols_that_connect_otherwise_are_not_there(family, protocol, kind):
    assert answer(k.SYS_SOCKET, family, kind, protocol) == fails(errno.EPROTONOSUPPORT)


@pytest.mark.parametrize("family", [2, 10])
@pytest.mark.parametrize("kind", [5, 6, 5 | 0o2000000, 6 | 0o4000])
def test_types_that_mean_such_a_protocol_are_not_there(family, kind):
    assert answer(k.SYS_SOCKET, family, kind, 0) == fails(errno.ESOCKTNOSUPPORT)


def test_smc_sockets_are_not_there():
    assert answer(k.SYS_SOCKET, 43, 1, 0) == fails(errno.EAFNOSUPPORT)


@pytest.mark.parametrize("kind", [1, 2, 3, 1 | 0o2000000, 2 | 0o4000])
@pytest.mark.parametrize("protocol", [0, 1, 6, 17, 58, 255])
def test_internet_sockets_of_every_day_pass(kind, protocol):
    assert answer(k.SYS_SOCKET, 2, kind, protocol) == k.SECCOMP_RET_ALLOW
    assert answer(k.SYS_SOCKET, 10, kind, protocol) == k.SECCOMP_RET_ALLOW


@pytest.mark.parametrize("family", [0, 1, 3, 15, 16, 17, 38, 40, 44])
def test_other_families_keep_their_types_and_protocols(family):
    for kind in range(1, 11):
        for protocol in (0, 33, 132, 262):
            assert answer(k.SYS_SOCKET, family, kind, protocol) == k.SECCOMP_RET_ALLOW
