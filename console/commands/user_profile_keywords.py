"""The parameters of the commands on user profiles, and what their values are in a profile."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from console.commands.definition import Choice, Context, Parameter
from console.commands.keywords import TEXT, one_of, with_special
from console.commands.language import SAME
from console.errors import CommandError
from console.model.user_profiles import MOST_GROUPS, NAME_LENGTH, Limited, Status, UserClass, UserProfile
from console.model.words import SECADM, SPECIAL_AUTHORITIES, YesNo
from console.people.administration import Administrator
from console.people.looks import DEFAULT, KEYMAPS, THEMES
from console.people.passwords import MOST_CHARACTERS
from console.people.profile import CLASS_AUTHORITIES, check_name
from console.people.records import Doer
from console.store import user_profiles as kept

CURRENT = "*CURRENT"
"""Special value of a user profile: that of who runs the command."""
NONE = "*NONE"
OF_CLASS = "*USRCLS"
_PLAIN_NAME = re.compile(r"[A-Z][A-Z0-9_-]{0,9}")
_CLASSES = {
    UserClass.SECOFR: "Security officer: everything",
    UserClass.SECADM: "Security administrator: user profiles",
    UserClass.PGMR: "Programmer: nothing special",
    UserClass.SYSOPR: "System operator: jobs",
    UserClass.USER: "User: nothing special",
}


def administrator_of(context: Context) -> Administrator:
    """Return who runs a command, as those are told who change profiles."""
    return Administrator(Doer(context.clock(), context.user, context.job), context.authorities)


def named(context: Context, value: str) -> str:
    """Return the profile that a command names, which may be one's own."""
    return context.user if value == CURRENT else value


def authority_over(context: Context, value: str) -> tuple[str, ...]:
    """Return the authority that a command needs for the profile that it names: none for one's own."""
    return () if named(context, value) == context.user else (SECADM,)


def profiles(context: Context) -> Sequence[Choice]:
    """Return the user profiles, for F4; one's own only without the authority to see others."""
    with context.opened() as session:
        found = kept.list_profiles(session)
    may_see = SECADM in context.authorities
    return [Choice(each.name, each.text) for each in found if may_see or each.name == context.user]


def _groups(context: Context) -> Sequence[Choice]:
    return [Choice(NONE, "No group"), *profiles(context)]


def _authorities(value: str) -> str:
    """Return special authorities, sorted, each once; *NONE and *USRCLS stand alone."""
    words = sorted({word if word.startswith("*") else f"*{word}" for word in value.upper().split()})
    if words in ([NONE], [OF_CLASS]):
        return words[0]
    if not words or not SPECIAL_AUTHORITIES.keys() >= set(words):
        raise CommandError("GWL1019", keyword="SPCAUT", value=value, allowed=", ".join(_AUTHORITY_WORDS))
    return " ".join(words)


_AUTHORITY_WORDS = (OF_CLASS, NONE, *SPECIAL_AUTHORITIES)


def _names(value: str) -> str:
    words = value.upper().split()
    if words == [NONE]:
        return NONE
    names = list(dict.fromkeys(check_name(word, "SUPGRPPRF") for word in words))
    if not 0 < len(names) <= MOST_GROUPS:
        raise CommandError("GWL1018", count=len(names), most=MOST_GROUPS)
    return " ".join(names)


def plain_name(keyword: str) -> Callable[[str], str]:
    """Return the check of a name of at most ten characters."""

    def check(value: str) -> str:
        upper = value.upper()
        if not _PLAIN_NAME.fullmatch(upper):
            raise CommandError("GWL1019", keyword=keyword, value=value, allowed="a name of up to 10 characters")
        return upper

    return check


def _name(keyword: str) -> Callable[[str], str]:
    return lambda value: check_name(value, keyword)


def _password(value: str) -> str:
    return value.upper() if value.upper() in (NONE, SAME) else value


def _word(keyword: str, prompt: str, words: type[StrEnum], default: StrEnum) -> Parameter:
    return Parameter(keyword, prompt, one_of(keyword, tuple(words)), default=default, special=tuple(words))


USER = Parameter(
    "USRPRF", "User profile", _name("USRPRF"), length=NAME_LENGTH, choices="Name; F4 for list", list_values=profiles
)
"""A profile that is there; required."""

NEW_USER = Parameter("USRPRF", "User profile", _name("USRPRF"), length=NAME_LENGTH, choices="Name")
TO_USER = Parameter("TOUSRPRF", "New user profile", _name("TOUSRPRF"), length=NAME_LENGTH, choices="Name")

OWN_OR_OTHER = Parameter(
    "USRPRF",
    "User profile",
    with_special(_name("USRPRF"), CURRENT),
    length=NAME_LENGTH,
    default=CURRENT,
    special=(CURRENT,),
    choices="Name, *CURRENT; F4 for list",
    list_values=profiles,
)

