"""Compiles the module `_plain_calls` when Greenwall is built or installed; without a compiler there is none, and that is all.

Run by the build tool (hatchling, ``[tool.hatch.build.hooks.custom]``); nothing of Greenwall imports it, and it imports
nothing of Greenwall. For a wheel the module goes into it; for an editable install it lies beside its source.

Source: https://hatch.pypa.io/latest/plugins/build-hook/custom/
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface  # type: ignore[import-not-found]

_HERE = "console/enforcement/guard"
_MODULE = "_plain_calls.abi3.so"
"""Of the stable interface of Python 3.11, which every later one has."""
_SOURCES = ("_plain_calls.c", "_plain_module.c")
_TAG = "cp311-abi3-linux_x86_64"
OPTIONS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-fPIC", "-fvisibility=hidden", "-shared")
HARDENED = ("-fstack-protector-strong", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2", "-Wl,-z,relro,-z,now")


class BuildPlainCalls(BuildHookInterface):  # type: ignore[misc]  # it is there only while something is built
    """Adds the module to what is built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile it; called before anything is put together.

        Args:
            version: "standard", or "editable" for an install that runs from the checkout.
            build_data: What goes into the wheel; changed.
        """
        if self.target_name != "wheel":
            return
        directory = Path(self.root, _HERE)
        module = directory / _MODULE
        reason = compile_into(module, directory)
        if reason:
            module.unlink(missing_ok=True)
            self.app.display_warning(f"plain calls are served in Python: {reason}")
            return
        build_data["pure_python"] = False
        build_data["tag"] = _TAG
        if version != "editable":
            build_data["artifacts"].append(f"{_HERE}/{_MODULE}")


def compile_into(module: Path, directory: Path, *more: str) -> str:
    """Compile the module.

    Args:
        module: What it becomes.
        directory: Of its sources.
        more: Options for the compiler.

    Returns:
        Why there is none, or "".
    """
    headers = sysconfig.get_path("include")
    if not Path(headers, "Python.h").exists():
        return f"the headers of Python are not installed ({headers})"
    fresh = module.with_suffix(f".{os.getpid()}")
    compiler = os.environ.get("CC", "cc")
    sources = [str(directory / source) for source in _SOURCES]
    command = [compiler, *OPTIONS, *HARDENED, *more, f"-I{headers}", "-o", str(fresh), *sources]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return f"{compiler}: {error.strerror}"
    if done.returncode:
        fresh.unlink(missing_ok=True)
        return f"{compiler} has failed:\n{done.stderr}"
    fresh.replace(module)  # whoever runs the one before goes on with it
    print(f"compiled {module.name} for {sys.implementation.name}", file=sys.stderr)  # noqa: T201 -- a build says so
    return ""
