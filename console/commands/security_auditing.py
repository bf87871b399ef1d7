"""The commands on auditing as a whole, and on the audit levels of users."""

from __future__ import annotations

import json
import pwd
from collections.abc import Callable, Mapping

from console.commands.audit_values import ALL_LEVELS, KINDS, USER_LEVELS, split_words, spread, warnings, words_check
from console.commands.definition import Choice, Command, Context, Parameter, Result
from console.commands.keywords import as_it_is, users
from console.commands.listing import labelled
from console.commands.system_values import ALL, LONGEST_VALUE, change
from console.errors import CommandError
from console.messages import Message, message
from console.model.words import AUDIT
from console.policy.audit_levels import AUDLVL, AUDLVL2, DEFAULT_SET, LEVELS, NONE, NOQTEMP, OBJAUD, Auditing
from console.store.journal import attached_receiver
from console.store.outbox import add_audit
from console.store.system_values import (
    CONTROL,
    END_ACTION,
    FORCE_LEVEL,
    MORE_LEVELS,
    get_auditing,
    get_user_levels,
    get_values,
    set_user_levels,
)
from console.store.system_values import LEVELS as LEVEL_VALUE

DEFAULT_SET_WORD = "*DFTSET"
_LONGEST_USERS = 240
_LONGEST_NAME = 64
_NO_USER = "*%"
"""How names begin that are no user's: special values and groups."""
_FOR_ALL_CONTROL = " ".join((AUDLVL, OBJAUD, NOQTEMP))


def _or(word: str, stands_for: str, check: Callable[[str], str]) -> Callable[[str], str]:
    """Return a check that takes a word for what it stands for."""
    return lambda value: stands_for if value.upper() in (word, word[1:]) else check(value)


_check_levels = _or(
    ALL,
    " ".join(ALL_LEVELS),
    _or(DEFAULT_SET_WORD, " ".join(DEFAULT_SET), words_check(LEVEL_VALUE, (NONE, *LEVELS))),
)


def effective(auditing: Auditing) -> tuple[str, ...]:
    """Return the levels of QAUDLVL, and those of QAUDLVL2 where it says so."""
    more = auditing.more_levels if AUDLVL2 in auditing.levels else ()
    return tuple(level for level in (*auditing.levels, *more) if level not in (AUDLVL2, NONE)) or (NONE,)


class ChangeSecurityAuditing(Command):
    """Changes what is audited: QAUDCTL, and QAUDLVL with QAUDLVL2 as one list."""

    name = "CHGSECAUD"
    text = "Change Security Auditing"
    authority = (AUDIT,)
    parameters = as_it_is(
        (
            Parameter(
                CONTROL,
                "QAUDCTL system value",
                _or(ALL, _FOR_ALL_CONTROL, KINDS[CONTROL].check),
                length=len(_FOR_ALL_CONTROL),
                special=(ALL, *KINDS[CONTROL].words),
                choices="*SAME, *ALL, *NONE, *AUDLVL...",
                many=True,
            ),
            Parameter(
                LEVEL_VALUE,
                "QAUDLVL and QAUDLVL2",
                _check_levels,
                length=LONGEST_VALUE,
                special=(ALL, DEFAULT_SET_WORD, NONE),
                choices="*SAME, *ALL, *DFTSET, levels; F4",
                many=True,
                list_values=lambda context: [
                    Choice(ALL, "Every level"),
                    Choice(DEFAULT_SET_WORD, " ".join(DEFAULT_SET)),
                    Choice(NONE, "None"),
                    *(Choice(level, text) for level, text in LEVELS.items()),
                ],
            ),
        )
    )
    positional = 2
    changes = True

    @classmethod
    def current(cls, context: Context, values: Mapping[str, str]) -> Mapping[str, str]:
        """Return the values as they are."""
        del values
        with context.opened() as session:
            auditing = get_auditing(session)
        return {CONTROL: " ".join(auditing.control), LEVEL_VALUE: " ".join(effective(auditing))}

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Change them."""
        with context.opened() as session:
            was, held = get_auditing(session), get_values(session)
            wanted = {CONTROL: values[CONTROL]}
            if values[LEVEL_VALUE] != " ".join(effective(was)):
                wanted[LEVEL_VALUE], wanted[MORE_LEVELS] = spread(values[LEVEL_VALUE].split())
            changed = {name: value for name, value in wanted.items() if value != held[name]}
            for name, value in changed.items():
                change(session, context, name, held[name], value)
            after = get_auditing(session)
        if not changed:
            return Result(messages=(message("GWL0690"),), changed=False)
        return Result(messages=(message("GWL068C", names=", ".join(changed)), *warnings(was, after)))


class DisplaySecurityAuditing(Command):
    """Shows what is audited."""

    name = "DSPSECAUD"
    text = "Display Security Auditing"
    authority = (AUDIT,)

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show it."""
        with context.opened() as session:
            pairs = auditing_pairs(session_values=get_values(session), receiver=attached_receiver(session).name)
            own = get_user_levels(session)
            said = warnings(get_auditing(session), get_auditing(session))
        lines = labelled((*pairs, *((f"Levels of {user}", " ".join(levels)) for user, levels in own.items())))
        return Result(messages=said, lines=lines, panel="DisplaySecurityAuditing", arguments=dict(values))


