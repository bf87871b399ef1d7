"""The YAML form of a policy.

``parse(render(policy))`` is the policy again, and what `render` wrote it writes again. Knows the shape of the document;
what values mean is for `console.policy.checks`, and how YAML becomes nodes with places for `console.policy.nodes`.

Every scalar is taken as the text that stands there: ``user: no`` is the user NO and not a truth value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Generic, TypeVar

from console.errors import PolicyError
from console.model.words import ExitPoint, Mode, RawSockets, Udp
from console.policy.address_groups import GROUP_CHECKS, GROUP_DEFAULTS, group_fields, make_address_group
from console.policy.checks import CHECKS, DEFAULTS, Named, make_policy, make_rule, rule_fields
from console.policy.exit_programs import PROGRAM_CHECKS, PROGRAM_DEFAULTS, make_exit_program, program_fields
from console.policy.fields import check_word, refusal
from console.policy.nodes import Listing, Node, Pairs, Place, Scalar, compose, placed
from console.policy.rule import AddressGroup, ExitProgram, Policy, Rule, SocksEntry, TimeGroup
from console.policy.socks_entries import SOCKS_CHECKS, SOCKS_DEFAULTS, make_socks_entry, socks_fields
from console.policy.time_groups import TIME_CHECKS, TIME_DEFAULTS, make_time_group, time_group_fields

VERSION = "1"
"""Value of the top-level ``greenwall``: raised when a document changes its meaning."""

EXIT_POINT_KEYS: Mapping[str, ExitPoint] = MappingProxyType(
    {exit_point.value.removeprefix("*").lower(): exit_point for exit_point in ExitPoint}
)
"""Key below ``exit_points`` -> exit point."""

_LISTED = ("address_groups", "time_groups", "rules", "exit_programs", "socks")
_SECTIONS = ("greenwall", "exit_points", "udp", "raw_sockets", *_LISTED)
_ALWAYS_WRITTEN = frozenset({"exit_point", "sequence", "action"})
_NOTHING = frozenset({"", "~", "null"})
_TRUTH: Mapping[str, str] = MappingProxyType({"true": "*YES", "false": "*NO"})
_YES_NO_FIELDS = frozenset({"message", "active"})
_TEXTS = frozenset({"text", "user_id", "password"})
"""Fields whose digits are no number."""
_ONE_A_LINE = frozenset({"members"})
"""Lists of thousands: one that got longer then differs in a line."""
_LISTS = frozenset({"servers", "days", "times"})
_TYPE_WRITTEN = frozenset({"sequence", "type"})
_SOCKS_DEFAULTS: Mapping[str, str] = MappingProxyType({**SOCKS_DEFAULTS, "password": ""})

_check_mode = check_word(Mode)
_check_udp = check_word(Udp)
_check_raw_sockets = check_word(RawSockets)

_Word = TypeVar("_Word", bound=StrEnum)
_Entry = TypeVar("_Entry", Rule, ExitProgram, SocksEntry, AddressGroup, TimeGroup)


@dataclass(frozen=True, slots=True)
class _Section(Generic[_Entry]):
    """A list of the document whose entries are numbered or named, within an exit point or all together."""

    name: str
    entry: str
    """What a message calls one of them."""
    fields: tuple[str, ...]
    required: tuple[str, ...]
    number: str
    """Field that holds the number, or the name."""
    twice: str
    """Message for one that is there already."""
    make: Callable[..., _Entry]
    lists: frozenset[str] = frozenset()
    """Fields that may be a list, which the check takes with blanks between its items."""


_RULES = _Section(
    name="rules",
    entry="A rule",
    fields=tuple(CHECKS),
    required=("exit_point", "sequence"),
    number="sequence",
    twice="GWL0218",
    make=make_rule,
)
_EXIT_PROGRAMS = _Section(
    name="exit_programs",
    entry="An exit program",
    fields=tuple(PROGRAM_CHECKS),
    required=("exit_point", "number", "program"),
    number="number",
    twice="GWL0233",
    make=make_exit_program,
)
_SOCKS = _Section(
    name="socks",
    entry="A SOCKS entry",
    fields=tuple(SOCKS_CHECKS),
    required=("sequence",),
    number="sequence",
    twice="GWL0241",
    make=make_socks_entry,
    lists=frozenset({"servers"}),
)


_ADDRESS_GROUPS = _Section(
    name="address_groups",
    entry="An address group",
    fields=tuple(GROUP_CHECKS),
    required=("name",),
    number="name",
    twice="GWL02BD",
    make=make_address_group,
    lists=frozenset({"members"}),
)
_TIME_GROUPS = _Section(
    name="time_groups",
    entry="A time group",
    fields=tuple(TIME_CHECKS),
    required=("name",),
    number="name",
    twice="GWL02BD",
    make=make_time_group,
    lists=frozenset({"days", "times"}),
)


def parse(text: str, source: str = "") -> Policy:
    """Read a policy.

    Service names get no ports here: `Policy.services` is filled in when a revision is made.

    Args:
        text: The document.
        source: Name of its file, for messages.

    Raises:
        PolicyError: At the first thing that cannot be taken; ``line`` and ``column`` count from 1, ``value`` is what
            was found, ``source`` the name given, and ``place`` the three as text.
    """
    root = compose(text, source)
    sections = _pairs(root, "The policy", _SECTIONS, source)
    _check_version(sections, root, source)
    address_groups = _entries(sections.get("address_groups"), _ADDRESS_GROUPS, source)
    time_groups = _entries(sections.get("time_groups"), _TIME_GROUPS, source)
    named = Named(address_groups, time_groups)
    rules = replace(_RULES, make=lambda **texts: named.check(make_rule(**texts)))
    return make_policy(
        _modes(sections.get("exit_points"), source),
        _entries(sections.get("rules"), rules, source),
        udp=_setting(sections.get("udp"), "udp", _check_udp, source) or Udp.IGNORE,
        raw_sockets=_setting(sections.get("raw_sockets"), "raw_sockets", _check_raw_sockets, source)
        or RawSockets.REFUSE,
        exit_programs=_entries(sections.get("exit_programs"), _EXIT_PROGRAMS, source),
        socks=_entries(sections.get("socks"), _SOCKS, source),
        address_groups=address_groups,
        time_groups=time_groups,
    )


def _check_version(sections: Mapping[str, Node], root: Node, source: str) -> None:
    node = sections.get("greenwall")
    if node is None:
        raise placed(refusal("GWL0229", keyword="greenwall", value=""), root.place, source)
    if not isinstance(node, Scalar) or node.text != VERSION:
        error = refusal("GWL022A", keyword="greenwall", value=node, version=VERSION)
        raise placed(error, node.place, source)


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.plain and node.text.lower() in _NOTHING


def _modes(node: Node | None, source: str) -> dict[ExitPoint, Mode]:
    if node is None or _is_null(node):
        return {}
    found: dict[ExitPoint, Mode] = {}
    for key, value in _pairs(node, "exit_points", tuple(EXIT_POINT_KEYS), source).items():
        found[EXIT_POINT_KEYS[key]] = _word(value, key, _check_mode, source)
    return found


def _setting(node: Node | None, name: str, check: Callable[..., _Word], source: str) -> _Word | None:
    return None if node is None or _is_null(node) else _word(node, name, check, source)


def _word(node: Node, name: str, check: Callable[..., _Word], source: str) -> _Word:
    try:
        return check(_text(node, name, source), name)
    except PolicyError as error:
        raise placed(error, node.place, source) from error


def _entries(node: Node | None, section: _Section[_Entry], source: str) -> list[_Entry]:
    if node is None or _is_null(node):
        return []
    if not isinstance(node, Listing):
        raise placed(refusal("GWL0223", keyword=section.name, value=node, must="a list"), node.place, source)
    entries: list[_Entry] = []
    lines: dict[tuple[str, object], int] = {}
    for item in node.items:
        entry, place = _entry(item, section, source)
        number = getattr(entry, section.number)
        exit_point = str(getattr(entry, "exit_point", ""))
        key = (exit_point, number)
        if key in lines:
            error = refusal(
                section.twice, keyword=section.number, value=number, exit_point=exit_point, first_line=lines[key]
            )
            raise placed(error, place, source)
        lines[key] = place[0]
        entries.append(entry)
    return entries


def _entry(node: Node, section: _Section[_Entry], source: str) -> tuple[_Entry, Place]:
    """Return an entry and the place of its number."""
    fields = _pairs(node, section.entry, section.fields, source)
    for name in section.required:
        if name not in fields:
            raise placed(refusal("GWL0229", keyword=name, value=""), node.place, source)
    texts = {name: _joined(value, name, section, source) for name, value in fields.items()}
    for name in _YES_NO_FIELDS & texts.keys():
        texts[name] = _TRUTH.get(texts[name].lower(), texts[name])
    try:
        return section.make(**texts), fields[section.number].place
    except PolicyError as error:
        # A field an entry is refused for was given, or is one that the others need: then the entry is the place.
        at = fields.get(str(error.values["keyword"]), node)
        raise placed(error, _item(at, str(error.values["value"])).place, source) from error


def _item(node: Node, value: str) -> Node:
    """Return the item of a list that holds a value; the list itself where none does."""
    items = node.items if isinstance(node, Listing) else ()
    return next((item for item in items if isinstance(item, Scalar) and item.text == value), node)


def _joined(node: Node, name: str, section: _Section[_Entry], source: str) -> str:
    if name in section.lists and isinstance(node, Listing):
        return " ".join(_text(item, name, source) for item in node.items)
    return _text(node, name, source)


def _text(node: Node, name: str, source: str) -> str:
    if not isinstance(node, Scalar):
        raise placed(refusal("GWL0223", keyword=name, value=node, must="one value"), node.place, source)
    return node.text


def _pairs(node: Node, what: str, known: tuple[str, ...], source: str) -> dict[str, Node]:
    if not isinstance(node, Pairs):
        raise placed(refusal("GWL0223", keyword=what, value=node, must="names and values"), node.place, source)
    found: dict[str, Node] = {}
    lines: dict[str, int] = {}
    for key, value in node.items:
        name = _text(key, "A name", source)
        if name not in known:
            error = refusal("GWL0221", keyword=what, value=name, valid=", ".join(known))
            raise placed(error, key.place, source)
        if name in found:
            error = refusal("GWL0222", keyword=what, value=name, first_line=lines[name])
            raise placed(error, key.place, source)
        found[name], lines[name] = value, key.place[0]
    return found


def render(policy: Policy, *, secrets: bool = False) -> str:
    """Write a policy.

    Fields at their default are left out, except the action and the settings: a rule that does not say what it does is
    easily misread.
    The ports of services are left out too: the system that makes a revision knows them.

    Args:
        policy: The policy; with passwords in clear, where they are to be written.
        secrets: Whether passwords are written. Without, who reads the document has to find them elsewhere.
    """
    return "\n".join(_lines(policy, secrets=secrets)) + "\n"


def _lines(policy: Policy, *, secrets: bool) -> Iterator[str]:
    yield f"greenwall: {VERSION}"
    yield ""
    yield "exit_points:"
    for key, exit_point in EXIT_POINT_KEYS.items():
        yield f"  {key}: {_quoted(policy.modes[exit_point])}"
    yield ""
    yield f"udp: {_quoted(policy.udp)}"
    yield f"raw_sockets: {_quoted(policy.raw_sockets)}"
    groups = [group_fields(group) for group in policy.address_groups]
    times = [time_group_fields(group) for group in policy.time_groups]
    yield from _section_lines("address_groups", groups, GROUP_DEFAULTS, frozenset())
    yield from _section_lines("time_groups", times, TIME_DEFAULTS, frozenset())
    yield from _section_lines("rules", [rule_fields(rule) for rule in policy.rules], DEFAULTS, _ALWAYS_WRITTEN)
    programs = [program_fields(program) for program in policy.exit_programs]
    yield from _section_lines("exit_programs", programs, PROGRAM_DEFAULTS, frozenset())
    entries = [{**socks_fields(entry), "password": entry.password.text if secrets else ""} for entry in policy.socks]
    yield from _section_lines("socks", entries, _SOCKS_DEFAULTS, _TYPE_WRITTEN)


def _section_lines(
    name: str, entries: Sequence[Mapping[str, str]], defaults: Mapping[str, object], always: frozenset[str]
) -> Iterator[str]:
    """Write a list; one without entries is left out."""
    if entries:
        yield ""
        yield f"{name}:"
    for fields in entries:
        yield from _entry_lines(fields, defaults, always)


def _entry_lines(fields: Mapping[str, str], defaults: Mapping[str, object], always: frozenset[str]) -> Iterator[str]:
    start = "  - "
    for name, value in fields.items():
        if name not in always and value == defaults.get(name):
            continue
        if name in _ONE_A_LINE:
            yield f"{start}{name}:"
            yield from (f"      - {_quoted(item)}" for item in value.split())
        else:
            yield f"{start}{name}: {_value(name, value)}"
        start = "    "


def _value(name: str, value: str) -> str:
    if name in _LISTS:
        return f"[{', '.join(map(_quoted, value.split()))}]"
    return value if value.isdecimal() and name not in _TEXTS else _quoted(value)


def _quoted(value: str) -> str:
    # A JSON string is a YAML double-quoted scalar, as long as it is printable (YAML 1.1, section 1.5), which it is.
    return json.dumps(value, ensure_ascii=False)
