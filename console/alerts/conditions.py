"""The language of conditions: which entries an alert is about. Pure.

::

    entry_type = SK AND outcome = *REJECTED AND remote_address <> 10.0.0.0/8
    USRPRF = QTMH* AND RMTPORT IN (25, 465, 587)
    program CONTAINS 'tmp' AND local_port < 1024

A condition is terms with ``AND`` between them; a term is a field, an operator and a value. Values of names and words
may be generic (``ALI*``); an address may be a network or a range; what has blanks, commas or parentheses in it stands
in apostrophes. There is no OR, and there are no parentheses: two alerts say OR.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any

from console.alerts.entry_fields import KINDS, Kind, Row, field_named, places_of
from console.errors import AlertError, PolicyError
from console.policy.fields import address_intervals, check_address
from console.policy.request import MAPPED

LONGEST = 1024
"""Characters of a condition."""
_MOST_DIGITS = 20

_EQUAL, _NOT_EQUAL = "=", "<>"
_IN, _NOT_IN = "IN", "NOT IN"
_CONTAINS, _NOT_CONTAINS = "CONTAINS", "NOT CONTAINS"
_ORDERED: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType(
    {
        "<": lambda one, other: bool(one < other),
        "<=": lambda one, other: bool(one <= other),
        ">": lambda one, other: bool(one > other),
        ">=": lambda one, other: bool(one >= other),
    }
)
_NEGATED: Mapping[str, str] = MappingProxyType({_NOT_EQUAL: _EQUAL, _NOT_IN: _IN, _NOT_CONTAINS: _CONTAINS})
"""Operator -> the one that it is the opposite of."""
_SPELLINGS: Mapping[str, str] = MappingProxyType(
    {
        **{operator: operator for operator in (_EQUAL, _NOT_EQUAL, _IN, _CONTAINS, *_ORDERED)},
        "!=": _NOT_EQUAL, "*EQ": _EQUAL, "*NE": _NOT_EQUAL, "*LT": "<", "*LE": "<=", "*GT": ">", "*GE": ">=",
        "*CT": _CONTAINS, "CT": _CONTAINS,
    }
)  # fmt: skip
"""As it may be written, in upper case -> operator."""
_WHERE: Mapping[Kind, frozenset[str]] = MappingProxyType(
    {
        Kind.NUMBER: frozenset({_EQUAL, _NOT_EQUAL, _IN, _NOT_IN, *_ORDERED}),
        Kind.WORD: frozenset({_EQUAL, _NOT_EQUAL, _IN, _NOT_IN, _CONTAINS, _NOT_CONTAINS}),
        Kind.TEXT: frozenset({_EQUAL, _NOT_EQUAL, _IN, _NOT_IN, _CONTAINS, _NOT_CONTAINS}),
        Kind.ADDRESS: frozenset({_EQUAL, _NOT_EQUAL, _IN, _NOT_IN}),
    }
)
"""Which operators make sense for which fields."""

_TOKEN = re.compile(
    r"\s*(?:(?P<quoted>'(?:[^']|'')*'|\"[^\"]*\")|(?P<sign><>|!=|<=|>=|[=<>])|(?P<mark>[(),&])|(?P<bare>[^\s'\"(),&=<>!]+))"
)
_PLAIN = re.compile(r"[^\s'\"(),&=<>!]+")

Predicate = Callable[[Row], bool]


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison."""

    field: str
    operator: str
    values: tuple[str, ...]
    """As written, checked; more than one only for IN and NOT IN."""

    def __str__(self) -> str:
        """Spell it so that parsing gives it again."""
        shown = ", ".join(_spelt(value) for value in self.values)
        return f"{self.field} {self.operator} {f'({shown})' if self.operator in (_IN, _NOT_IN) else shown}"


@dataclass(frozen=True, slots=True)
class Condition:
    """Terms that must all hold."""

    terms: tuple[Term, ...]

    def __str__(self) -> str:
        """Spell it so that parsing gives it again."""
        return " AND ".join(map(str, self.terms))

    def compiled(self) -> Predicate:
        """Return what says whether a row meets it."""
        tests = tuple(_compiled(term) for term in self.terms)
        if len(tests) == 1:
            return tests[0]
        return lambda row: all(test(row) for test in tests)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    column: int
    is_quoted: bool = False

    def reads(self, *words: str) -> bool:
        return not self.is_quoted and self.text.upper() in words


