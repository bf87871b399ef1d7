"""The command that shows which sockets stand under an engine, and its printed list."""

from __future__ import annotations

from collections.abc import Mapping

from console.commands.coverage import (
    ALL,
    Coverage,
    CoveredSocket,
    Engine,
    Kind,
    end_text,
    is_wanted,
    read_coverage,
    summary,
)
from console.commands.definition import Command, Context, Parameter, Result
from console.commands.keywords import one_of
from console.commands.listing import Column, table

_COLUMNS = (
    Column("Protocol"),
    Column("State"),
    Column("Local"),
    Column("Remote"),
    Column("User"),
    Column("Pid", right=True),
    Column("Program"),
    Column("Engine"),
    Column("Job"),
    Column("Reason"),
)


def coverage_list(coverage: Coverage, *, engine: str, kind: str) -> tuple[str, ...]:
    """Return the counts, and a subset of the sockets as a list."""
    rows = [_row(each) for each in coverage.sockets if is_wanted(each, engine, kind)]
    return (*table(_COLUMNS, rows, "(No sockets)"), *summary(coverage))


def _row(each: CoveredSocket) -> tuple[object, ...]:
    shown, process = each.socket, each.first
    return (
        shown.protocol,
        shown.state,
        end_text(shown.local_address, shown.local_port),
        end_text(shown.remote_address, shown.remote_port),
        each.user,
        "" if process is None else process.pid,
        "" if process is None else process.program or process.name,
        each.engine,
        each.job,
        each.reason,
    )


class DisplaySocketCoverage(Command):
    """Shows which sockets stand under an engine."""

    name = "DSPSOCCOV"
    text = "Display Socket Coverage"
    authority = ()
    parameters = (
        Parameter(
            "ENGINE",
            "Engine",
            one_of("ENGINE", (*Engine, ALL)),
            default=Engine.NONE.value,
            special=(*Engine, ALL),
        ),
        Parameter("TYPE", "Type of socket", one_of("TYPE", (ALL, *Kind)), default=ALL, special=(ALL, *Kind)),
    )

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show them."""
        lines = coverage_list(read_coverage(context), engine=values["ENGINE"], kind=values["TYPE"])
        return Result(lines=lines, panel="DisplayCoverage", arguments=dict(values))


COMMANDS: tuple[type[Command], ...] = (DisplaySocketCoverage,)
