"""The parameters of commands on alerts and their destinations, and what alerts and destinations are in their values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from console.alerts.conditions import fields_named, parse
from console.alerts.entry_fields import FIELD_TEXTS
from console.commands.definition import Choice, Context, Parameter
from console.commands.keywords import BLANK, TEXT, number, one_of, with_special
from console.commands.language import SAME
from console.errors import CommandError
from console.model.alerts import (
    MOST_SECONDS,
    MOST_THRESHOLD,
    Alert,
    AlertDestination,
    Channel,
    Probe,
    Security,
    Telling,
)
from console.model.messages import SEVERITY_MAX
from console.model.words import YesNo
from console.policy.secret import NO_SECRET, Secret
from console.store.alerts import MSGQ, list_alerts, list_destinations

NONE = "*NONE"
"""Special value: nothing of the kind."""
WITHIN_WORD = "*WITHIN"
"""Special value of CLEAR: as long as WITHIN says."""
DFT = "*DFT"
"""Special value of a port or sender: the usual one."""

_NAME = re.compile(r"[A-Z$#@][A-Z0-9$#@_]{0,9}")
_MOST_DESTINATIONS = 10
_CONDITION_LENGTH = 301
"""Seven rows of the prompter."""


def name_check(keyword: str) -> Callable[[str], str]:
    """Return the check of a name of up to ten characters."""

    def check(value: str) -> str:
        upper = value.upper()
        if not _NAME.fullmatch(upper):
            raise CommandError("GWL0935", keyword=keyword, value=value)
        return upper

    return check


def _condition(value: str) -> str:
    return str(parse(value))


def _fields(value: str) -> str:
    return " ".join(fields_named(value)) or NONE


def _destinations(value: str) -> str:
    names = [name if name == MSGQ else name_check("SENDTO")(name) for name in value.upper().split()]
    if len(names) > _MOST_DESTINATIONS:
        raise CommandError("GWL0113", keyword="SENDTO", value=value, allowed=f"up to {_MOST_DESTINATIONS} names")
    return " ".join(dict.fromkeys(names))


def _alert_choices(context: Context) -> Sequence[Choice]:
    with context.opened() as session:
        return [Choice(alert.name, alert.text) for alert in list_alerts(session)]


def _destination_choices(context: Context) -> Sequence[Choice]:
    with context.opened() as session:
        return [Choice(each.name, each.text or each.channel) for each in list_destinations(session)]


def _send_choices(context: Context) -> Sequence[Choice]:
    return [Choice(MSGQ, "Message queue QSYSOPR"), *_destination_choices(context)]


def _field_choices(context: Context) -> Sequence[Choice]:
    del context
    return [Choice(NONE, "None"), *(Choice(name, text) for name, text in FIELD_TEXTS.items())]


def _characters(keyword: str, prompt: str, length: int, choices: str, *special: str) -> Parameter:
    """Return a parameter of characters as they are keyed; the first special value is its default."""
    return Parameter(
        keyword, prompt, str, length=length, default=special[0], special=special, choices=choices, monocase=False,
        quoted=True,
    )  # fmt: skip


def _counted(keyword: str, prompt: str, least: int, most: int, default: str, what: str = "") -> Parameter:
    """Return a parameter that is a whole number."""
    choices = f"{least}-{most} {what}".rstrip()
    return Parameter(
        keyword, prompt, number(keyword, least, most), length=len(str(most)), default=default, choices=choices
    )


def _worded(keyword: str, prompt: str, words: Sequence[str], default: str | None = None) -> Parameter:
    """Return a parameter that is one of some words."""
    return Parameter(keyword, prompt, one_of(keyword, tuple(words)), default=default, special=tuple(words))


def _names(keyword: str, prompt: str) -> Parameter:
    """Return a parameter of fields of an entry."""
    return Parameter(
        keyword, prompt, with_special(_fields, NONE), length=86, default=NONE, special=(NONE,),
        choices="Field names, *NONE", monocase=False, many=True, list_values=_field_choices,
    )  # fmt: skip


ALERT = Parameter("ALERT", "Alert", name_check("ALERT"), choices="Name, F4 for list", list_values=_alert_choices)
"""Name of an alert that is there; required."""
NEW_ALERT = replace(ALERT, choices="Name", list_values=None)
TO_ALERT = replace(NEW_ALERT, keyword="TOALERT", prompt="To alert", check=name_check("TOALERT"))

_CONDITION = replace(
    _characters("COND", "Condition", _CONDITION_LENGTH, "outcome = *REJECTED AND ...", ""),
    check=_condition, default=None, special=(),
)  # fmt: skip

ALERT_VALUES: tuple[Parameter, ...] = (
    _CONDITION,
    _names("PER", "Counted per"),
    _counted("THRESHOLD", "Threshold", 1, MOST_THRESHOLD, "1"),
    _counted("WITHIN", "Within", 1, MOST_SECONDS, "60", "seconds"),
    _names("DISTINCT", "Different values of"),
    Parameter(
        "SENDTO", "Send to", _destinations, length=86, default=MSGQ, special=(MSGQ,),
        choices="*MSGQ, names of destinations", many=True, list_values=_send_choices,
    ),
    _counted("SEV", "Severity", 0, SEVERITY_MAX, "40"),
    _worded("TELL", "Tell", tuple(Telling), Telling.SUMMARY),
    _counted("QUIET", "Quiet time", 0, MOST_SECONDS, "600", "seconds"),
    replace(
        _counted("CLEAR", "Over after", 1, MOST_SECONDS, WITHIN_WORD, "seconds, *WITHIN"),
        check=with_special(number("CLEAR", 1, MOST_SECONDS), WITHIN_WORD), length=7, special=(WITHIN_WORD,),
    ),
    replace(_worded("ACTIVE", "Active", tuple(YesNo), YesNo.YES), length=4),
    TEXT,
    replace(
        _CONDITION, keyword="CLRCOND", prompt="Condition that ends it", check=with_special(_condition, NONE),
        default=NONE, special=(NONE,), choices="Condition, *NONE", additional=True,
    ),
    replace(_worded("PROBE", "Journal as intrusion", tuple(Probe), Probe.NONE), additional=True),
)  # fmt: skip
"""What an alert says besides its name, in the order in which it is shown."""

DESTINATION = Parameter(
    "DEST", "Destination", name_check("DEST"), choices="Name, F4 for list", list_values=_destination_choices
)
"""Name of a destination that is there; required."""
NEW_DESTINATION = replace(DESTINATION, choices="Name", list_values=None)

DESTINATION_VALUES: tuple[Parameter, ...] = (
    _worded("CHANNEL", "Channel", tuple(Channel)),
    _characters("TARGET", "Target", 430, "Addresses, URL, command, *NONE", NONE),
    _characters("SERVER", "Mail server", 128, "Name or address, *NONE", NONE),
    replace(
        _counted("PORT", "Port of the mail server", 1, 65535, DFT, "*DFT"),
        check=with_special(number("PORT", 1, 65535), DFT), special=(DFT,), choices="1-65535, *DFT",
    ),
    _worded("SECURITY", "Security", tuple(Security), Security.NONE),
    _characters("SENDER", "Sender", 86, "Mail address, *DFT", DFT),
    _characters("USERID", "User id", 64, "Characters, *NONE", NONE),
    replace(_characters("SECRET", "Secret", 430, "Keyed unseen, *NONE", NONE), secret=True),
    _counted("TIMLMT", "Time limit in seconds", 1, 600, "30"),
    TEXT,
)  # fmt: skip
"""What a destination says besides its name, in the order in which it is shown."""

_EMPTY = {"PER", "DISTINCT", "CLRCOND", "TARGET", "SERVER", "USERID"}
"""Keywords whose `*NONE` is kept as an empty text."""


def alert_of(values: Mapping[str, str], *, name: str, since_number: int) -> Alert:
    """Make an alert of a command's values.

    Args:
        values: Canonical values by keyword.
        name: Its name.
        since_number: Entries after this one count.
    """
    given = {keyword: "" if keyword in _EMPTY and value == NONE else value for keyword, value in values.items()}
    return Alert.model_validate(
        {
            "name": name,
            "active": given["ACTIVE"] == YesNo.YES,
            "condition": given["COND"],
            "clear_condition": given["CLRCOND"],
            "per": given["PER"],
            "distinct": given["DISTINCT"],
            "threshold": int(given["THRESHOLD"]),
            "within_s": int(given["WITHIN"]),
            "clear_s": 0 if given["CLEAR"] == WITHIN_WORD else int(given["CLEAR"]),
            "telling": given["TELL"],
            "quiet_s": int(given["QUIET"]),
            "severity": int(given["SEV"]),
            "probe": given["PROBE"],
            "send_to": given["SENDTO"],
            "text": given["TEXT"],
            "since_number": since_number,
        }
    )


def alert_values(alert: Alert) -> dict[str, str]:
    """Return an alert as a command's values, by keyword."""
    return {
        "COND": alert.condition,
        "PER": alert.per or NONE,
        "THRESHOLD": str(alert.threshold),
        "WITHIN": str(alert.within_s),
        "DISTINCT": alert.distinct or NONE,
        "SENDTO": alert.send_to,
        "SEV": str(alert.severity),
        "TELL": alert.telling.value,
        "QUIET": str(alert.quiet_s),
        "CLEAR": str(alert.clear_s) if alert.clear_s else WITHIN_WORD,
        "ACTIVE": (YesNo.YES if alert.active else YesNo.NO).value,
        "TEXT": alert.text or BLANK,
        "CLRCOND": alert.clear_condition or NONE,
        "PROBE": alert.probe.value,
    }


