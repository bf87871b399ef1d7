"""The system calls that Python's standard library does not have, or not in a form fit for a supervised call.

Each function is one call. Results of calls made for a job come back as an errno value, because they are handed on as
they are; failures of our own calls are raised as OSError.

Threads: any. Buffers are one set a thread.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import select
import signal
import socket
import struct
import threading

from console.enforcement import layouts as k
from console.errors import KernelError

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_CHILD_SUBREAPER = 36
_NO_LANDLOCK = frozenset({errno.ENOSYS, errno.EOPNOTSUPP, errno.E2BIG, errno.EINVAL})
"""Not built in; switched off; knows files only: the attribute is longer, or asks for more, than it knows."""
_PIDFD_THREAD = os.O_EXCL
"""Linux 6.9: the pidfd names one thread, and its own descriptor table (linux/pidfd.h)."""
_SO_RCVTIMEO = int(socket.SO_RCVTIMEO)
_TIMEVAL = struct.Struct("=qq")
_RESET_ON_CLOSE = struct.pack("=ii", 1, 0)
"""struct linger with zero seconds: close(2) sends a reset and forgets what was not sent (socket(7), SO_LINGER)."""


class _FilterProgram(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


class _Scratch(threading.local):
    """Buffers that calls fill, and references to them; making them anew for each call would cost more than the call."""

    def __init__(self) -> None:
        self.octets = bytearray(k.SOCKADDR_STORAGE_SIZE)
        array = (ctypes.c_char * len(self.octets)).from_buffer(self.octets)
        self.octets_address = ctypes.addressof(array)
        self.octets_reference = ctypes.byref(array)
        self.vectors = bytearray(k.THREE_IO_VECTORS.size)
        array = (ctypes.c_char * len(self.vectors)).from_buffer(self.vectors)
        self.here_reference = ctypes.byref(array)
        self.there_reference = ctypes.byref(array, k.IO_VECTOR.size)
        self.length = ctypes.c_uint(0)
        self.length_reference = ctypes.byref(self.length)
        self.number = ctypes.c_int(0)
        self.number_reference = ctypes.byref(self.number)
        self.number_length = ctypes.c_uint(ctypes.sizeof(ctypes.c_int))
        self.number_length_reference = ctypes.byref(self.number_length)


_scratch = _Scratch()


def _raise_errno() -> None:
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number))


def check_machine() -> None:
    """Make sure that the numbers in `layouts` are this machine's.

    Raises:
        KernelError: It is another machine.
    """
    if platform.machine() != k.MACHINE:
        raise KernelError("GWL0401", machine=platform.machine(), supported=k.MACHINE)


def become_subreaper() -> None:
    """Make orphaned descendants our children, so that we stay their ancestor (prctl(2), PR_SET_CHILD_SUBREAPER)."""
    if _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        _raise_errno()


def forgo_new_privileges() -> None:
    """Let no program started from here gain privilege; what an unprivileged filter needs (prctl(2))."""
    if _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        _raise_errno()


def forgo_own_connects() -> bool:
    """Forbid the calling thread, and all it starts, TCP connects of its own.

    Those that another makes on its sockets stay possible (landlock(7), LANDLOCK_ACCESS_NET_CONNECT_TCP, Linux 6.7).

    Returns:
        False where the kernel does not offer it.

    Raises:
        OSError: It offers it, and it could not be done: no descriptor left, sixteen rulesets over us already.
    """
    ruleset = _libc.syscall(k.SYS_LANDLOCK_CREATE_RULESET, k.LANDLOCK_NO_CONNECTS, len(k.LANDLOCK_NO_CONNECTS), 0)
    if ruleset < 0:
        if ctypes.get_errno() in _NO_LANDLOCK:
            return False
        _raise_errno()
    try:
        if _libc.syscall(k.SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0, k.OWN_RESTRICTION):
            _raise_errno()
    finally:
        os.close(ruleset)
    return True


def hide_from_tracers() -> None:
    """Let no process of our user read our memory or take our descriptors (prctl(2), PR_SET_DUMPABLE)."""
    if _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0):
        _raise_errno()


def die_with_parent() -> None:
    """Make the kernel send us SIGKILL when the thread that started us ends (prctl(2), PR_SET_PDEATHSIG)."""
    if _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0):
        _raise_errno()


def install_filter(program: bytes) -> int:
    """Put the calling thread and all it starts under a filter.

    Args:
        program: As `guard.filter.build_filter` makes it.

    Returns:
        The listener on which the calls that ask arrive; close-on-exec.

    Raises:
        OSError: EACCES without privilege and without `forgo_new_privileges`; EBUSY where a filter with a listener
            stands over us already; EINVAL or ENOSYS on a kernel without user notification.
    """
    instructions = ctypes.create_string_buffer(program, len(program))
    description = _FilterProgram(len(program) // k.FILTER_INSTRUCTION.size, ctypes.addressof(instructions))
    listener = _libc.syscall(
        k.SYS_SECCOMP,
        k.SECCOMP_SET_MODE_FILTER,
        k.SECCOMP_FILTER_FLAG_NEW_LISTENER,
        ctypes.byref(description),
    )
    if listener < 0:
        _raise_errno()
    return int(listener)


def has_user_notification() -> bool:
    """Say whether this kernel knows SECCOMP_GET_NOTIF_SIZES with the sizes that we know (Linux 5.0)."""
    sizes = (ctypes.c_ushort * 3)()
    if _libc.syscall(k.SYS_SECCOMP, k.SECCOMP_GET_NOTIF_SIZES, 0, ctypes.byref(sizes)):
        return False
    return sizes[0] >= k.NOTIFICATION.size and sizes[1] >= k.RESPONSE.size


def open_pidfd(thread: int, *, one_thread: bool) -> int:
    """Return a pidfd (pidfd_open(2)).

    Args:
        thread: A thread id when `one_thread`, otherwise a process id.
        one_thread: Name the thread, not its process; OSError EINVAL before Linux 6.9.
    """
    number = _libc.syscall(k.SYS_PIDFD_OPEN, thread, _PIDFD_THREAD if one_thread else 0)
    if number < 0:
        _raise_errno()
    return int(number)


def take_descriptor(pidfd: int, number: int) -> int:
    """Duplicate a descriptor of another process (pidfd_getfd(2)); close-on-exec.

    Raises:
        OSError: EBADF: it has no such descriptor; ESRCH: it has ended; EPERM: we may not.
    """
    taken = _libc.syscall(k.SYS_PIDFD_GETFD, pidfd, number, 0)
    if taken < 0:
        _raise_errno()
    return int(taken)


def read_memory(thread: int, address: int, size: int) -> bytes:
    """Copy memory of another process, at most `layouts.SOCKADDR_STORAGE_SIZE` bytes (process_vm_readv(2)).

    Raises:
        OSError: EFAULT: part of it is not there; ESRCH: it has ended; EPERM: we may not.
    """
    scratch = _scratch
    k.IO_VECTORS.pack_into(scratch.vectors, 0, scratch.octets_address, size, address, size)
    count = _libc.process_vm_readv(thread, scratch.here_reference, 1, scratch.there_reference, 1, 0)
    if count != size:
        _raise_short(count)
    return bytes(scratch.octets[:size])


def write_memory(thread: int, address: int, octets: bytes) -> None:
    """Write memory of another process; limits and errors as `read_memory` (process_vm_writev(2))."""
    scratch, size = _scratch, len(octets)
    scratch.octets[:size] = octets
    k.IO_VECTORS.pack_into(scratch.vectors, 0, scratch.octets_address, size, address, size)
    count = _libc.process_vm_writev(thread, scratch.here_reference, 1, scratch.there_reference, 1, 0)
    if count != size:
        _raise_short(count)


def write_two(thread: int, address: int, octets: bytes, second_address: int, second: bytes) -> None:
    """Write memory of another process at two places in this order; limits and errors as `read_memory`."""
    scratch, first_size, size = _scratch, len(octets), len(octets) + len(second)
    scratch.octets[:size] = octets + second
    k.THREE_IO_VECTORS.pack_into(
        scratch.vectors, 0, scratch.octets_address, size, address, first_size, second_address, len(second)
    )
    count = _libc.process_vm_writev(thread, scratch.here_reference, 1, scratch.there_reference, 2, 0)
    if count != size:
        _raise_short(count)


def _raise_short(count: int) -> None:
    """Raise why fewer octets were copied than asked for: what comes after those is not there."""
    if count < 0:
        _raise_errno()
    raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))


def connect(descriptor: int, sockaddr: bytes) -> int:
    """Connect a job's socket, as its flags and time-outs say.

    Returns:
        0, or the errno that the job would have seen; EINTR when `signal.pthread_kill` took us out.
    """
    if _libc.connect(descriptor, sockaddr, len(sockaddr)) == 0:
        return 0
    return ctypes.get_errno()


def listen(descriptor: int, backlog: int) -> int:
    """Make a job's socket listen; returns 0 or the errno."""
    if _libc.listen(descriptor, ctypes.c_int(backlog)) == 0:
        return 0
    return ctypes.get_errno()


