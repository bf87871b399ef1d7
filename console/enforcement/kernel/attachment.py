"""To which cgroup the programs of an engine are attached, which of them, and what keeps them there.

Most are attached all the time; a few cost something for every packet or socket, and are only where a policy needs them.
Knows nothing of policies, nor of what the programs tell.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path

from console.enforcement.fds import OwnedFd
from console.enforcement.kernel import libbpf
from console.errors import KernelError

_ALWAYS = {
    "sock_ops": libbpf.SOCK_OPS,
    "ingress": libbpf.INGRESS,
    "bind4": libbpf.BIND4,
    "bind6": libbpf.BIND6,
    "connect4": libbpf.CONNECT4,
    "connect6": libbpf.CONNECT6,
    "sendmsg4": libbpf.SENDMSG4,
    "sendmsg6": libbpf.SENDMSG6,
    "sock_create": libbpf.SOCK_CREATE,
    "setsockopt": libbpf.SETSOCKOPT,
}
"""How each is attached, in the order in which they are attached: who listens is written down before anybody asks."""
LISTENS = "socket_listen"
"""Program that refuses a listen itself; only where the system lets security modules be BPF."""
DATAGRAMS, CLOSES = "datagrams", "closes"
"""What needs a program that is not attached all the time: each costs something for every packet, or socket."""
PEER_NAMES = "peer_names", "peer_names6"
"""What shows where a connection was to go that was led to the relay: needed as long as there may be one."""
_AT_NEED = {
    DATAGRAMS: ("egress_program", libbpf.EGRESS),
    CLOSES: ("release_program", libbpf.SOCK_RELEASE),
    PEER_NAMES[0]: ("peer_program", libbpf.GETPEERNAME4),
    PEER_NAMES[1]: ("peer_program6", libbpf.GETPEERNAME6),
}
"""Need, by which the link is pinned -> name of its program in `AT_NEED_PROGRAMS`, and how it is attached."""
AT_NEED_PROGRAMS = {
    "egress_program": "egress",
    "release_program": "sock_release",
    "peer_program": "getpeername4",
    "peer_program6": "getpeername6",
}
"""Name by which it is pinned -> program that is attached where it is needed."""


class Found(Enum):
    """What is where the cgroup of an engine was."""

    SAME = auto()
    ANOTHER = auto()
    NONE = auto()


class Attachment:
    """The links of one engine.

    Args:
        descriptor: Returns that of one of `AT_NEED_PROGRAMS`.
        loaded: The programs; None where those of an earlier engine go on, attached as they are.
        pinned: Where the links of the earlier engine are.
        sees_listens: Whether `LISTENS` was loaded.

    Threads: one at a time.
    """

    def __init__(
        self,
        descriptor: Callable[[str], int],
        loaded: libbpf.BpfObject | None = None,
        pinned: Path | None = None,
        *,
        sees_listens: bool = False,
    ) -> None:
        self._descriptor = descriptor
        self._loaded = loaded
        self._pinned = pinned
        self._links: dict[str, OwnedFd] = {}
        self._at_need: dict[str, OwnedFd] = {}
        self._needs: set[str] = set()
        self._cgroup: Path | None = None
        self._sees_listens = sees_listens or (pinned is not None and (pinned / LISTENS).exists())
        self._attached_to = 0
        """Number of its directory."""

    def attach(self, cgroup: Path) -> None:
        """Decide for everything below a cgroup, from now on.

        Raises:
            KernelError: It is no cgroup of version 2, or the kernel refuses; nothing is attached then.
        """
        self._cgroup = cgroup
        with _opened(cgroup) as directory:
            try:
                if self._loaded is not None:  # else it is
                    self._links = self._attached(directory.number)
                self._attached_to = os.fstat(directory.number).st_ino
                for name in _AT_NEED.keys() - {*PEER_NAMES} | self._needs:
                    self.need(name, wanted=name in self._needs)
            except OSError as error:
                self.detach()
                raise KernelError("GWL0477", path=cgroup, reason=error.strerror or error) from error

    @property
    def sees_listens(self) -> bool:
        """Whether a listen is refused itself, and not at its bind alone."""
        return self._sees_listens

    def is_there(self) -> bool:
        """Say whether the cgroup at the path of ours is the one that the programs are attached to."""
        if self._cgroup is None:
            return True
        try:
            return self._cgroup.stat().st_ino == self._attached_to
        except OSError:
            return False

    def follow(self) -> Found:
        """Attach to the cgroup at the path of ours where that is another one by now: systemd makes slices anew.

        Returns:
            What was there. Of another one, that it is decided for from now on; where there is none, nothing is done.

        Raises:
            KernelError: The kernel refuses.
        """
        if self._cgroup is None:
            return Found.SAME
        try:
            directory = _opened(self._cgroup)
        except KernelError:
            return Found.NONE
        with directory:
            number = os.fstat(directory.number).st_ino
            if number == self._attached_to:
                return Found.SAME
            try:
                self._move_to(directory.number)
            except OSError as error:
                raise KernelError("GWL0477", path=self._cgroup, reason=error.strerror or error) from error
            self._attached_to = number
        return Found.ANOTHER

    def need(self, name: str, *, wanted: bool) -> None:
        """Attach a program that is not attached all the time, or let go of it.

        Args:
            name: `DATAGRAMS`, where the policy decides them; `CLOSES`, where it does, or leads connections to the
                relay; those of `PEER_NAMES`, where it has ever led one.
            wanted: Whether the policy does. To be said before it does, and after it does no more.

        Raises:
            OSError: The kernel refuses.
        """
        (self._needs.add if wanted else self._needs.discard)(name)
        if self._cgroup is None or not self._cgroup.exists():
            return
        path = None if self._pinned is None else self._pinned / name
        is_there = name in self._at_need or (path is not None and path.exists())
        if wanted and not is_there:
            program, kind = _AT_NEED[name]
            with _opened(self._cgroup) as cgroup:
                link = self._at_need[name] = libbpf.attach_as(self._descriptor(program), cgroup.number, kind)
            if path is not None:
                libbpf.pin(link.number, path)
        elif is_there and not wanted:
            if path is not None:
                path.unlink(missing_ok=True)
            if name in self._at_need:
                self._at_need.pop(name).close()

    def pin(self, directory: Path) -> None:
        """Go on when this process has ended, until the files in a directory are removed.

        Args:
            directory: Of the BPF file system; empty.

        Raises:
            OSError: They cannot be made.
        """
        for name, link in {**self._links, **self._at_need}.items():
            libbpf.pin(link.number, directory / name)
        self._pinned = directory

    def detach(self) -> None:
        """Decide no longer, unless it is pinned; again is fine."""
        while self._at_need:
            self._at_need.popitem()[1].close()
        while self._links:
            self._links.popitem()[1].close()

    def _move_to(self, cgroup: int) -> None:
        """Attach to another cgroup, and let go of the one before.

        Raises:
            OSError: The kernel refuses.
        """
        before, self._links = self._links, self._attached(cgroup)
        for name, link in self._links.items():
            if name in before:
                before[name].close()
            if self._pinned is not None:
                (self._pinned / name).unlink(missing_ok=True)
                libbpf.pin(link.number, self._pinned / name)
        for name in tuple(self._needs):
            self.need(name, wanted=False)
            self.need(name, wanted=True)

    def _attached(self, cgroup: int) -> dict[str, OwnedFd]:
        """Attach what is attached all the time, beside what others have attached there: all of it, or nothing.

        Raises:
            OSError: The kernel refuses.
        """
        made: dict[str, OwnedFd] = {}
        try:
            for name, kind in _ALWAYS.items():
                with self._program(name) as program:
                    made[name] = libbpf.attach_as(program.number, cgroup, kind)
        except OSError:
            for link in made.values():
                link.close()
            raise
        if self._sees_listens:
            try:
                with self._program(LISTENS) as program:
                    made[LISTENS] = libbpf.attach_as(program.number, cgroup, libbpf.LSM_CGROUP)
            except OSError:  # some processors have no trampolines for it; what is refused at the bind still is
                self._sees_listens = False
        return made

    def _program(self, name: str) -> OwnedFd:
        if self._loaded is not None:
            return OwnedFd(os.dup(self._loaded.program(name)))
        if name in self._links or self._pinned is None:
            return libbpf.program_of(self._links[name].number)
        with libbpf.opened(self._pinned / name) as link:
            return libbpf.program_of(link.number)


def attached_names() -> frozenset[str]:
    """Return by which names the links that are there all the time are pinned."""
    return frozenset(_ALWAYS)


def _opened(cgroup: Path) -> OwnedFd:
    """Open the directory of a cgroup.

    Raises:
        KernelError: It is none of version 2.
    """
    with contextlib.suppress(OSError):
        if (cgroup / "cgroup.procs").exists():
            return OwnedFd(os.open(cgroup, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    raise KernelError("GWL047A", path=cgroup)
