"""Whether a guard stands over this process already: Linux lets one stand over a process."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from console.enforcement import layouts as k
from console.enforcement import syscalls
from console.errors import KernelError

_STATUS = Path("/proc/self/status")
_FILTERED = "Seccomp:\t2"
"""Mode SECCOMP_MODE_FILTER. Source: proc_pid_status(5)."""
_RETURN = 0x06
"""BPF_RET | BPF_K. Source: linux/bpf_common.h."""
_LET_ALL_GO_ON = k.FILTER_INSTRUCTION.pack(_RETURN, 0, 0, k.SECCOMP_RET_ALLOW)
_SUPERVISED = 1


def check_not_nested() -> None:
    """Refuse to be a guard within a job.

    Asked before the worker is, which lets nobody in a job speak as a guard and tells the operators of who tries.

    Raises:
        KernelError: A guard stands over this process.
    """
    if _FILTERED in _STATUS.read_text("utf-8", errors="replace") and _is_supervised():
        raise KernelError("GWL0404")


def _is_supervised() -> bool:
    """Try to put a process of our own under a filter with a listener; it does nothing else."""
    process = os.fork()
    if not process:
        status = 0
        try:
            syscalls.forgo_new_privileges()
            syscalls.install_filter(_LET_ALL_GO_ON)
        except OSError as error:
            status = _SUPERVISED if error.errno == errno.EBUSY else 0
        os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == _SUPERVISED