def accept(descriptor: int, flags: int) -> tuple[int, bytes]:
    """Take the next connection of a job's listener (accept4(2)).

    Returns:
        The connection, or the negative errno; and the socket address of the peer.
    """
    scratch = _scratch
    scratch.length.value = k.SOCKADDR_STORAGE_SIZE
    taken = _libc.accept4(descriptor, scratch.octets_reference, scratch.length_reference, flags)
    if taken < 0:
        return -ctypes.get_errno(), b""
    return int(taken), bytes(scratch.octets[: scratch.length.value])


def local_sockaddr(descriptor: int) -> bytes:
    """Return the address a socket is bound to (getsockname(2)).

    Raises:
        OSError: ENOTSOCK and the like.
    """
    scratch = _scratch
    scratch.length.value = k.SOCKADDR_STORAGE_SIZE
    if _libc.getsockname(descriptor, scratch.octets_reference, scratch.length_reference):
        _raise_errno()
    return bytes(scratch.octets[: scratch.length.value])


def peer_sockaddr(descriptor: int) -> bytes:
    """Return the address a socket is connected to (getpeername(2)).

    Raises:
        OSError: ENOTCONN and the like.
    """
    scratch = _scratch
    scratch.length.value = k.SOCKADDR_STORAGE_SIZE
    if _libc.getpeername(descriptor, scratch.octets_reference, scratch.length_reference):
        _raise_errno()
    return bytes(scratch.octets[: scratch.length.value])


