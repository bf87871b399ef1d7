"""User profiles and their public keys, as they are kept; what they may hold is the business of `console.people`."""

from __future__ import annotations

from sqlalchemy import delete, func, text
from sqlmodel import Session, col, select

from console.model.user_profiles import UserKey, UserProfile


def lock_profiles(session: Session) -> None:
    """Keep others from changing profiles until the end of the transaction: one of them may be the last of its kind.

    On SQLite a transaction that may write is alone anyhow.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE user_profile IN EXCLUSIVE MODE"))


def count_profiles(session: Session) -> int:
    """Return how many profiles there are."""
    return session.exec(select(func.count()).select_from(UserProfile)).one()


def list_profiles(session: Session) -> list[UserProfile]:
    """Return every profile, by name."""
    return list(session.exec(select(UserProfile).order_by(col(UserProfile.name))))


def find_profile(session: Session, name: str) -> UserProfile | None:
    """Return a profile; None where there is none of this name."""
    return session.get(UserProfile, name)


def add_profile(session: Session, profile: UserProfile) -> None:
    """Add a profile; the caller has seen that there is none of its name."""
    session.add(profile)
    session.flush()


def save_profile(session: Session, profile: UserProfile) -> None:
    """Put a profile in the place of the one with its name."""
    session.merge(profile)
    session.flush()


def remove_profile(session: Session, name: str) -> None:
    """Remove a profile and its keys."""
    session.execute(delete(UserKey).where(col(UserKey.user) == name))
    session.execute(delete(UserProfile).where(col(UserProfile.name) == name))
    session.flush()


def list_keys(session: Session, user: str) -> list[UserKey]:
    """Return the public keys of a profile, oldest first."""
    return list(session.exec(select(UserKey).where(col(UserKey.user) == user).order_by(col(UserKey.id))))


def find_key(session: Session, user: str, fingerprint: str) -> UserKey | None:
    """Return a public key of a profile; None where it has none such."""
    wanted = select(UserKey).where(col(UserKey.user) == user, col(UserKey.fingerprint) == fingerprint)
    return session.exec(wanted).first()


def names_with_keys(session: Session) -> set[str]:
    """Return the names of the profiles that have a public key."""
    return set(session.exec(select(col(UserKey.user)).distinct()))


def add_key(session: Session, key: UserKey) -> None:
    """Add a public key."""
    session.add(key)
    session.flush()


def remove_key(session: Session, key: UserKey) -> None:
    """Remove a public key."""
    session.delete(key)
    session.flush()
