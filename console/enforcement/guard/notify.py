"""The listener of a seccomp filter, as a `Backend`.

What the kernel does, and what follows from it. A thread whose call matches the filter sleeps in the kernel until this
process answers; it sleeps *interruptibly*. A signal wakes it at any moment: the notification is then dropped, every
ioctl that names its cookie fails with ENOENT, and the call returns EINTR or is made again under a new cookie, just as
the signal's handler was installed. So "the caller is gone" is an everyday answer here, not a fault, and it may come
between any two of our steps.

The notification names the thread by number. Numbers are used again, so everything that is looked up by number is
looked up *before* a check that the cookie still waits: if it does, the thread was there all along. What is kept for
longer (a pidfd, the /proc directory) is a descriptor, which cannot come to mean another thread.

``SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP`` (Linux 6.6) makes caller and guard hand the processor to each other instead of
waking the other one on another processor: 66 to 82 us a call become 25. It is a hint, and its absence is not an error.

A pidfd that names a thread needs Linux 6.9. Before that a pidfd names a process; it serves as well except for threads
that do not share their process's descriptors (unshare(2), CLONE_FILES), whose descriptors would be taken from the
process; and it is opened anew for each call, since a thread may end and its number return while the process lives.

What is not remembered: the program of a caller and its memory. A descriptor of /proc/THREAD/mem would read an argument
in half the time that process_vm_readv(2) takes, and its reads would fail after an execve(2), which would tell when to
ask for the program again: a tenth of a guarded connect. But they do not fail while another process shares the address
space of before (vfork(2), clone(2) with CLONE_VM), and what they then return is no argument of this call. Nothing else
that we could look at as cheaply changes with every execve, and with nothing but an execve. A perf event (comm_exec)
does, where we may open one; it takes back half of the gain.

Source: seccomp(2), seccomp_unotify(2), linux/seccomp.h, kernel/seccomp.c; fs/proc/base.c, mem_rw.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
from collections.abc import Sequence

from console.enforcement import datagrams, syscalls
from console.enforcement import layouts as k
from console.enforcement.backend import Call, Caller
from console.enforcement.fds import OwnedFd
from console.errors import CallerGone

_DELETED = " (deleted)"
"""What the kernel appends to the path of a program whose file was replaced, as at each package upgrade (proc(5))."""
_pack_response = k.RESPONSE.pack
_MOST_CALLERS = 1024
"""Callers kept; two descriptors each. The oldest goes first and is looked up again when it calls again."""


class SeccompBackend:
    """Calls of one job, through the listener of its filter."""

    def __init__(self, listener: OwnedFd) -> None:
        self._listener = listener
        self._number = listener.number
        self._callers: dict[int, Caller] = {}
        self._pidfd_names_thread = _pidfd_can_name_thread()
        self._programs_may_gain = os.geteuid() == 0
        try:
            fcntl.ioctl(listener.number, k.IOCTL_SET_FLAGS, k.SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTTY):  # before Linux 6.6: slower, not wrong
                raise

    def receive(self) -> Call | None:
        """Wait for the next call; see `Backend`."""
        notification = bytearray(k.NOTIFICATION.size)
        while True:
            try:
                fcntl.ioctl(self._number, k.IOCTL_RECEIVE, notification, True)
            except OSError as error:
                if self.has_ended(error):
                    return None
                notification = bytearray(k.NOTIFICATION.size)
                continue
            parts = k.NOTIFICATION.unpack(notification)
            return Call(parts[0], parts[1], parts[3], parts[6:], notification)

    def has_ended(self, error: OSError) -> bool:
        """Say whether no call can come any more, after one could not be received.

        Raises:
            OSError: The error itself, if it is not one that the kernel has for this.
        """
        if error.errno == errno.EINTR:  # a signal to the guard itself
            return False
        if error.errno != errno.ENOENT:
            raise error
        return self.is_deserted()  # otherwise the caller went while its call was being handed over

    @property
    def number(self) -> int:
        """The listener's descriptor, which stays open."""
        return self._number

    @property
    def remembers(self) -> bool:
        """Whether callers are remembered: a pidfd then names a thread."""
        return self._pidfd_names_thread

    def caller(self, call: Call) -> Caller:
        """Return who calls; see `Backend`."""
        known = self._callers.get(call.thread)
        if known is not None:
            return known
        try:
            caller = self._look_up(call.thread)
        except (FileNotFoundError, ProcessLookupError) as error:
            raise CallerGone("GWL0402") from error
        self._require_waiting(call)
        if self._pidfd_names_thread:
            if len(self._callers) >= _MOST_CALLERS:
                with contextlib.suppress(RuntimeError, StopIteration):  # another thread changes the table meanwhile
                    self._callers.pop(next(iter(self._callers)), None)
            self._callers[call.thread] = caller
        return caller

    def renew(self, call: Call, caller: Caller) -> None:
        """Make certain that a remembered caller has not ended; see `Backend`."""
        if syscalls.is_readable(caller.pidfd.number):
            self._look_up_again(call, caller)

    def _look_up_again(self, call: Call, caller: Caller) -> None:
        self._callers.pop(call.thread, None)
        self._require_waiting(call)
        fresh = self.caller(call)
        caller.process, caller.pidfd, caller.directory = fresh.process, fresh.pidfd, fresh.directory
        caller.program = fresh.program

    def is_waiting(self, call: Call) -> bool:
        """Say whether the call still waits; see `Backend`."""
        while True:
            try:
                # A mutable buffer goes to the kernel as it is, whereas octets are copied there and back.
                fcntl.ioctl(self._number, k.IOCTL_ID_VALID, call.notification, True)
            except InterruptedError:  # a signal to the guard itself
                continue
            except OSError as error:
                if error.errno != errno.ENOENT:
                    raise
                return False
            return True

    def take_descriptor(self, call: Call, caller: Caller, number: int) -> OwnedFd:
        """Duplicate a descriptor of the caller; see `Backend`.

        A remembered caller may have ended and its number be another thread's by now; ESRCH tells, and it is looked up
        again.
        """
        try:
            return OwnedFd(syscalls.take_descriptor(caller.pidfd.number, number))
        except ProcessLookupError:
            self._look_up_again(call, caller)
        try:
            return OwnedFd(syscalls.take_descriptor(caller.pidfd.number, number))
        except ProcessLookupError as error:
            raise CallerGone("GWL0402") from error

    def read_memory(self, call: Call, address: int, size: int) -> bytes:
        """Copy memory of the caller; see `Backend`."""
        try:
            octets = syscalls.read_memory(call.thread, address, size)
        except ProcessLookupError as error:
            raise CallerGone("GWL0402") from error
        try:  # `_require_waiting` without its calls: this stands in the way of every connect
            fcntl.ioctl(self._number, k.IOCTL_ID_VALID, call.notification, True)
        except OSError:
            self._require_waiting(call)
        return octets

    def peek_memory(self, call: Call, address: int, size: int) -> bytes:
        """Copy memory of what may not wait any more; see `Backend`."""
        try:
            return syscalls.read_memory(call.thread, address, size)
        except ProcessLookupError as error:
            raise CallerGone("GWL0402") from error

    def gather(self, call: Call, parts: Sequence[tuple[int, int]]) -> bytes:
        """Copy memory of the caller that lies in several places; see `Backend`."""
        try:
            octets = datagrams.gather(call.thread, parts)
        except ProcessLookupError as error:
            raise CallerGone("GWL0402") from error
        self._require_waiting(call)
        return octets

    def write_memory(self, call: Call, address: int, octets: bytes) -> None:
        """Write memory of the caller; see `Backend`."""
        if self._programs_may_gain:
            self._write_held(call, ((address, octets),))
            return
        self._require_waiting(call)
        try:
            syscalls.write_memory(call.thread, address, octets)
        except ProcessLookupError as error:
            raise CallerGone("GWL0402") from error

    def write_two(self, call: Call, address: int, octets: bytes, second_address: int, second: bytes) -> None:
        """Write memory of the caller at two places; see `Backend`."""
        if self._programs_may_gain:
            self._write_held(call, ((address, octets), (second_address, second)))
            return
        self._require_waiting(call)
        try:
            syscalls.write_two(call.thread, address, octets, second_address, second)
        except ProcessLookupError as error:
            raise CallerGone("GWL0402") from error

    def _write_held(self, call: Call, parts: Sequence[tuple[int, bytes]]) -> None:
        """Write memory that is sure to be the caller's own, not that of a program it has become since.

        Between a look at the cookie and a write to a thread by its number, another thread of the caller can execute a
        program, setuid perhaps, which then has the number and gets what was meant for its predecessor, at an address of
        the predecessor's choice. An open memory file holds on to the memory of its moment instead. It costs 3 us and
        writes through page protections (a private page that is read-only is copied), so it is used only where
        programs may gain privilege: under a guard that is root, whose job has no no_new_privs.
        """
        try:
            memory = OwnedFd(os.open(f"/proc/{call.thread}/mem", os.O_WRONLY | os.O_CLOEXEC))
        except (FileNotFoundError, ProcessLookupError) as error:
            raise CallerGone("GWL0402") from error
        with memory:
            self._require_waiting(call)
            for address, octets in parts:
                try:
                    count = os.pwrite(memory.number, octets, address)
                except OverflowError as error:  # no file offset goes up to 2**64
                    raise OSError(errno.EFAULT, os.strerror(errno.EFAULT)) from error
                except OSError as error:
                    if error.errno != errno.EIO:
                        raise
                    raise OSError(errno.EFAULT, os.strerror(errno.EFAULT)) from error
                if octets and not count:
                    raise CallerGone("GWL0402")
                if count != len(octets):
                    raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))

    def answer(self, call: Call, errno: int) -> None:
        """Let the call return; see `Backend`."""
        self._ioctl_about_call(k.IOCTL_SEND, bytearray(_pack_response(call.cookie, 0, -errno, 0)))

    def answer_count(self, call: Call, count: int) -> None:
        """Let the call return a number; see `Backend`."""
        self._ioctl_about_call(k.IOCTL_SEND, bytearray(k.RESPONSE.pack(call.cookie, count, 0, 0)))

    def go_on(self, call: Call) -> None:
        """Let the kernel carry the call out; see `Backend`."""
        response = bytearray(k.RESPONSE.pack(call.cookie, 0, 0, k.SECCOMP_USER_NOTIF_FLAG_CONTINUE))
        self._ioctl_about_call(k.IOCTL_SEND, response)

    def deliver(self, call: Call, descriptor: int, *, close_on_exec: bool) -> None:
        """Let the call return a descriptor; see `Backend`."""
        flags = os.O_CLOEXEC if close_on_exec else 0
        request = bytearray(k.ADDFD.pack(call.cookie, k.SECCOMP_ADDFD_FLAG_SEND, descriptor, 0, flags))
        self._ioctl_about_call(k.IOCTL_ADDFD, request)

    def _ioctl_about_call(self, request: int, argument: bytearray) -> None:
        while True:
            try:
                fcntl.ioctl(self._number, request, argument, True)
            except InterruptedError:  # a signal to the guard itself
                continue
            except OSError as error:
                if error.errno in (errno.ENOENT, errno.EINPROGRESS):
                    raise CallerGone("GWL0402") from error
                raise
            return

    def _require_waiting(self, call: Call) -> None:
        if not self.is_waiting(call):
            raise CallerGone("GWL0402")

    def _look_up(self, thread: int) -> Caller:
        directory = OwnedFd(os.open(f"/proc/{thread}", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
        process = _process_of(directory)
        if self._pidfd_names_thread:
            pidfd = OwnedFd(syscalls.open_pidfd(thread, one_thread=True))
        else:
            pidfd = OwnedFd(syscalls.open_pidfd(process, one_thread=False))
        program = OwnedFd(os.open("exe", os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory.number))
        return Caller(thread, process, pidfd, directory, program)

    def is_deserted(self) -> bool:
        """Say whether no process is left under the filter: the kernel then hangs the listener up (Linux 5.8)."""
        poll = select.poll()
        poll.register(self._listener.number, 0)
        return bool(poll.poll(0))


def _process_of(directory: OwnedFd) -> int:
    """Return the process id of a thread, from its /proc directory."""
    for line in status_lines(directory):
        if line.startswith(b"Tgid:"):
            return int(line.split()[1])
    raise ProcessLookupError(errno.ESRCH, "no Tgid line in /proc status")


def path_of_program(caller: Caller) -> str:
    """Return the path of the program a caller runs, as the kernel tells it.

    Raises:
        ProcessLookupError, FileNotFoundError: It has ended.
        PermissionError: We may not know.
    """
    return os.readlink("", dir_fd=caller.program.number).removesuffix(_DELETED)


def status_lines(directory: OwnedFd) -> list[bytes]:
    """Return the lines of a thread's /proc status (proc_pid_status(5)).

    Raises:
        ProcessLookupError, FileNotFoundError: It has ended.
    """
    descriptor = os.open("status", os.O_RDONLY | os.O_CLOEXEC, dir_fd=directory.number)
    with os.fdopen(descriptor, "rb") as status:
        return status.read().splitlines()


def _pidfd_can_name_thread() -> bool:
    try:
        os.close(syscalls.open_pidfd(os.getpid(), one_thread=True))
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return False
    return True
