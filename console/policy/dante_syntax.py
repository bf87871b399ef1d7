"""The words of a configuration of Dante's client (socks.conf, dante.conf): settings, and routes with their parts.

What is taken is what Dante 1.4 takes (socks.conf(5); lib/config_scan.l and lib/config_parse.y), and a little more:
settings may stand behind routes, options of a route may share a line, a mask may be dotted, and an address without one
is one address. Numbers are decimal: Dante would take 010 for eight, so that no number begins with 0 here. What the
words mean is the matter of `console.policy.dante`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from console.errors import PolicyError
from console.policy.carried import at_line, not_understood, shortened
from console.policy.fields import refusal

_SPACE = re.compile(r"(?:[ \t\r\v\f\n]|\\\n|#[^\n]*)*")
_BLANKS = re.compile(r"(?:[ \t\r\v\f]|\\\n)*")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_REST = re.compile(r"[^\n#]*")
_LINE = re.compile(r"[^\n]*")
_URL = re.compile(r"(?:http|ftp)://[^\s{}]*")
_ADDRESS = re.compile(r"[^\s/{}#]+")
_MASK = re.compile(r"[0-9.]+")
_PORT = re.compile(r"port(?![A-Za-z0-9])")
_OPERATOR = re.compile(r":|>=|<=|!=|=|>|<|(?:eq|neq|ne|ge|le|gt|lt)(?![A-Za-z])")
_NUMBER = re.compile(r"(?:0|[1-9][0-9]*)(?![0-9A-Za-z])")
_SERVICE = re.compile(r"[A-Za-z][^\s:/{}#]*")
_WORD = re.compile(r"[^\s:{}#]+(?![^\s:{}#]|[ \t]*:)")
"""A value of an option: no name with a colon behind it, which is the next option."""
_PARTS = ("from", "to", "via")
_VERDICTS = frozenset({"pass", "block"})
_RULE = re.compile(r"[ \t]+(?:pass|block)(?![A-Za-z0-9_.:-])|[ \t]*\{")
"""Behind the name of a rule of the server's: ``client pass {``, ``monitor {``."""


@dataclass(frozen=True, slots=True)
class Port:
    """A comparison with a port."""

    operator: str
    """One of Dante's, ``-`` for a range, or a colon, which is as ``=``."""
    value: str
    """Number or service name; the first of a range."""
    last: str = ""
    """Of a range."""

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"port {self.value}-{self.last}" if self.last else f"port {self.operator} {self.value}"


@dataclass(frozen=True, slots=True)
class Address:
    """One of the three addresses of a route."""

    line: int
    text: str
    """Address, name, interface or URL, or one of the words that stand for some."""
    mask: str = ""
    """Length of the prefix or dotted mask; empty for none."""
    port: Port | None = None

    def __str__(self) -> str:
        """Return it as it is written."""
        address = f"{self.text}/{self.mask}" if self.mask else self.text
        return f"{address} {self.port}" if self.port else address


@dataclass(frozen=True, slots=True)
class Option:
    """A word with a colon and what is behind it: a setting, or an option of a route."""

    line: int
    name: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"{self.name}: {' '.join(self.values)}"


@dataclass(frozen=True, slots=True)
class Route:
    """One route."""

    line: int
    source: Address
    destination: Address
    gateway: Address
    options: tuple[Option, ...]

    def __str__(self) -> str:
        """Return where it leads, and over what, as it is written."""
        return f"to: {self.destination} via: {self.gateway}"

    def values(self, *names: str) -> set[str]:
        """Return what all options of some names say."""
        return {value for option in self.options if option.name in names for value in option.values}


@dataclass(slots=True)
class _Scanner:
    text: str
    source: str
    at: int = 0
    line: int = 1

    def take(self, pattern: re.Pattern[str]) -> str:
        """Return what stands here and fits, and go behind it; empty if it does not."""
        found = pattern.match(self.text, self.at)
        if found is None:
            return ""
        self.at = found.end()
        self.line += found[0].count("\n")
        return found[0]

    def takes(self, character: str) -> bool:
        """Go behind a character and the blanks before it, if it is the next."""
        self.take(_BLANKS)
        if not self.text.startswith(character, self.at):
            return False
        self.at += len(character)
        return True

    def need(self, pattern: re.Pattern[str], must: str) -> str:
        """Return what fits behind the blanks here.

        Raises:
            PolicyError: Nothing does.
        """
        self.take(_BLANKS)
        found = self.take(pattern)
        if not found:
            self.refuse(must)
        return found

    def refuse(self, must: str) -> None:
        """Raise the error for what stands here."""
        here = _LINE.match(self.text, self.at)
        value = here[0] if here else ""
        raise not_understood(value.strip() or "The end of the line", must, line=self.line, source=self.source)


