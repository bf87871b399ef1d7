"""Descriptors from outside of the guard: received over a Unix socket, or inherited."""

from __future__ import annotations

import contextlib
import socket
import threading

from tests.enforcement.kernel.escapes.expectations import ALLOWED, BOTH, FORBIDDEN


def bound_to(address):
    made = socket.socket()
    made.bind((address, 0))
    return made


@contextlib.contextmanager
def knocked_at():
    """Make a listener outside of any guard that a refused and then an allowed peer have connected to."""
    with bound_to(ALLOWED) as listener, bound_to(FORBIDDEN) as refused, bound_to(ALLOWED) as allowed:
        listener.listen()
        refused.connect(listener.getsockname())
        allowed.connect(listener.getsockname())
        yield listener, refused


def is_reset(connection):
    """Say whether the other side has reset a connection without a byte."""
    connection.settimeout(10)
    try:
        return connection.recv(1) is None
    except ConnectionResetError:
        return True


def test_received_descriptors_are_decided_like_any(ground, tmp_path):
    with (
        socket.socket(socket.AF_UNIX) as server,
        socket.socket() as one,
        socket.socket() as another,
        bound_to("127.0.0.66") as bound,
        knocked_at() as (listener, refused),
    ):
        server.bind(str(tmp_path / "pass"))
        server.listen()

        def pass_on():
            client, _ = server.accept()
            with client:
                for made in (one, another, bound, listener):
                    socket.send_fds(client, [b"d"], [made.fileno()])
                client.recv(1)

        thread = threading.Thread(target=pass_on)
        thread.start()
        seen = ground.run("passed_descriptor", tmp_path / "pass")
        thread.join()
        assert is_reset(refused)
    assert tuple(seen.lines) == (
        *BOTH,
        "listen where it may not EPERM",
        "accept 0",
        f"from {ALLOWED}",
        "in another process, forbidden EPERM",
        "in another process, allowed 0",
    )
    assert seen.arrived_in_words(ground.witness) == {f"tcp {ALLOWED}": 2}
    assert seen.journal_in_words() == {
        f"*ACCEPT *ALLOWED {ALLOWED}": 1,
        f"*ACCEPT *REJECTED {FORBIDDEN}": 1,
        f"*CONNECT *ALLOWED {ALLOWED}": 2,
        f"*CONNECT *REJECTED {FORBIDDEN}": 2,
        "*LISTEN *REJECTED 127.0.0.66": 1,
    }


def test_inherited_listener_and_sockets_are_decided_like_any(ground):
    with knocked_at() as (listener, refused), socket.socket() as plain, bound_to("127.0.0.66") as bound:
        numbers = [made.fileno() for made in (listener, plain, bound)]
        seen = ground.run("inherited_listener", *numbers, pass_fds=numbers)
        assert is_reset(refused)
    assert tuple(seen.lines) == ("accept 0", f"from {ALLOWED}", *BOTH, "listen where it may not EPERM")
    assert seen.arrived_in_words(ground.witness) == {f"tcp {ALLOWED}": 1}
    assert ("*ACCEPT", "*REJECTED", FORBIDDEN) in seen.journal


def test_inherited_ring_with_a_thread_of_its_own_is_closed(ground):
    ring = "inherited_io_uring"
    program = str(ground.techniques.get(ring))
    use = [program, *map(str, ground.arguments(0, "use"))]
    made = ground.native(ring, "make", *use)
    assert made.lines == ["ring 0"]
    assert made.arrived_in_words(ground.witness) == {f"tcp {FORBIDDEN}": 1}  # what it does without a guard
    made = ground.native(ring, "make", *ground.house.greenwall.arguments("run", "--", *use))
    assert made.lines == ["ring EBADF"]
    assert made.arrived == {}