def auditing_pairs(session_values: Mapping[str, str], receiver: str) -> tuple[tuple[str, str], ...]:
    """Return what DSPSECAUD shows of the whole system, as labels and values."""
    return (
        ("Security journal exists", "YES"),
        ("Journal receiver attached", receiver),
        ("QAUDCTL system value", session_values[CONTROL]),
        ("QAUDLVL system value", session_values[LEVEL_VALUE]),
        ("QAUDLVL2 system value", session_values[MORE_LEVELS]),
        ("QAUDENDACN system value", session_values[END_ACTION]),
        ("QAUDFRCLVL system value", session_values[FORCE_LEVEL]),
    )


def _check_users(value: str) -> str:
    names = tuple(dict.fromkeys(value.upper().split()))
    wrong = next((name for name in names if len(name) > _LONGEST_NAME or name[0] in _NO_USER), None)
    if not names or wrong:
        allowed = "user profiles, no group and no generic name"
        raise CommandError("GWL0113", keyword="USRPRF", value=wrong or value, allowed=allowed)
    return " ".join(names)


class ChangeUserAuditing(Command):
    """Changes the audit levels of users, which hold besides those of the system."""

    name = "CHGUSRAUD"
    text = "Change User Auditing"
    authority = (AUDIT,)
    parameters = (
        Parameter(
            "USRPRF",
            "User profile",
            _check_users,
            length=_LONGEST_USERS,
            choices="Names; F4 for list",
            many=True,
            list_values=lambda context: [each for each in users(context) if each.value[0] not in _NO_USER],
        ),
        *as_it_is(
            (
                Parameter(
                    "AUDLVL",
                    "User action auditing",
                    words_check("AUDLVL", USER_LEVELS),
                    length=LONGEST_VALUE,
                    special=(NONE,),
                    choices="*SAME, *NONE, levels; F4 for list",
                    many=True,
                    list_values=lambda context: [Choice(level, text) for level, text in USER_LEVELS.items()],
                ),
            )
        ),
    )
    positional = 2
    changes = True

    @classmethod
    def current(cls, context: Context, values: Mapping[str, str]) -> Mapping[str, str]:
        """Return the levels of the first of the users as they are."""
        with context.opened() as session:
            own = get_user_levels(session).get(values["USRPRF"].split()[0], ())
        return {"USRPRF": values["USRPRF"], "AUDLVL": " ".join(own) or NONE}

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Change them."""
        names, levels = values["USRPRF"].split(), split_words(values["AUDLVL"])
        levels = () if levels == (NONE,) else levels
        with context.opened() as session:
            was, held = get_auditing(session), get_user_levels(session)
            changed = [name for name in names if held.get(name, ()) != levels]
            for name in changed:
                set_user_levels(session, name, levels)
                before, after = " ".join(held.get(name, ())) or NONE, " ".join(levels) or NONE
                add_audit(
                    session,
                    "AD",
                    at=context.clock(),
                    user=context.user,
                    job=context.job,
                    text=f"Audit levels of {name} changed from {before} to {after}",
                    detail=json.dumps({"type": "U", "name": name, "before": before, "after": after}),
                )
            said = (*(_unknown(name) for name in changed if not _is_here(name)), *warnings(was, get_auditing(session)))
        shown = {"users": " ".join(names), "levels": " ".join(levels) or NONE}
        if not changed:
            return Result(messages=(message("GWL0691", **shown),), changed=False)
        return Result(messages=(message("GWL068D", **shown), *said))


def _unknown(name: str) -> Message:
    return message("GWL068E", user=name)


def _is_here(user: str) -> bool:
    try:
        pwd.getpwnam(user.lower())
    except (KeyError, ValueError):
        return any(entry.pw_name.upper() == user for entry in pwd.getpwall())
    return True


COMMANDS: tuple[type[Command], ...] = (ChangeSecurityAuditing, DisplaySecurityAuditing, ChangeUserAuditing)
