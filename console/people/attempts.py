"""Attempts to sign on: let in or counted, in one transaction with the entry that says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from console.errors import SignOnError
from console.messages import describe
from console.model.user_profiles import Status, UserProfile
from console.people import codes, records
from console.people.profile import authorities, by_name, has_officer
from console.people.signed_on import SignedOn, signed_on
from console.people.ways_in import without_password
from console.policy.secret import Secret
from console.store import user_profiles as kept
from console.store import wakeup
from console.store.messages import send_message
from console.store.secrets import opened
from console.store.session import transaction
from console.store.system_values import MOST_SIGN_ONS, PASSWORD_DAYS, SIGN_ON_ACTION, get_values

if TYPE_CHECKING:
    from sqlmodel import Session

    from console.store.engine import Store

_REFUSED = "GWL1001"
"""Says the same of an unknown user, a wrong password, a wrong code and a disabled profile."""
_ACTIONS_THAT_DISABLE = ("2", "3")
"""Source: QMAXSGNACN: 1 ends the session only, 2 disables the profile, 3 does both."""
_MOST_COUNTED = 1_000_000
BY_PASSWORD = "password"  # noqa: S105 -- a word of the journal
"""How somebody signed on, as the journal says it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt."""

    name: str
    place: str
    at: datetime


def settle(store: Store, attempt: Attempt, how: str, let_in: Callable[[Session, UserProfile], str]) -> SignedOn:
    """Let somebody in or count a failure, in one transaction with the entry that says so.

    Args:
        store: The store.
        attempt: Who, where from and when.
        how: What was shown to prove it.
        let_in: Returns the type of the PW entry, nothing when everything is right; may change the profile.
    """
    found: SignedOn | None = None
    with transaction(store) as session:
        kept.lock_profiles(session)
        profile = kept.find_profile(session, attempt.name)
        failure = _failure(session, profile, let_in)
        if profile is not None and not failure:
            found = _enter(session, profile, attempt, by_password=how == BY_PASSWORD)
            records.record_sign_on(session, attempt.at, attempt.name, how, attempt.place)
        else:
            records.record_failure(session, attempt.at, failure, attempt.name, attempt.place)
            if profile is not None and _is_guess(profile, failure, how):
                _count(session, profile, attempt)
    wakeup.notify(store)
    if found is None:
        raise SignOnError(_REFUSED)
    return found


def _failure(session: Session, profile: UserProfile | None, let_in: Callable[[Session, UserProfile], str]) -> str:
    if profile is None:
        return records.USER_NOT_VALID
    if profile.status is not Status.ENABLED:
        return records.DISABLED
    return let_in(session, profile)


def _is_guess(profile: UserProfile, failure: str, how: str) -> bool:
    """Say whether a failure counts: where there is no password, none can be guessed.

    Else strangers could disable whom only a key or the operating system lets in, root at its own console for one.
    """
    if failure in (records.USER_NOT_VALID, records.DISABLED):
        return False
    return how != BY_PASSWORD or bool(profile.password_hash)


def _enter(session: Session, profile: UserProfile, attempt: Attempt, *, by_password: bool) -> SignedOn:
    profile.failures = 0
    profile.previous_sign_on = attempt.at
    kept.save_profile(session, profile)
    expired = by_password and is_expired(profile, get_values(session)[PASSWORD_DAYS], attempt.at)
    return signed_on(profile, authorities(profile, by_name(kept.list_profiles(session))), password_expired=expired)


def _count(session: Session, profile: UserProfile, attempt: Attempt) -> None:
    """Count a failure; at QMAXSIGN of them do as QMAXSGNACN says.

    The last profile that can manage the others stays enabled: else a stranger could lock everybody out for good. The
    operators are told either way.
    """
    profile.failures = min(profile.failures + 1, _MOST_COUNTED)
    values = get_values(session)
    most = number_of(values[MOST_SIGN_ONS])
    if most is not None and profile.failures >= most and values[SIGN_ON_ACTION] in _ACTIONS_THAT_DISABLE:
        profiles = by_name(kept.list_profiles(session))
        is_last = not has_officer(profiles, without_password(session), without=profile.name)
        if not is_last:
            profile.status = Status.DISABLED
        _tell(session, "GWL1005" if is_last else "GWL1004", profile, attempt)
    kept.save_profile(session, profile)


def _tell(session: Session, message_id: str, profile: UserProfile, attempt: Attempt) -> None:
    told = describe(SignOnError(message_id, user=profile.name, count=profile.failures, place=attempt.place))
    send_message(
        session,
        message_id=told.message_id,
        text=told.text,
        severity=told.severity,
        at=attempt.at,
        detail=f"{told.cause}\n{told.recovery}",
        key=f"sign-on {profile.name}",
    )


def is_expired(profile: UserProfile, days: str, now: datetime) -> bool:
    """Say whether a profile's password must be changed before anything else.

    Args:
        profile: The profile.
        days: QPWDEXPITV.
        now: What time it is.
    """
    most = number_of(days)
    changed = profile.password_changed_at
    too_old = most is not None and changed is not None and now - changed >= timedelta(days=most)
    return profile.password_expired or too_old


def number_of(value: str) -> int | None:
    """Return a number of a system value; None for *NOMAX. What is damaged counts as one, the strictest there is."""
    if value == "*NOMAX":
        return None
    return int(value) if value.isascii() and value.isdigit() else 1


def check_code(store: Store, profile: UserProfile, code: str, now: datetime) -> str:
    """Return nothing for a code that is right or not needed, and keep it from being taken again."""
    if not profile.sealed_code_key:
        return ""
    key = opened(store.location, Secret(profile.sealed_code_key, is_sealed=True))
    step = codes.step_of(key.text, code, now, after=profile.last_code) if key is not None else 0
    if not step:
        return records.CODE_NOT_VALID
    profile.last_code = step
    return ""
