"""YAML as nodes that know their place, without what a policy has no use for.

Works on events, not on PyYAML's own nodes: those have forgotten which parts were anchors and aliases, and building them
recurses as deep as the document. Anchors, aliases, tags and second documents are refused where they stand. It must not
know what a policy is made of.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import yaml

from console.errors import PolicyError
from console.policy.fields import refusal

LONGEST = 16 * 1024 * 1024
"""Octets of a document: a policy of 100,000 rules that say everything has about 30 % of them."""

_DEEPEST = 8
"""Levels of nesting: a policy has 3; the rest is room to see what is wrong and say it."""

# What YAML 1.1, section 5.1, does not call printable; surrogates stand for octets that were not UTF-8.
_REFUSED = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_SHOWN_LENGTH = 30
"""Characters of the document in the message that says it is not YAML."""

_UNSHOWN = "password"
_NEAR_LINES = 3
"""So many lines of the document, up to the one with the mistake, may say that a password begins there."""
_HIDDEN = "..."

Place = tuple[int, int]
"""Line and column, from 1."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value, as the text that stands there."""

    place: Place
    text: str
    plain: bool
    """Whether it is without quotes."""

    def __str__(self) -> str:
        """Return what a message shows."""
        return self.text or "nothing"


@dataclass(frozen=True, slots=True)
class Listing:
    """A list."""

    place: Place
    items: list[Node]

    def __str__(self) -> str:
        """Return what a message shows."""
        return "a list"


@dataclass(frozen=True, slots=True)
class Pairs:
    """Names and values in the order in which they stand, the same name perhaps twice."""

    place: Place
    items: list[tuple[Node, Node]]

    def __str__(self) -> str:
        """Return what a message shows."""
        return "names and values"


Node = Scalar | Listing | Pairs


def placed(error: PolicyError, place: Place, source: str) -> PolicyError:
    """Return an error that says where it is in the document."""
    line, column = place
    where = f"{source}, line {line}, column {column}: " if source else f"Line {line}, column {column}: "
    return PolicyError(
        error.message_id, **{**error.values, "place": where, "line": line, "column": column, "source": source}
    )


def compose(text: str, source: str) -> Node:
    """Read one YAML document.

    Args:
        text: The document.
        source: Name of its file, for messages.

    Returns:
        Its root; an empty document is an empty plain scalar.

    Raises:
        PolicyError: It is not YAML, too long or too deep, or it uses what policies do not.
    """
    _check_characters(text, source)
    try:
        with closing(_events(text)) as events:
            return _root(events, source)
    except PolicyError as error:
        line = error.values["line"]
        if not (isinstance(line, int) and _is_secret(text, line)):
            raise
        raise PolicyError(error.message_id, **{**error.values, "value": _HIDDEN}) from None
    except yaml.MarkedYAMLError as error:
        place = _place(error.problem_mark)
        rest = _rest(text, error.problem_mark)
        if _is_secret(text, place[0]):
            rest = _HIDDEN if rest[:1].isalnum() else rest[:1] + _HIDDEN
        refused = refusal("GWL0220", keyword="", value=rest, reason=error.problem)
        # The cause has the octets of the document around the place.
        raise placed(refused, place, source) from None


def _check_characters(text: str, source: str) -> None:
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > LONGEST:
        raise placed(refusal("GWL0228", keyword="", value=size, longest=LONGEST), (1, 1), source)
    if found := _REFUSED.search(text, 1 if text.startswith("\ufeff") else 0):
        before = text[: found.start()]
        place = (before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
        raise placed(refusal("GWL0227", keyword="", value=_name(found[0])), place, source)


def _name(character: str) -> str:
    code = ord(character)
    # PEP 383: what a decoder with surrogateescape makes of an octet that is not UTF-8.
    return f"Octet {code - 0xDC00:02X}" if 0xDC80 <= code <= 0xDCFF else f"Character U+{code:04X}"


def _rest(text: str, mark: yaml.Mark | None) -> str:
    index = mark.index if mark is not None else len(text)
    rest = text[index : index + _SHOWN_LENGTH].partition("\n")[0].strip()
    return rest or "the end of the line"


def _is_secret(text: str, line: int) -> bool:
    """Say whether what stands on a line may be a password, which no message may show."""
    return _UNSHOWN in "\n".join(text.split("\n", line)[:line][-_NEAR_LINES:]).casefold()


def _events(text: str) -> Generator[Any, None, None]:
    loader = _LOADER(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()


def _root(events: Iterator[Any], source: str) -> Node:
    """Join events into nodes; what is open is kept in a list, so that depth costs no stack."""
    children: list[list[Node]] = [[]]
    places: list[Place] = []
    documents = 0
    for event in events:
        place = _place(event.start_mark)
        if isinstance(event, yaml.ScalarEvent):
            _check_event(event, place, source)
            children[-1].append(Scalar(place, event.value, event.style is None or event.style == ""))
        elif isinstance(event, yaml.CollectionStartEvent):
            _check_event(event, place, source)
            if len(children) > _DEEPEST:
                raise placed(refusal("GWL0223", keyword="The policy", value="this", must="less deep"), place, source)
            children.append([])
            places.append(place)
        elif isinstance(event, yaml.CollectionEndEvent):
            inside, place = children.pop(), places.pop()
            is_list = isinstance(event, yaml.SequenceEndEvent)
            children[-1].append(
                Listing(place, inside) if is_list else Pairs(place, list(zip(inside[::2], inside[1::2], strict=True)))
            )
        elif isinstance(event, yaml.AliasEvent):
            raise placed(refusal("GWL0224", keyword="", value=event.anchor), place, source)
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise placed(refusal("GWL0226", keyword="", value="---"), place, source)
    return children[0][0] if children[0] else Scalar((1, 1), "", plain=True)


def _check_event(event: yaml.ScalarEvent | yaml.CollectionStartEvent, place: Place, source: str) -> None:
    if event.anchor is not None:
        raise placed(refusal("GWL0225", keyword="", value=event.anchor), place, source)
    if event.tag is not None:
        raise placed(refusal("GWL022C", keyword="", value=event.tag), place, source)


def _place(mark: yaml.Mark | None) -> Place:
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
