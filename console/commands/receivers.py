"""The commands on the journal itself and its receivers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from console.commands.audit import record
from console.commands.definition import Choice, Command, Context, Parameter, Result
from console.commands.keywords import as_it_is, number, one_of, with_special
from console.commands.language import SAME
from console.commands.listing import Column, labelled, table
from console.commands.output_file import REPLACE, TO_FILE, output_path, written
from console.errors import CommandError, JournalError
from console.journal.infile import open_regular
from console.journal.receivers import (
    attributes,
    change_receiver,
    delete_receiver,
    find_receiver,
    list_receivers,
    mark_saved,
    set_attributes,
    state,
)
from console.journal.seal import public_text
from console.journal.sealed_export import check_export, seal_of
from console.journal.sealed_file import check_lines, saved_lines
from console.journal.signer import key_fault, key_of_reader
from console.journal.verify import WHOLE, Verdict, verify
from console.messages import Message, line, message
from console.model.journal import JournalAttributes, Receiver
from console.model.words import ALLOBJ, AUDIT, YesNo
from console.store import wakeup
from console.store.engine import Store
from console.store.journal_index import forget_blocks
from console.store.outbox import add_audit
from console.store.session import reading, transaction

GENERATE = "*GEN"
"""Special value of JRNRCV: the next name."""
NONE = "*NONE"
NOMAX = "*NOMAX"
UNSAVED = "*IGNINQMSG"
"""Special value of DLTOPT: no question is asked about a receiver that was not saved. Source: DLTJRNRCV, DLTOPT."""

_MANAGED = ("*SYSTEM", "*USER")
_JOURNAL = "*JRN"
_TELL_EVERY = 50_000
_COLUMNS = (
    Column("Receiver"),
    Column("Status"),
    Column("Attached"),
    Column("Detached"),
    Column("First entry", right=True),
    Column("Last entry", right=True),
    Column("Size KB", right=True),
)


def _receiver_name(value: str) -> str:
    upper = value.upper()
    if not 1 <= len(upper) <= 10:
        raise CommandError("GWL0113", keyword="JRNRCV", value=value, allowed="name of a receiver")
    return upper


def _receivers(context: Context) -> Sequence[Choice]:
    with context.opened() as session:
        there = [each for each in list_receivers(session) if each.deleted_at is None]
        return [
            Choice(each.name, f"{state(each)}, entries {each.first_sequence}-{each.last_sequence}") for each in there
        ]


JOURNAL = Parameter("JRN", "Journal", one_of("JRN", ("QAUDJRN",)), default="QAUDJRN", special=("QAUDJRN",))
"""The one journal there is."""
RECEIVER = Parameter("JRNRCV", "Journal receiver", _receiver_name, choices="Name, F4 for list", list_values=_receivers)
"""A receiver that is there; required."""


def _limit(keyword: str, prompt: str, most: int, none: str, unit: str) -> Parameter:
    check = with_special(number(keyword, 1, most), none)
    return Parameter(keyword, prompt, check, length=10, special=(none,), choices=f"1-{most} {unit}, {none}")


class ChangeJournal(Command):
    """Attaches another receiver, or changes how receivers are managed."""

    name = "CHGJRN"
    text = "Change Journal"
    authority = (AUDIT,)
    parameters = (
        JOURNAL,
        *as_it_is(
            (
                Parameter(
                    "JRNRCV", "Journal receiver", with_special(_receiver_name, GENERATE), special=(GENERATE,),
                    choices="Name, *SAME, *GEN",
                ),
                _limit("THRESHOLD", "Threshold of a receiver, KB", 1_000_000_000, NONE, "KB"),
                Parameter("MNGRCV", "Manage receivers", one_of("MNGRCV", _MANAGED), special=_MANAGED),
                Parameter("DLTRCV", "Delete what was not saved", one_of("DLTRCV", tuple(YesNo)), special=tuple(YesNo)),
                _limit("KEEPDAYS", "Keep receivers, days", 36_500, NOMAX, "days"),
                _limit("KEEPSIZE", "Keep receivers, KB", 1_000_000_000, NOMAX, "KB"),
            )
        ),
    )  # fmt: skip
    changes = True

    @classmethod
    def current(cls, context: Context, values: Mapping[str, str]) -> Mapping[str, str]:
        """Return the attributes; the receiver stays as it is."""
        with context.opened() as session:
            return attribute_values(attributes(session))

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Change them, then the receiver."""
        said = []
        with context.opened() as session:
            before = attribute_values(attributes(session))
            wanted = {keyword: values[keyword] for keyword in before if keyword != "JRNRCV"}
            if wanted != {keyword: before[keyword] for keyword in wanted}:
                set_attributes(session, _fields(wanted))
                record(context, "Journal QAUDJRN changed", before=dict(before), after=dict(wanted))
                said.append(message("GWL0623"))
            if values["JRNRCV"] != SAME:
                name = "" if values["JRNRCV"] == GENERATE else values["JRNRCV"]
                old, new = change_receiver(session, name, clock=context.clock)
                said.append(message("GWL0624", receiver=old, attached=new))
        return Result(messages=tuple(said) or (message("GWL0625"),), changed=bool(said))


