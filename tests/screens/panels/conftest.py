from __future__ import annotations

import socket
import threading
import time

import pytest

from console.commands.execute import run_command
from screens.console import console_services
from screens.panels.main_menu import MainMenu
from tests.factories import signed_on
from tests.screens.panels.operator import Operator


@pytest.fixture(autouse=True)
def _utc(monkeypatch):
    """Local times on the screen are those of UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def services(store, now):
    return console_services(store, signed_on(), system="NJORD01", clock=lambda: now)


@pytest.fixture
def run(services):
    """Return a way to run commands beside the console."""
    return lambda *commands: [run_command(command, services.context) for command in commands]


@pytest.fixture
def operator(services):
    """Return an operator at the main menu."""
    return Operator(MainMenu(services, is_first=True))


class Service:
    """Something on loopback that is no SOCKS server: says one line to whoever connects."""

    def __init__(self) -> None:
        self.asked = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                if connection.recv(1) == b"\0":
                    return
                self.asked += 1
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    def close(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port)) as last:
            last.sendall(b"\0")
        self._thread.join()
        self._listener.close()


@pytest.fixture
def service():
    running = Service()
    yield running
    running.close()
