"""CPYAUDJRNE: copies audit journal entries to files, one for each type, as IBM i does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import TextIO

from console.commands.definition import Command, Context, Parameter, Result
from console.commands.journal_subset import CURRENT, FROM_TIME, PLACE, TO_TIME, WHAT, journal_filter
from console.commands.keywords import one_of
from console.errors import CommandError
from console.journal.export import entries, origin
from console.journal.formats.catalogue import FORMATS, Format
from console.journal.outfile import private_file
from console.messages import message
from console.model.words import ALLOBJ, AUDIT

_FORMATS = {
    "*CSV": (FORMATS["csv"], ".csv"),
    "*JSON": (FORMATS["jsonl"], ".jsonl"),
    "*SYSLOG": (FORMATS["syslog"], ".log"),
    "*CEF": (FORMATS["cef"], ".cef"),
    "*LEEF": (FORMATS["leef"], ".leef"),
}
"""Special value of OUTFILFMT -> format, and how the names of its files end."""

_NEW, _REPLACE = "*NEW", "*REPLACE"
_LONGEST_PATH = 4096
_TELL_EVERY = 20_000
_RECEIVERS = "JRNRCV"
_SHARED = {each.keyword: each for each in (*WHAT, *PLACE)}


def _path_check(value: str) -> str:
    if not value.isprintable() or not value.strip() or value.endswith("/"):
        raise CommandError("GWL0113", keyword="OUTFILE", value=value, allowed="the beginning of a path")
    return value


class CopyAuditJournalEntries(Command):
    """Copies entries to files."""

    name = "CPYAUDJRNE"
    text = "Copy Audit Journal Entries"
    authority = (AUDIT, ALLOBJ)
    parameters = (
        _SHARED["ENTTYP"],
        Parameter(
            "OUTFILE",
            "Files to be made, without type",
            _path_check,
            names_file=True,
            length=_LONGEST_PATH,
            default="QAUDIT",
            choices="Path",
            monocase=False,
            quoted=True,
        ),
        Parameter("OUTMBR", "Files that are there", one_of("OUTMBR", (_NEW, _REPLACE)), default=_NEW,
                  special=(_NEW, _REPLACE)),
        Parameter("OUTFILFMT", "Format", one_of("OUTFILFMT", tuple(_FORMATS)), default="*CSV",
                  special=tuple(_FORMATS)),
        _SHARED["USRPRF"],
        replace(_SHARED["RCVRNG"], keyword=_RECEIVERS, prompt="Journal receivers", default=CURRENT, additional=False),
        FROM_TIME,
        TO_TIME,
    )  # fmt: skip

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Copy them."""
        counts = _copy(context, values)
        if not counts:
            return Result(messages=(message("GWL0656"),))
        done = [message("GWL0653", count=count, path=path) for path, count in sorted(counts.items())]
        return Result(messages=tuple(done))


def _copy(context: Context, values: Mapping[str, str]) -> Counter[str]:
    """Write the files; return how many entries are in each.

    Raises:
        JournalError: A file is there already, or cannot be written; no file was made then.
    """
    form, ending = _FORMATS[values["OUTFILFMT"]]
    only = journal_filter(context, {**values, "RCVRNG": values[_RECEIVERS]})
    here = origin()
    files: dict[str, TextIO] = {}
    counts: Counter[str] = Counter()
    with ExitStack() as stack:
        for entry in entries(context.store, only):
            path = f"{values['OUTFILE']}{entry.entry_type}{ending}"
            if path not in files:
                files[path] = stack.enter_context(private_file(path, replace=values["OUTMBR"] == _REPLACE))
                _begin(files[path], form)
            files[path].write(f"{form.line(entry, here)}\n")
            counts[path] += 1
            if not counts.total() % _TELL_EVERY:
                context.tell(message("GWL0657", count=counts.total()).text)
    context.tell("")
    return counts


def _begin(file: TextIO, form: Format) -> None:
    if first := form.header(origin()):
        file.write(f"{first}\n")


COMMANDS: tuple[type[Command], ...] = (CopyAuditJournalEntries,)
