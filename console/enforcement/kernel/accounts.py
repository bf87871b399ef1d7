"""Everybody that this system knows: names and groups by user number, for an engine that knows numbers only.

Groups are those of the group database, as a new session would get them; a guard looks at those that a process has.
"""

from __future__ import annotations

import grp
import pwd
from collections import defaultdict

from console.policy.image import Account


def known_accounts() -> dict[int, Account]:
    """Return everybody by number. The first name of a number counts, as in getpwuid(3)."""
    members: dict[str, set[str]] = defaultdict(set)
    names: dict[int, str] = {}
    for group in grp.getgrall():
        names.setdefault(group.gr_gid, group.gr_name.upper())
        for member in group.gr_mem:
            members[member].add(group.gr_name.upper())
    found: dict[int, Account] = {}
    for user in pwd.getpwall():
        own = names.get(user.pw_gid, str(user.pw_gid))
        found.setdefault(user.pw_uid, Account(user.pw_name.upper(), frozenset(members[user.pw_name] | {own})))
    return found
