"""The parameters of the commands on address groups and time groups, and groups as values of commands."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from console.commands.definition import Choice, Context, Parameter
from console.commands.input_file import read_file
from console.commands.keywords import ADDRESS_LENGTH, TEXT, with_special
from console.commands.language import SAME
from console.errors import CommandError, PolicyError
from console.policy.address_groups import (
    GROUP_CHECKS,
    GROUP_KEYWORDS,
    check_member,
    group_keyword_error,
    make_address_group,
)
from console.policy.rule import ALWAYS, SYSTEM, UNBOUNDED, AddressGroup, TimeGroup
from console.policy.time_groups import (
    DAYS,
    SEVERAL_DAYS,
    TIME_CHECKS,
    TIME_KEYWORDS,
    ZONE_LENGTH,
    make_time_group,
    time_keyword_error,
)
from console.printable import printable
from console.store.groups import ADDRESS_GROUPS, TIME_GROUPS

NONE = "*NONE"
"""Special value: no members, no file, no date."""

MEMBERS_LENGTH = 301
"""Cells of the members in a prompter, seven rows: more of them come from a file."""
_PATH_LENGTH = 215
_TIMES_LENGTH = 129
_NEARLY = re.compile(r"[0-9A-Fa-f:./!%* -]+", re.ASCII)
_COMMENTS = "#;"
"""What begins a comment in a file of addresses."""


def _checked(checks: Mapping[str, Callable[..., str]], field: str, keyword: str) -> Callable[[str], str]:
    return partial(_check, checks[field], keyword)


def _check(check: Callable[..., str], keyword: str, value: str) -> str:
    return str(check(value, keyword=keyword))


def address_group_choices(context: Context) -> Sequence[Choice]:
    """Return the pending address groups, for F4."""
    with context.opened() as session:
        groups = ADDRESS_GROUPS.in_order(session)
    return [Choice(group.name, group_text(group)) for group in groups]


def group_text(group: AddressGroup) -> str:
    """Return what a list says of an address group: its text, or how many members it has."""
    count = len(group.members)
    return printable(group.text) or ("1 member" if count == 1 else f"{count} members")


def time_group_choices(context: Context) -> Sequence[Choice]:
    """Return the pending time groups, for F4."""
    with context.opened() as session:
        groups = TIME_GROUPS.in_order(session)
    return [Choice(group.name, printable(group.text) or f"{group.days} {group.times}") for group in groups]


def _path(value: str) -> str:
    if not value.isprintable() or not value.strip() or value.endswith("/"):
        raise CommandError("GWL0113", keyword="FROMFILE", value=value, allowed="path of a file")
    return value


ADDRESS_GROUP = Parameter(
    "ADRGRP", "Address group", _checked(GROUP_CHECKS, "name", "ADRGRP"), list_values=address_group_choices,
    choices="Name, F4 for list",
)  # fmt: skip
NEW_ADDRESS_GROUP = replace(ADDRESS_GROUP, list_values=None, choices="Name")
TO_ADDRESS_GROUP = replace(
    NEW_ADDRESS_GROUP, keyword="TOADRGRP", prompt="To address group", check=_checked(GROUP_CHECKS, "name", "TOADRGRP")
)
MEMBERS = Parameter(
    "MBR",
    "Members",
    with_special(_checked(GROUP_CHECKS, "members", "MBR"), NONE),
    length=MEMBERS_LENGTH,
    default=NONE,
    special=(NONE,),
    choices="Address, net/n, from-to, !not",
    many=True,
)
FROM_FILE = Parameter(
    "FROMFILE",
    "Members from file",
    with_special(_path, NONE),
    names_file=True,
    length=_PATH_LENGTH,
    default=NONE,
    special=(NONE,),
    choices="Path, *NONE",
    monocase=False,
    quoted=True,
)
GROUP_VALUES: tuple[Parameter, ...] = (MEMBERS, FROM_FILE, TEXT)
"""What an address group says besides its name."""
CHANGED_GROUP_VALUES: tuple[Parameter, ...] = (
    replace(MEMBERS, default=SAME, special=(SAME, NONE)),
    FROM_FILE,
    replace(TEXT, default=SAME, special=(SAME, *TEXT.special)),
)
"""The same of a group that is there: its members are replaced, or left."""

TIME_GROUP = Parameter(
    "TIMGRP", "Time group", _checked(TIME_CHECKS, "name", "TIMGRP"), list_values=time_group_choices,
    choices="Name, F4 for list",
)  # fmt: skip
NEW_TIME_GROUP = replace(TIME_GROUP, list_values=None, choices="Name")
TO_TIME_GROUP = replace(
    NEW_TIME_GROUP, keyword="TOTIMGRP", prompt="To time group", check=_checked(TIME_CHECKS, "name", "TOTIMGRP")
)


def _of_time(field: str, prompt: str, **more: object) -> Parameter:
    keyword = TIME_KEYWORDS[field]
    return Parameter(keyword, prompt, _checked(TIME_CHECKS, field, keyword), **more)  # type: ignore[arg-type]


TIME_VALUES: tuple[Parameter, ...] = (
    _of_time(
        "days", "Days", length=43, default=ALWAYS, special=(ALWAYS, *SEVERAL_DAYS, *DAYS), many=True,
        choices="*ALL, *WEEKDAY, *WEEKEND, *MON...",
    ),
    _of_time(
        "times", "Times", length=_TIMES_LENGTH, default=ALWAYS, special=(ALWAYS,), many=True,
        choices="hh:mm-hh:mm, or several, *ALL",
    ),
    _of_time("from_date", "First date", default=UNBOUNDED, special=(UNBOUNDED,), choices="yyyy-mm-dd, *NONE"),
    _of_time("to_date", "Last date", default=UNBOUNDED, special=(UNBOUNDED,), choices="yyyy-mm-dd, *NONE"),
    _of_time(
        "time_zone", "Time zone", length=ZONE_LENGTH, default=SYSTEM, special=(SYSTEM,), monocase=False, quoted=True,
        choices="Europe/Berlin, UTC, *SYSTEM",
    ),
    TEXT,
)  # fmt: skip
"""What a time group says besides its name, in the order in which it is shown."""

_TIME_FIELDS = {keyword: name for name, keyword in TIME_KEYWORDS.items()}


def time_group_of(values: Mapping[str, str], *, name: str) -> TimeGroup:
    """Make a time group of a command's values.

    Raises:
        PolicyError: The values contradict each other; the keyword is the command's.
    """
    fields = {_TIME_FIELDS[keyword]: value for keyword, value in values.items() if keyword in _TIME_FIELDS}
    try:
        return make_time_group(**{**fields, "name": name})
    except PolicyError as error:
        raise time_keyword_error(error) from error


def time_group_values(group: TimeGroup) -> dict[str, str]:
    """Return a time group as a command's values, by keyword."""
    return {keyword: str(getattr(group, name)) for name, keyword in TIME_KEYWORDS.items()}


