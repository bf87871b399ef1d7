"""The object file beside the source is what the source compiles to."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import defaultdict

import pytest

from console.kernel_support import OLDEST
from console.resources import data_path

_MADE_WITH = "14"
"""Version of clang; another makes other octets of the same source."""


def test_object_file_is_what_the_source_compiles_to(tmp_path):
    for needed in ("clang", "llvm-strip"):
        if shutil.which(needed) is None:
            pytest.skip(f"{needed} is not installed")
    version = subprocess.run(["clang", "-dumpversion"], capture_output=True, text=True, check=True).stdout.split(".")[0]
    made = tmp_path / "greenwall.bpf.o"
    subprocess.run(["sh", data_path("bpf", "build.sh"), made], check=True)
    assert made.read_bytes().startswith(b"\x7fELF")
    if version != _MADE_WITH:
        pytest.skip(f"clang is of version {version} and not {_MADE_WITH}: it compiles, and the octets differ")
    assert made.read_bytes() == data_path("bpf", "greenwall.bpf.o").read_bytes()


_SINCE = {
    1: (3, 19), 2: (3, 19), 3: (3, 19), 5: (4, 1), 26: (4, 5), 35: (5, 12), 46: (4, 12), 47: (4, 12), 59: (4, 16),
    84: (4, 20), 86: (4, 20), 93: (5, 1), 94: (5, 1), 95: (5, 1), 107: (5, 2), 108: (5, 2), 113: (5, 8), 115: (5, 8),
    125: (5, 8), 131: (5, 8), 132: (5, 8), 133: (5, 8), 137: (5, 9), 181: (5, 17), 187: (6, 1),
}  # fmt: skip
"""Helper -> Linux that has it, or that allows it in all programs here where that came later.

bpf_get_current_pid_tgid (14) is not among them: with packets it is allowed from 6.10 only. bpf_set_retval (187) came
with 5.18, and to all hooks of sockets with 6.1.
"""


def test_programs_call_only_what_the_oldest_kernel_allows():
    if shutil.which("llvm-objdump") is None:
        pytest.skip("llvm-objdump is not installed")
    said = subprocess.run(
        ["llvm-objdump", "-d", data_path("bpf", "greenwall.bpf.o")], capture_output=True, text=True, check=True
    ).stdout
    called, section = defaultdict(set), ""
    for line in said.splitlines():
        if line.startswith("Disassembly of section"):
            section = line.split()[-1].rstrip(":")
        elif found := re.search(r"\t85 00 00 00 (\w\w) (\w\w) (\w\w) (\w\w)", line.replace(":\t", "\t")):
            called[section].add(int.from_bytes(bytes.fromhex("".join(found.groups())), "little"))
    assert {"cgroup/connect4", "cgroup_skb/egress", ".text"} <= called.keys()
    assert {each for helpers in called.values() for each in helpers} <= _SINCE.keys()
    assert 187 in called["cgroup/connect4"]
    assert max(_SINCE.values()) <= OLDEST
