"""The parameters that several commands share, each keyword the same wherever it occurs.

Checks are those of `console.policy.fields`, so that the command language and the policy document take the same values.
"""

from __future__ import annotations

import grp
import pwd
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from console.commands.definition import Choice, Context, Parameter
from console.commands.language import SAME
from console.commands.listed import rules_there
from console.commands.seen import joined, ports_seen, seen_in_journal
from console.errors import CommandError, PolicyError
from console.model.words import DEFAULT_SEQUENCE, EXIT_POINT_NAMES, Action, Audit, ExitPoint, Fail, YesNo
from console.policy.address_groups import GROUP_MARK
from console.policy.checks import CHECKS, KEYWORDS, make_rule
from console.policy.fields import DFT
from console.policy.rule import ALL, ANY, Rule
from console.printable import printable
from console.store.groups import ADDRESS_GROUPS, TIME_GROUPS

NEXT = "*NEXT"
"""Special value of a sequence number: the next free ten."""
BLANK = "*BLANK"
"""Special value of a text: none."""

FIELDS: Mapping[str, str] = {keyword: name for name, keyword in KEYWORDS.items()}
"""Keyword of a rule -> field of `Rule`."""

_REGISTERED = {names[0]: exit_point for exit_point, names in EXIT_POINT_NAMES.items()}


def checked(field: str, keyword: str) -> Callable[[str], str]:
    """Return the check of a rule's field, which names the keyword in its errors."""
    check = CHECKS[field]
    return lambda value: str(check(value, keyword=keyword))


def one_of(keyword: str, words: Sequence[str]) -> Callable[[str], str]:
    """Return the check of a fixed set of words; case and the star in front do not matter."""
    spelt = {word.removeprefix("*"): word for word in words}

    def check(value: str) -> str:
        upper = value.upper() if value.isascii() else value
        if upper not in words and upper not in spelt:
            raise CommandError("GWL0113", keyword=keyword, value=value, allowed=", ".join(words))
        return upper if upper in words else spelt[upper]

    return check


def with_special(check: Callable[[str], str], *special: str) -> Callable[[str], str]:
    """Return a check that lets special values pass, in any case, and asks another for the rest."""
    return lambda value: value.upper() if value.upper() in special else check(value)


def number(keyword: str, low: int, high: int) -> Callable[[str], str]:
    """Return the check of a whole number between two bounds, both included."""

    def check(value: str) -> str:
        digits = value.lstrip("0") or "0"
        if not (value.isascii() and value.isdigit()) or len(digits) > len(str(high)) or not low <= int(digits) <= high:
            raise CommandError("GWL0113", keyword=keyword, value=value, allowed=f"{low} to {high}")
        return digits

    return check


def exit_point_check(keyword: str, *special: str) -> Callable[[str], str]:
    """Return the check of an exit point: its word (``*CONNECT``) or its registered name (``QIBM_QSO_CONNECT``)."""
    check = checked("exit_point", keyword)

    def named(value: str) -> str:
        registered = _REGISTERED.get(value.upper())
        return registered.value if registered else check(value)

    return with_special(named, *special)


def text_check(keyword: str = "TEXT") -> Callable[[str], str]:
    """Return the check of a description; ``*BLANK`` makes it empty."""
    check = checked("text", keyword)
    return lambda value: "" if value.upper() == BLANK else check(value)


def users(context: Context) -> Sequence[Choice]:
    """Return the users and groups of this system, those of people first, for F4."""
    del context
    users = sorted((entry.pw_uid < _FIRST_PERSON, entry.pw_name, entry.pw_gecos) for entry in pwd.getpwall())
    groups = sorted((entry.gr_gid < _FIRST_PERSON, entry.gr_name) for entry in grp.getgrall())
    return (
        Choice(ALL, "Everyone"),
        *(Choice(printable(name.upper()), printable(gecos.split(",")[0])) for _, name, gecos in users),
        *(Choice(printable(f"%{name.upper()}"), "Group") for _, name in groups),
    )


_FIRST_PERSON = 1000
"""UID_MIN and GID_MIN of login.defs(5): below are the system's own."""

EXIT_POINT = Parameter(
    "EXITPNT",
    "Exit point",
    exit_point_check("EXITPNT"),
    length=16,
    special=tuple(ExitPoint),
    list_values=lambda context: [Choice(point.value, names[2]) for point, names in EXIT_POINT_NAMES.items()],
)
"""One of the three exit points; required."""

SEQUENCE = Parameter(
    "SEQNBR", "Sequence number", checked("sequence", "SEQNBR"), length=5, special=(DFT,),
    choices="1-99998, *DFT, F4 for list", list_values=rules_there, list_for=("EXITPNT", rules_there),
)  # fmt: skip
"""Sequence number of a rule that is there; required."""

NEW_SEQUENCE = Parameter(
    "SEQNBR",
    "Sequence number",
    with_special(checked("sequence", "SEQNBR"), NEXT),
    length=5,
    default=NEXT,
    special=(NEXT,),
    choices="1-99998, *NEXT",
)
"""Sequence number of a rule to be made."""

ADDRESS_LENGTH = 79
"""Two IPv6 addresses of 39 characters and a hyphen."""


