"""Sends of datagrams: sendto(2), sendmsg(2) and sendmmsg(2) of a job whose policy decides them.

A datagram with an address is a connect for one datagram: the connect exit point decides about each, and what was
decided on is what is sent, because address, control data and octets are copied out of the caller and sent from the
copy, on the caller's own socket. One without an address goes where its socket is connected to, which was decided when
it was; it is sent here too, without asking, since only here is it sure which socket it is. No more is read of the
caller than a datagram can hold.

A job with --remote-names has its sends made here too, whether its policy decides them or not: questions for names are
led to the guard (`remote_names`).

On any other socket (TCP, Unix, netlink, raw) the kernel carries the call out. So a program with two threads can still
swap a datagram socket in behind such a send, or behind the connect of a Unix socket, for which Landlock has no
access right.

Control data are passed on as they are, if every header in them is of a kind that neither chooses the way (source
routes) nor needs a privilege, which the guard may have and the caller not; otherwise the send fails with EPERM. None of
those kinds carries a pointer or a descriptor.

**The journal** has one entry for each socket, destination, user, program, revision and rule that let something pass,
made with the first datagram; the later ones are counted, not written. What is rejected is written each time.

**Signals.** A send that a signal took its caller out of has been made nevertheless, and the caller may make the call
again (SA_RESTART, or a loop over EINTR). So what was sent and could not be told is kept for the same thread, socket and
arguments, and the call made again is told it as far as it wants to send the same octets to the same address.

One in some thousands of those is sent twice all the same. The kernel takes our answer also for a caller that a signal
has just woken and that will never read it (`interruption`), and nothing shows it. A call that looks like the last one
might then be the same made again, or another with the same octets. The signs on the caller's stack are not good enough
here: they may be old, and a program that sends one datagram over and over would lose some. A datagram may be doubled on
its way, and programs are ready for that; so that is what becomes of it.

Source: net/ipv4/udp.c, udp_sendmsg; net/ipv6/udp.c, udpv6_sendmsg; net/socket.c, __sys_sendmmsg, __copy_msghdr.
"""

from __future__ import annotations

import dataclasses
import errno
import os
import socket
import time
from typing import NamedTuple

from console.enforcement import datagrams, syscalls
from console.enforcement import layouts as k
from console.enforcement.backend import Call
from console.enforcement.fds import OwnedFd
from console.enforcement.guard.destination import (
    DatagramKind,
    asks_local,
    datagram_destination,
    datagram_kind,
    resolved,
)
from console.enforcement.guard.message import Message, read_header, read_octets, read_sendto
from console.enforcement.guard.remote_names import Led, RemoteNames
from console.enforcement.guard.supervisor import Attempt, Supervisor, local_endpoint
from console.enforcement.guard.turns import Turns
from console.enforcement.layouts import NO_ENDPOINT, Endpoint
from console.enforcement.records import Seen
from console.errors import CallerGone
from console.model.words import ExitPoint, Mode, Outcome, Udp
from console.policy.decide import CompiledPolicy
from console.policy.request import Decision, unwritten

_FLAGS_ARGUMENT = {k.SYS_SENDTO: 3, k.SYS_SENDMSG: 2, k.SYS_SENDMMSG: 3}
_MOST_KNOWN = 4096
"""Destinations remembered as journalled; when there are more, all are forgotten, and journalled anew."""
_TOLD_WITHIN_S = 5.0
_MOST_UNTOLD = 64
_MOMENT_S = 0.0001
_UDP_LEVEL, _UDP_SEGMENT = 17, 103
_HARMLESS_CONTROL = frozenset(
    {
        *((socket.SOL_SOCKET, kind) for kind in (1, 2, 37, 61, 65, 81)),
        *((socket.IPPROTO_IP, kind) for kind in (1, 2, 8)),
        *((socket.IPPROTO_IPV6, kind) for kind in (2, 8, 11, 50, 52, 62, 67)),
        (_UDP_LEVEL, _UDP_SEGMENT),
    }
)
"""Level and type. SCM_RIGHTS and SCM_CREDENTIALS, which internet sockets overlook, SO_TIMESTAMPING in both forms,
SCM_TXTIME, SCM_TS_OPT_ID; IP_TOS, IP_TTL, IP_PKTINFO; IPV6_PKTINFO and IPV6_HOPLIMIT in both forms, IPV6_FLOWINFO,
IPV6_DONTFRAG, IPV6_TCLASS; UDP_SEGMENT. Not among them: IP_RETOPTS, IPV6_RTHDR and the other headers of IPv6, which
choose the way; SO_MARK and SO_PRIORITY, which need a privilege. Source: asm-generic/socket.h, linux/in.h and in6.h."""


class _Sent(NamedTuple):
    """A datagram that was sent."""

    name: bytes | None
    control: bytes
    octets: bytes
    result: int


class _Untold(NamedTuple):
    """What a call has sent that its caller was not told of."""

    since: float
    """Seconds of the monotonic clock."""
    number: int
    arguments: tuple[int, ...]
    sent: list[_Sent]