def parse(text: str) -> Condition:
    """Return a condition.

    Args:
        text: As an operator wrote it.

    Raises:
        AlertError: It is none; the error carries the column, from 1.
    """
    if len(text) > LONGEST:
        raise AlertError("GWL0906", longest=LONGEST)
    reader = _Reader(_tokens(text), len(text.rstrip()) + 1)
    terms = [_term(reader)]
    while not reader.is_at_end:
        joint = reader.take("AND")
        if not joint.reads("AND", "*AND", "&"):
            raise AlertError("GWL0902", column=joint.column, found=joint.text, expected="AND")
        terms.append(_term(reader))
    return Condition(tuple(terms))


def fields_named(text: str) -> tuple[str, ...]:
    """Return the names of fields in a list with blanks or commas between, each once.

    Raises:
        AlertError: One of them is no field; the error carries the column.
    """
    found = []
    for match in re.finditer(r"[^\s,]+", text):
        name = field_named(match[0])
        if name is None or len(places_of(name)) > 1:
            raise _no_field(match[0], match.start() + 1)
        found.append(name)
    return tuple(dict.fromkeys(found))


class _Reader:
    """The tokens, and how far they are read."""

    def __init__(self, tokens: Sequence[_Token], end: int) -> None:
        self._tokens = tokens
        self._next = 0
        self._end = end

    @property
    def is_at_end(self) -> bool:
        return self._next >= len(self._tokens)

    def take(self, expected: str) -> _Token:
        """Return the next token.

        Raises:
            AlertError: There is none.
        """
        if self.is_at_end:
            raise AlertError("GWL0903", column=self._end, expected=expected)
        self._next += 1
        return self._tokens[self._next - 1]


def _tokens(text: str) -> list[_Token]:
    found = []
    place = 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None:
            column = place + len(text[place:]) - len(text[place:].lstrip()) + 1
            raise AlertError("GWL0902", column=column, found=text[column - 1], expected="a value without a stray sign")
        kind = match.lastgroup or ""
        written = match[kind]
        if kind == "quoted":
            inside = written[1:-1].replace("''", "'") if written[0] == "'" else written[1:-1]
            found.append(_Token(inside, match.start(kind) + 1, is_quoted=True))
        else:
            found.append(_Token(written, match.start(kind) + 1))
        place = match.end()
    return found


def _term(reader: _Reader) -> Term:
    named = reader.take("a field")
    field = None if named.is_quoted else field_named(named.text)
    if field is None:
        raise _no_field(named.text, named.column)
    operator = _operator(reader, field)
    values = _list(reader) if operator in (_IN, _NOT_IN) else [_value(reader)]
    return Term(field, operator, tuple(_checked(field, operator, value) for value in values))


def _operator(reader: _Reader, field: str) -> str:
    written = reader.take("an operator")
    prefix = ""
    column = written.column
    if written.reads("NOT"):
        prefix, written = "NOT ", reader.take("IN or CONTAINS")
    operator = None if written.is_quoted else _SPELLINGS.get(written.text.upper())
    operator = prefix + operator if operator in (_IN, _CONTAINS) else operator if not prefix else None
    if operator is None or operator not in _WHERE[KINDS[field]]:
        allowed = ", ".join(sorted(_WHERE[KINDS[field]]))
        raise AlertError("GWL0905", column=column, found=written.text, field=field, allowed=allowed)
    return operator


def _list(reader: _Reader) -> list[_Token]:
    opening = reader.take("(")
    if not opening.reads("("):
        raise AlertError("GWL0902", column=opening.column, found=opening.text, expected="(")
    values = []
    while True:
        values.append(_value(reader))
        mark = reader.take(", or )")
        if mark.reads(")"):
            return values
        if not mark.reads(","):
            raise AlertError("GWL0902", column=mark.column, found=mark.text, expected=", or )")


def _value(reader: _Reader) -> _Token:
    value = reader.take("a value")
    if not value.is_quoted and (value.text in "(),&" or value.text in _ORDERED or value.text in ("=", "<>", "!=")):
        raise AlertError("GWL0902", column=value.column, found=value.text, expected="a value")
    return value


