from __future__ import annotations

import time

import pytest

from console.commands.execute import run_command
from screens.console import console_services
from screens.panels.main_menu import MainMenu
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
    return console_services(store, "OPER", system="NJORD01", clock=lambda: now)


@pytest.fixture
def run(services):
    """Return a way to run commands beside the console."""
    return lambda *commands: [run_command(command, services.context) for command in commands]


@pytest.fixture
def operator(services):
    """Return an operator at the main menu."""
    return Operator(MainMenu(services, is_first=True))
