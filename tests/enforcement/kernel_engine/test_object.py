"""The object file beside the source is what the source compiles to."""

from __future__ import annotations

import shutil
import subprocess

import pytest

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
