"""Tells the worker that something in the store has changed. A hint, never the truth: the worker polls as well."""

from __future__ import annotations

import contextlib
import socket

from console.store.engine import Store
from console.store.unix_path import connect


def notify(store: Store) -> None:
    """Wake the worker of a store, after the commit; nothing happens when none listens."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as endpoint:
        endpoint.setblocking(False)
        connect(endpoint, store.location.wake_socket)
        endpoint.send(b"!")
