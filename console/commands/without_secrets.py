"""What was typed as a command, without its passwords: for F9, and the list of what was run; pure.

The definitions of the commands say what a password is, by keyword and by place. A line that cannot be read may hold one
anywhere: `CRTUSRPRF BOB geheim`, `CRTUSRPF BOB PASSWORD(geheim`. Of such a line that is kept which the definition of
the command, or of one with nearly this name, has a place for. Nobody misses the rest: a line that was refused stays on
the command line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from console.commands.definition import Command, Parameter
from console.commands.language import PROMPTED, Registry, parse_partial
from console.commands.tokens import Kind, Token, tokenize
from console.errors import CommandError, ConsoleError

_NAME = re.compile(r"[A-Z$#@][A-Z0-9$#@_]{0,9}")
_NEARLY = 0.75
"""How much a word must be like the keyword of a password to be taken for it (difflib): PASSWD is, SECURITY is not."""
_NEAR_NAMES = 3
_WORD_END = re.compile(r"[^A-Z0-9]")


def without_secrets(text: str, registry: Registry) -> str:
    """Return what was typed as a command without its passwords, whether it can be read or not.

    Args:
        text: As it was typed, perhaps with a question mark in front.
        registry: The commands there are.
    """
    marked = text.lstrip(" \t").startswith("?")
    tokens = _readable(text.replace("?", " ", 1) if marked else text)
    name = tokens[0].text.upper() if tokens and tokens[0].kind is Kind.WORD else ""
    if not _NAME.fullmatch(name):
        return ""
    cls = _meant(name, registry)
    if cls is not None and name in registry and not _secrets(cls) and _can_be_read(text, registry):
        return text.strip()
    if cls is None:
        return ""
    return " ".join([("?" if marked else "") + tokens[0].text, *_kept(text, cls, tokens[1:], _keywords(registry))])


def passwords_in(text: str, registry: Registry) -> list[str]:
    """Return the keywords of the passwords that a line may give that cannot be read; none where nothing was taken out.

    Args:
        text: As it was typed.
        registry: The commands there are.
    """
    tokens = _readable(text)
    cls = _meant(tokens[0].text.upper(), registry) if tokens else None
    return _secrets(cls) if cls is not None and without_secrets(text, registry) != text.strip() else []


def _readable(text: str) -> list[Token]:
    """Return the tokens up to where a line cannot be read."""
    while True:
        try:
            return tokenize(text)
        except CommandError as error:
            column = error.values["column"]
            text = text[: column - 1] if isinstance(column, int) else ""


def _can_be_read(text: str, registry: Registry) -> bool:
    try:
        parse_partial(text, registry)
    except CommandError:
        return False
    return True


def _meant(name: str, registry: Registry) -> type[Command] | None:
    """Return the command of a name; of those with nearly this name one that takes a password, if any does."""
    if name in registry:
        return registry[name]
    near = [registry[each] for each in get_close_matches(name, list(registry), n=_NEAR_NAMES)]
    return next((cls for cls in near if _secrets(cls)), near[0] if near else None)


def _secrets(cls: type[Command]) -> list[str]:
    return [parameter.keyword for parameter in cls.parameters if parameter.secret]


def _keywords(registry: Registry) -> Sequence[str]:
    """Return the keywords of passwords, of all commands."""
    return sorted({keyword for cls in registry.values() for keyword in _secrets(cls)})


def _kept(text: str, cls: type[Command], tokens: Sequence[Token], secrets: Sequence[str]) -> Iterator[str]:
    """Yield what a command has a place for; after a value that has none, only what has a keyword."""
    places = list(cls.parameters[: cls.positional])
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.kind is Kind.WORD and at + 1 < len(tokens) and tokens[at + 1].kind is Kind.OPEN:
            closing = _closing(tokens, at + 1)
            if closing is None:
                return
            group, at = tokens[at : closing + 1], closing + 1
            places.clear()
            said = text[token.column - 1 : group[-1].column]
            if _takes_group(cls, group) and not _hides_one(said, secrets):
                yield said
            continue
        at += 1
        if places and _takes(places.pop(0), token, secrets):
            yield _written(token)
        else:
            places.clear()


def _closing(tokens: Sequence[Token], opening: int) -> int | None:
    """Return where the parenthesis is closed that is opened somewhere; None for nowhere."""
    depth = 0
    for at in range(opening, len(tokens)):
        depth += {Kind.OPEN: 1, Kind.CLOSE: -1}.get(tokens[at].kind, 0)
        if not depth:
            return at
    return None


def _takes_group(cls: type[Command], group: Sequence[Token]) -> bool:
    """Say whether a keyword with its value, in parentheses, can be kept."""
    keyword, inside = group[0].text.upper().removeprefix(PROMPTED), group[2:-1]
    parameter = next((each for each in cls.parameters if each.keyword == keyword), None)
    if parameter is None:
        return False
    is_value = len(inside) <= 1 or (parameter.many and all(each.kind is not Kind.OPEN for each in inside))
    return not parameter.secret and is_value


def _takes(parameter: Parameter, token: Token, secrets: Sequence[str]) -> bool:
    """Say whether a value without keyword can be kept: only what its parameter takes."""
    if parameter.secret or not token.spaced or token.kind in (Kind.OPEN, Kind.CLOSE):
        return False
    value = token.text.upper() if parameter.monocase and token.kind is Kind.WORD else token.text
    if value in parameter.special:
        return True
    try:
        parameter.check(value)
    except ConsoleError:
        return False
    return not _is_like_a_secret(value.upper(), secrets)


def _written(token: Token) -> str:
    return token.text if token.kind is Kind.WORD else "'" + token.text.replace("'", "''") + "'"


def _is_like_a_secret(word: str, secrets: Sequence[str]) -> bool:
    """Say whether a word is, or begins as, the keyword of a password, perhaps mistyped."""
    first = _WORD_END.split(word, maxsplit=1)[0]
    return any(each in word for each in secrets) or bool(get_close_matches(first, secrets, n=1, cutoff=_NEARLY))


def _hides_one(said: str, secrets: Sequence[str]) -> bool:
    """Say whether a keyword of a password is inside of another's value: an apostrophe is missing, or one too many."""
    inside = said.partition("(")[2].upper()
    return any(re.search(rf"{each}\s*\(", inside) for each in secrets)
