"""What the end-to-end tests share: a store of their own with the command on it, compiled programs, a terminal."""

from __future__ import annotations

import contextlib
import shutil

import pytest

from tests.end_to_end.command import Greenwall
from tests.end_to_end.tmux import Tmux
from tests.loopback import answer_http, serving
from tests.programs.build import Programs, has_compiler
from tests.stores import put_fresh_store


@contextlib.contextmanager
def _command_in(directory):
    """Make a directory, and the command for a store in it; its jobs and workers end with it."""
    directory.mkdir(mode=0o700)
    command = Greenwall(directory)
    yield command
    command.end_jobs()
    command.end_workers()


@pytest.fixture
def greenwall_without_store(tmp_path):
    """Return the command where no store is yet; its jobs and workers are ended with the test."""
    # A directory of its own: the tests fill tmp_path with other things.
    with _command_in(tmp_path / "store") as command:
        yield command


@pytest.fixture(scope="module")
def served_greenwall(tmp_path_factory):
    """Return the command on a store that the tests of a module share, and with it the worker that the first starts."""
    with _command_in(tmp_path_factory.mktemp("served") / "store") as command:
        put_fresh_store(command.directory / "store.db")
        yield command


@pytest.fixture
def greenwall(greenwall_without_store):
    """Return the command on a fresh store; its jobs and workers are ended with the test."""
    put_fresh_store(greenwall_without_store.directory / "store.db")
    return greenwall_without_store


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    """Return the small C programs."""
    if not has_compiler():
        pytest.skip("gcc is not installed")
    return Programs(tmp_path_factory.mktemp("programs"))


@pytest.fixture
def terminal(tmp_path):
    """Return a function that starts a command in a terminal; all terminals are ended with the test."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    with contextlib.ExitStack() as open_terminals:

        def start(command, size=(80, 24), **environment):
            return open_terminals.enter_context(Tmux(command, tmp_path, size, **environment))

        yield start


@pytest.fixture
def server_port():
    """Return the port of a plain server that answers each connection with an HTTP response."""
    with serving(answer_http) as number:
        yield number