def destination_of(values: Mapping[str, str], *, name: str, sealed_secret: str = "") -> AlertDestination:
    """Make a destination of a command's values.

    Args:
        values: Canonical values by keyword.
        name: Its name.
        sealed_secret: Its secret as the store keeps it.
    """
    given = {keyword: "" if keyword in _EMPTY and value == NONE else value for keyword, value in values.items()}
    return AlertDestination.model_validate(
        {
            "name": name,
            "channel": given["CHANNEL"],
            "target": given["TARGET"],
            "server": given["SERVER"],
            "port": 0 if given["PORT"] == DFT else int(given["PORT"]),
            "security": given["SECURITY"],
            "sender": "" if given["SENDER"] == DFT else given["SENDER"],
            "user_id": given["USERID"],
            "sealed_secret": sealed_secret,
            "time_limit_s": int(given["TIMLMT"]),
            "text": given["TEXT"],
        }
    )


def destination_values(destination: AlertDestination) -> dict[str, str]:
    """Return a destination as a command's values, by keyword; its secret is ``*SAME``, or ``*NONE``."""
    return {
        "CHANNEL": destination.channel.value,
        "TARGET": destination.target or NONE,
        "SERVER": destination.server or NONE,
        "PORT": str(destination.port or DFT),
        "SECURITY": destination.security.value,
        "SENDER": destination.sender or DFT,
        "USERID": destination.user_id or NONE,
        "SECRET": SAME if destination.sealed_secret else NONE,
        "TIMLMT": str(destination.time_limit_s),
        "TEXT": destination.text or BLANK,
    }


def secret_given(value: str) -> Secret:
    """Return the secret that a value gives; none for ``*NONE``."""
    return NO_SECRET if value == NONE else Secret(value)
