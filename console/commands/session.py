"""The commands that move about in the console."""

from __future__ import annotations

from collections.abc import Mapping

from console.commands.definition import Choice, Command, Context, Parameter, Result
from console.commands.keywords import one_of
from console.resources import data_path

_MENUS = (Choice("MAIN", "Main menu"),)


class GoToMenu(Command):
    """Shows a menu."""

    name = "GO"
    text = "Go to Menu"
    authority = ()
    parameters = (
        Parameter(
            "MENU",
            "Menu",
            one_of("MENU", [menu.value for menu in _MENUS]),
            special=tuple(menu.value for menu in _MENUS),
            default="MAIN",
            list_values=lambda context: _MENUS,
        ),
    )
    interactive = True

    def run(self, context: Context, values: Mapping[str, str]) -> Result:
        """Show it."""
        return Result(panel="MainMenu", arguments=dict(values))


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


COMMANDS: tuple[type[Command], ...] = (GoToMenu, SignOff, DisplayThreatModel)
