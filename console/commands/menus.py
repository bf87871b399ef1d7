"""The menus, as data: what GO shows. Knows names of commands and nothing of screens.

MAIN leads to the subjects, each subject to its commands; what a list offers as an option beside its rows need not be on
a menu as well. Besides, each verb has a menu of its own that is made of the registry (``GO CMDADD``), and VERB lists
these. A menu may name commands that a smaller installation lacks: they are not shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.commands.definition import Choice, Command
from console.errors import CommandError

MAIN = "MAIN"
ATTENTION = "ATTN"
"""The menu of the Attention key."""
ALL = "*ALL"
VERBS = "VERB"
"""The menu of the verbs."""
MENUS = "MENUS"
"""The menu of the menus, which ``GO *ALL`` shows."""

_NO_MENU = "GWL0730"
_VERB_LETTERS = 3
_WORDS = frozenset({"GO", "NETSTAT", "QCMD", "SIGNOFF"})
"""Commands whose name is no verb with an object behind it."""
_LONGER_VERBS = {"RBK": "Roll Back"}
"""Verbs of more than one word."""
_COMMAND_MENU = "CMD"
_GENERIC = "*"

Registry = Mapping[str, type[Command]]


@dataclass(frozen=True, slots=True)
class MenuOption:
    """One line of a menu."""

    number: int
    text: str
    command: str
    """Command that it runs; with a question mark in front it is prompted first."""
    panel: str = ""
    """Panel that it opens instead; F4 still prompts the command."""
    gap: int = 0
    """Blank rows before it."""

    @property
    def command_name(self) -> str:
        """Name of the command alone."""
        return self.command.lstrip("?").split()[0]


@dataclass(frozen=True, slots=True)
class MenuDefinition:
    """One menu."""

    name: str
    """What GO takes, at most ten characters."""
    title: str
    options: tuple[MenuOption, ...]


def _go(number: int, text: str, menu: str, gap: int = 0) -> MenuOption:
    return MenuOption(number, text, f"GO {menu}", gap=gap)


_MENUS = (
    MenuDefinition(
        MAIN,
        "Greenwall Main Menu",
        (
            _go(1, "Exit points, rules and policy", "RULES"),
            MenuOption(2, "Work with socket rules", "WRKSOCRUL"),
            _go(3, "SOCKS servers and routes", "SOCKS"),
            _go(4, "Jobs, connections and workers", "JOBS"),
            MenuOption(5, "Display audit journal", "DSPJRN"),
            _go(6, "Journal, reports and auditing", "JOURNAL"),
            _go(7, "Alerts and messages", "ALERTS"),
            _go(8, "User profiles and passwords", "USERS"),
            _go(9, "System values", "SYSTEM"),
            MenuOption(10, "Activate pending policy", "ACTSOCPCY", "ConfirmActivation"),
            _go(20, "This console", "CONSOLE"),
            MenuOption(70, "Display threat model", "DSPTHRMDL", gap=1),
            MenuOption(90, "Sign off", "SIGNOFF"),
        ),
    ),
    MenuDefinition(
        "RULES",
        "Exit Points, Rules and Policy",
        (
            MenuOption(1, "Work with exit points", "WRKREGINF"),
            MenuOption(2, "Work with socket rules", "WRKSOCRUL"),
            MenuOption(3, "Test a call against the rules", "?TSTSOCRUL"),
            MenuOption(4, "Work with address groups", "WRKADRGRP"),
            MenuOption(5, "Work with time groups", "WRKTIMGRP"),
            MenuOption(6, "Renumber socket rules", "?RNBSOCRUL"),
            MenuOption(10, "Activate pending policy", "ACTSOCPCY", "ConfirmActivation", gap=1),
            MenuOption(11, "Confirm an activation with a time limit", "?CFMSOCPCY"),
            MenuOption(12, "Work with policy revisions", "WRKSOCPCY"),
            MenuOption(13, "Compare two policies", "?CMPSOCPCY"),
            MenuOption(14, "Go back to an earlier revision", "?RBKSOCPCY"),
            MenuOption(15, "Datagrams and raw sockets", "?CHGSOCPCY"),
            MenuOption(20, "Import a policy", "?IMPSOCPCY", gap=1),
            MenuOption(21, "Export a policy", "?EXPSOCPCY"),
        ),
    ),
    MenuDefinition(
        "SOCKS",
        "SOCKS Servers and Routes",
        (
            MenuOption(1, "Configure SOCKS", "CFGSOCKS"),
            MenuOption(2, "Work with SOCKS entries", "WRKSOCKSE"),
            MenuOption(3, "Add a SOCKS entry", "?ADDSOCKSE"),
            MenuOption(4, "Test which way a connection would go", "?TSTSOCKSE"),
            MenuOption(10, "Activate pending policy", "ACTSOCPCY", "ConfirmActivation", gap=1),
        ),
    ),
    MenuDefinition(
        "JOBS",
        "Jobs, Connections and Workers",
        (
            MenuOption(1, "Work with socket jobs", "WRKSOCJOB"),
            MenuOption(2, "Work with connections of this system", "WRKTCPSTS"),
            MenuOption(3, "Display socket coverage", "DSPSOCCOV"),
            MenuOption(10, "Work with workers", "WRKSOCWRK", gap=1),
            MenuOption(11, "Start the worker", "?STRSOCWRK"),
            MenuOption(12, "End the worker", "?ENDSOCWRK"),
            MenuOption(20, "Work with SSH sessions", "WRKSSHSSN", gap=1),
        ),
    ),
    MenuDefinition(
        "JOURNAL",
        "Journal, Reports and Auditing",
        (
            MenuOption(1, "Display audit journal", "DSPJRN"),
            MenuOption(2, "Display a part of the audit journal", "?DSPJRN"),
            MenuOption(3, "Display audit report", "DSPAUDRPT"),
            MenuOption(4, "Work with journal attributes and receivers", "WRKJRNA"),
            MenuOption(5, "Change journal", "?CHGJRN"),
            MenuOption(6, "Verify the journal", "?VFYJRN"),
            MenuOption(7, "Copy entries to files", "?CPYAUDJRNE"),
            MenuOption(8, "Work with journal forwarding", "WRKJRNFWD"),
            MenuOption(10, "Display security auditing", "DSPSECAUD", gap=1),
            MenuOption(11, "Change security auditing", "?CHGSECAUD"),
            MenuOption(12, "Change auditing of a user", "?CHGUSRAUD"),
            MenuOption(20, "Display imported journals", "DSPIMPJRN"),
            MenuOption(21, "Import a journal of IBM i", "?IMPAUDJRN"),
            MenuOption(22, "Delete an imported journal", "?DLTIMPJRN"),
        ),
    ),
    MenuDefinition(
        "ALERTS",
        "Alerts and Messages",
        (
            MenuOption(1, "Work with alerts", "WRKALR"),
            MenuOption(2, "Work with alert destinations", "WRKALRDST"),
            MenuOption(3, "Test an alert on what is in the journal", "?TSTALR"),
            MenuOption(10, "Display messages", "DSPMSG", gap=1),
            MenuOption(11, "Send a message", "?SNDMSG"),
            MenuOption(12, "Clear a message queue", "?CLRMSGQ"),
        ),
    ),
    MenuDefinition(
        "USERS",
        "User Profiles and Passwords",
        (
            MenuOption(1, "Change your password", "CHGPWD"),
            MenuOption(2, "Change your profile", "?CHGPRF"),
            MenuOption(3, "Work with public keys for SSH", "?WRKUSRKEY"),
            MenuOption(4, "Set up one-time codes", "?GENUSRCOD"),
            MenuOption(5, "Display your profile", "DSPUSRPRF"),
            MenuOption(10, "Work with user profiles", "WRKUSRPRF", gap=1),
            MenuOption(11, "Create a user profile", "?CRTUSRPRF"),
            MenuOption(12, "Display authorized users", "DSPAUTUSR"),
            MenuOption(13, "Change auditing of a user", "?CHGUSRAUD"),
            MenuOption(14, "Work with SSH sessions", "WRKSSHSSN"),
        ),
    ),
    MenuDefinition(
        "SYSTEM",
        "System Values",
        (
            MenuOption(1, "Work with system values", "WRKSYSVAL"),
            MenuOption(2, "Display security auditing", "DSPSECAUD"),
            MenuOption(3, "Change security auditing", "?CHGSECAUD"),
            MenuOption(70, "Display threat model", "DSPTHRMDL", gap=1),
        ),
    ),
    MenuDefinition(
        "CONSOLE",
        "This Console",
        (
            MenuOption(1, "Display what your keys do", "DSPKEY"),
            MenuOption(2, "Change your profile: colours, key map, menu", "?CHGPRF"),
            MenuOption(3, "Change your password", "CHGPWD"),
            MenuOption(4, "Display messages", "DSPMSG"),
            MenuOption(5, "Search the help for words", "STRSCHIDX"),
            MenuOption(6, "Command entry", "QCMD"),
            _go(10, "All menus", ALL, gap=1),
            _go(11, "All commands, by verb", VERBS),
            _go(12, "What the Attention key shows", ATTENTION),
            MenuOption(90, "Sign off", "SIGNOFF", gap=1),
        ),
    ),
    MenuDefinition(
        ATTENTION,
        "Attention",
        (
            MenuOption(1, "Display messages", "DSPMSG"),
            MenuOption(2, "Send a message", "?SNDMSG"),
            MenuOption(3, "Work with socket jobs", "WRKSOCJOB"),
            MenuOption(4, "Work with workers", "WRKSOCWRK"),
            MenuOption(5, "Change your password", "CHGPWD"),
            _go(10, "Main menu", MAIN, gap=1),
            _go(11, "All menus", ALL),
            MenuOption(90, "Sign off", "SIGNOFF", gap=1),
        ),
    ),
)  # fmt: skip

SUBJECTS: Mapping[str, MenuDefinition] = {menu.name: menu for menu in _MENUS}
"""The menus that are written down, MAIN first."""


def find_menu(name: str, registry: Registry) -> MenuDefinition:
    """Return a menu, with those of its options that there are commands for.

    Args:
        name: Its name; ``*ALL``, or the beginning of names and a star, for a menu of menus.
        registry: The commands there are.

    Raises:
        CommandError: There is none.
    """
    if name in SUBJECTS:
        menu = SUBJECTS[name]
        options = tuple(option for option in menu.options if option.command_name in registry)
        return MenuDefinition(menu.name, menu.title, options)
    if name in (ALL, MENUS):
        return _list_of_menus(menu_choices(registry))
    if name == VERBS:
        return _list_of_verbs(registry)
    if name.endswith(_GENERIC):
        return _list_of_menus(_beginning(name, registry))
    verb = name.removeprefix(_COMMAND_MENU)
    if name.startswith(_COMMAND_MENU) and verb in verbs(registry):
        return _verb_menu(verb, registry)
    raise _no_menu(name, registry)


def menu_check(value: str) -> str:
    """Check the name of a menu, for GO and for the initial menu of a profile.

    Raises:
        CommandError: There is no such menu.
    """
    from console.commands.registry import COMMANDS  # this file is part of it

    name = value.upper()
    find_menu(name, COMMANDS)
    return name


def menu_choices(registry: Registry) -> Sequence[Choice]:
    """Return the menus there are, for F4."""
    written = [Choice(menu.name, menu.title) for menu in _MENUS]
    by_verb = [Choice(_COMMAND_MENU + verb, _verb_title(verb, registry)) for verb in sorted(verbs(registry))]
    return (*written, Choice(VERBS, "Commands by Verb"), *by_verb)


def verbs(registry: Registry) -> Mapping[str, Sequence[str]]:
    """Return the verbs, each with its commands by name; commands that are words of their own are left out."""
    found: dict[str, list[str]] = {}
    for name in sorted(registry):
        if name not in _WORDS:
            found.setdefault(name[:_VERB_LETTERS], []).append(name)
    return found


def _verb_title(verb: str, registry: Registry) -> str:
    """Return a title such as ``Add Commands``, of the first word of the commands' texts."""
    if verb in _LONGER_VERBS:
        return f"{_LONGER_VERBS[verb]} Commands"
    word = registry[verbs(registry)[verb][0]].text.split()[0]
    return f"{word} Commands"


