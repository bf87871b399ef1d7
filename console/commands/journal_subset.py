"""Which entries of the journal a command is about: the keywords that DSPJRN and DSPAUDRPT share, and what they mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from console.commands.definition import Choice, Context, Parameter
from console.commands.host import service_port
from console.commands.job_names import ANY_JOB
from console.commands.keywords import ANY_USER, checked, exit_point_check, one_of, users, with_special
from console.commands.seen import joined, seen_in_journal
from console.errors import CommandError
from console.journal.describe import ENTRY_TYPES, SK_TYPES
from console.journal.moments import LAST, LONGEST, SPANS, check_moment, span_of
from console.model.journal import Receiver
from console.model.words import DEFAULT_SEQUENCE, ExitPoint, Outcome
from console.policy.fields import DFT, MAX_PORT, check_address, whole_number
from console.policy.rule import ANY
from console.store.journal import JournalFilter, attached_receiver

QAUDJRN = "QAUDJRN"
ALL = "*ALL"
FIRST = "*FIRST"
CURRENT = "*CURRENT"
CHAIN = "*CURCHAIN"

_LARGEST = 2**62
"""Far above any sequence number, and within what a database counts with."""
_NO_RECEIVER = "GWL0631"
_NO_NETWORK = "GWL0632"
_WORD = re.compile(r"[A-Z][A-Z0-9]{0,9}", re.ASCII)
_GENERIC_ADDRESS = re.compile(r"[0-9A-F.:]+\*", re.ASCII | re.IGNORECASE)


def _types(value: str) -> str:
    check = one_of("ENTTYP", (ALL, *ENTRY_TYPES))
    found = [check(each) for each in value.split()]
    if ALL in found and len(found) > 1:
        raise CommandError("GWL0113", keyword="ENTTYP", value=value, allowed=f"{ALL} alone, or types")
    return " ".join(dict.fromkeys(found)) or ALL


def _moment_check(keyword: str, special: str) -> Callable[[str], str]:
    return lambda value: special if value.upper() == special else check_moment(value, keyword)


def _number_check(keyword: str, special: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        found = whole_number(value, 1, _LARGEST)
        if found is None:
            raise CommandError("GWL0113", keyword=keyword, value=value, allowed=f"1 to {_LARGEST}, {special}")
        return found

    return with_special(check, special)


def _receivers(value: str) -> str:
    names = value.upper().split()
    is_one = len(names) == 1 and (names[0] in (CHAIN, CURRENT) or _WORD.fullmatch(names[0]))
    is_range = len(names) == 2 and _WORD.fullmatch(names[0]) and (names[1] == CURRENT or _WORD.fullmatch(names[1]))
    if not (is_one or is_range):
        allowed = f"{CHAIN}, {CURRENT}, a receiver, or the first and the last of several"
        raise CommandError("GWL0113", keyword="RCVRNG", value=value, allowed=allowed)
    return " ".join(names)


def _address_check(keyword: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if _GENERIC_ADDRESS.fullmatch(value):
            return value.lower()
        found = check_address(value, keyword)
        if found == ANY:
            return ALL
        if "-" in found:
            raise CommandError(_NO_NETWORK, keyword=keyword, value=value)
        return found

    return with_special(check, ALL)


def _port_check(keyword: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        port = service_port(value.lower()) if value[:1].isalpha() else None
        found = whole_number(value, 1, MAX_PORT) if port is None else str(port)
        if found is None:
            raise CommandError("GWL0113", keyword=keyword, value=value, allowed=f"1 to {MAX_PORT}, a service, {ALL}")
        return found

    return with_special(check, ALL)


def _program_check(value: str) -> str:
    found = checked("program", "PGM")(value)
    return ALL if found == ANY else found


def _choice(keyword: str, prompt: str, words: Sequence[str]) -> Parameter:
    return Parameter(keyword, prompt, one_of(keyword, words), default=ALL, special=tuple(words))


def _moment(keyword: str, prompt: str, default: str) -> Parameter:
    return Parameter(
        keyword,
        prompt,
        _moment_check(keyword, default),
        length=LONGEST,
        default=default,
        special=(default, *SPANS),
        choices=f"Date time, {LAST} n, *TODAY, {default}...",
        many=True,
        is_phrase=True,
    )


_SEEN_AS = {
    "RMTADR": "remote_address",
    "RMTPORT": "remote_port",
    "LCLADR": "local_address",
    "LCLPORT": "local_port",
    "IPADR": "remote_address",
    "PORT": "remote_port",
}
"""Keyword -> field of the journal whose values F4 lists."""


def _address(keyword: str, prompt: str) -> Parameter:
    choices = "Address, network/n, generic*, *ALL"
    return Parameter(
        keyword, prompt, _address_check(keyword), length=43, default=ALL, special=(ALL,), choices=choices, quoted=True,
        list_values=seen_in_journal(_SEEN_AS[keyword], Choice(ALL, "Every address")),
    )  # fmt: skip


def _port(keyword: str, prompt: str) -> Parameter:
    return Parameter(
        keyword,
        prompt,
        _port_check(keyword),
        length=12,
        default=ALL,
        special=(ALL,),
        choices="1-65535, service, *ALL",
        list_values=seen_in_journal(_SEEN_AS[keyword], Choice(ALL, "Every port")),
    )


FROM_TIME = _moment("FROMTIME", "Starting date and time", FIRST)
TO_TIME = _moment("TOTIME", "Ending date and time", LAST)
WHAT: tuple[Parameter, ...] = (
    Parameter(
        "ENTTYP",
        "Entry types",
        _types,
        length=43,
        default=ALL,
        special=(ALL,),
        choices="*ALL, SK, JS, GR, CD... or several",
        many=True,
        list_values=lambda context: [Choice(ALL, "All types"), *(Choice(*each) for each in ENTRY_TYPES.items())],
    ),
    replace(
        _choice("SKTYPE", "Socket entry type", (ALL, *SK_TYPES)),
        special=(ALL,),
        choices="*ALL, A, C, L, I, O, P...",
        list_values=lambda context: [Choice(ALL, "All"), *(Choice(*each) for each in SK_TYPES.items())],
    ),
    _choice("OUTCOME", "Outcome", (ALL, *Outcome)),
    replace(ANY_USER, list_values=joined(seen_in_journal("user_name", Choice(ALL, "Everyone")), users)),
    replace(ANY_JOB, choices="Name, part of it, generic*, *ALL"),
    Parameter(
        "PGM",
        "Program",
        with_special(_program_check, ALL),
        length=128,
        default=ALL,
        special=(ALL,),
        choices="Path, generic*, *ALL",
        monocase=False,
        quoted=True,
        list_values=seen_in_journal("program", Choice(ALL, "Every program")),
    ),
    _address("RMTADR", "Remote address"),
    _port("RMTPORT", "Remote port"),
    _address("LCLADR", "Local address"),
    _port("LCLPORT", "Local port"),
    replace(_address("IPADR", "Either address"), additional=True),
    replace(_port("PORT", "Either port"), additional=True),
    Parameter(
        "EXITPNT",
        "Exit point",
        exit_point_check("EXITPNT", ALL),
        length=16,
        default=ALL,
        special=(ALL, *ExitPoint),
    ),
    Parameter(
        "SEQNBR",
        "Rule that decided",
        with_special(checked("sequence", "SEQNBR"), ALL),
        length=5,
        default=ALL,
        special=(ALL, DFT),
        choices="1-99998, *DFT, *ALL",
    ),
)
"""What the entries are about."""
PLACE: tuple[Parameter, ...] = (
    Parameter(
        "RCVRNG",
        "Range of journal receivers",
        _receivers,
        length=21,
        default=CHAIN,
        special=(CHAIN, CURRENT),
        choices="*CURCHAIN, *CURRENT, first last",
        many=True,
        is_phrase=True,
        additional=True,
    ),
    Parameter(
        "FROMENTLRG",
        "Starting sequence number",
        _number_check("FROMENTLRG", FIRST),
        length=20,
        default=FIRST,
        special=(FIRST,),
        choices="Number, *FIRST",
        additional=True,
    ),
    Parameter(
        "TOENTLRG",
        "Ending sequence number",
        _number_check("TOENTLRG", LAST),
        length=20,
        default=LAST,
        special=(LAST,),
        choices="Number, *LAST",
        additional=True,
    ),
)
"""Where in the journal they are."""


def journal_filter(context: Context, values: Mapping[str, str]) -> JournalFilter:
    """Return which entries a command with these values is about; what is relative to now is so to now.

    Args:
        context: Tells the time, and reads the receivers.
        values: By keyword; one that is missing does not restrict.

    Raises:
        CommandError: A receiver is named that is not there.
    """
    wanted = {keyword: value for keyword, value in values.items() if value not in (ALL, FIRST, LAST, CHAIN)}
    start, end = _times(wanted, context.clock())
    only = JournalFilter(
        journal="" if wanted.get("JRN", QAUDJRN) == QAUDJRN else wanted["JRN"],
        entry_type=wanted.get("ENTTYP", ""),
        sk_type=wanted.get("SKTYPE", ""),
        outcome=wanted.get("OUTCOME", ""),
        exit_point=wanted.get("EXITPNT", ""),
        user=wanted.get("USRPRF", ""),
        job=wanted.get("JOB", ""),
        program=wanted.get("PGM", ""),
        address=wanted.get("IPADR", ""),
        port=_number(wanted.get("PORT")),
        local_address=wanted.get("LCLADR", ""),
        remote_address=wanted.get("RMTADR", ""),
        local_port=_number(wanted.get("LCLPORT")),
        remote_port=_number(wanted.get("RMTPORT")),
        rule=DEFAULT_SEQUENCE if wanted.get("SEQNBR") == DFT else _number(wanted.get("SEQNBR")),
        from_number=_number(wanted.get("FROMENTLRG")),
        to_number=_number(wanted.get("TOENTLRG")),
        from_time=start,
        to_time=end,
    )
    if "RCVRNG" not in wanted or only.journal:
        return only
    return _within(context, only, wanted["RCVRNG"].split())


def _times(wanted: Mapping[str, str], now: datetime) -> tuple[datetime | None, datetime | None]:
    start, end = wanted.get("FROMTIME"), wanted.get("TOTIME")
    return span_of(start, now).start if start else None, span_of(end, now).end if end else None


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


def _within(context: Context, only: JournalFilter, names: Sequence[str]) -> JournalFilter:
    """Return a filter with the sequence numbers of receivers.

    Raises:
        CommandError: One of them is not there.
    """
    with context.opened() as session:
        first, last = (
            attached_receiver(session) if name == CURRENT else session.get(Receiver, name)
            for name in (names[0], names[-1])
        )
    for name, found in zip((names[0], names[-1]), (first, last), strict=True):
        if found is None:
            raise CommandError(_NO_RECEIVER, value=name, keyword="RCVRNG")
    low = max(only.from_number or 1, first.first_sequence if first else 1)
    if last is None or last.detached_at is None:
        return replace(only, from_number=low)
    high = min(only.to_number or _LARGEST, last.last_sequence)
    return replace(only, from_number=low, to_number=high)
