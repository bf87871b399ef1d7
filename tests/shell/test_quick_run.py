"""The short way to a guarded command says the same as the option parser, or nothing."""

from __future__ import annotations

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from console import verbs
from console.shell.quick_run import QuickRun, recognise

_WORDS = [
    "--store",
    "--store=u",
    "run",
    "--name",
    "--name=N",
    "--user",
    "--",
    "-x",
    "--help",
    "curl",
    "",
    "=",
    "--store=",
]


def parsed(arguments):
    """Return what the option parser makes of a command line for run; None when it refuses it."""
    found = []
    app = typer.Typer(rich_markup_mode=None)

    @app.callback(invoke_without_command=True)
    def before(context: typer.Context, store: str = ""):
        context.obj = store

    options = next(command for command in verbs.app.registered_commands if command.callback is verbs.run)

    @app.command("run", context_settings=options.context_settings)
    def run(context: typer.Context, command: list[str] | None = typer.Argument(None), name: str = "", user: str = ""):
        found.append(QuickRun(tuple(command or ()), context.obj, name, user))

    try:
        app(list(arguments), standalone_mode=False)
    except typer.TyperException:
        return None
    return found[0] if found else None


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run", "--", "curl", "-s", "x"], QuickRun(("curl", "-s", "x"))),
        (["run", "curl", "--name", "x"], QuickRun(("curl", "--name", "x"))),
        (["--store", "u", "run", "--name", "N", "--user=bob", "--", "id"], QuickRun(("id",), "u", "N", "bob")),
        (["run", "--", "--", "id"], QuickRun(("--", "id"))),
        (["run"], None),
        (["run", "--"], None),
        (["run", "--help"], None),
        (["run", "--nmae", "x", "--", "id"], None),
        (["--store", "", "run", "id"], None),
        (["show", "rules"], None),
        ([], None),
    ],
)
def test_plain_forms_are_recognised_and_others_left_to_the_parser(arguments, expected):
    assert recognise(arguments) == expected


@given(st.lists(st.sampled_from(_WORDS), max_size=7))
def test_what_is_recognised_is_what_the_parser_says(arguments):
    quick = recognise(arguments)
    if quick is not None:
        assert parsed(arguments) == quick
