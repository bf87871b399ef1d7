"""The conversation with the worker."""

from __future__ import annotations

import contextlib
import os
import socket
import threading

import pytest

from console.enforcement.frames import PROTOCOL, Taken, Welcome, encode
from console.enforcement.guard import link as module
from console.enforcement.guard.link import WorkerLink
from console.errors import WorkerError
from console.messages import describe
from console.store.location import Location
from tests.enforcement.guard.scripted_worker import POLICY
from tests.enforcement.guard.setting import PATIENCE_S
from tests.factories import hello

WELCOME = encode(Welcome(PROTOCOL, 5, 7, 3, POLICY))


@pytest.fixture
def location(tmp_path):
    return Location(tmp_path, "s.db")


@pytest.fixture
def answering(location):
    """Return a function that makes a listener which answers one Hello with given octets, in given pieces."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(location.worker_socket))
    listener.listen()
    peers = []

    def answer(*pieces):
        def run():
            peer, _ = listener.accept()
            peers.append(peer)
            peer.recv(65536)
            for piece in pieces:
                peer.sendall(piece)
            if not pieces:
                peer.close()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    yield answer
    listener.close()
    for peer in peers:
        peer.close()


def test_welcome_is_kept_and_what_follows_it_is_received(location, answering):
    answering(WELCOME + encode(Taken(9)))
    link = WorkerLink(location, hello())
    assert (link.welcome.job_number, link.welcome.last_number, link.welcome.revision) == (5, 7, 3)
    assert link.receive() == Taken(9)
    link.close()


def test_welcome_may_come_octet_by_octet(location, answering):
    answering(*(WELCOME[at : at + 1] for at in range(len(WELCOME))))
    link = WorkerLink(location, hello())
    assert link.welcome.revision == 3
    link.close()


def test_nobody_there_is_said(location):
    with pytest.raises(WorkerError) as caught:
        WorkerLink(location, hello())
    assert caught.value.message_id == "GWL0410"


@pytest.mark.parametrize(
    ("pieces", "message_id"),
    [
        ((encode(Welcome(PROTOCOL + 1, 1, 0, 1, POLICY)),), "GWL0411"),
        ((encode(Taken(1)),), "GWL0411"),
        ((b"\xff\xff\xff\xff",), "GWL0503"),
        ((b"\0\0\0\1\xc1",), "GWL0504"),
        ((), "GWL0410"),
    ],
)
def test_whoever_is_no_worker_of_our_kind_is_refused(location, answering, pieces, message_id):
    answering(*pieces)
    with pytest.raises(WorkerError) as caught:
        WorkerLink(location, hello())
    assert caught.value.message_id == message_id


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user for a moment")
@pytest.mark.parametrize("owns", [False, True])
def test_worker_of_a_user_who_does_not_own_the_directory_is_refused(location, owns):
    if owns:
        os.chown(location.directory, 65534, -1)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(location.worker_socket))
        os.seteuid(65534)
        try:
            listener.listen()
        finally:
            os.seteuid(0)
        thread = threading.Thread(target=lambda: listener.accept()[0].close(), daemon=True)
        thread.start()
        with pytest.raises(WorkerError) as caught:
            WorkerLink(location, hello())
        thread.join(PATIENCE_S)
    describe(caught.value)
    assert caught.value.message_id == ("GWL0410" if owns else "GWL0514")


def test_worker_that_never_answers_is_given_up(location, answering, monkeypatch):
    monkeypatch.setattr(module, "_GREETING_TIMEOUT_S", 0.05)
    answering(b"\0")
    with pytest.raises(WorkerError) as caught:
        WorkerLink(location, hello())
    assert caught.value.message_id == "GWL0410"


def test_thread_that_receives_hears_of_the_hang_up(location, answering):
    answering(WELCOME)
    link = WorkerLink(location, hello())
    heard = []

    def hear():
        # Before it waits, or after: the one sees a closed socket, the other an end.
        with contextlib.suppress(OSError):
            heard.append(link.receive())

    thread = threading.Thread(target=hear, daemon=True)
    thread.start()
    link.close()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert heard in ([], [None])
