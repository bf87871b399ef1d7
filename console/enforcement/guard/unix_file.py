"""Finds the file that a Unix listener is bound to, and makes certain that it is this one.

The name that a socket was bound to may lead to another socket by now, of any program, or mean another one in the job's
root directory. The kernel tells which file it is; what the name leads to is compared with that.

Source: sock_diag(7); linux/unix_diag.h; net/unix/diag.c, sk_diag_dump_vfs; linux/kdev_t.h, MKDEV.
"""

from __future__ import annotations

import os
import socket
import struct

from console.enforcement.fds import OwnedFd

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST = 1
_UDIAG_SHOW_VFS = 2
_UNIX_DIAG_VFS = 1
_NO_COOKIE = 0xFFFF_FFFF_FFFF_FFFF
_REQUEST = struct.Struct("=IHHII BBHIIIQ")
"""nlmsghdr: length, type, flags, sequence, port; unix_diag_req: family, protocol, padding, states, inode, what to show,
cookie."""
_ANSWER = struct.Struct("=IHHII BBBBIQ HHII")
"""nlmsghdr as above; unix_diag_msg: family, type, state, padding, inode, cookie; one attribute: length, type, and of
unix_diag_vfs inode and device."""
_MINOR_BITS = 20


def open_file(listener: socket.socket) -> OwnedFd | None:
    """Return a descriptor (O_PATH) of the file that a Unix socket is bound to.

    Returns:
        None when its name does not lead there, or when the kernel does not tell.

    Raises:
        OSError: Nothing is there; the kernel does not know this query.
    """
    file = OwnedFd(os.open(listener.getsockname(), os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC))
    found = os.fstat(file.number)
    device = os.major(found.st_dev) << _MINOR_BITS | os.minor(found.st_dev)
    is_it = _bound_to(os.fstat(listener.fileno()).st_ino) == (found.st_ino & 0xFFFF_FFFF, device)
    return file if is_it else None


def _bound_to(inode: int) -> tuple[int, int] | None:
    """Return the file of a socket, as the low half of its inode and its device."""
    request = (_REQUEST.size, _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 0, 0, socket.AF_UNIX, 0, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
        kernel.send(_REQUEST.pack(*request, inode, _UDIAG_SHOW_VFS, _NO_COOKIE))
        answer = kernel.recv(4096)
    if len(answer) < _ANSWER.size:
        return None
    parts = _ANSWER.unpack_from(answer)
    if parts[1] != _SOCK_DIAG_BY_FAMILY or parts[9] != inode or parts[12] != _UNIX_DIAG_VFS:
        return None
    return parts[13], parts[14]
