"""The seccomp filter of a job, as the bytes of a classic BPF program. Pure: installs nothing.

What it says, in order:

* i386 entry (``int 0x80``, a 32-bit program): socket calls fail with EPERM; everything else passes.
* x32 entry: every call fails with ENOSYS, as on the kernels that are built without x32.
* connect, accept, accept4, listen: ask the guard.
* io_uring_setup: ENOSYS, so that programs fall back to calls that can be seen (io_uring operations pass no filter).
* sendto, sendmsg, sendmmsg with MSG_FASTOPEN, which connect without connect: EOPNOTSUPP, which is what the kernel
  answers where TCP Fast Open is switched off, so that programs fall back to connect.
* socket for the protocols that connect without connect(2), or that the kernel does not count as TCP where it forbids
  the job connects of its own (see `child`): SCTP, DCCP, MPTCP and SMC are answered as where they are not built in.
* Any other call passes.

A program may add filters of its own, which can only forbid more: the kernel takes the strictest answer, and of those
that could let a call through without us (TRACE, LOG, ALLOW) each ranks below USER_NOTIF. A second listener in the
same task is refused by the kernel with EBUSY. Source: seccomp(2), Documentation/userspace-api/seccomp_filter.rst.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator, Sequence

from console.enforcement import layouts as k

_LOAD_WORD = 0x20
"""BPF_LD | BPF_W | BPF_ABS."""
_JUMP_EQUAL = 0x15
_JUMP_GREATER_OR_EQUAL = 0x35
_JUMP_ANY_BIT = 0x45
_RETURN = 0x06
_AND = 0x54
"""BPF_ALU | BPF_AND | BPF_K."""

# Offsets in struct seccomp_data (linux/seccomp.h); of a 64-bit argument the low word, where int arguments are.
_NUMBER = 0
_ARCHITECTURE = 4
_ARGUMENTS = 16

_ASK = (k.SYS_CONNECT, k.SYS_ACCEPT, k.SYS_ACCEPT4, k.SYS_LISTEN)
_FAST_OPEN_ARGUMENT = {k.SYS_SENDTO: 3, k.SYS_SENDMSG: 2, k.SYS_SENDMMSG: 3}
"""Calls that can carry MSG_FASTOPEN -> index of their flags argument."""

_INTERNET_FAMILIES = (socket.AF_INET, socket.AF_INET6)
_AF_SMC = 43
_HIDDEN_PROTOCOLS = (33, 132, 262)
"""IPPROTO_DCCP, IPPROTO_SCTP, IPPROTO_MPTCP."""
_TYPE_MASK = 0xF
_HIDDEN_TYPES = (5, 6)
"""SOCK_SEQPACKET and SOCK_DCCP, which on the internet families mean SCTP and DCCP without naming them."""


def build_filter() -> bytes:
    """Return the filter: 8 bytes an instruction, layout `layouts.FILTER_INSTRUCTION`."""
    program = [
        _step(_LOAD_WORD, _ARCHITECTURE),
        *_i386_part(),
        _step(_JUMP_EQUAL, k.AUDIT_ARCH_X86_64, if_true=1),
        _answer_errno(errno.ENOSYS),
        _step(_LOAD_WORD, _NUMBER),
        _step(_JUMP_GREATER_OR_EQUAL, k.X32_BIT, if_false=1),
        _answer_errno(errno.ENOSYS),
    ]
    for number in _ASK:
        program += [_step(_JUMP_EQUAL, number, if_false=1), _step(_RETURN, k.SECCOMP_RET_USER_NOTIF)]
    program += [_step(_JUMP_EQUAL, k.SYS_IO_URING_SETUP, if_false=1), _answer_errno(errno.ENOSYS)]
    for number, argument in _FAST_OPEN_ARGUMENT.items():
        program += [
            _step(_JUMP_EQUAL, number, if_false=4),
            _step(_LOAD_WORD, _ARGUMENTS + 8 * argument),
            _step(_JUMP_ANY_BIT, k.MSG_FASTOPEN, if_false=1),
            _answer_errno(errno.EOPNOTSUPP),
            _step(_RETURN, k.SECCOMP_RET_ALLOW),
        ]
    program += _socket_part()
    program.append(_step(_RETURN, k.SECCOMP_RET_ALLOW))
    return b"".join(program)


def _socket_part() -> list[bytes]:
    """Refuse sockets of the hidden kinds; skipped as a whole for any other call."""
    inside = [
        _step(_LOAD_WORD, _ARGUMENTS),
        _step(_JUMP_EQUAL, _AF_SMC, if_false=1),
        _answer_errno(errno.EAFNOSUPPORT),
        *(_step(_JUMP_EQUAL, family, if_true=left) for left, family in _countdown(_INTERNET_FAMILIES)),
        _step(_RETURN, k.SECCOMP_RET_ALLOW),
        _step(_LOAD_WORD, _ARGUMENTS + 8 * 2),
    ]
    for protocol in _HIDDEN_PROTOCOLS:
        inside += [_step(_JUMP_EQUAL, protocol, if_false=1), _answer_errno(errno.EPROTONOSUPPORT)]
    inside += [_step(_LOAD_WORD, _ARGUMENTS + 8), _step(_AND, _TYPE_MASK)]
    for kind in _HIDDEN_TYPES:
        inside += [_step(_JUMP_EQUAL, kind, if_false=1), _answer_errno(errno.ESOCKTNOSUPPORT)]
    inside.append(_step(_RETURN, k.SECCOMP_RET_ALLOW))
    return [_step(_JUMP_EQUAL, k.SYS_SOCKET, if_false=len(inside)), *inside]


def _countdown(values: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Return each value with how many instructions lie between its own and the one after a return that follows all."""
    return ((len(values) - at, value) for at, value in enumerate(values))


def _i386_part() -> list[bytes]:
    """Refuse the socket calls of the i386 entry; skipped as a whole on any other architecture."""
    inside = [_step(_LOAD_WORD, _NUMBER)]
    for number in k.I386_SOCKET_CALLS:
        inside += [_step(_JUMP_EQUAL, number, if_false=1), _answer_errno(errno.EPERM)]
    inside.append(_step(_RETURN, k.SECCOMP_RET_ALLOW))
    return [_step(_JUMP_EQUAL, k.AUDIT_ARCH_I386, if_false=len(inside)), *inside]


def _step(code: int, constant: int, *, if_true: int = 0, if_false: int = 0) -> bytes:
    return k.FILTER_INSTRUCTION.pack(code, if_true, if_false, constant)


def _answer_errno(number: int) -> bytes:
    return _step(_RETURN, k.SECCOMP_RET_ERRNO | number)
