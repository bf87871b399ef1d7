"""The main menu, GO MAIN: only what there is."""

from __future__ import annotations

from screens.panels.menu import Menu, MenuOption


class MainMenu(Menu):
    """Where the console begins."""

    name = "GWMAIN"
    module = "main_menu"
    title = "Greenwall Main Menu"
    options = (
        MenuOption(1, "Work with exit points", "WRKREGINF"),
        MenuOption(2, "Work with socket rules", "WRKSOCRUL"),
        MenuOption(3, "Test a socket rule", "?TSTSOCRUL"),
        MenuOption(4, "Work with socket jobs", "WRKSOCJOB"),
        MenuOption(5, "Display audit journal", "DSPJRN"),
        MenuOption(6, "Display socket coverage", "DSPSOCCOV"),
        MenuOption(7, "Work with SOCKS entries", "WRKSOCKSE"),
        MenuOption(8, "Display audit report", "DSPAUDRPT"),
        MenuOption(9, "Work with alerts", "WRKALR"),
        MenuOption(10, "Activate pending policy", "ACTSOCPCY", "ConfirmActivation"),
        MenuOption(20, "Display messages", "DSPMSG"),
        MenuOption(70, "Display threat model", "DSPTHRMDL", gap=1),
        MenuOption(90, "Sign off", "SIGNOFF"),
    )
