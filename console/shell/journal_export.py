"""The verb ``journal export``: the journal as lines for other programs, once or for as long as somebody reads them."""

from __future__ import annotations

import select
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from console.clock import Clock, system_clock
from console.errors import UsageError
from console.journal.export import entries, follow, origin
from console.journal.formats.catalogue import FORMATS, Format
from console.journal.formats.values import EntryValues, Origin
from console.journal.moments import span_of
from console.journal.outfile import private_file
from console.journal.sealed_export import seal_export
from console.journal.signer import load_key
from console.messages import message
from console.shell.output import print_message, print_text
from console.store.engine import Store
from console.store.journal import JournalFilter

STANDARD = "-"
_POLL_MS = 250
_LINES = 500
"""Lines that are written at once."""
_LONGEST_NUMBER = 18


@dataclass(frozen=True, slots=True)
class Asked:
    """What `journal export` was asked for; an empty text asks for nothing."""

    form: str = "jsonl"
    output: str = STANDARD
    replace: bool = False
    follow: bool = False
    seal: bool = False
    """Whether a seal is put beside the file."""
    texts: Mapping[str, str] | None = None
    """Option -> value, for the options in `_FIELDS`."""
    from_time: str = ""
    to_time: str = ""
    clock: Clock = system_clock


def _number(low: int, high: int | None) -> Callable[[str, str], int]:
    def check(option: str, value: str) -> int:
        digits = value.isascii() and value.isdecimal() and len(value) <= _LONGEST_NUMBER
        if not digits or int(value) < low or (high is not None and int(value) > high):
            allowed = f"a number from {low} to {high}" if high is not None else f"a number, {low} or more"
            raise UsageError("GWL0654", option=option, value=value, allowed=allowed)
        return int(value)

    return check


def _upper(_option: str, value: str) -> str:
    return value.upper()


def _starred(_option: str, value: str) -> str:
    return f"*{value.upper().removeprefix('*')}"


def _types(_option: str, value: str) -> str:
    return " ".join(value.upper().replace(",", " ").split())


def _as_it_is(_option: str, value: str) -> str:
    return value


_port = _number(0, 65535)

_FIELDS: Mapping[str, tuple[str, Callable[[str, str], object]]] = {
    "--type": ("entry_type", _types),
    "--sk-type": ("sk_type", _upper),
    "--outcome": ("outcome", _starred),
    "--exit-point": ("exit_point", _starred),
    "--user": ("user", _upper),
    "--job": ("job", _upper),
    "--program": ("program", _as_it_is),
    "--address": ("address", _as_it_is),
    "--local-address": ("local_address", _as_it_is),
    "--remote-address": ("remote_address", _as_it_is),
    "--port": ("port", _port),
    "--local-port": ("local_port", _port),
    "--remote-port": ("remote_port", _port),
    "--rule": ("rule", _number(1, 99_999)),
    "--receiver": ("receiver", _upper),
    "--since": ("from_number", _number(0, None)),
    "--until": ("to_number", _number(0, None)),
}
"""Option -> field of the filter, and what makes its value."""


def export_journal(store: Store, asked: Asked) -> None:
    """Write entries, oldest first, to standard output or a file.

    Raises:
        UsageError: An option has no such value, or standard output takes no more.
        JournalError: The file is there already, or cannot be written.
        StoreError: The store cannot be read.
    """
    form = FORMATS.get(asked.form.lower())
    if form is None:
        raise UsageError("GWL0652", format=asked.form, formats=", ".join(FORMATS))
    if asked.seal and (asked.follow or asked.output == STANDARD):
        raise UsageError("GWL062F")
    only = journal_filter(asked)
    here = origin()
    if asked.follow:
        _check_endless(asked)
        _follow(store, only, form, here)
    elif asked.output == STANDARD:
        for chunk in _chunks(_lines(entries(store, only), form, here)):
            print_text(chunk)
    else:
        count = _write_file(asked, _lines(entries(store, only), form, here))
        if asked.seal:
            key = load_key(store.location)
            seal_export(asked.output, key, form=asked.form.lower(), at=asked.clock(), replace=asked.replace)
        print_message(message("GWL0653", count=count - bool(form.header(here)), path=asked.output))


def journal_filter(asked: Asked) -> JournalFilter:
    """Return which entries are asked for; those after ``--since``, up to ``--until``.

    Raises:
        UsageError: An option has no such value.
        CommandError: A time is none.
    """
    fields: dict[str, object] = {}
    for option, value in (asked.texts or {}).items():
        if value:
            name, made = _FIELDS[option]
            fields[name] = made(option, value)
    since = fields.get("from_number")
    if isinstance(since, int):
        fields["from_number"] = since + 1
    now = asked.clock()
    if asked.from_time:
        fields["from_time"] = _moment(asked.from_time, now).start
    if asked.to_time:
        fields["to_time"] = _moment(asked.to_time, now).end
    return JournalFilter(**fields)  # type: ignore[arg-type]  # each of `_FIELDS` makes what its field takes


@dataclass(frozen=True, slots=True)
class _Exact:
    start: datetime
    end: datetime


def _moment(text: str, now: datetime) -> _Exact:
    """Return the span of a time as operators write it, or as programs do: ``2026-03-01T12:00:00Z``."""
    try:
        exact = datetime.fromisoformat(text)
    except ValueError:
        exact = None
    if exact is not None and exact.tzinfo is not None:
        return _Exact(exact, exact)
    span = span_of(text.replace("T", " ") if exact is not None else text, now)
    return _Exact(span.start, span.end)


def _check_endless(asked: Asked) -> None:
    ends = {
        "--output": asked.output != STANDARD,
        "--to": bool(asked.to_time),
        "--until": (asked.texts or {}).get("--until"),
    }
    for option, given in ends.items():
        if given:
            raise UsageError("GWL0655", option=option)


def _lines(found: Iterable[EntryValues], form: Format, here: Origin) -> Iterator[str]:
    first = form.header(here)
    if first:
        yield f"{first}\n"
    line = form.line
    for entry in found:
        yield f"{line(entry, here)}\n"


def _chunks(lines: Iterable[str]) -> Iterator[str]:
    each = iter(lines)
    while chunk := "".join(islice(each, _LINES)):
        yield chunk


def _write_file(asked: Asked, lines: Iterator[str]) -> int:
    """Write a file; return how many lines."""
    count = 0
    with private_file(asked.output, replace=asked.replace) as file:
        for line in lines:
            file.write(line)
            count += 1
    return count


def _follow(store: Store, only: JournalFilter, form: Format, here: Origin) -> None:
    """Write what is there and what comes until nobody reads it any more, which is no fault, or until Ctrl+C."""
    try:
        if first := form.header(here):
            print_text(f"{first}\n")
        for entry in follow(store, only, _somebody_reads):
            if entry is None:
                sys.stdout.flush()
            else:
                print_text(f"{form.line(entry, here)}\n")
    except BrokenPipeError:
        return


def _somebody_reads() -> bool:
    """Wait a moment; return False as soon as whoever read standard output is gone, though nothing is written to it.

    Source: poll(2): a pipe without a reader has POLLERR, asked for or not.
    """
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    return not any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(_POLL_MS))
