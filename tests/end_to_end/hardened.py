"""Runs a command with what a unit of ours takes from its service, as systemd does, where no systemd runs.

    python hardened.py UNIT-FILE COMMAND...

Capabilities, new privileges, memory that is written and executed, and system calls; not what mounts take away.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import subprocess
import sys
from pathlib import Path

_PR_CAPBSET_READ, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_SET_MDWE = 23, 24, 38, 65  # linux/prctl.h
_SCMP_ACT_ALLOW, _SCMP_ACT_ERRNO = 0x7FFF0000, 0x00050000  # seccomp.h
_CAPABILITIES = {"CAP_DAC_READ_SEARCH": 2, "CAP_NET_BIND_SERVICE": 10, "CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13,
                 "CAP_SYS_PTRACE": 19, "CAP_PERFMON": 38, "CAP_BPF": 39}  # fmt: skip
"""Those that units of ours keep: linux/capability.h."""


def settings(unit: str, name: str) -> list[str]:
    """Return the values of a setting, in their order."""
    return re.findall(rf"^{name}=(.*)$", unit, re.MULTILINE)


def calls_of(word: str) -> set[str]:
    """Return the system calls of a set, whose name begins with ``@``, or the one."""
    if not word.startswith("@"):
        return {word}
    told = subprocess.run(["systemd-analyze", "syscall-filter", word], capture_output=True, text=True, check=True)
    words = [line.strip() for line in told.stdout.splitlines()[1:]]
    return set().union(*(calls_of(each) for each in words if each and not each.startswith("#")))


def refused_calls(filters: list[str]) -> set[str]:
    """Return the system calls that SystemCallFilter= leaves out; see systemd.exec(5)."""
    allowed: set[str] = set()
    for line in filters:
        named = set().union(*map(calls_of, line.removeprefix("~").split()))
        allowed = allowed - named if line.startswith("~") else allowed | named
    return calls_of("@known") - allowed


def control(library: ctypes.CDLL, option: int, value: int) -> int:
    """Call prctl(2).

    Raises:
        OSError: It failed.
    """
    result = int(library.prctl(option, ctypes.c_ulong(value), 0, 0, 0))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"prctl {option} {value}")
    return result


def refuse(calls: set[str]) -> None:
    """Have system calls fail with EPERM from now on.

    Raises:
        OSError: There can be no such filter.
    """
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(_SCMP_ACT_ALLOW)))
    for name in sorted(calls):
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:  # else this machine has none of that name
            library.seccomp_rule_add(rules, ctypes.c_uint32(_SCMP_ACT_ERRNO | errno.EPERM), number, 0)
    if library.seccomp_load(rules):
        raise OSError("no filter of system calls")


def main() -> None:
    """Take it away, and become the command."""
    unit = Path(sys.argv[1]).read_text(encoding="utf-8")
    refused = refused_calls(settings(unit, "SystemCallFilter"))
    library = ctypes.CDLL(None, use_errno=True)
    kept = {_CAPABILITIES[name] for line in settings(unit, "CapabilityBoundingSet") for name in line.split()}
    for capability in range(64):
        if capability not in kept and library.prctl(_PR_CAPBSET_READ, capability, 0, 0, 0) >= 0:
            control(library, _PR_CAPBSET_DROP, capability)
    if settings(unit, "NoNewPrivileges") == ["yes"]:
        control(library, _PR_SET_NO_NEW_PRIVS, 1)
    if settings(unit, "MemoryDenyWriteExecute") == ["yes"]:
        control(library, _PR_SET_MDWE, 1)
    refuse(refused)
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
