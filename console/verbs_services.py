"""The verbs of what runs as a service: ``ssh``, and ``install`` and ``uninstall`` for systemd, and their options.

What a verb needs is imported inside the verb, as in `console.verbs`, which takes these in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from console.shell.exit_codes import DONE
from console.shell.output import print_text
from console.verbs_store import open_for_verb, store_url

if TYPE_CHECKING:
    from console.messages import Message

RootDirectory = Annotated[
    str, typer.Option(envvar="DESTDIR", metavar="DIR", help="Take this directory for the root of the file system.")
]


def ssh(
    context: typer.Context,
    listen: Annotated[str, typer.Option(metavar="ADDRESS:PORT", help="Where to listen.")] = "127.0.0.1:2222",
    sessions: Annotated[int, typer.Option(metavar="NUMBER", help="Sessions in all.")] = 32,
    sessions_per_profile: Annotated[int, typer.Option(metavar="NUMBER", help="Sessions of one user profile.")] = 8,
    connections: Annotated[int, typer.Option(metavar="NUMBER", help="Connections that wait for a sign-on.")] = 16,
    attempts: Annotated[int, typer.Option(metavar="NUMBER", help="Sign-ons a connection; 0: as QMAXSIGN says.")] = 0,
    sign_on_time: Annotated[int, typer.Option(metavar="SECONDS", help="Until somebody has signed on.")] = 60,
    idle: Annotated[
        int | None,
        typer.Option(metavar="MINUTES", help="Without a key; 0: for ever. Else as QINACTITV says.", show_default=False),
    ] = None,
    fingerprint: Annotated[bool, typer.Option("--fingerprint", help="Show the host key's fingerprint only.")] = False,
) -> int:
    """Serve the console over SSH to user profiles, in the foreground."""
    from console.serve.options import checked

    options = checked(
        listen=listen,
        sessions=sessions,
        sessions_per_profile=sessions_per_profile,
        connections=connections,
        attempts=attempts,
        sign_on_time=sign_on_time,
        idle=idle,
    )
    from console.serve.server import run_server, show_fingerprint

    if fingerprint:
        print_text(show_fingerprint(store_url(context)))
        return DONE
    from console.shell.operator import user_profile

    return run_server(store_url(context), options, user_profile())


def install(
    root: RootDirectory = "/",
    command: Annotated[str, typer.Option(metavar="PATH", help="What starts Greenwall.", show_default=False)] = "",
) -> int:
    """Put the services for systemd in place, and start none."""
    from pathlib import Path

    from console.messages import line
    from console.shell.install import install as put_in_place

    for done in put_in_place(Path(root or "/").absolute(), command):
        print_text(f"{line(done)}\n")
    return DONE


def uninstall(context: typer.Context, root: RootDirectory = "/") -> int:
    """Stop the services, detach the kernel engine, and take the services away; the store stays."""
    from pathlib import Path

    from console.enforcement.kernel_place import remove_empty
    from console.messages import line
    from console.shell.install import store_of_services
    from console.shell.install import uninstall as take_away

    place = Path(root or "/").absolute()
    own = store_of_services(place)
    urls = dict.fromkeys((own, str(context.obj) or own))  # one that the shell names is not what the services have
    is_here = place == Path("/")
    for done in take_away(place, (lambda: [said for url in urls if (said := _detached(url))]) if is_here else None):
        print_text(f"{line(done)}\n")
    if is_here:
        remove_empty()
    return DONE


def _detached(url: str) -> Message | None:
    """Detach what the worker of a store has left attached in the kernel; None where there is nothing.

    Raises:
        KernelError: A worker that is no service runs, and holds it.
    """
    from console.enforcement.kernel_place import pin_directory, place_of_all
    from console.enforcement.kernel_start import detach_kernel, detach_without_store
    from console.messages import message
    from console.shell.kernel_engine import detached
    from console.shell.operator import admit
    from console.store.location import default_url, locate_file, plain_sqlite_file

    url = url or default_url()
    file = plain_sqlite_file(url)
    if not place_of_all().exists():
        return None
    if file is not None and not file.exists():
        return message("GWL04A1", path=file) if detach_without_store(locate_file(file)) else None
    with open_for_verb(url, must_exist=True) as store:
        if not pin_directory(store.location).exists():
            return None
        operator = admit(store, "ACTSOCPCY", "engine detach")
        return detached(operator, detach_kernel(store, operator.clock))
