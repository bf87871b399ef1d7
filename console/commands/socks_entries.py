"""The commands on SOCKS entries; they change the pending policy only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from console.commands.audit import record
from console.commands.definition import Command, Context, Result
from console.commands.keywords import BLANK, NEXT, as_it_is, with_special
from console.commands.language import SAME
from console.commands.listing import labelled, socks_list, socks_tab
from console.commands.socks_keywords import (
    ENTRY_VALUES,
    NEW_SEQUENCE,
    SEQUENCE,
    SERVER_KEYWORDS,
    entry_of,
    values_of,
)
from console.errors import PolicyError
from console.messages import Message, message
from console.model.words import ALLOBJ, IOSYSCFG, SocksType
from console.policy.rule import SocksEntry
from console.policy.socks_entries import (
    SOCKS_KEYWORDS,
    check_complete,
    check_entry_sequence,
    keyword_error,
    lacks_password,
    socks_fields,
)
from console.store import socks_entries as pending
from console.store.secrets import seal

_OTHER = "another"
"""Told of a password that was replaced."""


def _read(context: Context, values: Mapping[str, str]) -> SocksEntry:
    with context.opened() as session:
        return pending.get_socks_entry(session, int(values["SEQNBR"]))


def _sealed(context: Context, entry: SocksEntry, before: SocksEntry | None = None) -> SocksEntry:
    """Return an entry as the store keeps it.

    Raises:
        PolicyError: A password is missing that was not missing before.
        StoreError: The key of the store cannot be used.
    """
    if lacks_password(entry) and not (before is not None and lacks_password(before)):
        try:
            check_complete([entry])
        except PolicyError as error:
            raise keyword_error(error) from error
    arguments = () if before is None else (before.password,)
    return replace(entry, password=seal(context.store.location, entry.password, *arguments))


def _new_sequence(context: Context, value: str) -> int:
    if value != NEXT:
        return int(value)
    with context.opened() as session:
        return pending.next_socks_sequence(session)


def _socks_done(message_id: str, entry: SocksEntry) -> Message:
    return message(message_id, sequence=entry.sequence)


def _record(context: Context, text: str, *, before: SocksEntry | None, after: SocksEntry | None) -> None:
    """Record what became of an entry; of its password only whether there is one, and whether it is another."""
    told = None if after is None else socks_fields(after)
    if before and after and told and before.password and after.password and before.password != after.password:
        told["password"] = _OTHER
    record(context, text, before=None if before is None else socks_fields(before), after=told)


class AddSocksEntry(Command):
    """Adds an entry."""

    name = "ADDSOCKSE"
    text = "Add SOCKS Entry"
    authority = (IOSYSCFG,)
    parameters = (NEW_SEQUENCE, *ENTRY_VALUES)
    positional = 2
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Add it."""
        sequence = _new_sequence(context, values["SEQNBR"])
        entry = _sealed(context, entry_of(values, sequence=sequence))
        with context.opened() as session:
            pending.add_socks_entry(session, entry)
        _record(context, f"SOCKS entry {entry.sequence} added", before=None, after=entry)
        return Result(messages=(_socks_done("GWL0170", entry),))


