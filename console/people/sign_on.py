"""Signing on: a person proves to be a user profile, and gets what that profile may do.

Three ways lead in: a password (the sign-on panel, SSH), a public key (SSH, which has checked the signature), and the
operating system's word for who started us (the console and the verbs of the shell). Knows no panel and no protocol.

What a person has who signed on is settled then: a profile that is changed while it is signed on keeps what it had until
it signs on again, as on IBM i.

A password is checked outside of any transaction, as that takes long; whether it lets in is settled in the transaction
that counts. So those who try many at once gain nothing: after QMAXSIGN failures the right one comes too late.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from console.clock import Clock
from console.errors import ConsoleError, SignOnError
from console.messages import describe
from console.model.user_profiles import NAME_LENGTH, Limited, Status, UserClass, UserProfile
from console.people import codes, passwords, records
from console.people.profile import CLASS_AUTHORITIES, authorities, by_name, has_officer
from console.people.public_keys import read_key
from console.policy.secret import Secret
from console.printable import printable
from console.store import user_profiles as kept
from console.store import wakeup
from console.store.messages import send_message
from console.store.secrets import opened
from console.store.session import reading, transaction
from console.store.system_values import INACTIVITY, MOST_SIGN_ONS, PASSWORD_DAYS, SIGN_ON_ACTION, get_values

if TYPE_CHECKING:
    from sqlmodel import Session

    from console.store.engine import Store

__all__ = [
    "SignOnError",
    "SignedOn",
    "idle_minutes",
    "key_is_of",
    "most_sign_ons",
    "needs_code",
    "profile_of_host_user",
    "sign_on",
    "sign_on_by_key",
]

_REFUSED = "GWL1001"
"""Says the same of an unknown user, a wrong password, a wrong code and a disabled profile."""
_ACTIONS_THAT_DISABLE = ("2", "3")
"""Source: QMAXSGNACN: 1 ends the session only, 2 disables the profile, 3 does both."""
_MOST_COUNTED = 1_000_000
_PASSWORD = "password"  # noqa: S105 -- the word for the journal


@dataclass(frozen=True, slots=True)
class SignedOn:
    """Who has signed on, and what that person has until signing off; holds no secret."""

    name: str
    """User profile, upper case."""
    authorities: frozenset[str] = frozenset()
    """Special authorities, those of the group profiles among them: ``*SECADM``."""
    limited: bool = True
    """LMTCPB(*YES): a command line runs only commands that are `Command.for_limited`."""
    initial_menu: str = "MAIN"
    """Name of the menu to begin with, as GO takes it; ``*SIGNOFF`` is not used."""
    theme: str = ""
    """Colours, a word of the console's; empty for its default."""
    keymap: str = ""
    """Key map, likewise."""
    may_choose_menu: bool = False
    """Whether another menu may be named when signing on; not with LMTCPB(*PARTIAL) or LMTCPB(*YES)."""
    password_expired: bool = False
    """Nothing but a new password may come first (never after a sign-on by key or by the host)."""

    def with_menu(self, menu: str) -> SignedOn:
        """Return the same, beginning with another menu."""
        return replace(self, initial_menu=menu)


def sign_on(store: Store, name: str, password: str, *, code: str = "", place: str, clock: Clock) -> SignedOn:
    """Sign on with a password, and with a one-time code if the profile has one set up.

    An unknown profile takes as long as a known one and gets the same answer, as do a wrong password and a wrong code.
    A failure is counted and journalled (PW); at QMAXSIGN of them in a row QMAXSGNACN disables the profile. A success is
    journalled too (JS), and sets the count back to none.

    Args:
        store: The store.
        name: User profile, in any case.
        password: As typed.
        code: One-time code, or nothing; a profile without one ignores it.
        place: Where from, for the journal: ``pts/3``, or an address ``192.0.2.7:51234``.
        clock: What time it is.

    Raises:
        SignOnError: Refused.
        StoreError: The store cannot be read or written.
    """
    attempt = _Attempt(_spelt(name), printable(place), clock())
    kept_hash = _find(store, attempt.name, "password_hash")
    failure = "" if passwords.matches(kept_hash, password) else records.PASSWORD_NOT_VALID
    new_hash = passwords.hashed(password) if not failure and passwords.is_outdated(kept_hash) else kept_hash

    def let_in(session: Session, profile: UserProfile) -> str:
        if failure or profile.password_hash != kept_hash:
            return records.PASSWORD_NOT_VALID
        profile.password_hash = new_hash
        return _check_code(store, profile, code, attempt.at)

    return _settle(store, attempt, _PASSWORD, let_in)


