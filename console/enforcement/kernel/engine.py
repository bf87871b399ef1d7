"""The kernel engine: everything below one cgroup, decided in the kernel.

The programs are in data/bpf; their object file is in the package. A policy is put in force whole: its pages are loaded
beside those in force, and one element of a map is then changed.

Source: Documentation/bpf/ of Linux, cgroup(7) hooks BPF_CGROUP_INET4_CONNECT and its like (bpf(2)).
"""

from __future__ import annotations

import contextlib
import hashlib
import struct
import time
from functools import cache
from pathlib import Path
from typing import NamedTuple

from console.enforcement.fds import OwnedFd
from console.enforcement.kernel import libbpf
from console.enforcement.kernel.attachment import AT_NEED_PROGRAMS, LISTENS, Attachment, attached_names
from console.enforcement.kernel.events import (
    Answer,
    question,
    question_of_way,
    read_answer,
)
from console.enforcement.kernel.ring import Ring
from console.enforcement.layouts import Endpoint
from console.errors import KernelError
from console.kernel_support import cgroup_mount, first_lack, has_bpf_security
from console.model.words import ExitPoint
from console.policy.image import ACTIVATION_AT, PAGE
from console.resources import data_path

_OBJECT = "greenwall.bpf.o"
_HELPERS = {"ask": "ask", "settle": "settle", **AT_NEED_PROGRAMS}
"""Name of a descriptor -> program that is not attached all the time: it is run, or attached where it is needed."""
_MAPS = ("events", "counters", "policies", "guards", "owners", "underway", "relays")
RING_SIZE = 1 << 24
"""Octets, as in data/bpf/events.bpf.h."""
_FIRST = bytes(4)
"""Key of the first element, often the only one."""
_STARTED_FIELD = 22 - 3
"""Of /proc/PID/stat, behind the name of the program: its third field and on (proc_pid_stat(5))."""
_NUMBER = struct.Struct("<I")
_COUNT = struct.Struct("<Q")
_OWNER = struct.Struct("<IIIBBBB64x")
"""struct owner."""
_RELAY = struct.Struct("<II")
_DIGEST_BYTES = 8
_ACTIVATION_SHIFT, _ACTIVATION_MASK = 10, 2**32 - 1
"""Of the time since the system was started: about a microsecond, which no activation is done in. 0 is for none."""


class Counters(NamedTuple):
    """What the kernel has decided since the programs were loaded."""

    decided: int
    refused: int
    lost: int
    """Of them, how many could not be told because nobody had read for too long; each was decided all the same."""


