"""One journal entry, every field named and in its group; pure: reads an entry and nothing else.

The groups follow IBM i: the heading fields of QJORDJE5 and, for SK, the entry-specific data of QASYSKJ5, with the names
those have. What IBM i does not have is in groups of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from console.journal.chain import FIELDS
from console.journal.describe import SK_TYPES, code_text, is_about_call, subtype_text
from console.model.journal import JournalEntry
from console.model.words import DEFAULT_SEQUENCE, EXIT_POINT_NAMES, ExitPoint, Outcome

NONE = "*NONE"

_OUTCOMES = {
    Outcome.ALLOWED.value: "the call went on",
    Outcome.REJECTED.value: "the call was refused",
    Outcome.MONITOR.value: "it would have been refused in *ENFORCE; in *MONITOR it went on",
}
_HEX_BYTES = 16


class Named(NamedTuple):
    """A field of an entry with its name."""

    label: str
    value: str
    help_key: str = ""


class Group(NamedTuple):
    """Fields that belong together."""

    title: str
    fields: tuple[Named, ...]


class EsdField(NamedTuple):
    """One field of the entry-specific data of an SK entry."""

    label: str
    name: str
    """Field of `JournalEntry`."""
    length: int


SK_LAYOUT: tuple[EsdField, ...] = (
    EsdField("Entry type", "sk_type", 1),
    EsdField("Local IP address", "local_address", 15),
    EsdField("Local port", "local_port", 5),
    EsdField("Remote IP address", "remote_address", 15),
    EsdField("Remote port", "remote_port", 5),
    EsdField("Address family", "address_family", 10),
    EsdField("Local IP address, long", "local_address", 46),
    EsdField("Remote IP address, long", "remote_address", 46),
    EsdField("Outcome", "outcome", 10),
    EsdField("Exit point", "exit_point", 10),
    EsdField("Rule", "rule_sequence", 5),
    EsdField("Revision", "revision", 10),
)
"""Entry-specific data as we show it. To the remote port as in IBM's QASYSKJ5; so are the three fields after that, which
there stand behind fields on mail that we do not have. The outcome and what follows are ours."""


def entry_specific_data(entry: JournalEntry) -> str:
    """Return what an entry records beside its heading: fixed fields for SK, else the command or the values."""
    if entry.entry_type != "SK":
        return entry.detail or entry.text
    return "".join(str(getattr(entry, name)).ljust(length)[:length] for _, name, length in SK_LAYOUT)


def hexadecimal(data: str) -> Iterator[tuple[int, str, str]]:
    """Yield the octets of entry-specific data: the column of the first from 1, its octets, and their characters.

    Units: Columns of octets in UTF-8; sixteen a row.
    """
    octets = data.encode("utf-8", "surrogatepass")
    for start in range(0, len(octets), _HEX_BYTES):
        part = octets[start : start + _HEX_BYTES]
        words = (part[at : at + 4].hex().upper() for at in range(0, len(part), 4))
        yield start + 1, " ".join(words), "".join(chr(each) if 0x20 <= each < 0x7F else "." for each in part)


def as_json(entry: JournalEntry) -> str:
    """Return an entry as JSON with the names of the exports, a field a line; escaped to ASCII."""
    values = {name: getattr(entry, name) for name in (*FIELDS, "chain_hash")}
    return json.dumps(values, default=_json_value, indent=1, ensure_ascii=True)


def _json_value(value: object) -> str:
    return (
        value.isoformat(timespec="microseconds").replace("+00:00", "Z") if isinstance(value, datetime) else str(value)
    )


def groups(entry: JournalEntry, names: Mapping[str, str] = {}) -> tuple[Group, ...]:
    """Return every field of an entry with its name.

    Args:
        entry: The entry.
        names: Address -> name of the host, for those that were asked for.
    """
    is_call = is_about_call(entry.entry_type, entry.exit_point)
    specific = _sockets(entry, names) if is_call else _details(entry)
    return (*specific, _heading(entry), _trust(entry))


def _sockets(entry: JournalEntry, names: Mapping[str, str]) -> tuple[Group, ...]:
    hosts = [
        Named(label, names[address], "HOST_NAME")
        for label, address in (("Local host name", entry.local_address), ("Remote host name", entry.remote_address))
        if address in names
    ]
    kind = SK_TYPES.get(entry.sk_type, "")
    data = Group(
        "Entry-specific data",
        (
            Named("Entry type", _with_words(_value(entry.sk_type), kind), "SK_TYPE"),
            *_plain(
                entry,
                ("Address family", "address_family"),
                ("Local IP address", "local_address"),
                ("Local port", "local_port"),
                ("Remote IP address", "remote_address"),
                ("Remote port", "remote_port"),
            ),
            *hosts,
        ),
    )
    return data, Group("Decision (Greenwall's own)", _decision(entry))


def _decision(entry: JournalEntry) -> tuple[Named, ...]:
    meaning = _OUTCOMES.get(entry.outcome, "")
    return (
        Named("Outcome", _with_words(_value(entry.outcome), meaning), "OUTCOME"),
        Named("Exit point", _exit_point(entry.exit_point), "EXIT_POINT"),
        Named("Rule that decided", _rule(entry.rule_sequence), "RULE_SEQUENCE"),
        *_plain(
            entry,
            ("Revision of the policy", "revision"),
            ("SOCKS server", "socks_server"),
            ("Decided in microseconds", "decision_us"),
            ("Text", "text"),
            *([("Detail", "detail")] if entry.detail else []),
        ),
    )


def _details(entry: JournalEntry) -> tuple[Group, ...]:
    about = [Named("Text", _value(entry.text), "TEXT")]
    if entry.sk_type:
        kind = subtype_text(entry.entry_type, entry.sk_type)
        about.append(Named("Entry type", _with_words(entry.sk_type, kind), "SK_TYPE"))
    if entry.exit_point:
        about.append(Named("Exit point", _exit_point(entry.exit_point), "EXIT_POINT"))
    if entry.outcome:
        about.append(Named("Outcome", entry.outcome, "OUTCOME"))
    if entry.revision:
        about.append(Named("Revision of the policy", str(entry.revision), "REVISION"))
    ends = ("local_address", "local_port", "remote_address", "remote_port")
    about += [
        Named(_END_LABELS[name], str(getattr(entry, name)), name.upper()) for name in ends if getattr(entry, name)
    ]
    values = _recorded(entry.detail)
    if not values and entry.detail and entry.detail != entry.text:
        label = "Command" if entry.entry_type == "CD" else "Detail"
        about.append(Named(label, entry.detail, "DETAIL"))
    found = [Group("Entry-specific data", tuple(about))]
    return (*found, Group("Values", values)) if values else tuple(found)


_END_LABELS = {
    "local_address": "Local IP address",
    "local_port": "Local port",
    "remote_address": "Remote IP address",
    "remote_port": "Remote port",
}


def _recorded(detail: str) -> tuple[Named, ...]:
    """Return the values that a change left, each with what it was before; nothing when the detail is no such record."""
    try:
        said = json.loads(detail) if detail.startswith("{") else None
    except (ValueError, RecursionError):
        return ()
    if not isinstance(said, dict):
        return ()
    before, after = said.pop("before", None), said.pop("after", None)
    found = [Named(_label(name), _shown(value), "DETAIL") for name, value in said.items()]
    if isinstance(before, dict) or isinstance(after, dict):
        found += _changes(before if isinstance(before, dict) else {}, after if isinstance(after, dict) else {})
    else:
        given = (("before", before), ("after", after))
        found += [Named(_label(name), _shown(value), "DETAIL") for name, value in given if value is not None]
    return tuple(found)


def _changes(before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[Named]:
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        told = [*_told_changes(old), *_told_changes(new)]
        if told:
            yield from told
            continue
        if name not in before:
            text = _shown(new)
        elif name not in after:
            text = f"{_shown(old)}  (before)"
        else:
            text = _shown(new) if old == new else f"{_shown(new)}  (before: {_shown(old)})"
        yield Named(_label(name), text, "DETAIL")


def _told_changes(value: object) -> Iterator[Named]:
    """Yield the changes of a policy that an activation records, one by one; nothing for any other value."""
    for each in value if isinstance(value, list) else ():
        if not (isinstance(each, dict) and {"what", "kind", "before", "after"} <= each.keys()):
            return
        old, new = each["before"], each["after"]
        text = f"{_shown(new)}  (before: {_shown(old)})" if old and new else _shown(new or old)
        yield Named(f"{_shown(each['kind']).capitalize()} {_shown(each['what'])}"[:30], text, "DETAIL")


def _label(name: object) -> str:
    return str(name).replace("_", " ").strip().capitalize()[:30] or "Value"


def _shown(value: object) -> str:
    if isinstance(value, str):
        return value or NONE
    return json.dumps(value, ensure_ascii=False)


def _with_words(code: str, words: str) -> str:
    """Return a code with what it is called behind it."""
    return f"{code}  -  {words}" if words else code


def _heading(entry: JournalEntry) -> Group:
    """Return the heading fields, with the names of QJORDJE5; all but number, time and type, which stand above all."""
    number, user, job = _job_parts(entry.qualified_job_name)
    return Group(
        "Heading fields",
        (
            Named("Journal code", _with_words(entry.journal_code, code_text(entry.journal_code)), "CODE"),
            Named("Name of job", _value(job), "QUALIFIED_JOB_NAME"),
            Named("User name", _value(user), "QUALIFIED_JOB_NAME"),
            Named("Job number", _value(number), "QUALIFIED_JOB_NAME"),
            *_plain(
                entry,
                ("User profile", "user_name"),
                ("Process id", "pid"),
                ("Program", "program"),
                ("Receiver", "receiver_name"),
            ),
        ),
    )


def _trust(entry: JournalEntry) -> Group:
    names = (("Guard", "guard_id"), ("Guard's running number", "guard_number"), ("Chain hash", "chain_hash"))
    return Group("Where it came from, and its hash", _plain(entry, *names))


def timestamp(moment: datetime) -> str:
    """Return a time in this system's time zone, to the microsecond, with its distance from UTC."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S.%f %z}"


def _job_parts(name: str) -> Sequence[str]:
    parts = name.split("/", 2)
    return parts if len(parts) == 3 else ("", "", name)


def _plain(entry: JournalEntry, *names: tuple[str, str]) -> tuple[Named, ...]:
    return tuple(Named(label, _value(getattr(entry, name)), name.upper()) for label, name in names)


def _value(value: object) -> str:
    return str(value) if value not in ("", 0) else NONE


def _rule(sequence: int) -> str:
    if not sequence:
        return NONE
    return "*DFT" if sequence == DEFAULT_SEQUENCE else str(sequence)


def _exit_point(word: str) -> str:
    if word not in tuple(ExitPoint):
        return word or NONE
    return f"{word}   {EXIT_POINT_NAMES[ExitPoint(word)][0]}"