def read(text: str, source: str = "") -> tuple[list[Option], list[Route]]:
    """Return the settings and the routes of a configuration, each in the order in which they stand there.

    Args:
        text: What the file holds.
        source: Its name, for messages.

    Raises:
        PolicyError: It is no such configuration.
    """
    scanner = _Scanner(text, source)
    settings: list[Option] = []
    routes: list[Route] = []
    while True:
        scanner.take(_SPACE)
        if scanner.at == len(text):
            return settings, routes
        line = scanner.line
        name = scanner.need(_NAME, "a setting or a route begins with its name")
        before = scanner.at, scanner.line
        scanner.take(_SPACE)
        if name == "route" and scanner.takes("{"):
            routes.append(_route(scanner, line))
            continue
        scanner.at, scanner.line = before
        settings.append(_setting(scanner, line, name))


def _setting(scanner: _Scanner, line: int, name: str) -> Option:
    rule = _RULE.match(scanner.text, scanner.at)
    if name in _VERDICTS or rule:
        raise of_server(name, line=line, source=scanner.source)
    _need_colon(scanner, name)
    return Option(line, name, tuple(scanner.take(_REST).split()))


def of_server(name: str, *, line: int, source: str) -> PolicyError:
    """Return the error for what only the configuration of Dante's server has."""
    return at_line(refusal("GWL0261", keyword="", value=name), line, source)


def _route(scanner: _Scanner, line: int) -> Route:
    addresses: list[Address] = []
    options: list[Option] = []
    while True:
        scanner.take(_SPACE)
        if scanner.takes("}"):
            break
        name = scanner.need(_NAME, "an option of a route begins with its name, and a brace closes the route")
        if name in _PARTS:
            if len(addresses) == len(_PARTS) or name != _PARTS[len(addresses)]:
                scanner.refuse("a route has from, to and via, each once and in this order")
            addresses.append(_address(scanner))
        else:
            options.append(_option(scanner, name))
    if len(addresses) < len(_PARTS):
        raise not_understood("route", "a route has from, to and via", line=line, source=scanner.source)
    source, destination, gateway = addresses
    return Route(line, source, destination, gateway, tuple(options))


def _option(scanner: _Scanner, name: str) -> Option:
    line = scanner.line
    scanner.take(_BLANKS)
    if name == "redirect":
        name = f"redirect {scanner.need(_NAME, 'redirect has from behind it')}"
    _need_colon(scanner, name)
    values: list[str] = []
    if name.startswith("redirect"):
        values.append(str(_behind_colon(scanner)))
    while True:
        scanner.take(_BLANKS)
        value = scanner.take(_WORD)
        if not value:
            break
        values.append(value)
    if not values:
        scanner.refuse(f"{shortened(name)} has a value")
    return Option(line, name, tuple(values))


def _need_colon(scanner: _Scanner, name: str) -> None:
    if not scanner.takes(":"):
        scanner.refuse(f"there is a colon behind {shortened(name)}")


def _address(scanner: _Scanner) -> Address:
    _need_colon(scanner, "from, to and via")
    return _behind_colon(scanner)


def _behind_colon(scanner: _Scanner) -> Address:
    scanner.take(_BLANKS)
    line = scanner.line
    if url := scanner.take(_URL):
        return Address(line, url)
    text = scanner.need(_ADDRESS, "an address, a name or an interface stands here")
    mask = scanner.need(_MASK, "a mask is a number, or dotted") if scanner.takes("/") else ""
    scanner.take(_BLANKS)
    port = _port(scanner) if scanner.take(_PORT) else None
    return Address(line, text, mask, port)


def _port(scanner: _Scanner) -> Port:
    scanner.take(_BLANKS)
    operator = scanner.take(_OPERATOR)
    if operator:
        scanner.take(_BLANKS)
        value = scanner.take(_NUMBER) or scanner.take(_SERVICE)
        if not value:
            scanner.refuse("a port is a decimal number or a service")
        return Port(operator, value)
    first = scanner.need(_NUMBER, "a comparison or a range of ports stands here")
    if not scanner.takes("-"):
        scanner.refuse("a range of ports has a hyphen")
    return Port("-", first, scanner.need(_NUMBER, "a range of ports ends with a decimal number"))
