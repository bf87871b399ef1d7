"""What every web server here must do under the rules, and what its journal must then say."""

from __future__ import annotations

from tests.fidelity.peers import ALLOWED, DATA, REFUSED, ask, at_once, expect, is_dropped, run

REQUEST = b"GET /data HTTP/1.0\r\nHost: test\r\nConnection: close\r\n\r\n"
_REFUSED_BY_RESET = {7, 55, 56}
"""Exit codes of curl(1) for a connection that was reset: before it looked, while it sent, or while it received."""


def fetch(port):
    """Return the body of one response on a connection of its own."""
    head, _, body = ask(port, REQUEST).partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0].split()[1] == b"200", head
    return body


def check_served(house, job, port):
    """Check that the allowed peers get the data, the refused nothing, and that each connection is in the journal.

    Args:
        house: Where the job runs.
        job: The server, which answers /data with `DATA`.
        port: Where it listens, on 127.0.0.1.
    """
    assert fetch(port) == DATA
    assert is_dropped(port, REQUEST)
    assert set(at_once(lambda: fetch(port), 40)) == {DATA}
    accepted = 41
    dropped = 1
    if run("curl", "--version").returncode == 0:
        url = f"http://{ALLOWED}:{port}/data"
        made = run("curl", "-sS", "--interface", ALLOWED, "-w", "%{stderr}%{num_connects} ", url, url, url)
        assert made.stdout == DATA * 3, "one after the other, on one connection if the server keeps it"
        refused = run("curl", "-sS", "--interface", REFUSED, url)
        assert (refused.returncode in _REFUSED_BY_RESET, refused.stdout) == (True, b""), refused
        accepted += sum(map(int, made.stderr.split()))
        dropped += 1
    expect(house, job, "*ACCEPT", {("*ALLOWED", ALLOWED): accepted, ("*REJECTED", REFUSED): dropped})
