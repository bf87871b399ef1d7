"""The commands that show the audit journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.commands.definition import Command, Context, Parameter, Result
from console.commands.imported import JOURNAL, check_there
from console.commands.journal_print import print_entries
from console.commands.journal_subset import FROM_TIME, PLACE, TO_TIME, WHAT, journal_filter
from console.commands.keywords import number, one_of, with_special
from console.commands.listing import Column, end_text, table
from console.commands.output_file import REPLACE, TO_FILE
from console.model.journal import JournalEntry
from console.model.words import AUDIT
from console.store.journal import page_before

SCREEN = "*"
"""Special value of OUTPUT: the screen, or standard output."""
PRINT = "*PRINT"
"""Special value of OUTPUT: a file."""

_DFT = "*DFT"
_LISTED = 20
"""Entries that the shell lists when nothing else is said."""
_MOST = 10_000
"""Entries of a list that is held whole."""

_COLUMNS = (
    Column("Sequence", right=True),
    Column("Type"),
    Column("Date and time"),
    Column("User"),
    Column("Job"),
    Column("Outcome"),
    Column("Rule", right=True),
    Column("Local"),
    Column("Remote"),
    Column("Program and text"),
)


class DisplayJournal(Command):
    """Shows entries of the audit journal."""

    name = "DSPJRN"
    text = "Display Journal"
    authority = (AUDIT,)
    parameters = (
        JOURNAL,
        FROM_TIME,
        TO_TIME,
        *WHAT,
        *PLACE,
        Parameter(
            "NBRENT",
            "Number of entries",
            with_special(number("NBRENT", 1, _MOST), _DFT),
            length=5,
            default=_DFT,
            special=(_DFT,),
            choices="1-10000, *DFT",
            additional=True,
        ),
        Parameter(
            "OUTPUT",
            "Output",
            one_of("OUTPUT", (SCREEN, PRINT)),
            length=6,
            default=SCREEN,
            special=(SCREEN, PRINT),
            additional=True,
        ),
        TO_FILE,
        REPLACE,
    )

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show them, or print them to a file."""
        check_there(context, values["JRN"])
        if values["OUTPUT"] == PRINT:
            limit = None if values["NBRENT"] == _DFT else int(values["NBRENT"])
            return Result(messages=(print_entries(context, values, limit),))
        if context.has_panels:
            return Result(panel="DisplayJournal", arguments=dict(values))
        limit = _LISTED if values["NBRENT"] == _DFT else int(values["NBRENT"])
        with context.opened() as session:
            entries = page_before(session, None, limit=limit, only=journal_filter(context, values))
        return Result(lines=entry_list(entries), panel="DisplayJournal", arguments=dict(values))


def entry_list(entries: Sequence[JournalEntry]) -> tuple[str, ...]:
    """Return entries as a list, in the order given."""
    return table(_COLUMNS, (_row(entry) for entry in entries), "(No journal entries)")


def _row(entry: JournalEntry) -> tuple[object, ...]:
    return (
        entry.sequence_number,
        f"{entry.entry_type} {entry.sk_type}".rstrip(),
        entry.entry_timestamp.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
        entry.user_name,
        entry.qualified_job_name,
        entry.outcome,
        entry.rule_sequence or "",
        end_text(entry.local_address, entry.local_port),
        end_text(entry.remote_address, entry.remote_port),
        ": ".join(filter(None, (entry.program, entry.text))),
    )


COMMANDS: tuple[type[Command], ...] = (DisplayJournal,)
