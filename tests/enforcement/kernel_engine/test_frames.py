"""The programs fit into the stack that the oldest kernel gives them, which newer ones count more kindly."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache

import pytest

from console.resources import data_path

MOST, UNIT = 512, 32
"""Octets for a chain of calls, and what each frame is rounded up to: check_max_stack_depth of Linux 6.1."""
INSTRUCTION = 8
_FUNCTION = re.compile(r"^([0-9a-f]+) <(\w+)>:$")
_RELOCATION = re.compile(r"R_BPF_64_(32|64)\s+(\S+)$")
_FRAME = re.compile(r"r10 - (0x[0-9a-f]+|\d+)")
_COPIED, _MOVED = re.compile(r"\t(r\d) = r10$"), re.compile(r"\t(r\d) \+= -(0x[0-9a-f]+|\d+)$")
_CALL, _ADDRESS = re.compile(r"call (-?\d+)$"), re.compile(r"r\d = (\d+) ll$")


class Frames:
    """The functions of an object file: how much of the stack each takes, and what it calls or hands on to be called.

    Args:
        said: What llvm-objdump says of it.
    """

    def __init__(self, said):
        self.taken, self._calls, self._text = {}, {}, {}
        section, name, last, copied = "", "", "", ""
        for line in said.splitlines():
            if line.startswith("Disassembly of section"):
                section = line.split()[-1].rstrip(":")
            elif found := _FUNCTION.match(line):
                if found[2].startswith("LBB"):
                    continue
                name = found[2]
                self.taken[name], self._calls[name] = 0, []
                if section == ".text":
                    self._text[int(found[1], 16)] = name
            elif found := _RELOCATION.search(line):
                self._calls[name].append((found[1], found[2], last))
            elif name:
                last = line
                taken = [found[1]] if (found := _FRAME.search(line)) else []
                if copied and (found := _MOVED.search(line)) and found[1] == copied:
                    taken.append(found[2])
                copied = found[1] if (found := _COPIED.search(line)) else ""
                self.taken[name] = max(self.taken[name], *(int(each, 0) for each in taken), 0)

    def called(self, name):
        """Return the functions that a function calls, or hands on: to bpf_loop, which is counted like a call."""
        found = set()
        for kind, symbol, line in self._calls[name]:
            if symbol != ".text":
                found |= {symbol} & self.taken.keys()
            elif kind == "32":
                found.add(self._text[(int(_CALL.search(line)[1]) + 1) * INSTRUCTION])
            else:
                found.add(self._text[int(_ADDRESS.search(line)[1])])
        return found

    @cache  # noqa: B019
    def depth(self, name):
        """Return how much the deepest chain of calls takes that begins with a function."""
        own = -(-max(self.taken[name], 1) // UNIT) * UNIT
        return own + max((self.depth(each) for each in self.called(name)), default=0)


def test_no_chain_of_calls_takes_more_of_the_stack_than_the_oldest_kernel_has():
    if shutil.which("llvm-objdump") is None:
        pytest.skip("llvm-objdump is not installed")
    made = subprocess.run(
        ["llvm-objdump", "-d", "-r", "--no-show-raw-insn", data_path("bpf", "greenwall.bpf.o")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    frames = Frames(made.stdout)
    assert frames.called("decide") == {"locate", "look_at"}
    assert frames.called("locate") == {"at_or_before"}
    assert frames.called("sendmsg4") == {"decide", "tell", "tell_unsent"}
    assert frames.taken["socket_listen"] > 0
    assert {name: depth for name in frames.taken if (depth := frames.depth(name)) > MOST} == {}


CHAIN = """
Disassembly of section .text:
0000000000000000 <inner>:
       0:\t*(u64 *)(r10 - 0x81) = r1
       1:\texit
0000000000000010 <callback>:
       2:\tr2 = r10
       3:\tr2 += -120
       4:\tcall -1
\t\t0000000000000020:  R_BPF_64_32\tinner
Disassembly of section cgroup/bind4:
0000000000000000 <outer>:
       0:\t*(u32 *)(r10 - 224) = r1
       1:\tr2 = 16 ll
\t\t0000000000000008:  R_BPF_64_64\t.text
       3:\tcall 181
       4:\tcall -1
\t\t0000000000000020:  R_BPF_64_32\t.text
"""


def test_frames_of_a_chain_are_rounded_up_and_added():
    frames = Frames(CHAIN)
    assert frames.taken == {"inner": 129, "callback": 120, "outer": 224}
    assert frames.called("outer") == {"callback", "inner"}
    assert frames.depth("outer") == 224 + 128 + 160
