"""What comes in front of the console: the sign-on panel, and a new password in the place of an expired one.

Each is an application of its own that ends before the console begins, and the console ends at sign-off: nothing of one
operator, no panel, no command that F9 finds, is left for the next one at the same terminal.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from console.commands.menus import find_menu
from console.commands.registry import COMMANDS
from console.people.own_password import change_own_password
from console.people.sign_on import SignedOn, most_sign_ons, needs_code, sign_on
from console.store.engine import Store
from console.store.session import reading
from console.store.user_profiles import list_profiles
from screens.console_options import ConsoleOptions
from screens.panels.change_password import ChangePassword
from screens.panels.sign_on import SignOn, SignOnSeat, longest_name, refusal
from screens.run import run_console

_NO_TERMINAL = "QPADEV0001"


def display_name() -> str:
    """Return what the terminal is called: ``PTS/3``."""
    try:
        return os.ttyname(sys.stdin.fileno()).removeprefix("/dev/").upper()
    except (OSError, ValueError):
        return _NO_TERMINAL


def place() -> str:
    """Return where somebody signs on, for the journal: the terminal, and the address of an OpenSSH client before it."""
    client = os.environ.get("SSH_CLIENT", "").split()
    return f"{display_name()} from {client[0]}" if client else display_name()


def ask_who(store: Store, options: ConsoleOptions) -> SignedOn | None:
    """Show the sign-on panel until somebody has signed on; return nothing when they leave it.

    Args:
        store: The store.
        options: Looks, with the system's name.

    Raises:
        SignOnError: Too many sign-ons failed.
        StoreError: The store cannot be read.
    """
    here = place()
    with reading(store) as session:
        names = [profile.name for profile in list_profiles(session)]

    def check_menu(name: str) -> None:
        find_menu(name, COMMANDS)

    seat = SignOnSeat(
        options.system_name,
        display_name(),
        lambda user, password, code: sign_on(store, user, password, code=code, place=here, clock=options.clock),
        lambda user: needs_code(store, user),
        check_menu,
        most_sign_ons(store),
        longest_name(names),
    )
    panel = SignOn(seat)
    run_console(lambda: panel, _bare(options))
    if panel.is_refused:
        raise refusal()
    return panel.found


def renew_password(store: Store, who: SignedOn, options: ConsoleOptions, job: str) -> SignedOn | None:
    """Ask for a new password in the place of an expired one; return nothing when none is given.

    Args:
        store: The store.
        who: Who has signed on with it.
        options: Looks, with the system's name.
        job: Qualified job name.

    Raises:
        StoreError: The store cannot be read.
    """
    here = place()

    def change(current: str, new: str, again: str) -> None:
        change_own_password(store, who.name, current, new, again, place=here, job=job, clock=options.clock)

    panel = ChangePassword(options.system_name, who.name, change, is_forced=True)
    run_console(lambda: panel, _bare(options))
    return replace(who, password_expired=False) if panel.is_done else None


def _bare(options: ConsoleOptions) -> ConsoleOptions:
    """Return options without what is for those only who have signed on; nothing can be printed to a file."""
    return replace(options, state_directory=Path(os.devnull), poll_s=None)
