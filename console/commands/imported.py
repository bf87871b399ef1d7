"""The commands on journals that were read from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from console.commands.definition import Choice, Command, Context, Parameter, Result
from console.commands.journal_subset import QAUDJRN
from console.commands.keywords import TEXT
from console.commands.listing import Column, table
from console.errors import CommandError
from console.journal.imports.take_in import Import, remove, take_in
from console.messages import message
from console.model.words import ALLOBJ, AUDIT
from console.store.imported import get_imported, list_imported
from console.store.outbox import add_audit
from console.store.session import transaction
from console.store.wakeup import notify

SYSTEM_ZONE = "*SYS"
"""Special value of TIMZON: the time zone of this system."""

_NAME = re.compile(r"[A-Z#$@][A-Z0-9#$@_.]{0,9}", re.ASCII)
_LONGEST_PATH = 4096
_LONGEST_ZONE = 64


def _name_check(value: str) -> str:
    upper = value.upper()
    if not _NAME.fullmatch(upper):
        raise CommandError("GWL0113", keyword="JRN", value=value, allowed="a name of up to 10 characters")
    return upper


def _new_name_check(value: str) -> str:
    upper = _name_check(value)
    if upper == QAUDJRN:
        raise CommandError("GWL0113", keyword="JRN", value=value, allowed=f"another name than {QAUDJRN}")
    return upper


def _zone_check(value: str) -> str:
    if value.upper() == SYSTEM_ZONE:
        return SYSTEM_ZONE
    zone_of(value)
    return value


def zone_of(value: str) -> tzinfo | None:
    """Return a time zone by its name; None for this system's.

    Raises:
        CommandError: There is none of that name.
    """
    if value == SYSTEM_ZONE:
        return None
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        allowed = f"{SYSTEM_ZONE}, or a time zone such as Europe/Berlin"
        raise CommandError("GWL0113", keyword="TIMZON", value=value, allowed=allowed) from error


def _path_check(value: str) -> str:
    if not value or "\0" in value:
        raise CommandError("GWL0113", keyword="FILE", value=value, allowed="the path of a file")
    return value


def _journals(context: Context) -> Sequence[Choice]:
    with context.opened() as session:
        return [Choice(row.name, row.text or row.source) for row in list_imported(session)]


def _all_journals(context: Context) -> Sequence[Choice]:
    return (Choice(QAUDJRN, "Audit journal of this system"), *_journals(context))


JOURNAL = Parameter(
    "JRN",
    "Journal",
    _name_check,
    default=QAUDJRN,
    special=(QAUDJRN,),
    choices="QAUDJRN, imported journal",
    list_values=_all_journals,
)
"""The journal to look at."""

_IMPORTED = Parameter("JRN", "Imported journal", _new_name_check, choices="Name, F4 for list", list_values=_journals)


def check_there(context: Context, name: str) -> None:
    """Refuse a journal that is not there.

    Raises:
        CommandError: It is not.
    """
    if name != QAUDJRN:
        with context.opened() as session:
            get_imported(session, name)


class ImportAuditJournal(Command):
    """Imports SK records of a real IBM i."""

    name = "IMPAUDJRN"
    text = "Import Audit Journal"
    authority = (AUDIT, ALLOBJ)
    parameters = (
        Parameter(
            "FILE",
            "CSV file with SK records",
            _path_check,
            names_file=True,
            length=_LONGEST_PATH,
            choices="Path",
            monocase=False,
            quoted=True,
        ),
        Parameter("JRN", "Name of imported journal", _new_name_check, choices="Name"),
        Parameter(
            "TIMZON",
            "Time zone of its system",
            _zone_check,
            length=_LONGEST_ZONE,
            default=SYSTEM_ZONE,
            special=(SYSTEM_ZONE,),
            choices="Name, *SYS",
            monocase=False,
            quoted=True,
        ),
        TEXT,
    )
    positional = 2

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Import them: in transactions of its own, so that the worker can write in between."""
        wanted = Import(
            name=values["JRN"],
            path=values["FILE"],
            zone=zone_of(values["TIMZON"]),
            text=values["TEXT"],
            user=context.user,
            at=context.clock(),
        )
        taken = take_in(context.store, wanted)
        counts = {"entries": taken.entries, "left_out": taken.left_out, "form": taken.form}
        done = message("GWL0677", name=wanted.name, path=wanted.path, **counts)
        _record(context, f"IMPAUDJRN FILE('{wanted.path}') JRN({wanted.name})")
        return Result(messages=(done,))


class DeleteImportedJournal(Command):
    """Deletes an imported journal."""

    name = "DLTIMPJRN"
    text = "Delete Imported Journal"
    authority = (AUDIT,)
    parameters = (_IMPORTED,)

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Delete it, likewise."""
        remove(context.store, values["JRN"])
        _record(context, f"DLTIMPJRN JRN({values['JRN']})")
        return Result(messages=(message("GWL0678", name=values["JRN"]),))


def _record(context: Context, string: str) -> None:
    """Leave a CD entry of a command that has done its work."""
    with transaction(context.store) as session:
        add_audit(session, "CD", at=context.clock(), user=context.user, job=context.job, text=string, detail=string)
    notify(context.store)


_COLUMNS = (
    Column("Journal"),
    Column("Entries", right=True),
    Column("Form"),
    Column("Imported"),
    Column("By"),
    Column("From file"),
    Column("Text"),
)


class DisplayImportedJournals(Command):
    """Lists the imported journals."""

    name = "DSPIMPJRN"
    text = "Display Imported Journals"
    authority = (AUDIT,)

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """List them."""
        del values
        with context.opened() as session:
            rows = [
                (row.name, row.entries, row.form, f"{row.imported_at.astimezone():%Y-%m-%d %H:%M:%S}", row.imported_by,
                 row.source, row.text)
                for row in list_imported(session)
            ]  # fmt: skip
        return Result(lines=table(_COLUMNS, rows, "(No imported journals)"))


COMMANDS: tuple[type[Command], ...] = (ImportAuditJournal, DeleteImportedJournal, DisplayImportedJournals)
