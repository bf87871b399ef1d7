"""Whom worker and guards believe, beside a store that may lie where others can make files and sockets, as in /tmp."""

from __future__ import annotations

import errno
import os
import select
import socket
import stat
import struct
from pathlib import Path

_CREDENTIALS = struct.Struct("3i")
"""struct ucred: process id, user id, group id. Source: unix(7), SO_PEERCRED."""
_SO_PEERPIDFD = 77
"""Source: asm-generic/socket.h, Linux 6.5."""
_DESCRIPTOR = struct.Struct("i")
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def peer(endpoint: socket.socket) -> tuple[int, int]:
    """Return process id and user id of the other end, as they were at its connect(2) or listen(2).

    Raises:
        OSError: It is no connected Unix socket.
    """
    pid, uid, _ = _CREDENTIALS.unpack(endpoint.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return pid, uid


def is_there(endpoint: socket.socket) -> bool:
    """Say whether the process at the other end has not ended: then its number is still its own.

    It may have ended, and left the connection to another. Before Linux 6.5 this is taken for granted.

    Args:
        endpoint: A connected Unix socket.
    """
    try:
        packed = endpoint.getsockopt(socket.SOL_SOCKET, _SO_PEERPIDFD, _DESCRIPTOR.size)
    except OSError as error:
        return error.errno in (errno.ENOPROTOOPT, errno.EOPNOTSUPP)
    (descriptor,) = _DESCRIPTOR.unpack(packed)
    try:
        return not select.select([descriptor], [], [], 0)[0]  # readable when it has ended (pidfd_open(2))
    finally:
        os.close(descriptor)


def ancestors(pid: int) -> list[int]:
    """Return the parent of a process, its parent, and so on, as far as this process sees them.

    Raises:
        OSError: The process has ended.
    """
    found: list[int] = []
    number = pid
    while number > 1:
        try:
            number = _parent(number)
        except OSError:
            if number == pid:
                raise
            break  # ended while we looked: its children have another parent, which is above it
        found.append(number)
    return [each for each in found if each]


def _parent(pid: int) -> int:
    """Return the parent of a process. Source: proc_pid_stat(5); the name in brackets may hold anything."""
    text = Path(f"/proc/{pid}/stat").read_bytes()
    return int(text.rpartition(b")")[2].split()[1])


def trusted_users(directory: Path) -> frozenset[int]:
    """Return the users whose sockets and files beside a store are believed: ours, root, and the directory's owner.

    Who owns the directory can replace the store itself.

    Raises:
        OSError: The directory cannot be looked at.
    """
    return frozenset({0, os.geteuid(), directory.stat().st_uid})


def distrust(directory: Path) -> str:
    """Return why code from a directory must not be run in our name; empty where it may be.

    Everything in it must belong to us or to root, and nobody else may be able to write it. A symbolic link would lead
    to where none of that was looked at. So must every directory above it, because who can rename that puts another in
    its place after the look; OpenSSH asks the same of the way to a user's keys (misc.c, safe_path). The store's owner
    is not believed here: to follow somebody's policy is one thing, to run his code as root another.

    Args:
        directory: Absolute, and no symbolic link above it.

    Raises:
        OSError: Part of it cannot be looked at.
    """
    for path in directory.parents:
        status = path.lstat()
        is_sticky = bool(status.st_mode & stat.S_ISVTX)  # nobody renames there what is not his own, as in /tmp
        if doubt := _doubt(path, status, 0 if is_sticky else _OTHERS_WRITE):
            return doubt
    waiting = [directory]
    while waiting:
        path = waiting.pop()
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            return f"{path} is a symbolic link"
        if doubt := _doubt(path, status, _OTHERS_WRITE):
            return doubt
        if stat.S_ISDIR(status.st_mode):
            waiting.extend(path.iterdir())
    return ""


def _doubt(path: Path, status: os.stat_result, forbidden: int) -> str:
    """Return why what lies at a path is not ours alone; empty where it is."""
    if status.st_uid not in (0, os.geteuid()):
        return f"{path} belongs to user {status.st_uid}"
    if status.st_mode & forbidden:
        return f"{path} can be written by others than its owner"
    return ""