def address_group_of(name: str, members: str, text: str) -> AddressGroup:
    """Make an address group.

    Raises:
        PolicyError: It has too many members; the keyword is the command's.
    """
    try:
        return make_address_group(name=name, members=members, text=text)
    except PolicyError as error:
        raise group_keyword_error(error) from error


def members_of(values: Mapping[str, str]) -> str:
    """Return the members that a command names, in MBR and in the file that FROMFILE says, with blanks between them.

    Raises:
        ConsoleError: The file cannot be read, or has something in it that is no address.
    """
    named = "" if values["MBR"] in (NONE, SAME) else values["MBR"]
    listed = [] if values["FROMFILE"] == NONE else _read_members(values["FROMFILE"])
    return " ".join([*named.split(), *listed])


def names_members(values: Mapping[str, str]) -> bool:
    """Return whether a command names any members, or a file of them."""
    return values["MBR"] not in (NONE, SAME) or values["FROMFILE"] != NONE


def _read_members(path: str) -> list[str]:
    """Return the addresses of a file, one a line; what stands behind ``#`` or ``;`` is a comment.

    Raises:
        ConsoleError: The file cannot be read, or a line is no address.
    """
    found = []
    for number, line in enumerate(read_file(path).splitlines(), 1):
        text = line
        for mark in _COMMENTS:
            text = text.partition(mark)[0]
        if not text.strip():
            continue
        try:
            found.append(check_member(text.strip(), "FROMFILE"))
        except PolicyError as error:
            raise CommandError("GWL02CE", path=path, line=number, value=_shown(text.strip())) from error
    return found


def _shown(text: str) -> str:
    """Return what a message shows of a line: only what is nearly an address.

    Whoever may change groups reads files as this process does, which may be root's for somebody who is no more than an
    operator here: what is in other files is none of his business.
    """
    return text if len(text) <= ADDRESS_LENGTH and _NEARLY.fullmatch(text) else "what stands there"


GROUP_FIELDS = {keyword: name for name, keyword in GROUP_KEYWORDS.items()}
"""Keyword of an address group -> field of `AddressGroup`."""
