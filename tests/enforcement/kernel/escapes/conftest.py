"""The ground for the techniques: a store with rules, and a witness outside of any guard that counts what arrives."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from console.model.words import ExitPoint, Udp
from tests.conftest import public_directory
from tests.enforcement.kernel.conftest import make_house
from tests.enforcement.kernel.escapes.ground import Ground, Witness
from tests.enforcement.kernel.jobs import activate_rules, rejecting

_HERE = Path(__file__).parent
_OPTIONS = ("-O2", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-pthread")


class Techniques:
    """Compiles a technique when it is first asked for."""

    def __init__(self, directory):
        self.directory = directory

    def get(self, name):
        program = self.directory / name
        if not program.exists():
            source = _HERE / f"{name}.c"
            own = re.search(r"gcc: ([^*]*)", source.read_text())  # in the comment at its top
            subprocess.run(["gcc", *_OPTIONS, *(own[1].split() if own else ()), "-o", program, source], check=True)
        return program


@pytest.fixture(scope="session")
def techniques():
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    with public_directory() as directory:  # jobs of other users execute them too
        yield Techniques(directory)


@pytest.fixture(scope="session")
def witness(techniques):
    with Witness(techniques.get("witness")) as made:
        yield made


def rules(witness):
    """Refuse 127.0.0.2, the witness's second port and link-local; accepts from .2; listening on .66 and on 0.0.0.0."""
    connect, accept, listen = ExitPoint.CONNECT, ExitPoint.ACCEPT, ExitPoint.LISTEN
    return (
        rejecting(exit_point=connect, sequence=10, remote_address="127.0.0.2"),
        rejecting(exit_point=connect, sequence=20, remote_port=str(witness.closed_port)),
        rejecting(exit_point=connect, sequence=30, remote_address="fe80::/10"),
        rejecting(exit_point=connect, sequence=40, remote_address="127.0.0.7", user="NOBODY"),
        rejecting(exit_point=accept, sequence=10, remote_address="127.0.0.2"),
        rejecting(exit_point=listen, sequence=10, local_address="127.0.0.66"),
        rejecting(exit_point=listen, sequence=20, local_address="0.0.0.0", local_port="1-65535"),
        rejecting(exit_point=listen, sequence=30, local_address="127.0.0.7", user="NOBODY"),
    )


@pytest.fixture(scope="session")
def escape_house(tmp_path_factory, programs, witness):
    with make_house(tmp_path_factory.mktemp("escapes") / "store", programs) as house:
        activate_rules(house.store, *rules(witness))
        yield house


@pytest.fixture(scope="session")
def datagram_house(tmp_path_factory, programs, witness):
    """Return a house like `escape_house`, where datagrams are decided too."""
    with make_house(tmp_path_factory.mktemp("datagrams") / "store", programs) as house:
        activate_rules(house.store, *rules(witness), udp=Udp.DECIDE)
        yield house


@pytest.fixture
def datagram_ground(datagram_house, techniques, witness):
    witness.counts()
    return Ground(datagram_house, techniques, witness)


@pytest.fixture
def ground(escape_house, techniques, witness):
    """Return the ground, with nothing counted yet."""
    witness.counts()
    return Ground(escape_house, techniques, witness)
