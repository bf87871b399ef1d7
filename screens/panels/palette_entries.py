"""What the command palette offers, and how words find it. Pure but for what the operator may do, which it asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from console.commands.menus import MenuOption, find_menu, menu_choices
from screens.panel import Chosen
from screens.panels.services import Services
from screens.terminal.frame import Frame
from screens.terminal.keys import HELP

_COMMAND_MENU = "CMD"
_GO = "GO"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that can be done."""

    kind: str
    """``Key``, ``Option``, ``Menu`` or ``Command``."""
    name: str
    """``F5``, ``4``, the command's name."""
    text: str
    does: Chosen | MenuOption | str
    """What to do on the panel beneath, an option of a menu, or the name of a command."""

    @property
    def words(self) -> str:
        """What words are looked for in."""
        return f"{self.name} {self.text}".lower()


def entries(services: Services, under: Frame) -> Sequence[Entry]:
    """Return everything: the panel's keys, its options if the cursor is on a row, the menus, the commands.

    Of commands and menus those only that the operator may use.
    """
    return (*_keys(under), *_options(under), *_menus(services), *_commands(services))


def _keys(under: Frame) -> Iterator[Entry]:
    for number, key in sorted(under.keys.items()):
        if f"F{number}" != HELP.value:
            yield Entry("Key", f"F{number}", key.label, Chosen(key=f"F{number}"))


def _options(under: Frame) -> Iterator[Entry]:
    if under.option_field_in(under.buffer.row) is not None:
        for number, text in sorted(under.options().items()):
            yield Entry("Option", str(number), f"{text} (the row of the cursor)", Chosen(option=number))


def _menus(services: Services) -> Iterator[Entry]:
    seen = set()
    for choice in menu_choices(services.commands):
        if choice.value.startswith(_COMMAND_MENU):
            continue
        for option in find_menu(choice.value, services.commands).options:
            if option.command not in seen and services.may(option.command_name):
                seen.add(option.command)
                yield Entry("Menu", option.command.lstrip("?"), option.text, option)


def _commands(services: Services) -> Iterator[Entry]:
    limited = services.context.limited
    for name, command in sorted(services.commands.items()):
        if services.may(name) and name != _GO and (command.for_limited or not limited):
            yield Entry("Command", name, command.text, name)


def found(everything: Iterable[Entry], typed: str) -> Sequence[Entry]:
    """Return the entries that have every word typed, the best first; in their order where words fit alike."""
    words = typed.lower().split()
    ranked = [(max(_rank(word, entry.words) for word in words), entry) for entry in everything] if words else []
    if not words:
        return list(everything)
    return [entry for rank, entry in sorted(ranked, key=lambda pair: pair[0]) if rank < _NOWHERE]


_NOWHERE = 5


def _rank(word: str, words: str) -> int:
    """Say how well a word fits: the beginning, a word, the beginning of one, within one, its letters in order, not."""
    if words.startswith(word):
        return 0
    if word in words.split():
        return 1
    if f" {word}" in words:
        return 2
    if word in words:
        return 3
    letters = iter(words)
    return 4 if all(letter in letters for letter in word) else _NOWHERE
