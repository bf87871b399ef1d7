"""What the kernel tells about sockets that their descriptors do not: the file of a Unix one, and who else listens.

The name that a Unix socket was bound to may lead to another socket by now, of any program, or mean another one in the
job's root directory. The kernel tells which file it is; what the name leads to is compared with that.

Source: sock_diag(7); linux/unix_diag.h, inet_diag.h; net/unix/diag.c, sk_diag_dump_vfs; net/ipv4/inet_diag.c,
inet_diag_dump_icsk; linux/kdev_t.h, MKDEV.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator

from console.enforcement.fds import OwnedFd

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST = 1
_NLM_F_DUMP = 0x300
_NLMSG_DONE = 3
_HEADER = struct.Struct("=IHHII")
"""nlmsghdr: length, type, flags, sequence, port."""
_ALIGNMENT = 4
_MOST_OCTETS = 65_536

_UDIAG_SHOW_VFS = 2
_UNIX_DIAG_VFS = 1
_NO_COOKIE = 0xFFFF_FFFF_FFFF_FFFF
_UNIX_REQUEST = struct.Struct("=BBHIIIQ")
"""unix_diag_req: family, protocol, padding, states, inode, what to show, cookie."""
_UNIX_ANSWER = struct.Struct("=BBBBIQ HHII")
"""unix_diag_msg: family, type, state, padding, inode, cookie; one attribute: length, type, and of unix_diag_vfs inode
and device."""
_MINOR_BITS = 20

_LISTENING = 1 << 10
"""TCP_LISTEN of net/tcp_states.h, as a set of states."""
_INET_REQUEST = struct.Struct("=BBBBI 2s 46x")
"""inet_diag_req_v2: family, protocol, extensions, padding, states; of inet_diag_sockid the port, big-endian."""
_INET_ANSWER = struct.Struct("=4x 48x 16x I")
"""inet_diag_msg: family and so on, inet_diag_sockid, time, queues and user; inode."""


def open_file(listener: socket.socket) -> OwnedFd | None:
    """Return a descriptor (O_PATH) of the file that a Unix socket is bound to.

    Returns:
        None when its name does not lead there.

    Raises:
        OSError: Nothing is there; the kernel does not tell.
    """
    file = OwnedFd(os.open(listener.getsockname(), os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC))
    found = os.fstat(file.number)
    device = os.major(found.st_dev) << _MINOR_BITS | os.minor(found.st_dev)
    is_it = _bound_to(os.fstat(listener.fileno()).st_ino) == (found.st_ino & 0xFFFF_FFFF, device)
    return file if is_it else None


def is_alone(listener: socket.socket) -> bool:
    """Say whether nobody else listens on the port of a TCP listener, at whatever address.

    Raises:
        OSError: The kernel does not tell.
    """
    port: int = listener.getsockname()[1]
    inodes = set()
    for family in (socket.AF_INET, socket.AF_INET6):
        request = _INET_REQUEST.pack(family, socket.IPPROTO_TCP, 0, 0, _LISTENING, port.to_bytes(2, "big"))
        inodes |= {_INET_ANSWER.unpack_from(answer)[0] for answer in _ask(request, _NLM_F_DUMP)}
    return inodes == {os.fstat(listener.fileno()).st_ino}


def _bound_to(inode: int) -> tuple[int, int] | None:
    """Return the file of a Unix socket, as the low half of its inode and its device; None for one that has none."""
    request = _UNIX_REQUEST.pack(socket.AF_UNIX, 0, 0, 0, inode, _UDIAG_SHOW_VFS, _NO_COOKIE)
    for answer in _ask(request, 0):
        if len(answer) >= _UNIX_ANSWER.size:
            parts = _UNIX_ANSWER.unpack_from(answer)
            if parts[4] == inode and parts[7] == _UNIX_DIAG_VFS:
                return parts[8], parts[9]
    return None


def _ask(request: bytes, flags: int) -> Iterator[bytes]:
    """Return what the kernel answers, without its headers.

    Raises:
        OSError: It does not.
    """
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
        length = _HEADER.size + len(request)
        kernel.send(_HEADER.pack(length, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST | flags, 0, 0) + request)
        while True:
            octets = kernel.recv(_MOST_OCTETS)
            while octets:
                length, kind = _HEADER.unpack_from(octets)[:2]
                if kind == _NLMSG_DONE:
                    return
                if kind != _SOCK_DIAG_BY_FAMILY:
                    raise OSError("the kernel does not tell")
                yield octets[_HEADER.size : length]
                octets = octets[-(-length // _ALIGNMENT) * _ALIGNMENT :]
            if not flags:
                return
