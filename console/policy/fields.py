"""The values of a rule: checks each one and gives it its one canonical spelling.

Knows what an address, port, user, program, text and sequence number look like, and which integers they cover. It must
not know rules, policies or documents, and it asks nothing of the host: whether a service or user exists is not its
matter.

Every check takes the name under which the operator knows the field (``RMTADR``, ``remote_address``), so that the same
check serves the command language and the policy document.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TypeVar

from console.errors import PolicyError
from console.model.words import DEFAULT_SEQUENCE
from console.policy.request import MAPPED
from console.policy.rule import ALL, ANY
from console.printable import printable

DFT = "*DFT"
"""Special value of a sequence number: the default rule."""

TEXT_LENGTH = 50
"""Characters of a rule's text, as the text of IBM i objects."""

USER_LENGTH = 32
"""Characters of a user or group name: useradd(8), LOGIN_NAME_MAX without its NUL is far above."""

PATH_LENGTH = 4095
"""Characters of a program's path: PATH_MAX of linux/limits.h without its NUL."""

MAX_PORT = 65535
MAX_ADDRESS = (1 << 128) - 1

_MAPPED_LAST = MAPPED + 0xFFFF_FFFF
MAPPED_END = _MAPPED_LAST + 1
"""The first number after the IPv4 addresses."""
_MAPPED_PREFIX = 96
_SHOWN_LENGTH = 80

_PREFIX = re.compile(r"0|[1-9][0-9]{0,2}", re.ASCII)
_NUMBER = re.compile(r"[0-9]+", re.ASCII)
_PORT_RANGE = re.compile(r"([0-9]+) *- *([0-9]+)", re.ASCII)
# Wider than RFC 6335 section 5.1, which services(5) does not keep to either.
_SERVICE = re.compile(r"(?=[0-9+._-]*[a-z])[a-z0-9][a-z0-9+._-]{0,31}", re.ASCII)
_NAME = re.compile(r"[A-Z0-9_][A-Z0-9_.$@-]*", re.ASCII)

# Without their star these would be users who do not exist, and a rule meant for everyone would silently match nobody.
_MISSING_STAR = frozenset({"ALL", "ANY"})

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Word = TypeVar("_Word", bound=StrEnum)


def refusal(message_id: str, *, keyword: str, value: object, **more: object) -> PolicyError:
    """Return the error for a value that cannot be taken.

    Args:
        message_id: Key into data/messages.
        keyword: The field's name, as the operator knows it.
        value: What was given; shortened if it is too long to show.
        more: Values for further blanks of the message.

    Returns:
        An error with an empty ``place``; `console.policy.document` fills in line and column where there are any.
    """
    shown = str(value) or "empty"
    if len(shown) > _SHOWN_LENGTH:
        shown = shown[: _SHOWN_LENGTH - 3] + "..."
    return PolicyError(message_id, keyword=keyword, value=shown, place="", **more)


def check_word(words: type[_Word]) -> Callable[..., _Word]:
    """Return the check of one vocabulary.

    Args:
        words: An enumeration of `console.model.words`.

    Returns:
        A check that takes a word in any case, with or without its star, and gives the member; like the other checks it
        takes the field's name as ``keyword`` and raises PolicyError.
    """

    def check(value: str, keyword: str = "") -> _Word:
        upper = value.upper() if value.isascii() else value
        for word in words:
            if upper in (word.value, word.value.removeprefix("*")):
                return word
        raise refusal("GWL0201", keyword=keyword or "Value", value=value, valid=", ".join(words))

    return check


def check_address(value: str, keyword: str = "") -> str:
    """Check an address, a network, a range or ``*ANY``.

    Returns:
        The canonical spelling: RFC 5952 for IPv6, host bits of a network cleared, IPv4-mapped IPv6 as IPv4, a network
        or range of one address as that address.

    Raises:
        PolicyError: It is none of these.
    """
    if _is_special(value, ANY):
        return ANY
    keyword = keyword or "Address"
    if value.startswith("%"):
        raise refusal("GWL02C1", keyword=keyword, value=value)
    if "-" in value:
        low, high = (_address(part.strip(), value, keyword) for part in value.split("-", 1))
        return _address_range(low, high, value, keyword)
    if "/" in value:
        text, prefix = value.split("/", 1)
        return _network(text, prefix, value, keyword)
    return str(_folded(_address(value, value, keyword)))


