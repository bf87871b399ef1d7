"""The main menu, GO MAIN."""

from __future__ import annotations

from collections.abc import Mapping

from console.commands.menus import MAIN
from screens.panels.menu import Menu
from screens.panels.services import Services


class MainMenu(Menu):
    """Where the console begins."""

    def __init__(self, services: Services, *, is_first: bool = False) -> None:
        """Open the menu; see `Menu`."""
        super().__init__(services, MAIN, is_first=is_first)


def open_main_menu(services: Services, arguments: Mapping[str, str]) -> MainMenu:
    """Open the menu over other panels."""
    del arguments
    return MainMenu(services)
