"""What a profile may do, its groups counted in, and who of all is the last that can manage the others; pure."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from types import MappingProxyType

from console.errors import CommandError
from console.model.user_profiles import NAME_LENGTH, Status, UserClass, UserProfile
from console.model.words import ALLOBJ, AUDIT, IOSYSCFG, JOBCTL, SECADM

OFFICER = frozenset({SECADM, ALLOBJ})
"""Who has both can do anything to any profile."""

CLASS_AUTHORITIES: Mapping[UserClass, tuple[str, ...]] = MappingProxyType(
    {
        UserClass.SECOFR: (ALLOBJ, AUDIT, IOSYSCFG, JOBCTL, SECADM),
        UserClass.SECADM: (SECADM,),
        UserClass.PGMR: (),
        UserClass.SYSOPR: (JOBCTL,),
        UserClass.USER: (),
    }
)
"""User class -> its special authorities. Source: CRTUSRPRF, keyword SPCAUT, *USRCLS; without those of save, service and
spooled files, which do not exist here."""

_NAME = re.compile(rf"[A-Z0-9_$#@][A-Z0-9_$#@.-]{{0,{NAME_LENGTH - 1}}}")


def check_name(value: str, keyword: str = "USRPRF") -> str:
    """Return the name of a profile in upper case.

    Raises:
        CommandError: It cannot be one.
    """
    upper = value.upper()
    if not _NAME.fullmatch(upper):
        raise CommandError("GWL1011", keyword=keyword, value=value)
    return upper


def own_authorities(profile: UserProfile) -> frozenset[str]:
    """Return the special authorities of a profile itself."""
    return frozenset(profile.special_authorities.split())


def names_of_groups(profile: UserProfile) -> tuple[str, ...]:
    """Return the names of a profile's groups, the first one first."""
    return tuple(dict.fromkeys(f"{profile.group} {profile.supplementary_groups}".split()))


def authorities(profile: UserProfile, profiles: Mapping[str, UserProfile]) -> frozenset[str]:
    """Return the special authorities of a profile and its groups: they add up. Source: Security reference, GRPPRF.

    Args:
        profile: The profile.
        profiles: At least its groups, by name; one that is not there gives nothing.
    """
    found = own_authorities(profile)
    for name in names_of_groups(profile):
        if name in profiles:
            found |= own_authorities(profiles[name])
    return found


def is_officer(profile: UserProfile, profiles: Mapping[str, UserProfile], otherwise: Container[str]) -> bool:
    """Say whether a profile is enabled, has *SECADM and *ALLOBJ, and somebody can sign on with it.

    Args:
        profile: The profile.
        profiles: All of them, by name.
        otherwise: Names of those who come in without a password.
    """
    if profile.status is not Status.ENABLED or not authorities(profile, profiles) >= OFFICER:
        return False
    return bool(profile.password_hash) or profile.name in otherwise


def by_name(profiles: Iterable[UserProfile]) -> dict[str, UserProfile]:
    """Return profiles by name."""
    return {profile.name: profile for profile in profiles}


def has_officer(profiles: Mapping[str, UserProfile], otherwise: Container[str], *, without: str = "") -> bool:
    """Say whether somebody is left who can sign on and manage the others.

    Args:
        profiles: All of them, by name.
        otherwise: Names of those who come in without a password.
        without: Who does not count.
    """
    return any(name != without and is_officer(profile, profiles, otherwise) for name, profile in profiles.items())
