"""Tells systemd that a service is ready or is stopping, when systemd asked to be told."""

from __future__ import annotations

import contextlib
import os
import socket


def tell_systemd(state: str) -> None:
    """Send a state such as ``READY=1`` to the service manager; nothing happens when there is none.

    Source: sd_notify(3). A name that begins with @ is in the abstract namespace, where the @ stands for a NUL.
    """
    name = os.environ.get("NOTIFY_SOCKET", "")
    if not name.startswith(("/", "@")):
        return
    address = "\0" + name[1:] if name.startswith("@") else name
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
        out.sendto(state.encode(), address)