def sign_on_by_key(store: Store, name: str, openssh_key: str, *, code: str = "", place: str, clock: Clock) -> SignedOn:
    """Sign on with a public key whose possession the caller has made sure of.

    Args:
        store: The store.
        name: User profile, in any case.
        openssh_key: The key as OpenSSH writes it, ``ssh-ed25519 AAAA...``; a comment behind it does not matter.
        code: One-time code, needed from a profile that has one set up.
        place: Where from, for the journal.
        clock: What time it is.

    Raises:
        SignOnError: Refused.
        StoreError: The store cannot be read or written.
    """
    attempt = _Attempt(_spelt(name), printable(place), clock())
    fingerprint = _fingerprint(openssh_key)

    def let_in(session: Session, profile: UserProfile) -> str:
        if kept.find_key(session, profile.name, fingerprint) is None:
            return records.PASSWORD_NOT_VALID
        return _check_code(store, profile, code, attempt.at)

    return _settle(store, attempt, f"public key {fingerprint}", let_in)


def sign_on_failed(store: Store, name: str, place: str, clock: Clock) -> None:
    """Count and journal a wrong password that was keyed elsewhere than at a sign-on.

    Raises:
        StoreError: The store cannot be read or written.
    """
    with suppress(SignOnError):
        _settle(store, _Attempt(_spelt(name), printable(place), clock()), _PASSWORD, _wrong)


def _wrong(session: Session, profile: UserProfile) -> str:
    del session, profile
    return records.PASSWORD_NOT_VALID


def key_is_of(store: Store, name: str, openssh_key: str) -> bool:
    """Say whether a public key is one of an enabled profile's; counts and journals nothing, as SSH clients offer many.

    Raises:
        StoreError: The store cannot be read.
    """
    fingerprint = _fingerprint(openssh_key)
    with reading(store) as session:
        profile = kept.find_profile(session, _spelt(name))
        found = fingerprint and profile and kept.find_key(session, profile.name, fingerprint)
        return bool(found) and profile is not None and profile.status is Status.ENABLED


def needs_code(store: Store, name: str) -> bool:
    """Say whether a one-time code is to be asked for; of an unknown profile it says no.

    Ask before the password is checked, and whether it is right or not: else the question gives it away.

    Raises:
        StoreError: The store cannot be read.
    """
    return bool(_find(store, _spelt(name), "sealed_code_key"))


def most_sign_ons(store: Store) -> int | None:
    """Return after how many failures in a row a session ends that is being signed on to; None for never (QMAXSIGN).

    Raises:
        StoreError: The store cannot be read.
    """
    with reading(store) as session:
        return _number(get_values(session)[MOST_SIGN_ONS])


def idle_minutes(store: Store) -> int:
    """Return after how many minutes without a key a session ends; 0 for never (QINACTITV).

    Raises:
        StoreError: The store cannot be read.
    """
    with reading(store) as session:
        value = get_values(session)[INACTIVITY]
    return int(value) if value.isascii() and value.isdigit() else 0


def profile_of_host_user(store: Store, name: str, clock: Clock) -> SignedOn:
    """Return what the profile of the user of the operating system may do who started us.

    A store without any profile gets this one as its security officer, with every special authority (CP entry).

    Args:
        store: The store.
        name: The user of the operating system, upper case.
        clock: What time it is.

    Raises:
        SignOnError: There is no such profile, or it is disabled.
        StoreError: The store cannot be read or written.
    """
    with reading(store) as session:
        profiles = by_name(kept.list_profiles(session))
    if not profiles:
        profiles = _first_start(store, name, clock())
    profile = profiles.get(name)
    if profile is None:
        raise SignOnError("GWL1002", user=name)
    if profile.status is not Status.ENABLED:
        raise SignOnError("GWL1003", user=name)
    return _signed_on(profile, authorities(profile, profiles), password_expired=False)


@dataclass(frozen=True, slots=True)
class _Attempt:
    name: str
    place: str
    at: datetime


def _spelt(name: str) -> str:
    """Return a name as profiles have it; no more of it than a name can be is looked at or journalled."""
    return printable(name.strip()[:NAME_LENGTH].upper())[:NAME_LENGTH]


def _find(store: Store, name: str, field: str) -> str:
    with reading(store) as session:
        profile = kept.find_profile(session, name)
        return str(getattr(profile, field)) if profile is not None else ""