def _is_special(value: str, special: str) -> bool:
    return value.isascii() and value.upper() in (special, special[1:])


def _address(text: str, value: str, keyword: str) -> _Address:
    if "%" in text:
        raise refusal("GWL0207", keyword=keyword, value=value)
    try:
        return ipaddress.ip_address(text)
    except ValueError as error:
        raise refusal("GWL0203", keyword=keyword, value=value) from error


def _folded(address: _Address) -> _Address:
    """Return the IPv4 address that a mapped one stands for: both are the same request."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _address_range(first: _Address, last: _Address, value: str, keyword: str) -> str:
    low, high = _folded(first), _folded(last)
    if low.version != high.version:
        raise refusal("GWL0204", keyword=keyword, value=value)
    if int(low) > int(high):
        raise refusal("GWL0205", keyword=keyword, value=value)
    return str(low) if low == high else f"{low}-{high}"


def _network(text: str, prefix: str, value: str, keyword: str) -> str:
    address = _address(text, value, keyword)
    if not _PREFIX.fullmatch(prefix) or int(prefix) > address.max_prefixlen:
        raise refusal("GWL0206", keyword=keyword, value=value, longest=address.max_prefixlen)
    length = int(prefix)
    folded = _folded(address)
    if folded.version != address.version and length >= _MAPPED_PREFIX:
        address, length = folded, length - _MAPPED_PREFIX
    network = ipaddress.ip_network((int(address), length) if address.version == 4 else (address, length), strict=False)
    return str(network.network_address) if length == address.max_prefixlen else str(network)


def address_intervals(canonical: str) -> tuple[tuple[int, int], ...]:
    """Return what an address of a rule covers.

    Units: First and last address, both included, in the one 128-bit space of `console.policy.request`.

    Args:
        canonical: As `check_address` returned it.

    Returns:
        Disjoint intervals in ascending order. An IPv6 network or range never covers an IPv4 address, though ``::/0``
        includes the mapped block by its numbers: whoever writes ``::/0`` means IPv6. ``*ANY`` covers both families.
    """
    if canonical == ANY:
        return ((0, MAX_ADDRESS),)
    if "-" in canonical:
        first, last = (ipaddress.ip_address(part) for part in canonical.split("-"))
        version, low, high = first.version, int(first), int(last)
    else:
        network = ipaddress.ip_network(canonical)
        version, low, high = network.version, int(network.network_address), int(network.broadcast_address)
    if version == 4:
        return ((MAPPED + low, MAPPED + high),)
    pieces = ((low, min(high, MAPPED - 1)), (max(low, _MAPPED_LAST + 1), high))
    return tuple((start, end) for start, end in pieces if start <= end)


def check_port(value: str, keyword: str = "") -> str:
    """Check a port, a range of ports, a service name or ``*ANY``.

    Returns:
        The canonical spelling: no leading zeros, service names in lower case, a range of one port as that port.

    Raises:
        PolicyError: It is none of these.
    """
    if _is_special(value, ANY):
        return ANY
    keyword = keyword or "Port"
    if _NUMBER.fullmatch(value):
        return str(_port(value, value, keyword))
    if ends := _PORT_RANGE.fullmatch(value):
        low, high = (_port(end, value, keyword) for end in ends.groups())
        if low > high:
            raise refusal("GWL020A", keyword=keyword, value=value)
        return str(low) if low == high else f"{low}-{high}"
    service = value.lower() if value.isascii() else value
    if not _SERVICE.fullmatch(service):
        raise refusal("GWL0208", keyword=keyword, value=value)
    return service


def _port(digits: str, value: str, keyword: str) -> int:
    significant = digits.lstrip("0")
    # Length first: int() refuses strings of thousands of digits with an error of its own.
    if not significant or len(significant) > len(str(MAX_PORT)) or int(significant) > MAX_PORT:
        raise refusal("GWL0209", keyword=keyword, value=value)
    return int(significant)


def is_service(canonical: str) -> bool:
    """Return whether a port of a rule is a service name."""
    return _SERVICE.fullmatch(canonical) is not None


def port_interval(canonical: str, services: Mapping[str, int]) -> tuple[int, int]:
    """Return the first and last port that a port of a rule covers.

    Args:
        canonical: As `check_port` returned it.
        services: Port of each service name (`Policy.services`).

    Raises:
        PolicyError: A service name that is not among the services.
    """
    if canonical == ANY:
        return 0, MAX_PORT
    if is_service(canonical):
        if canonical not in services:
            raise refusal("GWL020B", keyword="Port", value=canonical)
        return services[canonical], services[canonical]
    low, _, high = canonical.partition("-")
    return int(low), int(high or low)


def check_user(value: str, keyword: str = "") -> str:
    """Check a user name, a generic one (``ABC*``), a group (``%WHEEL``) or ``*ALL``.

    Returns:
        The name in upper case.

    Raises:
        PolicyError: It is none of these.
    """
    keyword = keyword or "User"
    upper = value.upper() if value.isascii() else value
    if upper == ALL:
        return ALL
    if upper in _MISSING_STAR:
        raise refusal("GWL020E", keyword=keyword, value=value)
    name = upper[1:] if upper.startswith("%") else upper.removesuffix("*")
    if not _NAME.fullmatch(name) or len(name) > USER_LENGTH:
        raise refusal("GWL020C", keyword=keyword, value=value, longest=USER_LENGTH)
    return upper


def check_program(value: str, keyword: str = "") -> str:
    """Check the absolute path of a program, a generic one (``/usr/sbin/*``) or ``*ANY``.

    Returns:
        The path as it is: paths are matched with regard to case.

    Raises:
        PolicyError: It is none of these, or is spelt as the kernel never spells a path.
    """
    if _is_special(value, ANY):
        return ANY
    keyword = keyword or "Program"
    path = value.removesuffix("*")
    if not path.startswith("/") or len(path) > PATH_LENGTH or not path.isprintable():
        raise refusal("GWL020D", keyword=keyword, value=value)
    if "*" in path:
        raise refusal("GWL020F", keyword=keyword, value=value)
    names = path.split("/")[1:]
    whole = names[:-1] if value.endswith("*") else names
    # The kernel reports paths without empty, "." and ".." parts: such a rule would never match.
    if not {"", ".", ".."}.isdisjoint(whole):
        raise refusal("GWL0210", keyword=keyword, value=value)
    return value


def check_text(value: str, keyword: str = "") -> str:
    """Check a rule's description.

    Raises:
        PolicyError: Too long, or with characters that cannot be shown in one cell each.
    """
    if len(value) > TEXT_LENGTH:
        raise refusal("GWL0211", keyword=keyword or "Text", value=value, length=len(value), longest=TEXT_LENGTH)
    if printable(value) != value:
        raise refusal("GWL0212", keyword=keyword or "Text", value=value)
    return value


def whole_number(value: str, low: int, high: int) -> str | None:
    """Return the digits of a whole number without leading zeros; None for what is none between the two bounds."""
    if not (value.isascii() and value.isdigit()):
        return None
    digits = value.lstrip("0") or "0"
    # Length first: int() refuses strings of thousands of digits with an error of its own.
    return digits if len(digits) <= len(str(high)) and low <= int(digits) <= high else None


def check_time_limit(message_id: str, longest_ms: int) -> Callable[..., str]:
    """Return the check of a time limit in milliseconds.

    Args:
        message_id: What is said of a value that is none.
        longest_ms: The longest that can be asked for.

    Returns:
        A check that takes whole numbers from 1 on and gives the digits without leading zeros; like the other checks it
        takes the field's name as ``keyword`` and raises PolicyError.
    """

    def check(value: str, keyword: str = "") -> str:
        found = whole_number(value, 1, longest_ms)
        if found is None:
            raise refusal(message_id, keyword=keyword or "Time limit", value=value, longest=longest_ms)
        return found

    return check


def check_sequence(value: str, keyword: str = "") -> str:
    """Check a sequence number, or ``*DFT`` for the default rule.

    Returns:
        The digits without leading zeros, or ``*DFT``.

    Raises:
        PolicyError: Not a number from 1 to 99998. 99999 belongs to the default rule, which has a name of its own.
    """
    if _is_special(value, DFT):
        return DFT
    digits = value.lstrip("0")
    if not _NUMBER.fullmatch(digits) or len(digits) > len(str(DEFAULT_SEQUENCE)) or int(digits) >= DEFAULT_SEQUENCE:
        raise refusal("GWL0213", keyword=keyword or "Sequence number", value=value, last=DEFAULT_SEQUENCE - 1)
    return digits