def _checked(field: str, operator: str, value: _Token) -> str:
    """Return a value in its canonical spelling."""
    match KINDS[field]:
        case Kind.NUMBER:
            if not (value.text.isascii() and value.text.isdigit()) or len(value.text) > _MOST_DIGITS:
                raise AlertError("GWL0904", column=value.column, value=value.text, field=field, valid="a whole number")
            return str(int(value.text))
        case Kind.ADDRESS:
            if not value.text:
                return ""
            try:
                return check_address(value.text)
            except PolicyError as error:
                valid = "an address, a network (10.0.0.0/8) or a range (10.0.0.1-10.0.0.9)"
                raise AlertError("GWL0904", column=value.column, value=value.text, field=field, valid=valid) from error
        case Kind.WORD | Kind.TEXT:
            if not value.text and operator in (_CONTAINS, _NOT_CONTAINS):
                raise AlertError("GWL0904", column=value.column, value="''", field=field, valid="one character or more")
            return value.text


def _no_field(written: str, column: int) -> AlertError:
    nearest = get_close_matches(written.lower(), KINDS, n=1)
    return AlertError("GWL0901", column=column, name=written, nearest=nearest[0] if nearest else "none")


def _spelt(value: str) -> str:
    """Return a value as it is written: in apostrophes where it must be, or could be taken for a word of ours."""
    if _PLAIN.fullmatch(value) and value.upper() not in ("AND", "*AND"):
        return value
    return "'" + value.replace("'", "''") + "'"


def _compiled(term: Term) -> Predicate:
    positive = _NEGATED.get(term.operator, term.operator)
    test = _test_of(KINDS[term.field], positive, term.values)
    places = places_of(term.field)
    if len(places) == 1:
        (place,) = places
        if positive != term.operator:
            return lambda row: not test(row[place])
        return lambda row: test(row[place])
    if positive != term.operator:
        return lambda row: not any(test(row[place]) for place in places)
    return lambda row: any(test(row[place]) for place in places)


def _test_of(kind: Kind, operator: str, values: tuple[str, ...]) -> Callable[[Any], bool]:
    """Return what says whether a field's value is as the term wants it; negations are made by the caller."""
    match kind:
        case Kind.NUMBER:
            return _number_test(operator, [int(value) for value in values])
        case Kind.ADDRESS:
            return _address_test(values)
        case Kind.WORD:
            return _text_test(operator, [value.casefold() for value in values], str.casefold)
        case Kind.TEXT:
            return _text_test(operator, values, str)


def _number_test(operator: str, numbers: Sequence[int]) -> Callable[[Any], bool]:
    if operator in _ORDERED:
        compare, bound = _ORDERED[operator], numbers[0]
        return lambda value: compare(value, bound)
    wanted = frozenset(numbers)
    return lambda value: value in wanted


def _text_test(operator: str, values: Sequence[str], fold: Callable[[str], str]) -> Callable[[Any], bool]:
    if operator == _CONTAINS:
        part = values[0]
        return lambda value: part in fold(value)
    # "*ALLOWED" begins with the wild character: only one at the end makes a value generic.
    beginnings = tuple(value[:-1] for value in values if len(value) > 1 and value.endswith("*"))
    wanted = frozenset(value for value in values if not (len(value) > 1 and value.endswith("*")))
    if not beginnings:
        return lambda value: fold(value) in wanted
    return lambda value: fold(value) in wanted or fold(value).startswith(beginnings)


def _address_test(values: Sequence[str]) -> Callable[[Any], bool]:
    """Return a test against addresses, networks and ranges; an entry without an address is met by ``''`` only."""
    is_empty_wanted = "" in values
    intervals = tuple(interval for value in values if value for interval in address_intervals(value))

    def test(value: str) -> bool:
        if not value:
            return is_empty_wanted
        number = _address_number(value)
        return number is not None and any(low <= number <= high for low, high in intervals)

    return test


@lru_cache(maxsize=4096)
def _address_number(text: str) -> int | None:
    """Return an address in the one 128-bit space of `console.policy.request`; None for what is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return int(address) + (MAPPED if address.version == 4 else 0)