class ChangeSocksEntry(Command):
    """Changes an entry."""

    name = "CHGSOCKSE"
    text = "Change SOCKS Entry"
    authority = (IOSYSCFG,)
    parameters = (SEQUENCE, *as_it_is(ENTRY_VALUES))
    changes = True

    @classmethod
    def further_authority(cls, context: Context, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return what it needs to send a kept password to another server: it can be read there, as in clear."""
        if values["PASSWORD"] != SAME or values["SERVER"] == values["PORT"] == SAME:
            return ()
        before = _read(context, values)
        now = values_of(before)
        goes_elsewhere = any(values[keyword] not in (SAME, now[keyword]) for keyword in ("SERVER", "PORT"))
        return (ALLOBJ,) if before.password and goes_elsewhere else ()

    @classmethod
    def current(cls, context: Context, values: Mapping[str, str]) -> Mapping[str, str]:
        """Return the entry as it is; its password stays ``*SAME``."""
        return values_of(_read(context, values))

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Change it."""
        before = _read(context, values)
        wanted = entry_of(_without_servers(before, values), sequence=before.sequence, password=before.password)
        after = _sealed(context, wanted, before)
        if after == before:
            return Result(messages=(_socks_done("GWL0172", after),), changed=False)
        with context.opened() as session:
            pending.change_socks_entry(session, after)
        _record(context, f"SOCKS entry {after.sequence} changed", before=before, after=after)
        return Result(messages=(_socks_done("GWL0171", after),))


def _without_servers(before: SocksEntry, values: Mapping[str, str]) -> Mapping[str, str]:
    """Return values without what is said to servers and was left as it is, where an entry becomes *DIRECT."""
    if values["TYPE"] != SocksType.DIRECT or before.type is SocksType.DIRECT:
        return values
    now = values_of(before)
    defaults = {parameter.keyword: parameter.default or "" for parameter in ENTRY_VALUES}
    left = [keyword for keyword in SERVER_KEYWORDS if values[keyword] in (SAME, now[keyword])]
    return {**values, **{keyword: defaults[keyword] for keyword in left}}


class CopySocksEntry(Command):
    """Copies an entry to another place, its password too."""

    name = "CPYSOCKSE"
    text = "Copy SOCKS Entry"
    authority = (IOSYSCFG,)
    parameters = (
        SEQUENCE,
        replace(
            NEW_SEQUENCE,
            keyword="TOSEQNBR",
            prompt="To sequence number",
            check=with_special(lambda value: check_entry_sequence(value, "TOSEQNBR"), NEXT),
        ),
    )
    positional = 2
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Copy it."""
        source = _read(context, values)
        entry = replace(source, sequence=_new_sequence(context, values["TOSEQNBR"]))
        with context.opened() as session:
            pending.add_socks_entry(session, entry)
        _record(context, f"SOCKS entry {entry.sequence} copied from {source.sequence}", before=None, after=entry)
        done = message("GWL0173", sequence=source.sequence, to_sequence=entry.sequence)
        return Result(messages=(done,))


class RemoveSocksEntry(Command):
    """Removes an entry."""

    name = "RMVSOCKSE"
    text = "Remove SOCKS Entry"
    authority = (IOSYSCFG,)
    parameters = (SEQUENCE,)
    changes = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Remove it."""
        entry = _read(context, values)
        with context.opened() as session:
            pending.remove_socks_entry(session, entry.sequence)
        _record(context, f"SOCKS entry {entry.sequence} removed", before=entry, after=None)
        return Result(messages=(_socks_done("GWL0174", entry),))


class DisplaySocksEntry(Command):
    """Shows an entry."""

    name = "DSPSOCKSE"
    text = "Display SOCKS Entry"
    authority = ()
    parameters = (SEQUENCE,)

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show it."""
        entry = _read(context, values)
        told = [("Sequence number", str(entry.sequence)), *((label, value) for label, value, _ in shown_values(entry))]
        return Result(lines=labelled(told), panel="DisplaySocksEntry", arguments=dict(values))


def shown_values(entry: SocksEntry) -> list[tuple[str, str, str]]:
    """Return what an entry says: prompt, value and keyword of each; of a *DIRECT one nothing about servers."""
    said = {SOCKS_KEYWORDS[name]: value for name, value in socks_fields(entry).items()}
    values = {**values_of(entry), "PASSWORD": said["PASSWORD"]}
    is_asked = entry.type is SocksType.SOCKS
    shown = (each for each in ENTRY_VALUES if is_asked or each.keyword not in SERVER_KEYWORDS)
    return [(each.prompt, values[each.keyword] or BLANK, each.keyword) for each in shown]


class WorkWithSocksEntries(Command):
    """Shows the entries."""

    name = "WRKSOCKSE"
    text = "Work with SOCKS Entries"
    authority = ()

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show them."""
        return Result(lines=socks_list(_all(context)), panel="WorkWithSocksEntries", arguments=dict(values))


class ConfigureSocks(Command):
    """Shows the entries as the SOCKS tab does."""

    name = "CFGSOCKS"
    text = "Configure SOCKS"
    authority = ()

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show them."""
        return Result(lines=socks_tab(_all(context)), panel="ConfigureSocks", arguments=dict(values))


def _all(context: Context) -> list[SocksEntry]:
    with context.opened() as session:
        return pending.list_socks_entries(session)


COMMANDS: tuple[type[Command], ...] = (
    ConfigureSocks,
    WorkWithSocksEntries,
    AddSocksEntry,
    ChangeSocksEntry,
    CopySocksEntry,
    RemoveSocksEntry,
    DisplaySocksEntry,
)
