"""Signing on: a person proves to be a user profile, and gets what that profile may do.

Three ways lead in: a password (the sign-on panel, SSH), a public key (SSH, which has checked the signature), and the
operating system's word for who started us (the console and the verbs of the shell). Knows no panel and no protocol.

What a person has who signed on is settled then: a profile that is changed while it is signed on keeps what it had until
it signs on again, as on IBM i.

A password is checked outside of any transaction, as that takes long; whether it lets in is settled in the transaction
that counts. So those who try many at once gain nothing: after QMAXSIGN failures the right one comes too late.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from console.clock import Clock
from console.errors import ConsoleError, SignOnError
from console.model.user_profiles import NAME_LENGTH, Status, UserClass, UserProfile
from console.people import passwords, records
from console.people.attempts import BY_PASSWORD, Attempt, check_code, number_of, settle
from console.people.profile import CLASS_AUTHORITIES, authorities, by_name
from console.people.public_keys import read_key
from console.people.signed_on import SignedOn, signed_on
from console.printable import printable
from console.store import user_profiles as kept
from console.store.session import reading, transaction
from console.store.system_values import INACTIVITY, MOST_SIGN_ONS, get_values

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
    "spelt",
]


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
    attempt = Attempt(spelt(name), printable(place), clock())
    kept_hash = _find(store, attempt.name, "password_hash")
    failure = "" if passwords.matches(kept_hash, password) else records.PASSWORD_NOT_VALID
    new_hash = passwords.hashed(password) if not failure and passwords.is_outdated(kept_hash) else kept_hash

    def let_in(session: Session, profile: UserProfile) -> str:
        if failure or profile.password_hash != kept_hash:
            return records.PASSWORD_NOT_VALID
        profile.password_hash = new_hash
        return check_code(store, profile, code, attempt.at)

    return settle(store, attempt, BY_PASSWORD, let_in)


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
    attempt = Attempt(spelt(name), printable(place), clock())
    fingerprint = _fingerprint(openssh_key)

    def let_in(session: Session, profile: UserProfile) -> str:
        if kept.find_key(session, profile.name, fingerprint) is None:
            return records.PASSWORD_NOT_VALID
        return check_code(store, profile, code, attempt.at)

    return settle(store, attempt, f"public key {fingerprint}", let_in)


def sign_on_failed(store: Store, name: str, place: str, clock: Clock) -> None:
    """Count and journal a wrong password that was keyed elsewhere than at a sign-on.

    Raises:
        StoreError: The store cannot be read or written.
    """
    with suppress(SignOnError):
        settle(store, Attempt(spelt(name), printable(place), clock()), BY_PASSWORD, _wrong)


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
        profile = kept.find_profile(session, spelt(name))
        found = fingerprint and profile and kept.find_key(session, profile.name, fingerprint)
        return bool(found) and profile is not None and profile.status is Status.ENABLED


def needs_code(store: Store, name: str) -> bool:
    """Say whether a one-time code is to be asked for; of an unknown profile it says no.

    Ask before the password is checked, and whether it is right or not: else the question gives it away.

    Raises:
        StoreError: The store cannot be read.
    """
    return bool(_find(store, spelt(name), "sealed_code_key"))


def most_sign_ons(store: Store) -> int | None:
    """Return after how many failures in a row a session ends that is being signed on to; None for never (QMAXSIGN).

    Raises:
        StoreError: The store cannot be read.
    """
    with reading(store) as session:
        return number_of(get_values(session)[MOST_SIGN_ONS])


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
    return signed_on(profile, authorities(profile, profiles), password_expired=False)


def spelt(name: str) -> str:
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