@dataclasses.dataclass(slots=True)
class _Sending:
    """One call on its way."""

    supervisor: Supervisor
    attempt: Attempt
    policy: CompiledPolicy
    taken: OwnedFd
    inode: int
    kind: DatagramKind
    flags: int
    told: list[_Sent]
    """What an earlier run of the same call has sent already."""
    sent: list[_Sent] = dataclasses.field(default_factory=list)


class SendPoint:
    """The handler of sendto, sendmsg and sendmmsg."""

    def __init__(self, turns: Turns | None = None, names: RemoteNames | None = None) -> None:
        self.turns = turns
        """Told before a send that may wait; None in tests with one call at a time."""
        self.names = names
        """There in jobs whose names are resolved at SOCKS servers."""
        self._journalled: dict[tuple[int, Endpoint], tuple[object, ...]] = {}
        """Inode of a socket and destination -> for whom, and by which rule, its entry was made."""
        self._untold: dict[tuple[int, int], _Untold] = {}
        """Thread and inode of a socket -> what it was not told of."""
        self._active: dict[int, Call] = {}
        """Cookie -> a call that a thread of ours works at."""

    def handle(self, supervisor: Supervisor, attempt: Attempt) -> None:
        """Answer one send.

        Raises:
            CallerGone: The call no longer waits.
            Undecidable: It must be rejected.
        """
        policy, call = supervisor.policy, attempt.call
        if self.names is None and not _decides(policy):
            supervisor.backend.go_on(call)  # the job began under a policy that decided datagrams
            return
        self._active[call.cookie] = call
        try:
            self._handle(supervisor, attempt, policy)
        finally:
            del self._active[call.cookie]

    def _handle(self, supervisor: Supervisor, attempt: Attempt, policy: CompiledPolicy) -> None:
        call = attempt.call
        taken = supervisor.take_socket(attempt)
        if taken is None:
            return
        with taken:
            try:
                kind = datagram_kind(taken.number)
            except OSError as error:
                supervisor.backend.answer(call, error.errno or errno.ENOTSOCK)
                return
            if kind is None:
                supervisor.backend.go_on(call)
                return
            flags = call.arguments[_FLAGS_ARGUMENT[call.number]] & 0xFFFF_FFFF
            inode = os.fstat(taken.number).st_ino
            told = self._take_untold(call, inode)
            self._perform(_Sending(supervisor, attempt, policy, taken, inode, kind, flags, told))

    def _perform(self, sending: _Sending) -> None:
        """Send what a call wants sent, and tell its caller how much it was."""
        backend, call = sending.supervisor.backend, sending.attempt.call
        try:
            if call.number == k.SYS_SENDMMSG:
                result = self._send_many(sending)
            else:
                header = call.number == k.SYS_SENDMSG
                message = read_header(backend, call, call.arguments[1]) if header else read_sendto(backend, call)
                result = self._send(sending, message)
            sending.taken.close()
            if result < 0:
                backend.answer(call, -result)
            else:
                backend.answer_count(call, result)
        except CallerGone:
            self._keep_untold(sending)
            raise

    def _send_many(self, sending: _Sending) -> int:
        """Send the messages of a sendmmsg(2); returns how many, or the negative errno of the first."""
        backend, call = sending.supervisor.backend, sending.attempt.call
        _, first, most, _, _, _ = call.arguments
        count = 0
        for at in range(min(most & 0xFFFF_FFFF, k.MOST_PARTS)):
            header = first + at * k.MESSAGE_OF_MANY_SIZE
            result = self._send(sending, read_header(backend, call, header))
            if result >= 0:
                try:
                    backend.write_memory(call, header + k.MESSAGE_COUNT_OFFSET, result.to_bytes(4, "little"))
                except OSError as error:
                    result = -(error.errno or errno.EFAULT)
            if result < 0:
                return count or result
            count += 1
        return count

    def _send(self, sending: _Sending, message: Message | int) -> int:
        """Decide one datagram and send it.

        Args:
            sending: The call it belongs to.
            message: What was read, or the errno that came of reading it.

        Returns:
            The number of octets, or the negative errno.
        """
        if isinstance(message, int):
            return -message
        octets = read_octets(sending.supervisor.backend, sending.attempt.call, message)
        if isinstance(octets, int):
            return -octets
        told = self._told(sending, message, octets)
        if told is not None:
            return told
        if message.control and (failure := _control_failure(message.control)):
            return -failure
        remote = None if message.name is None else datagram_destination(sending.kind, message.name)
        if message.name is None or remote is None:
            result = self._emit(sending, message.name, message.control, octets)
        elif not _decides(sending.policy):
            result = self._send_led(sending, self._led(sending, message.name, remote), message.control, octets)
        else:
            result = self._send_decided(sending, message.name, remote, message.control, octets)
        if result >= 0:
            sending.sent.append(_Sent(message.name, message.control, octets, result))
        return result

    def _send_decided(self, sending: _Sending, name: bytes, remote: Endpoint, control: bytes, octets: bytes) -> int:
        """Ask about a datagram that has a destination of its own, send it, and record what came of it."""
        supervisor, attempt, policy = sending.supervisor, sending.attempt, sending.policy
        number = sending.taken.number
        name, remote = resolved(number, name, remote)
        attempt.started_ns = time.perf_counter_ns()
        attempt.seen = Seen.DATAGRAM
        supervisor.identify(attempt)
        bound = (local_endpoint(number) or NO_ENDPOINT) if asks_local(policy) else NO_ENDPOINT
        decision = supervisor.decide(policy, attempt, bound, remote)
        led = None if decision.errno else self._led(sending, name, remote)
        result = -decision.errno if led is None else self._send_led(sending, led, control, octets)
        failure = 0 if decision.errno or result >= 0 else -result
        if self._is_new(sending, remote, decision):
            local = local_endpoint(number) or NO_ENDPOINT
            text = "" if self.names is None else self.names.text(remote, led)
            supervisor.record(policy, attempt, decision, local, remote, failure, text=text)
        else:
            supervisor.record(policy, attempt, unwritten(decision), NO_ENDPOINT, remote)
        return result

    def _led(self, sending: _Sending, name: bytes, remote: Endpoint) -> Led:
        """Return where a datagram is led: where it wants to go, but for questions for names."""
        return Led(name) if self.names is None else self.names.led(sending.taken.number, name, remote)

    def _send_led(self, sending: _Sending, led: Led, control: bytes, octets: bytes) -> int:
        """Send a datagram to where it is led."""
        if led.failure:
            return -led.failure
        if self.names is None or not led.to_guard:
            return self._emit(sending, led.sockaddr, control, octets)
        with self.names.asking(sending.taken.number):
            # Control data may name the interface or the address to send from, and neither leads to loopback.
            return self._emit(sending, led.sockaddr, b"", octets)

    def _is_new(self, sending: _Sending, remote: Endpoint, decision: Decision) -> bool:
        """Say whether a decision is to be written; one that lets pass is written once."""
        if decision.outcome is Outcome.REJECTED or not decision.journal:
            return True
        who = sending.attempt.who
        by = (sending.policy.revision, decision, who.user, who.program, who.process)
        if self._journalled.get((sending.inode, remote)) == by:
            return False
        if len(self._journalled) >= _MOST_KNOWN:
            self._journalled.clear()
        self._journalled[sending.inode, remote] = by
        return True

    def _emit(self, sending: _Sending, name: bytes | None, control: bytes, octets: bytes) -> int:
        number = sending.taken.number
        # A full send buffer is rare; the watchdog finds the first send that waits for one.
        if (
            self.turns is not None
            and self.turns.is_careful
            and not sending.flags & socket.MSG_DONTWAIT
            and not syscalls.is_non_blocking(number)
        ):
            self.turns.may_block()
        return datagrams.send(number, name, control, octets, sending.flags)

    def _told(self, sending: _Sending, message: Message, octets: bytes) -> int | None:
        """Return what came of a datagram when this call was made the first time, if it was."""
        at = len(sending.sent)
        if at >= len(sending.told):
            return None
        known = sending.told[at]
        if known[:3] != (message.name, message.control, octets):
            sending.told.clear()
            return None
        sending.sent.append(known)
        return known.result

    def _keep_untold(self, sending: _Sending) -> None:
        """Keep what was sent; a run that was interrupted before it came so far as an earlier one takes nothing back."""
        sent = sending.sent if len(sending.sent) > len(sending.told) else sending.told
        if not sent:
            return
        call = sending.attempt.call
        if len(self._untold) >= _MOST_UNTOLD:
            self._untold.clear()
        self._untold[call.thread, sending.inode] = _Untold(time.monotonic(), call.number, call.arguments, sent)

    def _take_untold(self, call: Call, inode: int) -> list[_Sent]:
        """Return what was kept for a call that is made again; what was kept for another one is forgotten.

        A thread has one call at a time. Where another thread of ours still works at an earlier one, that was
        interrupted, and what it has sent is known in a moment.
        """
        while len(self._active) > 1 and any(
            other.thread == call.thread and other.cookie < call.cookie for other in tuple(self._active.values())
        ):
            time.sleep(_MOMENT_S)
        kept = self._untold.pop((call.thread, inode), None) if self._untold else None
        if kept is None or time.monotonic() - kept.since > _TOLD_WITHIN_S:
            return []
        return kept.sent if (kept.number, kept.arguments) == (call.number, call.arguments) else []


def _decides(policy: CompiledPolicy) -> bool:
    """Say whether rules are asked about datagrams."""
    return policy.udp is Udp.DECIDE and policy.modes[ExitPoint.CONNECT] is not Mode.OFF


def _control_failure(control: bytes) -> int:
    """Return the errno with which control data are refused; 0 for those that may be passed on."""
    kinds = datagrams.control_types(control)
    if kinds is None:
        return errno.EINVAL
    return 0 if _HARMLESS_CONTROL.issuperset(kinds) else errno.EPERM
