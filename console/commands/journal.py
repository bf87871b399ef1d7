"""The commands that show the audit journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.commands.definition import Command, Context, Parameter, Result
from console.commands.job_names import LONGEST_JOB, any_job_check
from console.commands.keywords import checked, exit_point_check, number, one_of, with_special
from console.commands.listing import Column, table
from console.model.journal import JournalEntry
from console.model.words import ExitPoint, Outcome, SkType
from console.store.journal import JournalFilter, page_before

_ALL = "*ALL"
_ENTRY_TYPES = (_ALL, "SK", "JS", "GR", "CD")

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


def _choice(keyword: str, prompt: str, words: Sequence[str]) -> Parameter:
    return Parameter(keyword, prompt, one_of(keyword, words), default=_ALL, special=tuple(words))


class DisplayJournal(Command):
    """Shows entries of the audit journal."""

    name = "DSPJRN"
    text = "Display Journal"
    parameters = (
        Parameter("JRN", "Journal", one_of("JRN", ("QAUDJRN",)), default="QAUDJRN", special=("QAUDJRN",)),
        _choice("ENTTYP", "Entry type", _ENTRY_TYPES),
        _choice("SKTYPE", "Socket entry type", (_ALL, *SkType)),
        _choice("OUTCOME", "Outcome", (_ALL, *Outcome)),
        Parameter(
            "USRPRF",
            "User profile",
            checked("user", "USRPRF"),
            length=33,
            default=_ALL,
            special=(_ALL,),
            choices="Name, generic*, *ALL",
        ),
        Parameter(
            "JOB",
            "Job",
            with_special(any_job_check("JOB"), _ALL),
            length=LONGEST_JOB,
            default=_ALL,
            special=(_ALL,),
            choices="Name, part of it, generic*, *ALL",
            quoted=True,
        ),
        Parameter(
            "EXITPNT",
            "Exit point",
            exit_point_check("EXITPNT", _ALL),
            length=16,
            default=_ALL,
            special=(_ALL, *ExitPoint),
        ),
        Parameter(
            "NBRENT",
            "Number of entries to list",
            number("NBRENT", 1, 10000),
            length=5,
            default="20",
            choices="1-10000",
            additional=True,
        ),
    )

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show them."""
        with context.opened() as session:
            entries = page_before(session, None, limit=int(values["NBRENT"]), only=journal_filter(values))
        return Result(lines=entry_list(entries), panel="DisplayJournal", arguments=dict(values))


def journal_filter(values: Mapping[str, str]) -> JournalFilter:
    """Return which entries a DSPJRN with these values shows."""
    wanted = {keyword: "" if value == _ALL else value for keyword, value in values.items()}
    return JournalFilter(
        entry_type=wanted["ENTTYP"],
        sk_type=wanted["SKTYPE"],
        outcome=wanted["OUTCOME"],
        exit_point=wanted["EXITPNT"],
        user=wanted["USRPRF"],
        job=wanted.get("JOB", ""),
    )


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
        _end(entry.local_address, entry.local_port),
        _end(entry.remote_address, entry.remote_port),
        ": ".join(filter(None, (entry.program, entry.text))),
    )


def _end(address: str, port: int) -> str:
    if not address:
        return ""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


COMMANDS: tuple[type[Command], ...] = (DisplayJournal,)