def socket_option(descriptor: int, option: int) -> int:
    """Return an int option of level SOL_SOCKET (socket(7)).

    Raises:
        OSError: ENOTSOCK and the like.
    """
    scratch = _scratch
    if _libc.getsockopt(
        descriptor, socket.SOL_SOCKET, option, scratch.number_reference, scratch.number_length_reference
    ):
        _raise_errno()
    return scratch.number.value


def receive_timeout_s(descriptor: int) -> float:
    """Return SO_RCVTIMEO of a socket in seconds; 0 waits for ever."""
    scratch = _scratch
    scratch.length.value = _TIMEVAL.size
    if _libc.getsockopt(
        descriptor, socket.SOL_SOCKET, _SO_RCVTIMEO, scratch.octets_reference, scratch.length_reference
    ):
        _raise_errno()
    seconds, microseconds = _TIMEVAL.unpack_from(scratch.octets)
    return int(seconds) + int(microseconds) / 1_000_000


def is_non_blocking(descriptor: int) -> bool:
    """Say whether O_NONBLOCK is set on the open file that a descriptor names."""
    return bool(fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_NONBLOCK)


def is_readable(descriptor: int) -> bool:
    """Say whether a read, or an accept, would find something at once: data, a connection, an end or an error."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def reset(descriptor: int) -> None:
    """Close a connection so that its peer sees a reset and not one byte."""
    with socket.socket(fileno=descriptor) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)


def stop_listening(descriptor: int) -> None:
    """Take a listening socket back out of LISTEN; connections that wait are reset (shutdown(2) on a listener)."""
    # No new descriptor is taken: there may be none left. Who listens no more already is answered ENOTCONN.
    if _libc.shutdown(descriptor, socket.SHUT_RD) and ctypes.get_errno() != errno.ENOTCONN:
        _raise_errno()
