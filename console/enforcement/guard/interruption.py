"""Finds out whether a call is being made again because a signal took its caller out of it.

An answer may be lost without our knowing. The kernel takes one for a caller that a signal has just woken: between the
caller's last look at its answer and the lock under which it gives up, a tenth of a microsecond, the answer is accepted,
and nobody will read it (kernel/seccomp.c, seccomp_do_user_notification and seccomp_notify_send). Nothing that can be
asked of the kernel tells such a caller from one that was answered.

What tells is on the caller's stack. For a signal's handler the kernel saves the registers of the moment below the
stack pointer: those of a call that is about to be made anew (SA_RESTART), or of one that has ended with EINTR. When the
handler has returned and the call is made again, they still lie there.

They may be left from an earlier interruption of the same call. So this is a sign and no proof, good where a mistake
does no harm. A handler on a stack of its own (SA_ONSTACK), and a call that is made anew without one, as after a stop,
leave no sign.

Source: arch/x86/kernel/signal.c, get_sigframe, handle_signal; asm/sigcontext.h, struct sigcontext_64.
"""

from __future__ import annotations

import errno
import os
import struct
import time

from console.enforcement.backend import Backend, Call, Caller
from console.errors import CallerGone

_RED_ZONE = 128
"""Octets below the stack pointer that a program may use, and a signal leaves alone."""
_LONGEST_FRAME = 16_384
"""Octets; most are the saved vector registers, 11 KiB where there is AMX."""
_PIECE = 4096
_FIRST = struct.Struct("=QQ")
"""Where a search begins: rdi and rsi, the first two arguments."""
_REGISTERS = struct.Struct("=QQQQQQQQQ")
"""From rdi on: rdi rsi rbp rbx rdx rax rcx rsp rip."""
_INSTRUCTION = 2
"""Octets of the syscall instruction."""
_PATIENCE_S = 0.5
_MOMENT_S = 0.0001


def was_interrupted(backend: Backend, call: Call, caller: Caller) -> bool:
    """Say whether there are signs that a call that waits was interrupted a moment ago, and is made again.

    Raises:
        CallerGone: The call no longer waits.
    """
    give_up_at = time.monotonic() + _PATIENCE_S
    while (place := place_of_call(caller)) is None:  # it is just going to sleep, or a signal has woken it
        if not backend.is_waiting(call):
            raise CallerGone("GWL0402")
        if time.monotonic() > give_up_at:
            return False
        time.sleep(_MOMENT_S)
    stack_pointer, instruction = place
    return shows_interruption(_below(backend, call, stack_pointer), call, stack_pointer, instruction)


def shows_interruption(stack: bytes, call: Call, stack_pointer: int, instruction: int) -> bool:
    """Say whether a piece of stack holds the registers of a call that was interrupted.

    Args:
        stack: What lies below the stack pointer.
        call: The call as it is made now.
        stack_pointer: Where it is made.
        instruction: The address behind its syscall instruction.
    """
    first, second, third = call.arguments[:3]
    again = call.number, instruction - _INSTRUCTION
    ended = -errno.EINTR & 0xFFFF_FFFF_FFFF_FFFF, instruction
    arguments = _FIRST.pack(first, second)
    at = stack.find(arguments)
    while at >= 0 and at + _REGISTERS.size <= len(stack):
        _, _, _, _, rdx, rax, _, rsp, rip = _REGISTERS.unpack_from(stack, at)
        if (rdx, rsp) == (third, stack_pointer) and (rax, rip) in (again, ended):
            return True
        at = stack.find(arguments, at + 1)
    return False


def place_of_call(caller: Caller) -> tuple[int, int] | None:
    """Return the stack pointer of a thread that sleeps in a call, and the address behind its syscall instruction.

    Returns:
        None where it does not sleep, or it cannot be told.

    Source: proc_pid_syscall(5).
    """
    try:
        descriptor = os.open("syscall", os.O_RDONLY | os.O_CLOEXEC, dir_fd=caller.directory.number)
        with os.fdopen(descriptor) as file:
            words = file.read().split()
    except OSError:
        return None
    return (int(words[-2], 16), int(words[-1], 16)) if len(words) > 2 else None


def _below(backend: Backend, call: Call, stack_pointer: int) -> bytes:
    """Copy what lies below a stack pointer, as far as it is there."""
    found = b""
    end = stack_pointer - _RED_ZONE
    while len(found) < _LONGEST_FRAME:
        size = end % _PIECE or _PIECE
        end -= size
        try:
            found = backend.gather(call, [(end, size)]) + found
        except OSError:
            break
    return found
