"""Puts itself under a filter, hands the listener over, listens, and accepts as it is told, a line of JSON at a time.

Orders: `listen` (family, address, blocks), answered with the port; `accept` (count, flags, room, threads, look),
answered with a list of what each accept gave: {"errno"} or {"peer", "address", "length", "flags", "inode"}; `close`.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import select
import signal
import socket
import struct
import sys
import threading

from console.enforcement import syscalls
from console.enforcement.guard.filter import build_filter

libc = ctypes.CDLL(None, use_errno=True)
listeners = {}


def accept(number, flags=None, room=None):
    """Accept as C does; returns what came of it."""
    peer = ctypes.create_string_buffer(b"\xaa" * 128, 128)
    length = ctypes.c_int(room or 0)
    where = (peer, ctypes.byref(length)) if room is not None else (None, None)
    taken = libc.accept(number, *where) if flags is None else libc.accept4(number, *where, flags)
    if taken < 0:
        return {"errno": errno.errorcode[ctypes.get_errno()]}
    with socket.socket(fileno=taken) as connection:
        flags = fcntl.fcntl(taken, fcntl.F_GETFL) & os.O_NONBLOCK, fcntl.fcntl(taken, fcntl.F_GETFD)
        name = connection.getpeername() if connection.family != socket.AF_UNIX else ""
        return {"peer": name, "address": peer.raw[:32].hex(), "length": length.value, "flags": flags}


def accept_often(order):
    """Accept so many times, in so many threads."""
    number = listeners[order.get("at", 0)].fileno()
    found = []

    def run():
        for _ in range(order.get("count", 1)):
            if order.get("look"):
                select.select([number], [], [])
            found.append(accept(number, order.get("flags"), order.get("room")))

    threads = [threading.Thread(target=run) for _ in range(order.get("threads", 1) - 1)]
    for thread in threads:
        thread.start()
    run()
    for thread in threads:
        thread.join()
    return found


def listen(order):
    """Make a listener; returns its port."""
    family = getattr(socket, order.get("family", "AF_INET"))
    listener = socket.socket(family)
    listener.bind(order["path"] if family == socket.AF_UNIX else (order.get("address", "127.0.0.1"), 0))
    listener.listen(200)
    listener.setblocking(order.get("blocks", True))
    if order.get("patience_s"):
        listener.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("=qq", 0, int(order["patience_s"] * 1e6))
        )
    listeners[order.get("at", 0)] = listener
    return 0 if family == socket.AF_UNIX else listener.getsockname()[1]


def obey(order):
    """Carry out one order."""
    match order["do"]:
        case "listen":
            return listen(order)
        case "accept":
            return accept_often(order)
        case "close":
            listeners.pop(order.get("at", 0)).close()
        case "user":
            os.seteuid(order["user"])
    return None


def main():
    """Obey until there are no more orders."""
    line = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGUSR1, lambda *_: None)
    syscalls.forgo_new_privileges()
    listener = syscalls.install_filter(build_filter())
    socket.send_fds(line, [b"listener"], [listener])
    os.close(listener)
    for text in sys.stdin:
        print(json.dumps(obey(json.loads(text))), flush=True)


if __name__ == "__main__":
    main()
