"""The CL language: a command string to values and back; pure, and knowing no particular command.

::

    ADDSOCRUL EXITPNT(*CONNECT) SEQNBR(40) RMTADR('10.0.0.0/8') ACTION(*REJECT) TEXT('no printers')
    ADDSOCRUL *CONNECT 40 ACTION(*REJECT)        values without keyword, as far as the command takes them
    ?ADDSOCRUL EXITPNT(*CONNECT)                 prompt first: `parse_partial`
    ADDSOCRUL *CONNECT ??RMTADR() ACTION(*ALLOW) prompt this one value first

As in CL: letters outside of apostrophes are folded to upper case (where the parameter says so), an apostrophe inside is
written twice, ``/* */`` is a comment, ``*N`` stands for a value that is not given, nothing may be between a keyword and
its parenthesis, and a value without keyword cannot follow one with. Unlike CL there are no variables, expressions and
lists.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from console.commands.definition import Command, Parameter
from console.commands.tokens import Kind, Token, tokenize
from console.errors import CommandError
from console.policy.secret import NOT_SHOWN

SAME = "*SAME"
"""Special value of a change command: as it is now."""
NOT_GIVEN = "*N"
"""Stands for a value that is not given."""

Registry = Mapping[str, type[Command]]
"""Command name -> class."""

PROMPTED = "??"
"""In front of a keyword: prompt it."""

_NAME = re.compile(r"[A-Z$#@][A-Z0-9$#@_]{0,9}")
_PLAIN = re.compile(r"[^ \t'()]+")


@dataclass(frozen=True, slots=True)
class ParsedCommand:
    """A command whose values are all there and checked."""

    cls: type[Command]
    values: Mapping[str, str]
    """A canonical value for each parameter, by keyword; ``*SAME`` is still in it."""
    given: frozenset[str]
    """Keywords whose value was written, not taken from the default."""


@dataclass(frozen=True, slots=True)
class PartialCommand:
    """A command as far as it was typed, for the prompter."""

    cls: type[Command]
    given: Mapping[str, str]
    """What was written, by keyword; folded, but not checked."""
    prompt: bool
    """Whether a question mark in front asks for prompting, or two in front of keywords."""
    asked: frozenset[str] = frozenset()
    """Keywords with two question marks in front: only these are prompted."""


@dataclass(frozen=True, slots=True)
class _Written:
    """A value as it was found."""

    text: str
    quoted: bool
    column: int


def parse(text: str, registry: Registry) -> ParsedCommand:
    """Return a command with all its values, checked.

    Args:
        text: One command.
        registry: The commands there are.

    Raises:
        CommandError: The text is no such command; the error carries the column.
        ConsoleError: A parameter's check refused its value.
    """
    partial = parse_partial(text, registry)
    if partial.prompt:
        raise CommandError("GWL0114", command=partial.cls.name)
    return complete(partial.cls, partial.given)


def parse_partial(text: str, registry: Registry) -> PartialCommand:
    """Return a command as far as it is typed: required values may be missing, values are not checked.

    Args:
        text: One command, perhaps with a question mark in front.
        registry: The commands there are.

    Raises:
        CommandError: The text cannot be read, or names a command or a keyword that is not there.
    """
    stripped = text.lstrip(" \t")
    prompt = stripped.startswith("?")
    if prompt:
        # The question mark becomes a blank, so that columns stay those of the text as typed.
        text = text.replace("?", " ", 1)
    tokens = _tokens(text, registry)
    if not tokens:
        raise CommandError("GWL0102")
    cls = _find_command(tokens[0], registry)
    rest, asked = _without_marks(tokens[1:])
    return PartialCommand(cls, _values(cls, rest), prompt or bool(asked), asked)


def _tokens(text: str, registry: Registry) -> Sequence[Token]:
    """Return the tokens of a command; what cannot be read of one that takes a password is not told in the error."""
    try:
        return tokenize(text)
    except CommandError as error:
        name = text.split(maxsplit=1)[0].upper()
        if "value" in error.values and name in registry and _takes_secret(registry[name]):
            raise CommandError(error.message_id, **{**error.values, "value": NOT_SHOWN}) from None
        raise


def _takes_secret(cls: type[Command]) -> bool:
    return any(parameter.secret for parameter in cls.parameters)


def _without_marks(tokens: Sequence[Token]) -> tuple[Sequence[Token], frozenset[str]]:
    """Take the two question marks off keywords to be prompted, and their empty parentheses away."""
    kept: list[Token] = []
    asked = set()
    for token in tokens:
        if token.kind is Kind.WORD and token.text.startswith(PROMPTED) and token.text != PROMPTED:
            token = replace(token, text=token.text.removeprefix(PROMPTED))
            asked.add(token.text.upper())
        kept.append(token)
        if token.kind is Kind.CLOSE and len(kept) > 2 and kept[-2].kind is Kind.OPEN and kept[-3].text.upper() in asked:
            del kept[-3:]
    return kept, frozenset(asked)


def complete(cls: type[Command], given: Mapping[str, str]) -> ParsedCommand:
    """Return a command with its defaults filled in and every value checked.

    Args:
        cls: The command.
        given: What was written or keyed, by keyword; keywords not in it take their default.

    Raises:
        CommandError: A required value is missing, or a value is longer than its parameter takes.
        ConsoleError: A parameter's check refused its value.
    """
    missing = next((p for p in cls.parameters if p.default is None and p.keyword not in given), None)
    if missing is not None:
        raise CommandError("GWL0106", keyword=missing.keyword, command=cls.name, prompt=missing.prompt)
    values = {p.keyword: canonical(p, given.get(p.keyword, p.default or "")) for p in cls.parameters}
    return ParsedCommand(cls, values, frozenset(given))


def canonical(parameter: Parameter, value: str) -> str:
    """Return the canonical spelling of a value; ``*SAME`` stays where the parameter has it.

    Raises:
        CommandError: The value is longer than the parameter takes.
        ConsoleError: The parameter's check refused the value.
    """
    if value.upper() == SAME and SAME in parameter.special:
        return SAME
    if len(value) > parameter.length and value.upper() not in parameter.special:
        told, longest = _told(parameter, value), parameter.length
        raise CommandError("GWL0109", keyword=parameter.keyword, value=told, length=len(value), longest=longest)
    return parameter.check(value)


def _told(parameter: Parameter, value: str) -> str:
    return NOT_SHOWN if parameter.secret else value


def render(cls: type[Command], values: Mapping[str, str], *, secrets: bool = True) -> str:
    """Return the canonical command string: every value that is not the default, by keyword.

    Args:
        cls: The command.
        values: Canonical values by keyword; a keyword not in it counts as its default.
        secrets: Whether passwords are in it; audit entries leave them out.
    """
    parts = [cls.name]
    for parameter in cls.parameters:
        value = values.get(parameter.keyword, parameter.default)
        if value is None or (parameter.default is not None and value == canonical(parameter, parameter.default)):
            continue
        if parameter.secret and not secrets:
            continue
        parts.append(f"{parameter.keyword}({_quote(parameter, value)})")
    return " ".join(parts)


def _quote(parameter: Parameter, value: str) -> str:
    """Return a value as it is written, in apostrophes where it would not be read back without."""
    if value in parameter.special:
        return value
    plain = (
        not parameter.quoted
        and _PLAIN.fullmatch(value)
        and "/*" not in value
        and value != NOT_GIVEN
        and (not parameter.monocase or value == value.upper())
    )
    return value if plain else "'" + value.replace("'", "''") + "'"


def _find_command(token: Token, registry: Registry) -> type[Command]:
    name = token.text.upper()
    if token.kind is not Kind.WORD or not _NAME.fullmatch(name):
        raise CommandError("GWL0111", value=token.text, column=token.column)
    if name not in registry:
        raise CommandError("GWL0101", name=name, column=token.column, nearest=_nearest(name, list(registry)))
    return registry[name]


def _nearest(name: str, names: Sequence[str]) -> str:
    return ", ".join(get_close_matches(name, names, n=3, cutoff=0.6)) or "none"


def _values(cls: type[Command], tokens: Sequence[Token]) -> dict[str, str]:
    """Return what is written behind the name, by keyword, in any order it was."""
    by_keyword = {parameter.keyword: parameter for parameter in cls.parameters}
    written: dict[str, str] = {}
    at, taken = 0, 0
    seen_keyword = False
    while at < len(tokens):
        token = tokens[at]
        if _opens(tokens, at):
            parameter = _find_keyword(cls, by_keyword, token)
            value, at = _inside(parameter, tokens, at)
            seen_keyword = True
        else:
            parameter, value = _positional(cls, token, taken, seen_keyword=seen_keyword)
            taken, at = taken + 1, at + 1
        if parameter.keyword in written:
            raise CommandError("GWL0104", keyword=parameter.keyword, column=token.column)
        if value.quoted or value.text.upper() != NOT_GIVEN:
            written[parameter.keyword] = _fold(parameter, value)
    return written


def _opens(tokens: Sequence[Token], at: int) -> bool:
    """Return whether a keyword with its parenthesis is here, and refuse what looks like one and is not."""
    token = tokens[at]
    following = tokens[at + 1] if at + 1 < len(tokens) else None
    if token.kind in (Kind.OPEN, Kind.CLOSE):
        raise CommandError("GWL0108", value=token.text, column=token.column)
    if following is None or token.kind is not Kind.WORD or following.kind is not Kind.OPEN:
        return False
    if following.spaced:
        raise CommandError("GWL010D", keyword=token.text.upper(), column=following.column)
    return True


def _find_keyword(cls: type[Command], by_keyword: Mapping[str, Parameter], token: Token) -> Parameter:
    keyword = token.text.upper()
    if keyword not in by_keyword:
        valid = ", ".join(by_keyword) or "none"
        raise CommandError("GWL0103", keyword=keyword, column=token.column, command=cls.name, valid=valid)
    return by_keyword[keyword]


def _inside(parameter: Parameter, tokens: Sequence[Token], at: int) -> tuple[_Written, int]:
    """Return the one value inside a keyword's parentheses, and where the tokens go on."""
    opening = tokens[at + 1]
    closing = next((i for i in range(at + 2, len(tokens)) if tokens[i].kind is Kind.CLOSE), None)
    inside = tokens[at + 2 : closing]
    if any(token.kind is Kind.OPEN for token in inside):
        # A parenthesis that was forgotten, or a list, which no parameter takes; the first is what mostly happened.
        inner = next(token for token in inside if token.kind is Kind.OPEN)
        raise CommandError("GWL0108", value="(", column=inner.column)
    if closing is None:
        raise CommandError("GWL0112", keyword=parameter.keyword, column=opening.column)
    if not inside:
        raise CommandError("GWL010C", keyword=parameter.keyword, column=opening.column)
    _refuse_joined(parameter, tokens[at + 2 : closing])
    if parameter.many:
        # Whatever is not in apostrophes is folded here: joined, the values are one that is.
        folded = " ".join(_fold(parameter, _written(token)) for token in inside)
        return _Written(folded, quoted=True, column=inside[0].column), closing + 1
    if len(inside) > 1:
        second = inside[1]
        told = _told(parameter, second.text)
        raise CommandError("GWL010B", keyword=parameter.keyword, value=told, column=second.column)
    return _written(inside[0]), closing + 1


def _refuse_joined(parameter: Parameter, tokens: Sequence[Token]) -> None:
    for token in tokens[1:]:
        if not token.spaced:
            raise CommandError("GWL0110", value=_told(parameter, token.text), column=token.column)


def _positional(cls: type[Command], token: Token, taken: int, *, seen_keyword: bool) -> tuple[Parameter, _Written]:
    told = NOT_SHOWN if _takes_secret(cls) else token.text  # it may be a password whose keyword was left out
    if not token.spaced:
        raise CommandError("GWL0110", value=told, column=token.column)
    if seen_keyword:
        raise CommandError("GWL010E", value=told, column=token.column)
    allowed = min(cls.positional, len(cls.parameters))
    if taken >= allowed:
        raise CommandError("GWL0105", value=told, column=token.column, command=cls.name, allowed=allowed)
    return cls.parameters[taken], _written(token)


def _written(token: Token) -> _Written:
    return _Written(token.text, token.kind is Kind.QUOTED, token.column)


def _fold(parameter: Parameter, value: _Written) -> str:
    return value.text.upper() if parameter.monocase and not value.quoted else value.text
