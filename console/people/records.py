"""What user profiles leave in the audit journal: CP when one is changed, PW and JS at sign-on, AF when one may not.

Each entry's detail is JSON with the type that IBM's layout has for it first. No password, hash, key or code is in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from sqlmodel import Session

from console.model.user_profiles import UserProfile
from console.store.outbox import add_audit

SIGN_ON_JOB = "000000/{name}/SIGNON"
"""Qualified job name of who is not in yet."""

PASSWORD_NOT_VALID, USER_NOT_VALID, DISABLED, CODE_NOT_VALID = "P", "U", "Q", "T"
"""Types of PW entries. Source: QASYPWJ5, violation type; T is there a one-time code of the service tools only."""

PW_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        PASSWORD_NOT_VALID: "Password of user profile {name} not valid, at {place}",
        USER_NOT_VALID: "User profile {name} not valid, at {place}",
        DISABLED: "Sign-on of user profile {name} failed, which is disabled, at {place}",
        CODE_NOT_VALID: "One-time code of user profile {name} not valid, at {place}",
    }
)

NO_AUTHORITY, LIMITED = "K", "A"
"""Types of AF entries: special authority violation, and not authorized to an object, which is the command that limited
users may not key. Source: QASYAFJ5, violation type."""

_NOT_TOLD = {"password_hash", "old_hashes", "sealed_code_key", "last_code", "failures", "previous_sign_on"}


class Doer(NamedTuple):
    """Whose doing an entry tells of, and when."""

    at: datetime
    user: str
    job: str


def told(profile: UserProfile) -> dict[str, object]:
    """Return a profile by the names of its fields; of its secrets only whether there are any."""
    shown = profile.model_dump(mode="json", exclude=_NOT_TOLD)
    return {
        **{name: shown[name] for name in UserProfile.model_fields if name in shown},
        "password": "*SET" if profile.password_hash else "*NONE",
        "one_time_code": "*SET" if profile.sealed_code_key else "*NONE",
    }


def record_profile(
    session: Session,
    doer: Doer,
    command: str,
    text: str,
    *,
    name: str,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    password_changed: bool = False,
) -> None:
    """Record that a profile was changed (CP, type A).

    Args:
        session: The transaction of the change.
        doer: Who did it.
        command: ``CRT``, ``CHG`` or ``DLT``.
        text: One line for people.
        name: The profile.
        before: What it was, as `told` gives it.
        after: What it is.
        password_changed: Whether it has another password.
    """
    detail: dict[str, object] = {
        "type": "A",
        "profile": name,
        "command": command,
        "password_changed": "Y" if password_changed else "N",
    }
    if before is not None or after is not None:
        detail |= {"before": before or {}, "after": after or {}}
    add_audit(
        session,
        "CP",
        at=doer.at,
        user=doer.user,
        job=doer.job,
        text=text,
        detail=json.dumps(detail),
        more={"sk_type": "A"},
    )


def record_failure(session: Session, at: datetime, kind: str, name: str, place: str) -> None:
    """Record that somebody could not sign on (PW).

    Args:
        session: A transaction.
        at: When.
        kind: A key of `PW_TEXTS`.
        name: The profile as it was named, perhaps none.
        place: Where from.
    """
    text = PW_TEXTS[kind].format(name=name, place=place)
    detail = json.dumps({"type": kind, "user_name": name, "device": place})
    job = SIGN_ON_JOB.format(name=name)
    add_audit(session, "PW", at=at, user=name, job=job, text=text, detail=detail, more={"sk_type": kind})


def record_sign_on(session: Session, at: datetime, name: str, how: str, place: str) -> None:
    """Record that somebody has signed on (JS, type S).

    Args:
        session: A transaction.
        at: When.
        name: The profile.
        how: ``password`` or ``public key SHA256:...``.
        place: Where from.
    """
    text = f"User profile {name} signed on by {how}, at {place}"
    detail = json.dumps({"type": "S", "user_name": name, "by": how, "device": place})
    job = SIGN_ON_JOB.format(name=name)
    add_audit(session, "JS", at=at, user=name, job=job, text=text, detail=detail, more={"sk_type": "S"})


def record_refusal(session: Session, doer: Doer, kind: str, what: str, needed: str, string: str) -> None:
    """Record that somebody may not run a command or see a panel (AF).

    Args:
        session: A transaction.
        doer: Who tried.
        kind: `NO_AUTHORITY` or `LIMITED`.
        what: Name of the command or panel.
        needed: What was missing, in words.
        string: The command as far as it may be told, without passwords.
    """
    text = f"User profile {doer.user} may not run {what}: {needed}"
    detail = json.dumps({"type": kind, "object": what, "missing": needed, "command": string})
    more = {"sk_type": kind}
    add_audit(session, "AF", at=doer.at, user=doer.user, job=doer.job, text=text, detail=detail, more=more)
