"""All system values: what each is and what it may hold; those of auditing are in `console.commands.audit_values`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from console.commands import audit_values
from console.commands.audit_values import Kind
from console.errors import CommandError
from console.model.words import ALLOBJ, AUDIT, SECADM
from console.people.passwords import MOST_CHARACTERS, REQUIRED_DIFFERENCE
from console.store.system_values import (
    INACTIVITY,
    MOST_SIGN_ONS,
    PASSWORD_DAYS,
    PASSWORD_DIFFERENCE,
    PASSWORD_LENGTH,
    SIGN_ON_ACTION,
)


def _number(name: str, low: int, high: int, *words: str) -> Callable[[str], str]:
    """Return the check of a whole number between two bounds, or one of some words."""
    allowed = ", ".join((*words, f"{low} to {high}"))

    def check(value: str) -> str:
        upper = value.upper()
        spelt = upper if upper.startswith("*") else f"*{upper}"
        if spelt in words:
            return spelt
        if not (value.isascii() and value.isdigit()) or len(value) > len(str(high)) or not low <= int(value) <= high:
            raise CommandError("GWL1041", name=name, value=value, allowed=allowed)
        return str(int(value))

    return check


_ACTIONS = {"1": "End the session", "2": "Disable the profile", "3": "Both"}
_DIFFERENCES = {
    digit: f"From the last {count}" if count else "From none" for digit, count in REQUIRED_DIFFERENCE.items()
}

SIGN_ON_KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        INACTIVITY: Kind(
            "Inactive session time-out",
            _number(INACTIVITY, 5, 300, "*NONE"),
            {"*NONE": "Never"},
            "*NONE, 5-300 minutes",
            type="*SYSCTL",
        ),
        SIGN_ON_ACTION: Kind("Action when QMAXSIGN is met", _number(SIGN_ON_ACTION, 1, 3), _ACTIONS, "1, 2, 3"),
        MOST_SIGN_ONS: Kind(
            "Sign-on attempts allowed",
            _number(MOST_SIGN_ONS, 1, 25, "*NOMAX"),
            {"*NOMAX": "Any number"},
            "*NOMAX, 1-25",
        ),
        PASSWORD_DAYS: Kind(
            "Password expiration interval",
            _number(PASSWORD_DAYS, 1, 366, "*NOMAX"),
            {"*NOMAX": "Never"},
            "*NOMAX, 1-366 days",
        ),
        PASSWORD_LENGTH: Kind(
            "Password minimum length", _number(PASSWORD_LENGTH, 1, MOST_CHARACTERS), {}, f"1-{MOST_CHARACTERS}"
        ),
        PASSWORD_DIFFERENCE: Kind(
            "Required difference in passwords", _number(PASSWORD_DIFFERENCE, 0, 8), _DIFFERENCES, "0-8"
        ),
    }
)
"""System value of signing on -> what it is. Source: Security reference, system values; ranges as there."""

KINDS: Mapping[str, Kind] = MappingProxyType(dict(sorted({**audit_values.KINDS, **SIGN_ON_KINDS}.items())))
"""System value -> what it is, by name."""


TYPES: Mapping[str, str] = MappingProxyType({"*SEC": "Security", "*SYSCTL": "System control"})
"""Type of a system value, as IBM i groups them -> what it is."""


def authority_of(name: str) -> tuple[str, ...]:
    """Return what somebody needs to change a system value. Source: Security reference, QAUDCTL and QPWDMINLEN."""
    return (SECADM, ALLOBJ) if name in SIGN_ON_KINDS else (AUDIT,)
