"""Puts itself under a filter, hands the listener over, and connects as it is told, a line of JSON at a time."""

from __future__ import annotations

import collections
import json
import os
import socket
import sys
import threading

from console.enforcement import syscalls
from console.enforcement.guard.filter import build_filter


def connect(host, port, *, blocking=True):
    """Return the errno of a connect, 0 for none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as client:
        client.setblocking(blocking)
        return client.connect_ex((host, port))


def connect_often(order):
    """Return how often each errno came."""
    counts = collections.Counter()
    threads = [threading.Thread(target=_repeat, args=(order, counts)) for _ in range(order.get("threads", 1))]
    if order.get("user"):
        os.seteuid(order["user"])
    if len(threads) == 1:
        _repeat(order, counts)
    else:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if order.get("user"):
        os.seteuid(0)
    return counts


def _repeat(order, counts):
    for _ in range(order["count"]):
        counts[connect(order["host"], order["port"], blocking=order.get("blocking", True))] += 1


def main():
    """Obey until there are no more orders; one to be carried out `apart` is answered when one says `join`."""
    line = socket.socket(fileno=int(sys.argv[1]))
    syscalls.forgo_new_privileges()
    listener = syscalls.install_filter(build_filter())
    socket.send_fds(line, [b"listener"], [listener])
    os.close(listener)
    apart = []
    for text in sys.stdin:
        order = json.loads(text)
        counts = collections.Counter()
        if order.get("apart"):
            thread = threading.Thread(target=_repeat, args=(order, counts))
            thread.start()
            apart.append((thread, counts))
            counts = {}
        elif order.get("join"):
            thread, counts = apart.pop()
            thread.join()
        else:
            counts = connect_often(order)
        print(json.dumps(counts), flush=True)


if __name__ == "__main__":
    main()