def attribute_values(held: JournalAttributes) -> dict[str, str]:
    """Return the attributes of the journal by keyword."""
    return {
        "JRNRCV": SAME,
        "THRESHOLD": str(held.threshold_kb or NONE),
        "MNGRCV": held.manage_receivers,
        "DLTRCV": held.delete_receivers,
        "KEEPDAYS": str(held.keep_days or NOMAX),
        "KEEPSIZE": str(held.keep_kb or NOMAX),
    }


def _fields(values: Mapping[str, str]) -> dict[str, object]:
    return {
        "threshold_kb": 0 if values["THRESHOLD"] == NONE else int(values["THRESHOLD"]),
        "manage_receivers": values["MNGRCV"],
        "delete_receivers": values["DLTRCV"],
        "keep_days": 0 if values["KEEPDAYS"] == NOMAX else int(values["KEEPDAYS"]),
        "keep_kb": 0 if values["KEEPSIZE"] == NOMAX else int(values["KEEPSIZE"]),
    }


class WorkWithJournalAttributes(Command):
    """Shows the journal and its receivers."""

    name = "WRKJRNA"
    text = "Work with Journal Attributes"
    authority = (AUDIT,)
    parameters = (JOURNAL,)

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show them."""
        with context.opened() as session:
            held = attribute_values(attributes(session))
            rows = list_receivers(session)
            fault = key_fault(session)
        heading = labelled(
            (
                ("Journal", "QAUDJRN"),
                *((prompt, held[key]) for key, prompt in ATTRIBUTE_PROMPTS),
                *([("Journal key", line(fault))] if fault else []),
            )
        )
        listed = table(_COLUMNS, (receiver_row(each) for each in rows))
        return Result(lines=(*heading, "", *listed), panel="WorkWithJournalAttributes", arguments=dict(values))


ATTRIBUTE_PROMPTS = tuple((each.keyword, each.prompt) for each in ChangeJournal.parameters[2:])
"""Keyword and prompt of each attribute that CHGJRN changes."""


def receiver_row(receiver: Receiver) -> tuple[object, ...]:
    """Return a receiver as a row of a list."""
    return (
        receiver.name,
        state(receiver),
        local_time(receiver.attached_at),
        local_time(receiver.detached_at),
        receiver.first_sequence,
        receiver.last_sequence if receiver.last_sequence >= receiver.first_sequence else "",
        -(-receiver.size_bytes // 1024),
    )


def local_time(moment: datetime | None) -> str:
    """Return a time as operators read it; nothing for none."""
    return "" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


class DisplayReceiver(Command):
    """Shows all of one receiver."""

    name = "DSPJRNRCVA"
    text = "Display Journal Receiver Attr"
    authority = (AUDIT,)
    parameters = (RECEIVER,)

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show it."""
        with context.opened() as session:
            held = find_receiver(session, values["JRNRCV"])
            key = public_text(key_of_reader(session)) if held.signature else ""
        pairs = (
            ("Receiver", held.name),
            ("Status", state(held)),
            ("Attached", local_time(held.attached_at)),
            ("Detached", local_time(held.detached_at)),
            ("Saved", local_time(held.saved_at)),
            ("First entry", held.first_sequence),
            ("Last entry", held.last_sequence),
            ("Size in KB", -(-held.size_bytes // 1024)),
            ("Hash before the first entry", held.before_hash),
            ("Hash of the last entry", held.last_hash),
            ("Last checkpoint", held.checkpoints or ""),
            ("Signature", held.signature),
            ("Public key of the journal", key),
        )
        return Result(lines=labelled(pairs))


class SaveReceiver(Command):
    """Saves a receiver to a file that can be verified without the store."""

    name = "SAVJRNRCV"
    text = "Save Journal Receiver"
    authority = (AUDIT, ALLOBJ)
    parameters = (RECEIVER, TO_FILE, REPLACE)

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Write the file, check it, then record that the receiver was saved.

        Not one transaction: that would keep entries from being written all the time. A detached receiver does not
        change any more.
        """
        name = values["JRNRCV"]
        with context.opened() as session:
            receiver = find_receiver(session, name)
            if receiver.detached_at is None:
                raise JournalError("GWL0620", receiver=name)
            path = output_path(context, values, f"{name}.jsonl")
            with written(path, replace=values["REPLACE"] == YesNo.YES) as file:
                for count, text in enumerate(saved_lines(session, receiver)):
                    file.write(text)
                    if count % _TELL_EVERY == 0:
                        context.tell(message("GWL0637", count=f"{count:,}").text)
        with path.open("rb") as lines:
            verdict = check_lines(lines)
        context.tell("")
        if verdict.bad_entry is not None:
            raise JournalError("GWL0621", path=path, bad_entry=verdict.bad_entry)
        self._record(context, name, path)
        return Result(messages=(message("GWL0626", receiver=name, entries=verdict.entries, path=path),))

    def _record(self, context: Context, name: str, path: Path) -> None:
        done = f"SAVJRNRCV JRNRCV({name}) TOFILE('{path}')"
        with transaction(context.store) as session:
            mark_saved(session, name, context.clock())
            add_audit(session, "CD", at=context.clock(), user=context.user, job=context.job, text=done, detail=done)
        wakeup.notify(context.store)


class DeleteReceiver(Command):
    """Deletes a receiver; its entries go bit by bit."""

    name = "DLTJRNRCV"
    text = "Delete Journal Receiver"
    authority = (AUDIT,)
    parameters = (
        RECEIVER,
        Parameter(
            "DLTOPT", "Delete option", one_of("DLTOPT", (NONE, UNSAVED)), default=NONE, special=(NONE, UNSAVED)
        ),
    )  # fmt: skip
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Mark it; the worker does the rest."""
        name = values["JRNRCV"]
        with context.opened() as session:
            gone = delete_receiver(session, name, unsaved=values["DLTOPT"] == UNSAVED, at=context.clock())
            held = {"first": gone.first_sequence, "last": gone.last_sequence, "hash": gone.last_hash}
            record(context, f"Journal receiver {name} deleted", before=held)
        return Result(messages=(message("GWL0627", receiver=name),))


class VerifyJournal(Command):
    """Checks that the journal, or a saved receiver, is what was written."""

    name = "VFYJRN"
    text = "Verify Journal"
    authority = (AUDIT,)
    parameters = (
        JOURNAL,
        Parameter(
            "FROMFILE", "Saved receiver", str, length=256, default=_JOURNAL, special=(_JOURNAL,), names_file=True,
            choices="Path, *JRN", monocase=False, quoted=True,
        ),
        Parameter(
            "RBDIDX", "Rebuild index", one_of("RBDIDX", tuple(YesNo)), length=4, default=YesNo.NO, special=tuple(YesNo)
        ),
    )  # fmt: skip

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Walk along it."""
        if values["FROMFILE"].upper() != _JOURNAL:
            return Result(messages=(check_file(Path(values["FROMFILE"]).expanduser()),))
        with reading(context.store) as session:
            verdict = verify(session)
        if verdict.hidden and values["RBDIDX"] == YesNo.YES:
            rebuild_index(context.store, verdict)
            return Result(messages=(message("GWL0629", count=len(verdict.hidden)),))
        if verdict.message_id != WHOLE:
            raise JournalError(verdict.message_id, **verdict.values())
        return Result(messages=(message(verdict.message_id, **verdict.values()),))


def rebuild_index(store: Store, verdict: Verdict) -> None:
    """Forget the index of blocks that hide entries; the worker makes it again."""
    with transaction(store) as session:
        for block in verdict.hidden:
            forget_blocks(session, block, block)
    wakeup.notify(store)


def check_file(path: Path, trusted: str = "") -> Message:
    """Check a saved receiver, or an export that has a seal beside it.

    Args:
        path: The file.
        trusted: Public key that it must be signed with; empty for whichever it names.

    Raises:
        JournalError: It is not what was saved, or cannot be read.
    """
    if seal_of(path).exists():
        sealed = check_export(path, trusted)
        return message("GWL062C", path=path, lines=sealed.lines, key=sealed.public_key)
    try:
        with open_regular(path) as lines:
            verdict = check_lines(lines, trusted)
    except OSError as error:
        raise JournalError("GWL0622", reason=error.strerror or error) from error
    if verdict.bad_entry is not None:
        raise JournalError("GWL0621", path=path, bad_entry=verdict.bad_entry)
    return message("GWL0628", entries=verdict.entries, receiver=verdict.receiver, key=verdict.public_key)


COMMANDS: tuple[type[Command], ...] = (
    WorkWithJournalAttributes,
    ChangeJournal,
    SaveReceiver,
    DeleteReceiver,
    DisplayReceiver,
    VerifyJournal,
)
