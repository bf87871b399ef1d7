"""Files that commands write: print-outs and reports. Only their owner reads them; none is overwritten unasked."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from console.commands.definition import Context, Parameter
from console.commands.keywords import one_of
from console.errors import CommandError
from console.model.words import YesNo

GENERATED = "*GEN"
"""Special value of TOFILE: a new name, beside the store."""

_IS_THERE = "GWL0633"
_FAILED = "GWL0634"
_OWNER_ONLY = 0o600
_LONGEST_PATH = 256


def _path(value: str) -> str:
    if value.upper() == GENERATED:
        return GENERATED
    if not value.isprintable() or not value.strip() or value.endswith("/"):
        raise CommandError("GWL0113", keyword="TOFILE", value=value, allowed=f"path of a file, {GENERATED}")
    return value


TO_FILE = Parameter(
    "TOFILE",
    "File to write to",
    _path,
    names_file=True,
    length=_LONGEST_PATH,
    default=GENERATED,
    special=(GENERATED,),
    choices="Path, *GEN",
    monocase=False,
    quoted=True,
    additional=True,
)
REPLACE = Parameter(
    "REPLACE",
    "Replace the file",
    one_of("REPLACE", tuple(YesNo)),
    length=4,
    default=YesNo.NO,
    special=tuple(YesNo),
    additional=True,
)


def output_path(context: Context, values: Mapping[str, str], ending: str) -> Path:
    """Return where a command writes to.

    Args:
        context: Its clock and store name a new file.
        values: TOFILE.
        ending: Of a new name: ``txt``.
    """
    named = values["TOFILE"]
    if named != GENERATED:
        return Path(named).expanduser().absolute()
    return context.store.location.directory / f"print-{context.clock().astimezone():%Y%m%d-%H%M%S-%f}.{ending}"


@contextmanager
def written(path: Path, *, replace: bool) -> Iterator[TextIO]:
    """Open a file to write text to; when anything goes wrong, what was there is as it was.

    Args:
        path: Where. A symbolic link there is not followed.
        replace: Whether a file that is there is replaced, at the end and at once.

    Raises:
        CommandError: It is there already, or it cannot be written.
    """
    temporary = None
    try:
        if replace and path.exists() and not stat.S_ISREG(path.stat().st_mode):
            raise CommandError(_FAILED, path=path, reason="no regular file", keyword="TOFILE")
        if not replace and os.path.lexists(path):
            raise CommandError(_IS_THERE, path=path, keyword="TOFILE")
        # mkstemp makes files of mode 0600.
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:64]}.")
        with open(handle, "w", encoding="utf-8", newline="") as file:
            yield file
        _put(temporary, path, replace=replace)
    except OSError as error:
        raise CommandError(_FAILED, path=path, reason=error.strerror or error, keyword="TOFILE") from error
    finally:
        if temporary is not None:
            with suppress(FileNotFoundError):
                os.unlink(temporary)


def _put(temporary: str, path: Path, *, replace: bool) -> None:
    """Give the finished file its name; a file that has come there meanwhile stays, unless it is to be replaced."""
    if replace:
        os.replace(temporary, path)
        return
    try:
        os.link(temporary, path)
    except FileExistsError as error:
        raise CommandError(_IS_THERE, path=path, keyword="TOFILE") from error
    except OSError:
        # A file system without links: the name is taken first, so that nobody else can.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _OWNER_ONLY))
        os.replace(temporary, path)