def _address(keyword: str, prompt: str) -> Parameter:
    check = checked(FIELDS[keyword], keyword)
    choices = "Address, net/n, a-b, %group, *ANY"
    return Parameter(
        keyword, prompt, check, length=ADDRESS_LENGTH, default=ANY, special=(ANY,), choices=choices, quoted=True,
        list_values=joined(_addresses, seen_in_journal(FIELDS[keyword])),
    )  # fmt: skip


def _addresses(context: Context) -> Sequence[Choice]:
    """Return what an address of a rule may be that has a name: the pending address groups."""
    with context.opened() as session:
        groups = ADDRESS_GROUPS.in_order(session)
    named = (Choice(GROUP_MARK + group.name, printable(group.text) or "Address group") for group in groups)
    return (Choice(ANY, "Every address"), *named)


def _time_groups(context: Context) -> Sequence[Choice]:
    with context.opened() as session:
        groups = TIME_GROUPS.in_order(session)
    named = (Choice(group.name, printable(group.text) or f"{group.days} {group.times}") for group in groups)
    return (Choice(ANY, "Always"), *named)


def _port(keyword: str, prompt: str) -> Parameter:
    check = checked(FIELDS[keyword], keyword)
    # Service names are lower case in canonical spelling, and may be written without apostrophes.
    return Parameter(
        keyword,
        prompt,
        check,
        length=32,
        default=ANY,
        special=(ANY,),
        choices="1-65535, from-to, service, *ANY",
        monocase=False,
        list_values=ports_seen(FIELDS[keyword], Choice(ANY, "Every port")),
    )


def _word(keyword: str, prompt: str, words: Sequence[str], default: str, *, additional: bool) -> Parameter:
    check = checked(FIELDS[keyword], keyword)
    return Parameter(keyword, prompt, check, default=default, special=tuple(words), additional=additional)


TEXT = Parameter(
    "TEXT",
    "Text 'description'",
    text_check(),
    length=50,
    default=BLANK,
    special=(BLANK,),
    choices="Up to 50 characters, *BLANK",
    monocase=False,
    quoted=True,
)

USER = Parameter(
    "USRPRF",
    "User profile",
    checked("user", "USRPRF"),
    length=33,
    default=ALL,
    special=(ALL,),
    choices="Name, generic*, %group, *ALL",
    list_values=users,
)
"""Whom a rule is about."""

ANY_USER = replace(USER, choices="Name, generic*, *ALL")
"""Whose objects a list shows."""

RULE_VALUES: tuple[Parameter, ...] = (
    USER,
    _address("LCLADR", "Local address"),
    _port("LCLPORT", "Local port"),
    _address("RMTADR", "Remote address"),
    _port("RMTPORT", "Remote port"),
    Parameter(
        "PGM",
        "Program",
        checked("program", "PGM"),
        length=128,
        default=ANY,
        special=(ANY,),
        choices="Path, generic*, *ANY",
        monocase=False,
        quoted=True,
        additional=True,
        list_values=seen_in_journal("program", Choice(ANY, "Every program")),
    ),
    Parameter(
        "TIMGRP",
        "Time group",
        checked("time_group", "TIMGRP"),
        default=ANY,
        special=(ANY,),
        choices="Name, *ANY, F4 for list",
        list_values=_time_groups,
        additional=True,
    ),
    _word("ACTION", "Action", tuple(Action), "", additional=False),
    _word("FAIL", "Rejected call fails with", tuple(Fail), Fail.EPERM, additional=True),
    _word("AUD", "Auditing", tuple(Audit), Audit.DFT, additional=True),
    _word("MSG", "Send message", tuple(YesNo), YesNo.NO, additional=True),
    _word("ACTIVE", "Active", tuple(YesNo), YesNo.YES, additional=False),
    TEXT,
)
"""What a rule says besides its place, in the order in which it is shown."""


def required(parameters: Sequence[Parameter], *keywords: str) -> tuple[Parameter, ...]:
    """Return parameters, some of them without a default."""
    return tuple(replace(each, default=None) if each.keyword in keywords else each for each in parameters)


def as_it_is(parameters: Sequence[Parameter]) -> tuple[Parameter, ...]:
    """Return parameters for a change command: each may be left as it is, and that is the default."""
    return tuple(replace(each, default=SAME, special=(SAME, *each.special)) for each in parameters)


def rule_of(values: Mapping[str, str], **instead: object) -> Rule:
    """Make a rule of a command's values.

    Args:
        values: Canonical values by keyword.
        instead: Fields of the rule that are not what the values say.

    Raises:
        PolicyError: The values contradict each other; the keyword is the command's.
    """
    fields: dict[str, object] = {FIELDS[keyword]: value for keyword, value in values.items() if keyword in FIELDS}
    try:
        return make_rule(**{**fields, **instead})
    except PolicyError as error:
        name = str(error.values.get("keyword", ""))
        raise PolicyError(error.message_id, **{**error.values, "keyword": KEYWORDS.get(name, name)}) from error


def values_of(rule: Rule) -> dict[str, str]:
    """Return a rule as a command's values, by keyword; the default rule's sequence number is ``*DFT``."""
    values = {keyword: str(getattr(rule, name)) for name, keyword in KEYWORDS.items()}
    if rule.sequence == DEFAULT_SEQUENCE:
        values["SEQNBR"] = DFT
    return values
