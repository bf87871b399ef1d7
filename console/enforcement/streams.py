"""The system calls with which a connection to a SOCKS server is begun, watched and given up on a program's own socket.

The socket may block or not, and other threads of its program have it too. Nothing here touches its flags, and an option
that is changed for a call or a connection is put back after it.

Threads: any.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import socket
import struct

_libc = ctypes.CDLL(None, use_errno=True)
_libc.sendto.restype = ctypes.c_ssize_t

CLOSED = 7
"""State of a TCP socket that has no connection (net/tcp_states.h, TCP_CLOSE)."""
_ON_THE_WAY = frozenset({2, 3})
"""States in which connect(2) waits: TCP_SYN_SENT, TCP_SYN_RECV."""

_NO_COOKIE = 34
"""TCP_FASTOPEN_NO_COOKIE (linux/tcp.h), Linux 4.15: octets go with the SYN to whoever may take them."""
_INFO_SIZE = 216
_COUNTS = struct.Struct("=I52xQQ")
"""Of struct tcp_info from octet 144 on: tcpi_notsent_bytes, then tcpi_bytes_sent and tcpi_bytes_retrans, Linux 4.19."""
_COUNTS_AT = 144
_RECEIVED_AT = 128
"""Where struct tcp_info has tcpi_bytes_received, 8 octets."""
_FIONREAD = 0x541B
_TIMEVAL = struct.Struct("=qq")
_MOMENT = _TIMEVAL.pack(0, 1000)
"""A millisecond, as SO_SNDTIMEO."""
_NO_FAMILY = b"\xff\xff" + bytes(26)
"""An address that no socket can be connected to; as long as one of IPv6, so that what is wrong is its family."""
_NOWHERE = bytes(16)
"""An address of AF_UNSPEC: takes a connection back."""
_FLAGS = int(socket.MSG_FASTOPEN | socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
_NO, _YES = bytes(4), (1).to_bytes(4, "little")
_SO_COOKIE = 57
_SO_NETNS_COOKIE = 71


def option(descriptor: int, level: int, name: int, size: int) -> bytes:
    """Return an option of a socket, at most so many octets (getsockopt(2)).

    Raises:
        OSError: Why there is none.
    """
    octets = ctypes.create_string_buffer(size)
    length = ctypes.c_uint(size)
    if _libc.getsockopt(descriptor, level, name, octets, ctypes.byref(length)):
        _raise_errno()
    return octets.raw[: length.value]


def set_option(descriptor: int, level: int, name: int, value: bytes) -> None:
    """Set an option of a socket (setsockopt(2)).

    Raises:
        OSError: ENOPROTOOPT and the like.
    """
    if _libc.setsockopt(descriptor, level, name, value, len(value)):
        _raise_errno()


def number_option(descriptor: int, level: int, name: int) -> int:
    """Return an option of a socket that is an int.

    Raises:
        OSError: Why there is none.
    """
    return int.from_bytes(option(descriptor, level, name, 4), "little", signed=True)


def cookie(descriptor: int) -> int:
    """Return the number of a socket that no other will have while the system runs (socket(7), SO_COOKIE)."""
    return int.from_bytes(option(descriptor, socket.SOL_SOCKET, _SO_COOKIE, 8), "little")


def network(descriptor: int) -> int:
    """Return the number of the network namespace that a socket was made in (sock_diag(7); Linux 5.14).

    Raises:
        OSError: The kernel does not say.
    """
    return int.from_bytes(option(descriptor, socket.SOL_SOCKET, _SO_NETNS_COOKIE, 8), "little")


def send_timeout_s(descriptor: int) -> float:
    """Return SO_SNDTIMEO in seconds, which a connect that blocks observes too; 0 waits for ever."""
    seconds, microseconds = _TIMEVAL.unpack(option(descriptor, socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TIMEVAL.size))
    return int(seconds) + int(microseconds) / 1_000_000


def state(descriptor: int) -> int:
    """Return the state of a TCP socket."""
    return option(descriptor, socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


def octets_written(descriptor: int) -> int:
    """Return how many octets have been written to a TCP socket since it was connected, by whomever.

    Source: linux/tcp.h, struct tcp_info; net/ipv4/tcp.c, tcp_get_info, which reads them all under the socket's lock.
    """
    info = option(descriptor, socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_SIZE)
    not_sent, sent, sent_again = _COUNTS.unpack_from(info, _COUNTS_AT)
    return int(sent) - int(sent_again) + int(not_sent)


def octets_taken(descriptor: int) -> int:
    """Return how many octets that a TCP socket received have been read from it, by whomever; an end may count as one.

    Source: linux/tcp.h, struct tcp_info; tcp(7), SIOCINQ. What comes between the two looks makes the number smaller.
    """
    info = option(descriptor, socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_SIZE)
    waiting = fcntl.ioctl(descriptor, _FIONREAD, bytes(4))
    received = int.from_bytes(info[_RECEIVED_AT : _RECEIVED_AT + 8], "little")
    return received - int.from_bytes(waiting, "little")


def connect_saying(descriptor: int, sockaddr: bytes, octets: bytes) -> int:
    """Begin to connect a TCP socket, with these octets at the very front of what it will send; never waits.

    They go with the SYN. A server that takes no such octets, as most, gets them again with the third packet of the
    handshake; whatever another thread writes to the socket, at whatever moment, comes after them.
    The option for it stays set while there is a connection: Linux lets nobody change it before that has ended.
    Source: net/ipv4/tcp.c, tcp_sendmsg_fastopen; net/ipv4/tcp_output.c, tcp_send_syn_data; tcp(7), MSG_FASTOPEN.

    Returns:
        How many octets were taken; or, negative, the errno: EOPNOTSUPP or ENOPROTOOPT where nothing was begun because
        this system does not do it, EINPROGRESS where a connection was begun without them.
    """
    try:
        set_option(descriptor, socket.IPPROTO_TCP, _NO_COOKIE, _YES)
    except OSError as error:
        return -(error.errno or errno.ENOPROTOOPT)
    count = int(_libc.sendto(descriptor, octets, ctypes.c_size_t(len(octets)), _FLAGS, sockaddr, len(sockaddr)))
    return count if count >= 0 else -ctypes.get_errno()


def begin_connect(descriptor: int, sockaddr: bytes) -> int:
    """Begin to connect a socket; returns within milliseconds, whether it blocks or not.

    Returns:
        0, EINPROGRESS, or the errno of what failed.
    """
    before = option(descriptor, socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TIMEVAL.size)
    set_option(descriptor, socket.SOL_SOCKET, socket.SO_SNDTIMEO, _MOMENT)
    try:
        result = _connect(descriptor, sockaddr)
    finally:
        set_option(descriptor, socket.SOL_SOCKET, socket.SO_SNDTIMEO, before)
    return errno.EINPROGRESS if result == errno.EINTR else result


def settle(descriptor: int) -> int:
    """Let a socket whose connection is made know it, as the second connect of a program that does not block would.

    Without it the next connect of the program would return 0, and not EISCONN (net/ipv4/af_inet.c,
    __inet_stream_connect). Never connects, and never waits.

    Returns:
        0; or the errno of what became of the connection since; EAFNOSUPPORT where somebody has taken it back, which
        shutdown(2) does as long as it is on the way; EALREADY where it still is on the way.
    """
    if state(descriptor) in _ON_THE_WAY:
        return errno.EALREADY
    result = _connect(descriptor, _NO_FAMILY)
    return 0 if result == errno.EISCONN else result


def refuse_again(descriptor: int) -> int:
    """Return the errno with which Linux refuses to connect a socket that has, or is about to have, a connection.

    Or 0, where it tells of one that has come about; or that of one that has come to nothing.
    """
    return _connect(descriptor, _NO_FAMILY)


def dissolve(descriptor: int) -> None:
    """Take a socket out of its connection: the peer sees a reset, and the socket can be connected again.

    It stays bound where its program bound it. No error of the connection is left for the program to find.
    """
    _connect(descriptor, _NOWHERE)
    with contextlib.suppress(OSError):
        set_option(descriptor, socket.IPPROTO_TCP, _NO_COOKIE, _NO)
    option(descriptor, socket.SOL_SOCKET, socket.SO_ERROR, 4)


def _connect(descriptor: int, sockaddr: bytes) -> int:
    return 0 if _libc.connect(descriptor, sockaddr, len(sockaddr)) == 0 else ctypes.get_errno()


def _raise_errno() -> None:
    number = ctypes.get_errno()
    raise OSError(number, os.strerror(number))