class KernelEngine:
    """The programs of one store.

    Threads: one at a time.
    """

    def __init__(self, pinned: Path | None = None) -> None:
        """Load the programs, of which nothing decides before it is attached; or go on with those of an earlier worker.

        Args:
            pinned: Where an earlier engine of the same object file was pinned (`pin`); it decides all the time.

        Raises:
            KernelError: This system cannot run them; the message says what is missing.
        """
        check_host()
        self._object: libbpf.BpfObject | None = None
        sees_listens = False
        self._opened: dict[str, OwnedFd] = {}
        path = data_path("bpf", _OBJECT) if pinned is None else pinned
        try:
            if pinned is None:
                self._object, sees_listens = _loaded(path.read_bytes())
            else:
                self._opened = {name: libbpf.opened(pinned / name) for name in (*_MAPS, *_HELPERS)}
            self._ring = Ring(self.descriptor("events"), RING_SIZE)
        except OSError as error:
            raise KernelError("GWL0475", path=path, reason=error.strerror or error) from error
        self.attachment = Attachment(self.descriptor, self._object, pinned, sees_listens=sees_listens)
        """What the programs are attached to."""

    def descriptor(self, name: str) -> int:
        """Return the descriptor of a map, or of a program that is run; the engine goes on owning it."""
        if self._object is None:
            return self._opened[name].number
        return self._object.program(_HELPERS[name]) if name in _HELPERS else self._object.map(name)

    @property
    def ring(self) -> Ring:
        """What the programs tell."""
        return self._ring

    def activate(self, pages: bytes) -> None:
        """Put a policy in force, whole, from one call to the next.

        Args:
            pages: As `console.policy.image.image` makes them.

        Raises:
            KernelError: There is no memory for it; the one before stays in force.
        """
        activation = _COUNT.pack(time.monotonic_ns() >> _ACTIVATION_SHIFT & _ACTIVATION_MASK or 1)
        pages = pages[:ACTIVATION_AT] + activation + pages[ACTIVATION_AT + len(activation) :]
        try:
            with libbpf.pages_map(pages, PAGE) as made:
                libbpf.update(self.descriptor("policies"), _FIRST, _NUMBER.pack(made.number))
        except OSError as error:
            raise KernelError("GWL0476", pages=len(pages) // PAGE, reason=error.strerror or error) from error

    def pin(self, directory: Path) -> None:
        """Go on deciding when this process has ended, until the files in a directory are removed.

        Args:
            directory: Of the BPF file system; empty.

        Raises:
            KernelError: They cannot be made.
        """
        try:
            self.attachment.pin(directory)
            for name in (*_MAPS, *_HELPERS):
                libbpf.pin(self.descriptor(name), directory / name)
        except OSError as error:
            raise KernelError("GWL047C", path=directory, reason=error.strerror or error) from error

    def let_guard(self, pid: int) -> None:
        """Leave alone what a guard does: it has decided about it.

        Raises:
            OSError: There are too many guards, or it has ended.
        """
        libbpf.update(self.descriptor("guards"), _NUMBER.pack(pid), _COUNT.pack(started(pid)))

    def forget_guard(self, pid: int) -> None:
        """Decide about a process like about any: it is no guard any more."""
        libbpf.delete(self.descriptor("guards"), _NUMBER.pack(pid))

    def ask(self, exit_point: ExitPoint, uid: int, local: Endpoint, remote: Endpoint) -> Answer:
        """Return what the policy in force would decide."""
        return read_answer(libbpf.run(self.descriptor("ask"), question(exit_point, uid, local, remote)).octets)

    def ask_way(self, uid: int, remote: Endpoint) -> int:
        """Return the sequence number of the SOCKS entry that a connection would take; 0: it would go directly."""
        return read_answer(libbpf.run(self.descriptor("ask"), question_of_way(uid, remote)).octets).sequence

    def lead_to(self, *listeners: tuple[int, int]) -> None:
        """Lead what SOCKS entries are about to a relay, from now on.

        Args:
            *listeners: Descriptor and port of its listener on 127.0.0.1, and of that on ::1 where there is one.

        Raises:
            OSError: The kernel refuses.
        """
        for number, _ in listeners:
            libbpf.update(self.descriptor("owners"), _NUMBER.pack(number), _OWNER.pack(0, 0, 0, 0, 1, 1, 0))
        ports = [*(port for _, port in listeners), 0, 0]
        libbpf.update(self.descriptor("relays"), _FIRST, _RELAY.pack(*ports[:2]))

    def counters(self) -> Counters:
        """Return how many calls were decided."""
        return read_counters(self.descriptor("counters"))

    def close(self) -> None:
        """Let go of the programs; again is fine."""
        self.attachment.detach()
        self._ring.close()
        for held in self._opened.values():
            held.close()
        if self._object is not None:
            self._object.close()


def _loaded(octets: bytes) -> tuple[libbpf.BpfObject, bool]:
    """Load the programs; say whether that which refuses listens is among them, as it is where the system offers it.

    Raises:
        OSError: The kernel, or libbpf, does not take them.
    """
    if has_bpf_security():
        with contextlib.suppress(OSError):  # offered, and refused all the same: the others do without
            return libbpf.BpfObject(octets), True
    return libbpf.BpfObject(octets, [LISTENS]), False


def pinned_names() -> frozenset[str]:
    """Return what a whole engine leaves in its directory, at least."""
    return attached_names() | {*_MAPS, *_HELPERS}


@cache
def version() -> str:
    """Return what tells one object file from another; engines of the same one can go on with each other's pins.

    Raises:
        KernelError: There is none.
    """
    path = data_path("bpf", _OBJECT)
    try:
        return hashlib.blake2b(path.read_bytes(), digest_size=_DIGEST_BYTES).hexdigest()
    except OSError as error:
        raise KernelError("GWL0475", path=path, reason=error.strerror or error) from error


def started(pid: int) -> int:
    """Return when a process was started, in clock ticks since the system was.

    Raises:
        OSError: There is no such process.
    """
    said = Path(f"/proc/{pid}/stat").read_bytes()
    return int(said[said.rindex(b")") + 2 :].split()[_STARTED_FIELD])


def read_counters(counters: int) -> Counters:
    """Return what the counters of some programs say, also of those that an earlier worker has left.

    Args:
        counters: Descriptor of their map.

    Raises:
        OSError: It has fewer of them.
    """
    size = _COUNT.size * libbpf.processors()
    found = [libbpf.look_up(counters, _NUMBER.pack(each), size) for each in range(len(Counters._fields))]
    return Counters(*(sum(value for (value,) in _COUNT.iter_unpack(octets)) for octets in found))


def check_host() -> None:
    """Check that programs can be loaded here at all.

    Raises:
        KernelError: They cannot; the message says why.
    """
    lack = first_lack()
    if lack is not None:
        raise KernelError(lack.message_id, **lack.values)


def find_cgroups() -> Path:
    """Return where the cgroups of version 2 are mounted.

    Raises:
        KernelError: They are not.
    """
    found = cgroup_mount()
    if found is None:
        raise KernelError("GWL0479")
    return found
