"""libbpf, as far as the kernel engine needs it.

Source: bpf/libbpf.h and bpf/bpf.h of libbpf 1.1; its functions answer with a negative errno, or with NULL and errno.

Knows nothing of what the programs do.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from console.enforcement.fds import OwnedFd
from console.errors import KernelError
from console.kernel_support import LIBRARY

_MAP_ARRAY = 2
INGRESS, EGRESS, SOCK_CREATE, SOCK_OPS, BIND4, BIND6, CONNECT4, CONNECT6 = 0, 1, 2, 3, 8, 9, 10, 11
SENDMSG4, SENDMSG6, SETSOCKOPT, GETPEERNAME4, GETPEERNAME6, SOCK_RELEASE, LSM_CGROUP = 14, 15, 22, 29, 30, 34, 43
"""enum bpf_attach_type (linux/bpf.h)."""
_INNER_MAP = 1 << 12
_MMAPABLE = 1 << 10
_MOUNT_FLAGS = 2 | 4 | 8
"""MS_NOSUID, MS_NODEV, MS_NOEXEC (linux/mount.h)."""
_INFO_WORDS, _INFO_ENTRIES, _INFO_PROGRAM = 32, 4, 2
"""In 32 bits; of struct bpf_map_info the fifth is max_entries, of struct bpf_link_info the third prog_id."""
_PRINT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)


class _CreateOptions(ctypes.Structure):
    """struct bpf_map_create_opts."""

    _fields_ = [
        ("sz", ctypes.c_size_t),
        ("btf_fd", ctypes.c_uint32),
        ("btf_key_type_id", ctypes.c_uint32),
        ("btf_value_type_id", ctypes.c_uint32),
        ("btf_vmlinux_value_type_id", ctypes.c_uint32),
        ("inner_map_fd", ctypes.c_uint32),
        ("map_flags", ctypes.c_uint32),
        ("map_extra", ctypes.c_uint64),
        ("numa_node", ctypes.c_uint32),
        ("map_ifindex", ctypes.c_uint32),
    ]


class _RunOptions(ctypes.Structure):
    """struct bpf_test_run_opts."""

    _fields_ = [
        ("sz", ctypes.c_size_t),
        ("data_in", ctypes.c_void_p),
        ("data_out", ctypes.c_void_p),
        ("data_size_in", ctypes.c_uint32),
        ("data_size_out", ctypes.c_uint32),
        ("ctx_in", ctypes.c_void_p),
        ("ctx_out", ctypes.c_void_p),
        ("ctx_size_in", ctypes.c_uint32),
        ("ctx_size_out", ctypes.c_uint32),
        ("retval", ctypes.c_uint32),
        ("repeat", ctypes.c_int),
        ("duration", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("cpu", ctypes.c_uint32),
        ("batch_size", ctypes.c_uint32),
    ]


_POINTER, _INT, _TEXT = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "libbpf_set_print": (_POINTER, (_PRINT,)),
    "bpf_object__open_mem": (_POINTER, (_POINTER, ctypes.c_size_t, _POINTER)),
    "bpf_object__load": (_INT, (_POINTER,)),
    "bpf_object__close": (None, (_POINTER,)),
    "bpf_object__find_map_fd_by_name": (_INT, (_POINTER, _TEXT)),
    "bpf_object__find_program_by_name": (_POINTER, (_POINTER, _TEXT)),
    "bpf_program__fd": (_INT, (_POINTER,)),
    "bpf_program__set_autoload": (_INT, (_POINTER, ctypes.c_bool)),
    "bpf_link_create": (_INT, (_INT, _INT, _INT, _POINTER)),
    "bpf_obj_pin": (_INT, (_INT, _TEXT)),
    "bpf_obj_get": (_INT, (_TEXT,)),
    "bpf_prog_get_fd_by_id": (_INT, (ctypes.c_uint32,)),
    "bpf_obj_get_info_by_fd": (_INT, (_INT, _POINTER, _POINTER)),
    "bpf_map_create": (_INT, (_INT, _TEXT, *(ctypes.c_uint32,) * 3, ctypes.POINTER(_CreateOptions))),
    "bpf_map_update_elem": (_INT, (_INT, _POINTER, _POINTER, ctypes.c_uint64)),
    "bpf_map_lookup_elem": (_INT, (_INT, _POINTER, _POINTER)),
    "bpf_map_delete_elem": (_INT, (_INT, _POINTER)),
    "bpf_prog_test_run_opts": (_INT, (_INT, ctypes.POINTER(_RunOptions))),
    "libbpf_num_possible_cpus": (_INT, ()),
}
"""Name -> what it returns, and what it takes."""


_BE_QUIET = _PRINT(lambda level, form, arguments: 0)
"""Prints nothing: whoever calls is told by the errno."""


@cache
def _library() -> ctypes.CDLL:
    """Return the library.

    Raises:
        KernelError: It is not installed.
    """
    try:
        library = ctypes.CDLL(LIBRARY, use_errno=True)
    except OSError as error:
        raise KernelError("GWL0474", reason=error) from error
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    library.libbpf_set_print(_BE_QUIET)
    return library


def _done(name: str, *arguments: object) -> int:
    """Call a function that answers with a negative errno.

    Raises:
        OSError: It did.
    """
    result = getattr(_library(), name)(*arguments)
    if result < 0:
        number = -result
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return int(result)


def _made(name: str, *arguments: object) -> int:
    """Call a function that answers with a pointer.

    Raises:
        OSError: The pointer is NULL.
    """
    found = getattr(_library(), name)(*arguments)
    if not found:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return int(found)


class BpfObject:
    """The programs and maps of one object file, in the kernel until it is closed, and longer where they are pinned."""

    def __init__(self, octets: bytes, without: Collection[str] = ()) -> None:
        """Load them.

        Args:
            octets: Of the file.
            without: Names of programs that are left out.

        Raises:
            OSError: The kernel, or libbpf, does not take them.
            KernelError: There is no libbpf.
        """
        self._object = _made("bpf_object__open_mem", octets, len(octets), None)
        try:
            for name in without:
                _done("bpf_program__set_autoload", self._found(name), False)
            _done("bpf_object__load", self._object)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Let go of all of it; again is fine."""
        held, self._object = self._object, 0
        if held:
            _library().bpf_object__close(held)

    def map(self, name: str) -> int:
        """Return the descriptor of a map; the object goes on owning it."""
        return _done("bpf_object__find_map_fd_by_name", self._object, name.encode())

    def program(self, name: str) -> int:
        """Return the descriptor of a program; the object goes on owning it."""
        return _done("bpf_program__fd", self._found(name))

    def _found(self, name: str) -> int:
        return _made("bpf_object__find_program_by_name", self._object, name.encode())


