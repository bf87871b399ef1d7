"""The commands that move about in the console."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.commands.definition import Choice, Command, Context, Parameter, Result
from console.commands.menus import ALL, MAIN, menu_check, menu_choices
from console.resources import data_path


def _menus(context: Context) -> Sequence[Choice]:
    del context
    from console.commands.registry import COMMANDS  # this file is part of it

    return menu_choices(COMMANDS)


class GoToMenu(Command):
    """Shows a menu."""

    name = "GO"
    text = "Go to Menu"
    authority = ()
    parameters = (
        Parameter(
            "MENU",
            "Menu",
            menu_check,
            special=(ALL,),
            choices="Name, generic*, *ALL",
            default=MAIN,
            list_values=_menus,
        ),
    )
    interactive = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show it."""
        return Result(panel="Menu", arguments=dict(values))


class SignOff(Command):
    """Ends the console."""

    name = "SIGNOFF"
    text = "Sign Off"
    authority = ()
    for_limited = True
    interactive = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """End it."""
        return Result(panel="SignOff")


class StartSearchIndex(Command):
    """Searches the help."""

    name = "STRSCHIDX"
    text = "Start Search Index"
    authority = ()
    for_limited = True
    interactive = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show it."""
        return Result(panel="SearchHelp")


class DisplayThreatModel(Command):
    """Shows the threat model."""

    name = "DSPTHRMDL"
    text = "Display Threat Model"
    authority = ()

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show it."""
        return Result(
            lines=tuple(data_path("help", "threat_model.md").read_text("utf-8").splitlines()), panel="ThreatModel"
        )


class DisplayKeys(Command):
    """Shows what keys are."""

    name = "DSPKEY"
    text = "Display Keys"
    authority = ()
    for_limited = True
    interactive = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show the panel."""
        return Result(panel="DisplayKeys")


class CommandEntry(Command):
    """Takes commands one after the other, and shows what each answered."""

    name = "QCMD"
    text = "Command Entry"
    authority = ()
    interactive = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show the panel."""
        return Result(panel="CommandEntry")


COMMANDS: tuple[type[Command], ...] = (
    GoToMenu,
    SignOff,
    StartSearchIndex,
    DisplayThreatModel,
    DisplayKeys,
    CommandEntry,
)
