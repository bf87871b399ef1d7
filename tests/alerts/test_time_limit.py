"""Servers that never end what they say hold no delivery for longer than its time, and take no memory."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager

import pytest

from console.alerts.channels import WAYS
from console.alerts.place import Place
from console.errors import AlertError
from console.messages import describe
from console.model.alerts import Channel, Security
from tests.alerts.test_channels import payload

LIMIT_S = 1
PATIENCE_S = 60


@contextmanager
def talker(said, every_s=0.0):
    """Serve one client that is told the same again and again; give the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ended = threading.Event()

        def talk():
            endpoint, _ = server.accept()
            try:
                with endpoint:
                    while not ended.is_set():
                        endpoint.sendall(said)
                        ended.wait(every_s)
            except OSError:
                pass

        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            ended.set()
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), "the server is still being held up"


def failure(where):
    began = time.monotonic()
    with pytest.raises(AlertError) as failed:
        WAYS[where.channel].deliver(where, payload())
    assert time.monotonic() - began < PATIENCE_S
    return describe(failed.value).text


@pytest.mark.parametrize(
    ("said", "every_s"),
    [(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, 0.0), (b"H", 0.1)],
    ids=["interim answers", "an octet at a time"],
)
def test_web_server_that_talks_without_end_is_cut_off(said, every_s):
    with talker(said, every_s) as port:
        place = Place("HOOK", Channel.WEBHOOK, f"http://127.0.0.1:{port}/", time_limit_s=LIMIT_S)
        assert "did not end within 1 seconds" in failure(place)


def test_tls_that_never_begins_is_cut_off():
    with talker(b"\x16", 0.1) as port:
        place = Place("HOOK", Channel.WEBHOOK, f"https://127.0.0.1:{port}/", time_limit_s=LIMIT_S)
        failure(place)


@pytest.mark.parametrize("security", list(Security))
def test_mail_server_that_says_little_by_little_is_cut_off(security):
    with talker(b"220-hello\r\n", 0.1) as port:
        place = Place("MAIL", Channel.EMAIL, "a@example.com", server="127.0.0.1", port=port, security=security,
                      time_limit_s=LIMIT_S)  # fmt: skip
        failure(place)


def test_mail_server_that_floods_is_not_listened_to():
    with talker(b"220-" + b"x" * 400 + b"\r\n") as port:
        place = Place("MAIL", Channel.EMAIL, "a@example.com", server="127.0.0.1", port=port, time_limit_s=PATIENCE_S)
        assert "more than a mail server has to" in failure(place)
