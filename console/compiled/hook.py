"""Compiles the modules in C when Greenwall is built or installed; without a compiler there simply are none.

Run by the build tool (hatchling, ``[tool.hatch.build.hooks.custom]``); nothing of Greenwall imports it, and it imports
nothing of Greenwall. For a wheel the modules go into it; for an editable install each lies beside its sources.

Source: https://hatch.pypa.io/latest/plugins/build-hook/custom/
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface  # type: ignore[import-not-found]


class _Module(NamedTuple):
    """One module, named as its file; all are of the stable interface of Python 3.11, which every later one has."""

    directory: str
    file: str
    sources: tuple[str, ...]
    instead: str
    """What is so without it."""


_MODULES = (
    _Module(
        "console/enforcement/guard", "_plain_calls.abi3.so",
        ("_plain_calls.c", "_plain_connects.c", "_plain_accepts.c", "_plain_module.c"),
        "plain calls will be served in Python",
    ),
    _Module(
        "console/compiled", "_journalling.abi3.so",
        ("records.c", "events.c", "chain.c", "blake2b.c", "rows.c", "module.c"),
        "the journal will be written in Python",
    ),
)  # fmt: skip
_TAG = "cp311-abi3-linux_x86_64"
_OPTIONS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-fPIC", "-fvisibility=hidden", "-shared")
_HARDENED = ("-fstack-protector-strong", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2", "-Wl,-z,relro,-z,now")


class BuildModules(BuildHookInterface):  # type: ignore[misc]  # it is there only while something is built
    """Adds the modules to what is built."""

    _directory = ""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile them; called before anything is put together.

        Args:
            version: "standard", or "editable" for an install that runs from the checkout.
            build_data: What goes into the wheel; changed.
        """
        if self.target_name != "wheel":
            return
        self._directory = tempfile.mkdtemp()
        for module in _MODULES:
            sources = Path(self.root, module.directory)
            fresh, there = Path(self._directory, module.file), sources / module.file
            reason = _compile([sources / name for name in module.sources], fresh)
            if version == "editable":
                _put(fresh, there)
            elif not reason:
                build_data["force_include"][str(fresh)] = f"{module.directory}/{module.file}"
                build_data["pure_python"] = False
                build_data["tag"] = _TAG
            if reason:
                self.app.display_warning(f"{module.instead}: {reason}")

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Tidy up; called when all is put together."""
        if self._directory:
            shutil.rmtree(self._directory)


def _compile(sources: list[Path], module: Path) -> str:
    """Compile a module; returns why there is none, or ""."""
    headers = sysconfig.get_path("include")
    if not Path(headers, "Python.h").exists():
        return f"the headers of Python are not installed ({headers})"
    compiler = os.environ.get("CC", "cc")
    command = [compiler, *_OPTIONS, *_HARDENED, f"-I{headers}", "-o", str(module), *map(str, sources)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return f"{compiler}: {error.strerror}"
    return f"{compiler} has failed:\n{done.stderr}" if done.returncode else ""


def _put(fresh: Path, there: Path) -> None:
    """Put a module in the place of another, or leave none there; whoever runs the one before goes on with it."""
    if fresh.exists():
        beside = there.with_name(f"{there.name}.{os.getpid()}")
        shutil.copy2(fresh, beside)
        beside.replace(there)
    else:
        there.unlink(missing_ok=True)
