"""What became of another program's configuration: SOCKS entries, and what could not be carried over into them.

`console.policy.proxychains` and `console.policy.dante` make these. Here is what they share: how something left out is
told, and whether connections that the other program makes through a proxy would be made directly without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from console.errors import PolicyError
from console.model.words import SocksType
from console.policy.fields import address_intervals, port_interval, refusal
from console.policy.nodes import placed
from console.policy.rule import SocksEntry

_SHOWN_LENGTH = 60
_NO_SERVICES: Mapping[str, int] = {}

STEP = 10
"""From one sequence number to the next, so that entries can be put between."""

IPV4 = "0.0.0.0/0"
IPV6 = "::/0"

Area = tuple[int, int, int, int]
"""First and last address, in the one 128-bit space of `console.policy.request`, first and last port: all included."""


@dataclass(frozen=True, slots=True)
class NotCarried:
    """Something that the entries do not do as the other program did; made by `not_carried`."""

    message_id: str
    values: Mapping[str, object]
    """For the blanks of the message; ``line`` is the line of the file, 0 for what stands in none."""


@dataclass(frozen=True, slots=True)
class Carried:
    """What a configuration gave."""

    entries: tuple[SocksEntry, ...]
    """In ascending order of sequence."""
    left: tuple[NotCarried, ...]
    """In the order of their lines."""
    direct: tuple[int, ...] = ()
    """Lines that send connections through a proxy that the entries would let go directly: not to be taken in."""


def not_carried(message_id: str, *, line: int = 0, value: object = "", **more: object) -> NotCarried:
    """Tell of something that is left out.

    Args:
        message_id: Key into data/messages; the message says why, and what to do instead.
        line: Line of the file, from 1; 0 for what stands in none.
        value: What stands there, without passwords; shortened if it is too long to show.
        more: Values for further blanks of the message.
    """
    return NotCarried(message_id, {"line": line, "value": shortened(value), **more})


def shortened(value: object) -> str:
    """Return a text as far as a message has room for it, on one line."""
    shown = " ".join(str(value).split())
    return shown if len(shown) <= _SHOWN_LENGTH else shown[: _SHOWN_LENGTH - 3] + "..."


def in_order(left: Iterable[NotCarried]) -> tuple[NotCarried, ...]:
    """Return what is left out in the order of the lines, what stands in none at the end."""
    return tuple(sorted(left, key=lambda each: (not each.values["line"], each.values["line"])))


def not_understood(value: object, must: str, *, line: int, source: str) -> PolicyError:
    """Return the error for a line that the other program would not take either.

    Args:
        value: What stands there, without passwords.
        must: What is expected, to follow a colon.
        line: Line of the file.
        source: Name of the file.
    """
    error = refusal("GWL0260", keyword="", value=shortened(value), must=must)
    return at_line(error, line, source)


def at_line(error: PolicyError, line: int, source: str) -> PolicyError:
    """Return an error that says on which line it is."""
    found = placed(error, (line, 1), source)
    where = f"{source}, line {line}: " if source else f"Line {line}: "
    return PolicyError(found.message_id, **{**found.values, "place": where})


def areas(address: str, port: str) -> tuple[Area, ...]:
    """Return what a destination covers.

    Args:
        address: Canonical, as `console.policy.fields.check_address` returns it.
        port: Canonical and no service name.
    """
    low, high = port_interval(port, _NO_SERVICES)
    return tuple((first, last, low, high) for first, last in address_intervals(address))


def entry_areas(entry: SocksEntry) -> tuple[Area, ...]:
    """Return what an entry matches, whoever the user is."""
    return areas(entry.remote_address, entry.remote_port)


def without(whole: Iterable[Area], taken: Iterable[Area]) -> list[Area]:
    """Return what is left of areas when others are taken out of them."""
    left = list(whole)
    for area in taken:
        left = [piece for each in left for piece in _cut(each, area)]
    return left


def _cut(area: Area, taken: Area) -> list[Area]:
    first, last, low, high = area
    from_first, to_last = max(first, taken[0]), min(last, taken[1])
    from_low, to_high = max(low, taken[2]), min(high, taken[3])
    if from_first > to_last or from_low > to_high:
        return [area]
    pieces = (
        (first, from_first - 1, low, high),
        (to_last + 1, last, low, high),
        (from_first, to_last, low, from_low - 1),
        (from_first, to_last, to_high + 1, high),
    )
    return [piece for piece in pieces if piece[0] <= piece[1] and piece[2] <= piece[3]]


def goes_direct(whole: Iterable[Area], entries: Sequence[SocksEntry]) -> bool:
    """Return whether entries, asked in their order, let anything of some areas go directly."""
    left = list(whole)
    for entry in entries:
        rest = without(left, entry_areas(entry))
        if entry.type is SocksType.DIRECT and rest != left:
            return True
        left = rest
    return bool(left)
