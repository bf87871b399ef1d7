"""The system values, of auditing and of signing on, and the audit levels of users."""

from __future__ import annotations

import string
from collections.abc import Mapping

from sqlalchemy import delete
from sqlmodel import Session, col, select

from console.model.system_values import SystemValue, UserAudit
from console.policy.audit_levels import SYS, Auditing

CONTROL, LEVELS, MORE_LEVELS = "QAUDCTL", "QAUDLVL", "QAUDLVL2"
END_ACTION, FORCE_LEVEL = "QAUDENDACN", "QAUDFRCLVL"
INACTIVITY, MOST_SIGN_ONS, SIGN_ON_ACTION = "QINACTITV", "QMAXSIGN", "QMAXSGNACN"
PASSWORD_DAYS, PASSWORD_LENGTH, PASSWORD_DIFFERENCE = "QPWDEXPITV", "QPWDMINLEN", "QPWDRQDDIF"


def values_of(auditing: Auditing) -> dict[str, str]:
    """Return the system values by name, each as its words with blanks between them."""
    return {
        CONTROL: " ".join(auditing.control),
        END_ACTION: auditing.end_action,
        FORCE_LEVEL: str(auditing.force_level or SYS),
        LEVELS: " ".join(auditing.levels),
        MORE_LEVELS: " ".join(auditing.more_levels),
    }


SIGN_ON_DEFAULTS: Mapping[str, str] = {
    INACTIVITY: "*NONE",
    SIGN_ON_ACTION: "3",
    MOST_SIGN_ONS: "3",
    PASSWORD_DAYS: "*NOMAX",
    PASSWORD_LENGTH: "8",
    PASSWORD_DIFFERENCE: "5",
}
"""The system values of signing on, as IBM i ships them but for the last two, which it ships as 6 and 0."""

DEFAULTS: Mapping[str, str] = dict(sorted({**values_of(Auditing()), **SIGN_ON_DEFAULTS}.items()))
"""What a fresh store holds, and what holds for a value whose row is missing or damaged."""


def get_values(session: Session) -> dict[str, str]:
    """Return all system values by name, in the order of their names."""
    return {**DEFAULTS, **{row.name: row.value for row in session.exec(select(SystemValue)) if row.name in DEFAULTS}}


def set_value(session: Session, name: str, value: str) -> None:
    """Change a system value.

    Args:
        session: A transaction.
        name: One of `DEFAULTS`.
        value: Checked; its words, with blanks between them.
    """
    session.merge(SystemValue.model_validate({"name": name, "value": value}))
    session.flush()


def get_auditing(session: Session) -> Auditing:
    """Return what is set, as those take it who make entries."""
    return auditing_of(get_values(session), get_user_levels(session))


def auditing_of(values: Mapping[str, str], users: Mapping[str, tuple[str, ...]]) -> Auditing:
    """Return system values and the levels of users as one object.

    Args:
        values: Name -> words.
        users: User profile -> levels.
    """
    forced = values[FORCE_LEVEL]
    return Auditing(
        control=tuple(values[CONTROL].split()),
        levels=tuple(values[LEVELS].split()),
        more_levels=tuple(values[MORE_LEVELS].split()),
        end_action=values[END_ACTION],
        force_level=int(forced) if forced and set(forced) <= set(string.digits) else 0,
        users=dict(users),
    )


def get_user_levels(session: Session) -> dict[str, tuple[str, ...]]:
    """Return the users that have audit levels of their own, in the order of their names, and the levels."""
    rows = session.exec(select(UserAudit).order_by(col(UserAudit.user)))
    return {row.user: tuple(row.levels.split()) for row in rows}


def set_user_levels(session: Session, user: str, levels: tuple[str, ...]) -> None:
    """Change the audit levels of a user.

    Args:
        session: A transaction.
        user: User profile, upper case.
        levels: Checked; none to have those of the system only.
    """
    if levels:
        session.merge(UserAudit.model_validate({"user": user, "levels": " ".join(levels)}))
    else:
        session.execute(delete(UserAudit).where(col(UserAudit.user) == user))
    session.flush()