PASSWORD = Parameter(
    "PASSWORD",
    "User password",
    _password,
    length=MOST_CHARACTERS,
    default=NONE,
    special=(NONE,),
    choices="Password, *NONE",
    monocase=False,
    quoted=True,
    secret=True,
)

INITIAL_MENU = Parameter("INLMNU", "Initial menu", plain_name("INLMNU"), default="MAIN", choices="Name")
LOOKS: tuple[Parameter, ...] = (
    Parameter(
        "THEME",
        "Colours",
        one_of("THEME", (DEFAULT, *THEMES)),
        default=DEFAULT,
        special=(DEFAULT,),
        choices="Name, *DFT; F4 for list",
        list_values=lambda context: [Choice(name, text) for name, text in THEMES.items()],
    ),
    Parameter(
        "KEYMAP",
        "Key map",
        with_special(plain_name("KEYMAP"), DEFAULT),
        default=DEFAULT,
        special=(DEFAULT,),
        choices="Name, *DFT; F4 for list",
        list_values=lambda context: [Choice(name, text) for name, text in KEYMAPS.items()],
    ),
)

PROFILE_VALUES: tuple[Parameter, ...] = (
    PASSWORD,
    _word("PWDEXP", "Set password to expired", YesNo, YesNo.NO),
    _word("STATUS", "Status", Status, Status.ENABLED),
    Parameter(
        "USRCLS",
        "User class",
        one_of("USRCLS", tuple(UserClass)),
        default=UserClass.USER,
        special=tuple(UserClass),
        choices="F4 for list",
        list_values=lambda context: [Choice(each, text) for each, text in _CLASSES.items()],
    ),
    Parameter(
        "SPCAUT",
        "Special authority",
        _authorities,
        length=80,
        default=OF_CLASS,
        special=_AUTHORITY_WORDS,
        choices="*USRCLS, *NONE, words; F4",
        many=True,
        list_values=lambda context: [Choice(word, text) for word, text in SPECIAL_AUTHORITIES.items()],
    ),
    TEXT,
    Parameter(
        "LMTCPB",
        "Limit capabilities",
        one_of("LMTCPB", tuple(Limited)),
        default=Limited.NO,
        special=tuple(Limited),
        additional=True,
    ),
    Parameter(
        "GRPPRF",
        "Group profile",
        with_special(_name("GRPPRF"), NONE),
        length=NAME_LENGTH,
        default=NONE,
        special=(NONE,),
        choices="Name, *NONE; F4 for list",
        additional=True,
        list_values=_groups,
    ),
    Parameter(
        "SUPGRPPRF",
        "Supplementary groups",
        _names,
        length=(NAME_LENGTH + 1) * MOST_GROUPS,
        default=NONE,
        special=(NONE,),
        choices="Names, *NONE; F4 for list",
        many=True,
        additional=True,
        list_values=_groups,
    ),
    INITIAL_MENU,
    *LOOKS,
)
"""What a profile says of itself, in the order in which it is shown."""


def password_given(value: str) -> str | None:
    """Return a password as `console.people.administration` takes it: empty for *NONE, None for *SAME."""
    return {NONE: "", SAME: None}.get(value, value)


def fields_of(values: Mapping[str, str]) -> dict[str, object]:
    """Return the fields of a profile that a command's values stand for, all but name and password."""
    user_class = UserClass(values["USRCLS"])
    special = {OF_CLASS: " ".join(sorted(CLASS_AUTHORITIES[user_class])), NONE: ""}
    return {
        "status": values["STATUS"],
        "password_expired": values["PWDEXP"] == YesNo.YES,
        "user_class": user_class,
        "special_authorities": special.get(values["SPCAUT"], values["SPCAUT"]),
        "text": values["TEXT"],
        "limited": values["LMTCPB"],
        "group": _or_nothing(values["GRPPRF"]),
        "supplementary_groups": _or_nothing(values["SUPGRPPRF"]),
        "initial_menu": values["INLMNU"],
        **looks_of(values),
    }


def looks_of(values: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of the looks."""
    return {"theme": _or_nothing(values["THEME"]), "keymap": _or_nothing(values["KEYMAP"])}


def values_of_profile(profile: UserProfile) -> dict[str, str]:
    """Return a profile as a command's values, by keyword; the password stays *SAME."""
    return {
        "USRPRF": profile.name,
        "PASSWORD": SAME,
        "PWDEXP": (YesNo.YES if profile.password_expired else YesNo.NO).value,
        "STATUS": profile.status.value,
        "USRCLS": profile.user_class.value,
        "SPCAUT": profile.special_authorities or NONE,
        "TEXT": profile.text,
        "LMTCPB": profile.limited.value,
        "GRPPRF": profile.group or NONE,
        "SUPGRPPRF": profile.supplementary_groups or NONE,
        "INLMNU": profile.initial_menu,
        "THEME": profile.theme or DEFAULT,
        "KEYMAP": profile.keymap or DEFAULT,
    }


def _or_nothing(value: str) -> str:
    return "" if value in (NONE, DEFAULT) else value
