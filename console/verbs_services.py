"""The verbs of what runs as a service: ``ssh``, and ``install`` and ``uninstall`` for systemd, and their options.

What a verb needs is imported inside the verb, as in `console.verbs`, which takes these in.
"""

from __future__ import annotations

from typing import Annotated

import typer

from console.shell.exit_codes import DONE
from console.shell.output import print_text
from console.verbs_store import store_url

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


def uninstall(root: RootDirectory = "/") -> int:
    """Stop the services, and take them away; the store stays."""
    from pathlib import Path

    from console.messages import line
    from console.shell.install import uninstall as take_away

    for done in take_away(Path(root or "/").absolute()):
        print_text(f"{line(done)}\n")
    return DONE
