"""Help from data/help: a Markdown file a panel or command, a section a field.

The text before the first ``##`` is the help of the whole; ``## KEYWORD`` begins the help on one field or column.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from console.commands.menus import MenuDefinition, MenuOption
from console.resources import data_path
from screens.panel import FunctionKey, Help
from screens.terminal.page import HELP_KEYS, HELP_PANEL

_KEYS_FILE = "function_keys"
_KEYS_TITLE = "Function Keys"
_COMMAND_MENUS = "*COMMANDS"
"""Section of the menus that are made of the registry."""
_GO = "GO"
_TITLES = {
    "AUD": "Auditing",
    "CHAIN_HASH": "Chain hash",
    "CMD": "Command line",
    "ENDWANTED": "Asked to end",
    "EXIT": "Exit status",
    "EXITPNT": "Exit point",
    "FAIL": "Rejected call fails with",
    "HOST_NAME": "Host name",
    "LCLADR": "Local address",
    "LCLPORT": "Local port",
    "MASK": "Subnet mask",
    "MSG": "Send message",
    "PGM": "Program",
    "PGMNBR": "Program number",
    "PID": "Process id",
    "POSTO": "Position to",
    "RMTADR": "Remote address",
    "RMTPORT": "Remote port",
    "RULE_SEQUENCE": "Rule that decided",
    "SEQNBR": "Sequence number",
    "SK_TYPE": "Socket entry type",
    "TIMLMT": "Time limit",
    "UDP": "UDP",
    "USERID": "User id",
    "USRPRF": "User profile",
}
"""What help on a panel is headed by, by its section, where that is no word."""


@dataclass(frozen=True, slots=True)
class HelpFile:
    """One file, taken apart."""

    title: str
    text: str
    sections: Mapping[str, str]


@cache
def read_help(name: str) -> HelpFile:
    """Return a help file.

    Args:
        name: Of a command, or of a panel's module.

    Raises:
        FileNotFoundError: There is none: a bug, held off by a test.
    """
    title, at = name, ""
    found: dict[str, list[str]] = {at: []}
    for line in data_path("help", f"{name}.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            title = line[2:].strip()
        elif line.startswith("## "):
            at = line[3:].strip()
            found[at] = []
        else:
            found[at].append(line)
    texts = {key: "\n".join(lines).strip() for key, lines in found.items()}
    return HelpFile(title, texts.pop(""), texts)


def panel_help(module: str, key: str, keys: Sequence[FunctionKey]) -> Help | None:
    """Return a panel's help on what is under the cursor.

    Args:
        module: Name of the panel's module, and of its help file.
        key: Help key of the place.
        keys: The keys that the panel has now.
    """
    if key == HELP_KEYS:
        return keys_help(keys)
    return file_help(read_help(module), key)


def file_help(file: HelpFile, key: str, label: str = "") -> Help | None:
    """Return one section of a help file, or its beginning; None when there is no such section.

    Args:
        file: The help file.
        key: Its section, or ``*PANEL``.
        label: What the field is called, if not as its section.
    """
    if key == HELP_PANEL:
        return Help(file.title, file.text)
    text = file.sections.get(key)
    if text is None:
        return None
    return Help(f"{label} ({key})" if label else section_title(key), text)


def menu_help(menu: MenuDefinition, option: MenuOption | None = None) -> Help:
    """Return the help of a menu, or of one of its options: that of the menu or the command it leads to.

    Args:
        menu: The menu.
        option: One of its options.
    """
    if option is None:
        about = read_help("menu")
        words = about.sections.get(menu.name, about.sections[_COMMAND_MENUS])
        return Help(menu.title, f"{words}\n\n{about.text}")
    if option.command_name == _GO:
        leads = option.command.removeprefix(f"{_GO} ")
        sections = read_help("menu").sections
        text = sections.get(leads, sections[_COMMAND_MENUS])
    else:
        text = read_help(option.command_name).text
    return Help(f"{option.number}. {option.text}", text)


def section_title(key: str) -> str:
    """Return what a section of a help file is headed by."""
    if key.isdecimal():
        return f"Option {key}"
    return _TITLES.get(key) or key.removeprefix("*").capitalize()


def keys_help(keys: Sequence[FunctionKey]) -> Help:
    """Return what each of these keys does; keys of one label do the same on every panel."""
    known = read_help(_KEYS_FILE)
    told = [f"F{key.number}={key.label}: {known.sections.get(key.label, '')}".rstrip(": ") for key in _sorted(keys)]
    return Help(_KEYS_TITLE, "\n\n".join([*told, known.text]))


def _sorted(keys: Sequence[FunctionKey]) -> list[FunctionKey]:
    return sorted(keys, key=lambda key: key.number)
