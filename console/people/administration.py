"""Changing user profiles: who may do it to whom, what must never happen, and what the journal is told.

Everything here works in the transaction of the caller, and raises before it has changed anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from console.errors import AuthorityError, CommandError
from console.model.user_profiles import MOST_GROUPS, UserKey, UserProfile
from console.model.words import ALLOBJ, SECADM
from console.people import passwords
from console.people.profile import authorities, by_name, has_officer, names_of_groups
from console.people.records import NO_AUTHORITY, Doer, record_profile, told
from console.people.ways_in import without_password
from console.store import user_profiles as kept
from console.store.system_values import PASSWORD_LENGTH, get_values

_MOST_HASHES = max(passwords.REQUIRED_DIFFERENCE.values())
_SHORTEST, _LONGEST = 1, passwords.MOST_CHARACTERS


@dataclass(frozen=True, slots=True)
class Administrator:
    """Who changes a profile."""

    doer: Doer
    authorities: frozenset[str]

    def may_manage(self, name: str, *held: Iterable[str]) -> None:
        """Say whether somebody may change a profile: only one that can do nothing which they cannot.

        Else who may set a password could take what they were not given.

        Args:
            name: The profile.
            held: What it may do before and after the change.

        Raises:
            AuthorityError: They may not.
        """
        wanted = frozenset().union(*held)
        missing = wanted - self.authorities
        if missing:
            raise AuthorityError("GWL1013", kind=NO_AUTHORITY, what=name, name=name, missing=" ".join(sorted(missing)))


def get_profile(session: Session, name: str) -> UserProfile:
    """Return a profile.

    Raises:
        CommandError: There is none of this name.
    """
    found = kept.find_profile(session, name)
    if found is None:
        raise CommandError("GWL1010", name=name)
    return found


def create(session: Session, administrator: Administrator, profile: UserProfile, password: str) -> None:
    """Add a profile.

    Args:
        session: The transaction.
        administrator: Who does it.
        profile: The profile, without a password.
        password: Its password; empty for none.

    Raises:
        AuthorityError: It is to have more than who makes it.
        CommandError: There is one of its name, or its groups or its password cannot be.
    """
    kept.lock_profiles(session)
    profiles = by_name(kept.list_profiles(session))
    if profile.name in profiles:
        raise CommandError("GWL1012", name=profile.name)
    _check_groups(profile, profiles)
    held = authorities(profile, profiles)
    administrator.may_manage(profile.name, held, {SECADM, ALLOBJ} if SECADM in held else ())
    if password:
        give_password(session, profile, password, administrator.doer.at)
    kept.add_profile(session, profile)
    record_profile(
        session,
        administrator.doer,
        "CRT",
        f"User profile {profile.name} created",
        name=profile.name,
        after=told(profile),
        password_changed=bool(password),
    )


def change(
    session: Session, administrator: Administrator, profile: UserProfile, after: UserProfile, *, password: str | None
) -> bool:
    """Change a profile; return whether anything was different.

    Args:
        session: The transaction.
        administrator: Who does it.
        profile: As it is.
        after: As it is to be, but for the password.
        password: Another password, empty for none from now on, None to leave it.

    Raises:
        AuthorityError: It may do, or is to do, more than who changes it.
        CommandError: Its groups or its password cannot be, or nobody would be left to manage the others.
    """
    kept.lock_profiles(session)
    profiles = by_name(kept.list_profiles(session))
    before = told(profile)
    changed = {**profiles, after.name: after}
    _check_groups(after, profiles)
    held, held_after = authorities(profile, profiles), authorities(after, changed)
    adds_secadm = SECADM in held_after - held or SECADM in _own(after) - _own(profile)
    administrator.may_manage(profile.name, held, held_after, {SECADM, ALLOBJ} if adds_secadm else ())
    if password is not None:
        set_password(session, after, password, administrator.doer.at)
    _check_officer_stays(session, profiles, changed, profile.name)
    shown = told(after)
    if shown == before and password is None and after.failures == profile.failures:
        return False
    after.changed_at = administrator.doer.at
    record_profile(
        session,
        administrator.doer,
        "CHG",
        f"User profile {after.name} changed",
        name=after.name,
        before=before,
        after=told(after),
        password_changed=password is not None,
    )
    kept.save_profile(session, after)
    return True


def change_own(session: Session, doer: Doer, profile: UserProfile, after: UserProfile) -> bool:
    """Change what everybody may of their own profile; return whether anything was different.

    Args:
        session: The transaction.
        doer: Whose profile it is.
        profile: As it is.
        after: As it is to be, with the same authorities, groups and password.
    """
    before = told(profile)
    if told(after) == before:
        return False
    after.changed_at = doer.at
    text = f"User profile {after.name} changed"
    record_profile(session, doer, "CHG", text, name=after.name, before=before, after=told(after))
    kept.save_profile(session, after)
    return True


def delete(session: Session, administrator: Administrator, name: str) -> None:
    """Delete a profile and its keys.

    Raises:
        AuthorityError: It may do more than who deletes it.
        CommandError: It is who runs this, the group of another, or the last that can manage the others.
    """
    kept.lock_profiles(session)
    profiles = by_name(kept.list_profiles(session))
    profile = get_profile(session, name)
    administrator.may_manage(name, authorities(profile, profiles))
    if name == administrator.doer.user:
        raise CommandError("GWL1015", name=name)
    member = next((each.name for each in profiles.values() if name in names_of_groups(each)), None)
    if member is not None:
        raise CommandError("GWL1016", name=name, member=member)
    left = {each: found for each, found in profiles.items() if each != name}
    _check_officer_stays(session, profiles, left, name)
    record_profile(session, administrator.doer, "DLT", f"User profile {name} deleted", name=name, before=told(profile))
    kept.remove_profile(session, name)


def _check_officer_stays(
    session: Session, before: Mapping[str, UserProfile], after: Mapping[str, UserProfile], name: str
) -> None:
    """Check that somebody is left who can sign on and manage the others, if there was somebody.

    Raises:
        CommandError: Nobody would be.
    """
    otherwise = without_password(session)
    if has_officer(before, otherwise) and not has_officer(after, otherwise):
        raise CommandError("GWL1014", name=name)


def remove_key(session: Session, key: UserKey) -> None:
    """Take a public key from a profile.

    Raises:
        CommandError: It is the last way in of the last that can manage the others.
    """
    profiles = by_name(kept.list_profiles(session))
    had = has_officer(profiles, without_password(session))
    kept.remove_key(session, key)
    if had and not has_officer(profiles, without_password(session)):
        raise CommandError("GWL1014", name=key.user)


def may_manage(session: Session, administrator: Administrator, profile: UserProfile) -> None:
    """Say whether somebody may change the keys or the one-time codes of a profile.

    Raises:
        AuthorityError: It may do more than they.
    """
    administrator.may_manage(profile.name, authorities(profile, by_name(kept.list_profiles(session))))


def set_password(session: Session, profile: UserProfile, password: str, now: datetime) -> None:
    """Give a profile another password, or none.

    Raises:
        CommandError: The password cannot be.
    """
    if password:
        give_password(session, profile, password, now)
    else:
        profile.password_hash, profile.password_changed_at = "", None


def give_password(session: Session, profile: UserProfile, password: str, now: datetime) -> None:
    """Give a profile a password that is long enough.

    Raises:
        CommandError: The password cannot be.
    """
    passwords.check_password(password, profile.name, least=least_characters(get_values(session)))
    take_hash(profile, passwords.hashed(password), now)


def take_hash(profile: UserProfile, new_hash: str, now: datetime) -> None:
    """Put a hash in the place of the one there is, and keep that among those before."""
    before = " ".join([profile.password_hash, *profile.old_hashes.split()][: _MOST_HASHES - 1])
    profile.old_hashes = before.strip()
    profile.password_hash, profile.password_changed_at = new_hash, now


def least_characters(values: Mapping[str, str]) -> int:
    """Return QPWDMINLEN; what is damaged counts as the most."""
    value = values[PASSWORD_LENGTH]
    return max(_SHORTEST, min(int(value), _LONGEST)) if value.isascii() and value.isdigit() else _LONGEST


def _own(profile: UserProfile) -> frozenset[str]:
    return frozenset(profile.special_authorities.split())


def _check_groups(profile: UserProfile, profiles: Mapping[str, UserProfile]) -> None:
    """Say whether the groups of a profile can be its groups.

    Raises:
        CommandError: No.
    """
    names = names_of_groups(profile)
    supplementary: Sequence[str] = profile.supplementary_groups.split()
    if len(supplementary) > MOST_GROUPS or (supplementary and not profile.group):
        raise CommandError("GWL1018", count=len(supplementary), most=MOST_GROUPS)
    for name in names:
        if name == profile.name:
            raise CommandError("GWL1017", name=name, reason="it is the profile itself")
        if name not in profiles:
            raise CommandError("GWL1017", name=name, reason="there is no such profile")
        if names_of_groups(profiles[name]):
            raise CommandError("GWL1017", name=name, reason="it is a member of a group itself")
    if names:
        member = next((each.name for each in profiles.values() if profile.name in names_of_groups(each)), None)
        if member is not None:
            raise CommandError("GWL1016", name=profile.name, member=member)
