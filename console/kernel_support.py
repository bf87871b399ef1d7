"""Whether this system can have the kernel engine, and what it lacks: for the engine, and for whoever shows workers.

Looks at a few files and loads nothing of the engine.
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

LIBRARY = "libbpf.so.1"
OLDEST = (6, 1)
"""Linux with all that the programs use: bpf_set_retval came last to all of the hooks that call it."""
TYPE_INFORMATION = Path("/sys/kernel/btf/vmlinux")
_MODULES = Path("/sys/kernel/security/lsm")
"""The security modules that are active, joined by commas (Documentation/admin-guide/LSM/index.rst)."""
_LSM_LIST_MODULES = 461
"""System call that tells them too, since Linux 6.8, also where securityfs is not mounted (linux/lsm.h)."""
_LSM_ID_BPF, _MOST_MODULES = 109, 64
_MOUNTS = Path("/proc/self/mountinfo")
_CGROUPS = "cgroup2"


class Lack(NamedTuple):
    """One thing that is missing."""

    message_id: str
    values: Mapping[str, object]


def first_lack() -> Lack | None:
    """Return what this process lacks first for the kernel engine; None for nothing."""
    return next(_lacks(), None)


def cgroup_mount() -> Path | None:
    """Return where the cgroups of version 2 are mounted; None where they are not."""
    for line in _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        before, _, after = line.partition(" - ")
        if after.startswith(f"{_CGROUPS} "):
            return Path(before.split(" ")[4].encode("utf-8", "surrogateescape").decode("unicode_escape"))
    return None


def has_bpf_security() -> bool:
    """Say whether BPF is among the active security modules here, so that programs may refuse a listen itself.

    Loaded it can be without that, but is never run then. Where nobody says which are active it is taken not to be.
    """
    try:
        return "bpf" in _MODULES.read_text(encoding="ascii").strip().split(",")
    except OSError:
        return _LSM_ID_BPF in _told_modules()


def _told_modules() -> list[int]:
    """Return the numbers of the active security modules; none where the kernel does not tell them."""
    found = (ctypes.c_uint64 * _MOST_MODULES)()
    size = ctypes.c_uint32(ctypes.sizeof(found))
    count = ctypes.CDLL(None).syscall(_LSM_LIST_MODULES, found, ctypes.byref(size), 0)
    return list(found[: max(0, count)])


def _lacks() -> Iterator[Lack]:
    if os.geteuid() != 0:
        yield _lack("GWL0473")
    release = os.uname().release
    if _version(release) < OLDEST:
        yield _lack("GWL0499", found=release, oldest=".".join(map(str, OLDEST)))
    if not TYPE_INFORMATION.exists():
        yield _lack("GWL0478", path=TYPE_INFORMATION)
    if cgroup_mount() is None:
        yield _lack("GWL0479")
    if reason := _not_loadable(ctypes.CDLL):
        yield _lack("GWL0474", reason=reason)


def _lack(message_id: str, /, **values: object) -> Lack:
    return Lack(message_id, values)


def _not_loadable(load: Callable[[str], object]) -> str:
    try:
        load(LIBRARY)
    except OSError as error:
        return str(error)
    return ""


def _version(release: str) -> tuple[int, ...]:
    return tuple(int(each) for each in re.findall(r"\d+", release)[:2])
