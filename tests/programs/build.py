"""Compiles the small C programs of the tests and benches; nothing compiled is kept in the checkout."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).parent


def has_compiler() -> bool:
    """Return whether C programs can be compiled here."""
    return shutil.which("gcc") is not None


def has_static_libc() -> bool:
    """Return whether they can be linked statically."""
    if not has_compiler():
        return False
    found = subprocess.run(["gcc", "-print-file-name=libc.a"], capture_output=True, text=True, check=True)
    return Path(found.stdout.strip()).is_absolute()


@dataclass(frozen=True, slots=True)
class Programs:
    """Compiles a program the first time it is asked for."""

    directory: Path
    """Where the compiled ones go."""

    def get(self, name: str, *, static: bool = False, shared: bool = False) -> str:
        """Return the path of a compiled program.

        Args:
            name: Its source is NAME.c beside this file.
            static: Link it statically, so that no library of the system stands between it and the kernel.
            shared: Make it a library, for LD_PRELOAD.
        """
        built = self.directory / (f"{name}-static" if static else f"{name}.so" if shared else name)
        if not built.exists():
            options = [
                "-O2",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-pthread",
                *(["-static"] if static else []),
                *(["-shared", "-fPIC"] if shared else []),
            ]
            subprocess.run(["gcc", *options, "-o", str(built), str(SOURCES / f"{name}.c")], check=True)
        return str(built)
