"""One store with one policy and one worker for most of the tests here, a fresh one for those that kill or change."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import public_directory
from tests.enforcement.kernel.jobs import make_house
from tests.enforcement.kernel.plain_house import house_of  # noqa: F401 -- a fixture
from tests.enforcement.kernel.ways import served_in  # noqa: F401 -- a fixture
from tests.loopback import hang_up, serving
from tests.socks.server import Manners, SocksServer

_SOURCES = Path(__file__).parent / "programs"


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.kernel)


@pytest.fixture(scope="session")
def programs():
    """Return the directory of the compiled programs; those that are static are there where libc can be linked so."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    with public_directory() as directory:
        options = ["-O2", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-pthread"]
        for name in ("clients", "servers", "datagrams", "storms", "routed", "rbind", "named"):
            subprocess.run(["gcc", *options, "-o", directory / name, _SOURCES / f"{name}.c"], check=True)
        for name in ("clients", "routed", "named"):
            static = ["gcc", *options, "-static", "-o", directory / f"{name}-static", _SOURCES / f"{name}.c"]
            subprocess.run(static, check=False, capture_output=True)
        if shutil.which("musl-gcc") is not None:
            musl = ["musl-gcc", "-O2", "-static", "-o", directory / "named-musl", _SOURCES / "named.c"]
            subprocess.run(musl, check=True)
        yield directory


@pytest.fixture(scope="session")
def house(tmp_path_factory, programs):
    with make_house(tmp_path_factory.mktemp("house") / "store", programs) as made:
        yield made


@pytest.fixture
def fresh_house(tmp_path, programs):
    with make_house(tmp_path / "store", programs) as made:
        yield made


@pytest.fixture(scope="session")
def port():
    """Return the port of a server on all loopback addresses that answers each connection with its end."""
    with serving(hang_up) as number:
        yield number


@pytest.fixture(scope="module")
def rbind_house(tmp_path_factory, programs):
    """Return a store without rules and its worker."""
    with make_house(tmp_path_factory.mktemp("rbind") / "store", programs, ()) as made:
        yield made


@pytest.fixture
def socks():
    """Return a function that starts a SOCKS server with the given manners."""
    with contextlib.ExitStack() as running:
        yield lambda on_request=None, **manners: running.enter_context(
            SocksServer(Manners(**manners), on_request=on_request)
        )
