"""The console put together: which panel a command opens, what panels share, and the application around them."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING

from console.clock import Clock, system_clock
from console.collector import release
from console.commands.definition import Context
from console.commands.registry import COMMANDS
from console.errors import CommandError
from console.journal.report.marks import has_blocks
from console.people.sign_on import SignedOn, idle_minutes
from console.store.engine import Store
from screens.console_options import ConsoleOptions, InFront
from screens.history import History
from screens.key_tables import LAYOUTS
from screens.looks import NOTHING_CHOSEN, Looks, outfit
from screens.mail import Mailbox
from screens.openers import OPENERS
from screens.panel import Panel
from screens.panels.attention import AttentionMenu
from screens.panels.command_palette import CommandPalette
from screens.panels.command_panel import CommandPanel
from screens.panels.command_window import CommandWindow
from screens.panels.main_menu import MainMenu
from screens.panels.menu import Menu
from screens.panels.services import Services
from screens.panels.system_request import SystemRequestLine
from screens.progress import Progress
from screens.run import run_console
from screens.signing_on import ask_who, renew_password
from screens.terminal.frame import Frame
from screens.terminal.keys import Function

if TYPE_CHECKING:
    from screens.banner import Banner

_SSH = "SSH"
"""Job name of a console that a server watches over, which ends idle ones itself."""
_JOB_NUMBERS = 1_000_000


def console_services(
    store: Store,
    who: SignedOn,
    *,
    system: str = "",
    clock: Clock = system_clock,
    blocks: bool = True,
    job: str = "CONSOLE",
) -> Services:
    """Return what the panels of one console share.

    Args:
        store: The store.
        who: Who has signed on.
        system: Name of this system; that of the host if empty.
        clock: What time it is.
        blocks: Whether the terminal has block characters.
        job: Third part of the job name.
    """
    job = f"{os.getpid() % _JOB_NUMBERS:06}/{who.name}/{job}"
    progress = Progress()
    context = Context(
        store=store,
        user=who.name,
        job=job,
        clock=clock,
        has_panels=True,
        tell=progress.tell,
        authorities=who.authorities,
        limited=who.limited,
    )
    looks = Looks(who.theme, who.keymap)
    name = system or host_name()
    history = History(store.location.history(who.name))
    return Services(
        context, OPENERS, COMMANDS, name, history=history, progress=progress, looks=looks, has_blocks=blocks
    )


def host_name() -> str:
    """Return the name of this host as a system is named: upper case, without domain, at most eight characters."""
    return socket.gethostname().split(".")[0].upper()[:8]


def open_console(store: Store, who: SignedOn, options: ConsoleOptions | None = None) -> None:
    """Run the console until the operator signs off.

    Args:
        store: The store.
        who: Who has signed on.
        options: Looks; what is left empty in it is filled in here.

    Raises:
        ConsoleError: The first panel could not be shown.
    """
    given = _checked(options or ConsoleOptions(), store)
    blocks = has_blocks(os.environ)
    services = console_services(store, who, system=given.system_name, clock=given.clock, blocks=blocks, job=given.job)
    if who.password_expired and renew_password(store, who, given, services.context.job) is None:
        return
    run_console(lambda: _first_menu(services, who), filled_in(given, services))


def open_sign_on(store: Store, options: ConsoleOptions | None = None) -> None:
    """Show the sign-on panel, and the console to whoever signs on; sign-off returns to it, F3 there ends.

    Args:
        store: The store.
        options: Looks.

    Raises:
        SignOnError: Too many sign-ons failed.
        ConsoleError: The first panel could not be shown.
    """
    given = _checked(options or ConsoleOptions(), store)
    while (who := ask_who(store, given)) is not None:
        open_console(store, who, given)


def _checked(options: ConsoleOptions, store: Store) -> ConsoleOptions:
    """Return options with the system's name, and the file of a key map that is somebody's own.

    Raises:
        UsageError: There are no such colours or keys: better said now than on the first panel.
    """
    layout = outfit(Looks(options.theme, options.keymap), store.location.directory).layout
    keymap = layout.text if options.keymap and layout.name not in LAYOUTS else options.keymap
    return replace(options, keymap=keymap, system_name=options.system_name or host_name())


def _first_menu(services: Services, who: SignedOn) -> Panel:
    """Return the menu that somebody's profile names; the main menu where there is no such menu any more."""
    with suppress(CommandError):
        return Menu(services, who.initial_menu, is_first=True)
    return MainMenu(services, is_first=True)


def services_of(first: Panel) -> Services | None:
    """Return what the panels of a session share, given its first one; None before anybody has signed on."""
    return first.services if isinstance(first, CommandPanel) else None


def system_request(told: InFront) -> Panel:
    """Return what the System Request key shows."""
    return SystemRequestLine(told, services_of(told.first))


def attention(told: InFront) -> Panel | None:
    """Return what the Attention key shows; nothing before anybody has signed on."""
    services = services_of(told.first)
    return AttentionMenu(services) if services else None


def looks_of(first: Panel) -> Looks:
    """Return what the operator's profile says of colours and keys; nothing before anybody has signed on."""
    services = services_of(first)
    return services.looks if services else NOTHING_CHOSEN


def palette(first: Panel, under: Frame) -> Panel | None:
    """Return the command palette over what shows, for those who have signed on."""
    services = services_of(first)
    return CommandPalette(services, under) if services else None


def _status(store: Store, clock: Clock, progress: Progress) -> Callable[[], str]:
    """Return what says the banner; what it takes is loaded by the first call, which comes after the first panel."""

    @cache
    def banner() -> Banner:
        from screens.banner import Banner

        return Banner(store, clock, progress)

    return lambda: banner().text()


def load_rest() -> None:
    """Load what the first panel did without, so that no key has to wait for it, and let Python collect garbage again.

    Whoever starts a console may have told it not to (`console.collector.hold`): it takes a fifth of the time until the
    first panel shows, and finds nothing then.
    """
    COMMANDS.load()
    for name in OPENERS:
        OPENERS[name]
    release()


def command_window(first: Panel) -> Panel | None:
    """Return a command line window, for those who have signed on."""
    services = services_of(first)
    return CommandWindow(services) if services else None


def filled_in(options: ConsoleOptions, services: Services) -> ConsoleOptions:
    """Return options with what they leave empty: printed screens go beside the store, which is its owner's alone."""
    store = services.context.store
    nowhere = options.state_directory == ConsoleOptions().state_directory
    return replace(
        options,
        system_name=services.system,
        status=_status(store, options.clock, services.progress),
        idle_minutes=options.idle_minutes if options.job == _SSH else partial(idle_minutes, store),
        progress=services.progress,
        in_front={Function.SYSREQ: system_request, Function.ATTN: attention},
        command_window=command_window,
        search=lambda: OPENERS["SearchHelp"](services, {}),
        looks=looks_of,
        palette=palette,
        once_shown=load_rest,
        mail=Mailbox(store, services.context.user).look,
        state_directory=store.location.directory if nowhere else options.state_directory,
    )