def _verb_menu(verb: str, registry: Registry) -> MenuDefinition:
    # A command may go by other names as well; it is listed by its own.
    names = [name for name in verbs(registry)[verb] if registry[name].name == name]
    options = tuple(
        MenuOption(number, f"{registry[name].text}  ({name})", f"?{name}") for number, name in enumerate(names, 1)
    )
    return MenuDefinition(_COMMAND_MENU + verb, _verb_title(verb, registry), options)


def _list_of_verbs(registry: Registry) -> MenuDefinition:
    options = tuple(
        _go(number, f"{_verb_title(verb, registry)}  ({_COMMAND_MENU}{verb})", _COMMAND_MENU + verb)
        for number, verb in enumerate(sorted(verbs(registry)), 1)
    )
    return MenuDefinition(VERBS, "Commands by Verb", options)


def _list_of_menus(choices: Sequence[Choice]) -> MenuDefinition:
    options = tuple(
        _go(number, f"{choice.text}  ({choice.value})", choice.value) for number, choice in enumerate(choices, 1)
    )
    return MenuDefinition(MENUS, "All Menus", options)


def _beginning(name: str, registry: Registry) -> Sequence[Choice]:
    """Return the menus whose name begins so.

    Raises:
        CommandError: There is none.
    """
    found = [choice for choice in menu_choices(registry) if choice.value.startswith(name.removesuffix(_GENERIC))]
    if not found:
        raise _no_menu(name, registry)
    return found


def _no_menu(name: str, registry: Registry) -> CommandError:
    del registry
    return CommandError(_NO_MENU, menu=name, menus=", ".join(SUBJECTS))