class Ran(NamedTuple):
    """How a program of type syscall has ended."""

    octets: bytes
    """What it made of those that it was given."""
    answer: int
    """What it returned."""


def run(program: int, octets: bytes) -> Ran:
    """Run a program of type syscall once.

    Args:
        program: Its descriptor.
        octets: What it is given.

    Raises:
        OSError: The kernel refuses.
    """
    context = ctypes.create_string_buffer(octets, len(octets))
    options = _RunOptions(sz=ctypes.sizeof(_RunOptions), ctx_in=ctypes.addressof(context), ctx_size_in=len(octets))
    _done("bpf_prog_test_run_opts", program, ctypes.byref(options))
    return Ran(context.raw, int(options.retval))


def attach_as(program: int, cgroup: int, kind: int) -> OwnedFd:
    """Attach a program to a cgroup, until the link is closed and its file removed.

    Args:
        program: Its descriptor.
        cgroup: The directory's.
        kind: When it is run: `EGRESS` and its like.

    Raises:
        OSError: The kernel refuses.
    """
    return OwnedFd(_done("bpf_link_create", program, cgroup, kind, None))


def pin(descriptor: int, path: Path) -> None:
    """Keep a map or a program for as long as a file of the BPF file system exists.

    Raises:
        OSError: The file cannot be made.
    """
    _done("bpf_obj_pin", descriptor, bytes(path))


def pages_map(octets: bytes, page: int) -> OwnedFd:
    """Return a map of pages that can be the inner map of another.

    Args:
        octets: What is in the pages, whole.
        page: Octets of each.

    Raises:
        OSError: The kernel has no memory for it.
    """
    options = _CreateOptions(sz=ctypes.sizeof(_CreateOptions), map_flags=_INNER_MAP | _MMAPABLE)
    made = OwnedFd(_done("bpf_map_create", _MAP_ARRAY, b"pages", 4, page, len(octets) // page, ctypes.byref(options)))
    with mmap.mmap(made.number, len(octets)) as memory:
        memory.write(octets)
    return made


def mount(path: Path) -> None:
    """Mount the BPF file system.

    Raises:
        OSError: It cannot be.
    """
    if ctypes.CDLL(None, use_errno=True).mount(b"bpf", bytes(path), b"bpf", _MOUNT_FLAGS, b"mode=0700"):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def opened(path: Path) -> OwnedFd:
    """Return what a file of the BPF file system keeps.

    Raises:
        OSError: There is no such file, or it is none of these.
    """
    return OwnedFd(_done("bpf_obj_get", bytes(path)))


def update(map_descriptor: int, key: bytes, value: bytes) -> None:
    """Set an element of a map.

    Raises:
        OSError: The kernel refuses.
    """
    _done("bpf_map_update_elem", map_descriptor, key, value, 0)


def delete(map_descriptor: int, key: bytes) -> None:
    """Remove an element of a map, if it is there.

    Raises:
        OSError: The kernel refuses.
    """
    try:
        _done("bpf_map_delete_elem", map_descriptor, key)
    except FileNotFoundError:
        return


def look_up(map_descriptor: int, key: bytes, size: int) -> bytes:
    """Return an element of a map; of one that each processor has for itself, all of them after another.

    Args:
        map_descriptor: The map.
        key: Which element.
        size: Octets of the value, or of all of them.

    Raises:
        OSError: There is no such element.
    """
    value = ctypes.create_string_buffer(size)
    _done("bpf_map_lookup_elem", map_descriptor, key, value)
    return value.raw


def entries(map_descriptor: int) -> int:
    """Return how many elements a map may have; of a ring buffer its octets.

    Raises:
        OSError: It is no map.
    """
    return _info(map_descriptor)[_INFO_ENTRIES]


def program_of(link: int) -> OwnedFd:
    """Return the program of a link, also of one whose cgroup is no more.

    Raises:
        OSError: It is no link.
    """
    return OwnedFd(_done("bpf_prog_get_fd_by_id", _info(link)[_INFO_PROGRAM]))


def _info(descriptor: int) -> list[int]:
    info = (ctypes.c_uint32 * _INFO_WORDS)()
    size = ctypes.c_uint32(ctypes.sizeof(info))
    _done("bpf_obj_get_info_by_fd", descriptor, info, ctypes.byref(size))
    return list(info)


def processors() -> int:
    """Return how many processors this system can have: values of an element that each has for itself."""
    return _done("libbpf_num_possible_cpus")
