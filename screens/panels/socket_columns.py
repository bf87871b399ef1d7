"""Columns of lists of sockets: what each is, who holds it, and what it stands under."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from console.commands.coverage import CoveredSocket, Engine
from screens.panels.columns import Column
from screens.terminal.attributes import Attribute


def _process(row: CoveredSocket) -> str:
    return "" if row.first is None else f"{row.first.pid} {row.first.name}"


def _program(row: CoveredSocket) -> str:
    return "" if row.first is None else row.first.program or row.first.name


def _column(
    heading: str, width: int, cell: Callable[[CoveredSocket], str], help_key: str, looks: Mapping[str, Attribute] = {}
) -> Column[CoveredSocket]:
    return Column(heading, width, cell, help_key=help_key, looks=looks)


_LOOKS = {Engine.NONE.value: Attribute.YELLOW, Engine.SHARED.value: Attribute.YELLOW}
PROTOCOL = _column("Type", 4, lambda row: row.socket.protocol, "PROTOCOL")
STATE = _column("State", 11, lambda row: row.socket.state, "STATE")
LOCAL = _column("Local address", 21, lambda row: row.local, "LOCAL")
REMOTE = _column("Remote address", 21, lambda row: row.remote, "REMOTE")
USER = _column("User", 8, lambda row: row.user, "USER")
ENGINE = _column("Engine", 7, lambda row: row.engine, "ENGINE", _LOOKS)
PROCESS = _column("Process", 17, _process, "PROCESS")


def job_column(width: int) -> Column[CoveredSocket]:
    """Return the job of a socket."""
    return _column("Job", width, lambda row: row.job, "JOB")


def reason_column(width: int) -> Column[CoveredSocket]:
    """Return why a socket is not, or not wholly, under an engine."""
    return _column("Reason", width, lambda row: row.reason, "REASON")


def program_column(width: int) -> Column[CoveredSocket]:
    """Return the path of the program that holds a socket."""
    return _column("Program", width, _program, "PROCESS")
