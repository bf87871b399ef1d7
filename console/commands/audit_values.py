"""What the auditing system values may hold, and what is said when one is changed; pure.

The words are those of `console.policy.audit_levels`; the checks give the canonical spelling: upper case, the star in
front, each word once, in the order written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from console.commands.definition import Choice
from console.errors import CommandError
from console.messages import Message, message
from console.policy.audit_levels import (
    AUDLVL,
    AUDLVL2,
    CONTAINS,
    LEVELS,
    MOST_FORCED,
    MOST_LEVELS,
    NETCMN,
    NETUDP,
    NONE,
    NOQTEMP,
    NOT_OF_USERS,
    NOTIFY,
    OBJAUD,
    REFUSE,
    SYS,
    Auditing,
    contradictions,
)
from console.store.system_values import CONTROL, END_ACTION, FORCE_LEVEL, MORE_LEVELS
from console.store.system_values import LEVELS as LEVEL_VALUE

_CONTROLS = {
    NONE: "No auditing of actions",
    AUDLVL: "What the levels say",
    OBJAUD: "Objects: nothing here",
    NOQTEMP: "QTEMP: nothing here",
}
_END_ACTIONS = {REFUSE: "New calls are refused", NOTIFY: "Calls go on without an entry"}
_MORE = {AUDLVL2: "Those in QAUDLVL2, too"}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a system value is."""

    text: str
    check: Callable[[str], str]
    """Returns the canonical spelling, or raises a `CommandError`."""
    words: Mapping[str, str]
    """Word -> what it means, for F4."""
    shown: str
    """What may be written, in a line."""
    type: str = "*SEC"
    """As WRKSYSVAL groups them: security."""
    most: int = 1
    """How many words it may hold; 0 for any number."""

    @property
    def is_list(self) -> bool:
        """Whether it holds words beside each other."""
        return self.most != 1

    @property
    def choices(self) -> Sequence[Choice]:
        """The words, for F4."""
        return tuple(Choice(word, text) for word, text in self.words.items())


def split_words(value: str) -> tuple[str, ...]:
    """Return the words of a value in upper case, each once, with the star in front where it was left out."""
    spelt = (word if word.startswith("*") else f"*{word}" for word in value.upper().split())
    return tuple(dict.fromkeys(spelt))


def words_check(name: str, known: Iterable[str], *, most: int = 0) -> Callable[[str], str]:
    """Return the check of a list of words, of which *NONE stands alone.

    Args:
        name: Of the system value, or the keyword.
        known: The words it takes.
        most: How many; 0 for any number.
    """
    taken = tuple(known)

    def check(value: str) -> str:
        words = split_words(value)
        unknown = next((word for word in words if word not in taken), None)
        if unknown is not None or not words:
            raise CommandError("GWL0680", name=name, value=unknown or value, allowed=", ".join(taken))
        if NONE in words and len(words) > 1:
            raise CommandError("GWL0681", name=name, words=" ".join(words), alone=NONE)
        if most and len(words) > most:
            raise CommandError("GWL0689", name=name, count=len(words), most=most)
        return " ".join(words)

    return check


def _check_control(value: str) -> str:
    words = words_check(CONTROL, _CONTROLS)(value)
    if words == NOQTEMP:
        raise CommandError("GWL0681", name=CONTROL, words=words, alone=NOQTEMP)
    return words


def _check_force_level(value: str) -> str:
    if value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= MOST_FORCED:
        return str(int(value))
    if value.upper() in (SYS, SYS[1:]):
        return SYS
    raise CommandError("GWL0680", name=FORCE_LEVEL, value=value, allowed=f"{SYS}, 1 to {MOST_FORCED}")


def _check_end_action(value: str) -> str:
    words = words_check(END_ACTION, _END_ACTIONS)(value)
    if " " in words:
        raise CommandError("GWL0680", name=END_ACTION, value=words, allowed=", ".join(_END_ACTIONS))
    return words


_LEVEL_WORDS = {NONE: "None", **_MORE, **LEVELS}
_MORE_WORDS = {NONE: "None", **LEVELS}

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        CONTROL: Kind(
            "Auditing control", _check_control, _CONTROLS, "*NONE, *AUDLVL, *OBJAUD, *NOQTEMP", most=len(_CONTROLS)
        ),
        END_ACTION: Kind("Auditing end action", _check_end_action, _END_ACTIONS, "*REFUSE, *NOTIFY"),
        FORCE_LEVEL: Kind(
            "Force auditing data", _check_force_level, {SYS: "The system decides"}, f"*SYS, 1-{MOST_FORCED}"
        ),
        LEVEL_VALUE: Kind(
            "Security auditing level",
            words_check(LEVEL_VALUE, _LEVEL_WORDS, most=MOST_LEVELS),
            _LEVEL_WORDS,
            "*NONE, *AUDLVL2, *NETSCK, *NETFAIL...",
            most=MOST_LEVELS,
        ),
        MORE_LEVELS: Kind(
            "Security auditing level extension",
            words_check(MORE_LEVELS, _MORE_WORDS),
            _MORE_WORDS,
            "*NONE, *NETSCK, *NETFAIL...",
            most=0,
        ),
    }
)
"""System value -> what it is."""

USER_LEVELS: Mapping[str, str] = MappingProxyType(
    {NONE: "Those of the system only", **{level: text for level, text in LEVELS.items() if level not in NOT_OF_USERS}}
)
"""What may be a user's."""

_PARTS = frozenset().union(*(CONTAINS[whole] for whole in CONTAINS if whole != NETCMN))
ALL_LEVELS = tuple(level for level in LEVELS if level != NETCMN and level not in _PARTS)
"""What *ALL of CHGSECAUD stands for: every level, each once."""


def spread(levels: Sequence[str]) -> tuple[str, str]:
    """Return what QAUDLVL and QAUDLVL2 hold for a list of levels that may be longer than QAUDLVL is."""
    if len(levels) <= MOST_LEVELS:
        return " ".join(levels) or NONE, NONE
    first, rest = levels[: MOST_LEVELS - 1], levels[MOST_LEVELS - 1 :]
    return " ".join((*first, AUDLVL2)), " ".join(rest)


def warnings(before: Auditing, after: Auditing) -> tuple[Message, ...]:
    """Return what is to be said of values as they are now: what contradicts, and what makes many entries."""
    said = [message(message_id, **blanks) for message_id, blanks in contradictions(after)]
    if NETUDP in _all(after) - _all(before):
        said.append(message("GWL068F"))
    return tuple(said)


def _all(auditing: Auditing) -> frozenset[str]:
    own = (level for levels in auditing.users.values() for level in levels)
    return frozenset((*auditing.levels, *auditing.more_levels, *own))
