"""What a session's child is told of who sits in front of it, and how it takes its place at its terminal.

Who has signed on comes through a descriptor that only the child inherits: not through arguments, which every user can
read, nor through the environment, which the child's own children would get.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import termios
from dataclasses import dataclass

from console.errors import ServeError
from console.people.sign_on import SignedOn

_LONGEST = 16_384
"""Octets; a pipe holds four times as much."""


@dataclass(frozen=True, slots=True)
class Seat:
    """Who sits where."""

    store_url: str
    """As `console.store.engine.open_store` takes it; may hold the password of a database."""
    signed_on: SignedOn
    remote: str
    """Address and port of the client, ``192.0.2.7:51234``."""


def pack(seat: Seat) -> bytes:
    """Return a seat as it is handed to the child."""
    who = seat.signed_on
    fields = {
        "store_url": seat.store_url,
        "remote": seat.remote,
        "name": who.name,
        "authorities": sorted(who.authorities),
        "limited": who.limited,
        "initial_menu": who.initial_menu,
        "theme": who.theme,
        "keymap": who.keymap,
        "password_expired": who.password_expired,
    }
    return json.dumps(fields).encode("utf-8")


def unpack(octets: bytes) -> Seat:
    """Return what `pack` packed.

    Raises:
        ServeError: It is no seat.
    """
    try:
        fields = json.loads(octets)
        authorities = frozenset(fields.pop("authorities"))
        store_url, remote = str(fields.pop("store_url")), str(fields.pop("remote"))
        return Seat(store_url, SignedOn(authorities=authorities, **fields), remote)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ServeError("GWL1053") from error


def take_seat(descriptor: int) -> Seat:
    """Read who sits here, make standard input the terminal of this session, and be ready to be hung up on.

    Args:
        descriptor: Of the pipe that the server filled; closed afterwards.

    Raises:
        ServeError: Whoever started this is not the SSH server, or has gone.
    """
    try:
        with os.fdopen(descriptor, "rb") as pipe:
            octets = pipe.read(_LONGEST)
        # The kernel sends SIGHUP to this session when the server's end of the terminal is closed, also by its death:
        # nobody is left at the console then. nohup may have had us ignore it.
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    except OSError as error:
        raise ServeError("GWL1053") from error
    return unpack(octets)
