"""Ways in for a profile beside its password: public keys, and being a user of this system whom the store opens for."""

from __future__ import annotations

import os
import pwd
from contextlib import suppress

from sqlalchemy.engine import Engine
from sqlmodel import Session

from console.store import user_profiles as kept
from console.store.url import database_file

_ROOT = 0


def name_of_user(uid: int) -> str:
    """Return the user profile of a user of the operating system: the name in upper case, or the number without one."""
    try:
        return pwd.getpwuid(uid).pw_name.upper()
    except KeyError:
        return str(uid)


def without_password(session: Session) -> frozenset[str]:
    """Return the names of those who come in without a password, if there is a profile that lets them.

    They have a public key; or they are a user of this system of whom it is certain that the store opens for them: who
    runs this process, and, of a file, its owner and root.
    """
    return frozenset({*kept.names_with_keys(session), *_users_of_host(session)})


def _users_of_host(session: Session) -> set[str]:
    uids = {os.getuid()}
    bind = session.get_bind()
    file = database_file(bind.url if isinstance(bind, Engine) else bind.engine.url)
    if file is not None:
        with suppress(OSError):
            uids |= {_ROOT, file.stat().st_uid}
    return {name_of_user(uid) for uid in uids}
