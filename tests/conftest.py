"""What tests of every part share: a real store in a file, and time that stands still."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.stores import open_fresh_store

settings.register_profile("greenwall", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("greenwall")
"""How long an example takes, and how long to make one up, says how busy the machine is, and nothing of Greenwall."""

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture(scope="session", autouse=True)
def signals_of_a_terminal():
    """Give the signals of a terminal their default in programs: nohup and a shell's & have them ignored.

    What is handled here is default in a program. So a hang-up, after nohup, still does nothing to the tests themselves.
    """
    for number, handler in {
        signal.SIGHUP: lambda _number, _frame: None,
        signal.SIGINT: signal.default_int_handler,
        signal.SIGQUIT: signal.SIG_DFL,
    }.items():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.fixture
def now():
    return NOW


@pytest.fixture
def store_url(tmp_path):
    return f"sqlite:///{tmp_path}/test.db"


@pytest.fixture
def store(tmp_path):
    """Return a fresh store, which is that of `store_url`."""
    opened = open_fresh_store(tmp_path / "test.db")
    yield opened
    opened.close()


@contextlib.contextmanager
def public_directory():
    """Make a directory that other users may get into, for as long as it is used; pytest's are for its own user only."""
    with tempfile.TemporaryDirectory(prefix="greenwall-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        yield directory


@pytest.fixture
def public():
    with public_directory() as directory:
        yield directory


@pytest.fixture
def small_disk(tmp_path):
    """Return the directory of a disk of 1 MiB, which only root can have."""
    directory = tmp_path / "disk"
    directory.mkdir()
    options = ["-t", "tmpfs", "-o", "size=1m,mode=700", "greenwall-test", str(directory)]
    if os.geteuid() != 0 or subprocess.run(["mount", *options], check=False, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("nothing can be mounted here")
    yield directory
    subprocess.run(["umount", "--lazy", str(directory)], check=True)
