"""Everybody that this system knows: names and groups by user number, for an engine that knows numbers only.

Groups are those of the group database, as a new session would get them; a guard looks at those that a process has.

A directory service such as LDAP may know more users than it tells when it is asked for all of them (sssd.conf(5),
enumerate). So who is named in a rule is asked for by name as well. Whoever is neither told nor named is called by the
number.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from console.policy.image import Account

_Found = TypeVar("_Found")


def known_accounts(users: Iterable[str] = (), groups: Iterable[str] = ()) -> dict[int, Account]:
    """Return everybody by number. The first name of a number counts, as in getpwuid(3).

    Args:
        users: Who is asked for by name as well; in upper case.
        groups: Whose members are asked for by name as well; in upper case.
    """
    members: dict[str, set[str]] = defaultdict(set)
    names: dict[int, str] = {}
    named_groups = list(_all_named(grp.getgrnam, groups))
    for group in (*grp.getgrall(), *named_groups):
        names.setdefault(group.gr_gid, group.gr_name.upper())
        for member in group.gr_mem:
            members[member].add(group.gr_name.upper())
    found: dict[int, Account] = {}
    for user in pwd.getpwall():
        own = names.get(user.pw_gid, str(user.pw_gid))
        found.setdefault(user.pw_uid, Account(user.pw_name.upper(), frozenset(members[user.pw_name] | {own})))
    told = {account.user for account in found.values()}
    among_them = {member.upper() for group in named_groups for member in group.gr_mem}
    for user in _all_named(pwd.getpwnam, {*users, *among_them} - told):
        found.setdefault(user.pw_uid, Account(user.pw_name.upper(), _groups_of(user)))
    return found


def _all_named(look_up: Callable[[str], _Found], names: Iterable[str]) -> Iterator[_Found]:
    """Return who has a name, in the spelling of nearly everybody, or else as it is."""
    for name in names:
        for spelling in (name.lower(), name):
            with contextlib.suppress(KeyError):
                yield look_up(spelling)
                break


def _groups_of(user: pwd.struct_passwd) -> frozenset[str]:
    return frozenset(map(_group_name, os.getgrouplist(user.pw_name, user.pw_gid)))


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name.upper()
    except KeyError:
        return str(number)