def _fingerprint(openssh_key: str) -> str:
    """Return the fingerprint of a key; nothing for what is none, and so is nobody's."""
    try:
        return read_key(openssh_key).fingerprint
    except ConsoleError:
        return ""


def _settle(store: Store, attempt: _Attempt, how: str, let_in: Callable[[Session, UserProfile], str]) -> SignedOn:
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
            found = _enter(session, profile, attempt, by_password=how == _PASSWORD)
            records.record_sign_on(session, attempt.at, attempt.name, how, attempt.place)
        else:
            records.record_failure(session, attempt.at, failure, attempt.name, attempt.place)
            if failure not in (records.USER_NOT_VALID, records.DISABLED) and profile is not None:
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


def _enter(session: Session, profile: UserProfile, attempt: _Attempt, *, by_password: bool) -> SignedOn:
    profile.failures = 0
    profile.previous_sign_on = attempt.at
    kept.save_profile(session, profile)
    expired = by_password and is_expired(profile, get_values(session)[PASSWORD_DAYS], attempt.at)
    return _signed_on(profile, authorities(profile, by_name(kept.list_profiles(session))), password_expired=expired)


def _count(session: Session, profile: UserProfile, attempt: _Attempt) -> None:
    """Count a failure; at QMAXSIGN of them do as QMAXSGNACN says.

    The last profile that can manage the others stays enabled: else a stranger could lock everybody out for good. The
    operators are told either way.
    """
    profile.failures = min(profile.failures + 1, _MOST_COUNTED)
    values = get_values(session)
    most = _number(values[MOST_SIGN_ONS])
    if most is not None and profile.failures >= most and values[SIGN_ON_ACTION] in _ACTIONS_THAT_DISABLE:
        is_last = not has_officer(by_name(kept.list_profiles(session)), without=profile.name)
        if not is_last:
            profile.status = Status.DISABLED
        _tell(session, "GWL1005" if is_last else "GWL1004", profile, attempt)
    kept.save_profile(session, profile)


def _tell(session: Session, message_id: str, profile: UserProfile, attempt: _Attempt) -> None:
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
    most = _number(days)
    changed = profile.password_changed_at
    too_old = most is not None and changed is not None and now - changed >= timedelta(days=most)
    return profile.password_expired or too_old


def _number(value: str) -> int | None:
    """Return a number of a system value; None for *NOMAX. What is damaged counts as one, the strictest there is."""
    if value == "*NOMAX":
        return None
    return int(value) if value.isascii() and value.isdigit() else 1


def _check_code(store: Store, profile: UserProfile, code: str, now: datetime) -> str:
    """Return nothing for a code that is right or not needed, and keep it from being taken again."""
    if not profile.sealed_code_key:
        return ""
    key = opened(store.location, Secret(profile.sealed_code_key, is_sealed=True))
    step = codes.step_of(key.text, code, now, after=profile.last_code) if key is not None else 0
    if not step:
        return records.CODE_NOT_VALID
    profile.last_code = step
    return ""


def _signed_on(profile: UserProfile, held: frozenset[str], *, password_expired: bool) -> SignedOn:
    return SignedOn(
        profile.name,
        held,
        limited=profile.limited is Limited.YES,
        initial_menu=profile.initial_menu,
        theme=profile.theme.lower(),
        keymap=profile.keymap.lower(),
        may_choose_menu=profile.limited is Limited.NO,
        password_expired=password_expired,
    )


def _first_start(store: Store, name: str, now: datetime) -> dict[str, UserProfile]:
    """Make who started us the security officer of a store that has no profile yet; return the profiles there are."""
    if len(name) > NAME_LENGTH:
        raise SignOnError("GWL1002", user=name)
    with transaction(store) as session:
        kept.lock_profiles(session)
        if not kept.count_profiles(session):
            profile = UserProfile.model_validate(
                {
                    "name": name,
                    "text": "Security Officer",
                    "user_class": UserClass.SECOFR,
                    "special_authorities": " ".join(CLASS_AUTHORITIES[UserClass.SECOFR]),
                    "created_at": now,
                    "created_by": name,
                    "changed_at": now,
                }
            )
            kept.add_profile(session, profile)
            text = f"User profile {name} created: it is the first, and the security officer"
            doer = records.Doer(now, name, records.SIGN_ON_JOB.format(name=name))
            records.record_profile(session, doer, "CRT", text, name=name, after=records.told(profile))
        return by_name(kept.list_profiles(session))
