"""Who runs a verb, and the context that commands get from the shell."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

from console.commands.definition import Context

if TYPE_CHECKING:
    from console.store.engine import Store

_JOB_NUMBERS = 1_000_000


def user_profile() -> str:
    """Return the user profile of this process: its real user, in upper case, or the number of one without a name."""
    uid = os.getuid()
    try:
        return pwd.getpwuid(uid).pw_name.upper()
    except KeyError:
        return str(uid)


def shell_context(store: Store) -> Context:
    """Return what a command from the shell may use.

    The job is named after the process: its number are the last six digits of the process id.
    """
    user = user_profile()
    return Context(store=store, user=user, job=f"{os.getpid() % _JOB_NUMBERS:06}/{user}/SHELL")
