"""SOCKS entries: which way connections to some destinations take, checked value by value and against each other.

Knows how entries and servers are written and what the versions of SOCKS can carry. It must not know whether a server
can be reached, nor what is said to it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields
from types import MappingProxyType

from console.errors import PolicyError
from console.model.words import DEFAULT_SEQUENCE, SocksType, SocksVersion
from console.policy.fields import (
    MAX_PORT,
    check_address,
    check_port,
    check_text,
    check_time_limit,
    check_user,
    check_word,
    refusal,
    whole_number,
)
from console.policy.rule import ANY, SOCKS_PORT, SocksEntry, SocksServer
from console.policy.secret import NO_SECRET, NOT_SHOWN, Secret
from console.printable import printable

LAST_SEQUENCE = DEFAULT_SEQUENCE - 1

MOST_SERVERS = 8
"""Servers of one entry: each may take its time limit before the next is tried."""

LONGEST_TIME_LIMIT_MS = 600_000
"""Ten minutes, more than any program waits; Linux itself gives up a connect after two (tcp_syn_retries)."""

LONGEST_CREDENTIAL = 255
"""Octets of a user id and of a password (RFC 1929, section 2)."""

_LONGEST_NAME = 253
_BRACKETS = re.compile(r"\[(?P<host>[^\]]*)\](?::(?P<port>.*))?", re.DOTALL)
_NAME = re.compile(r"(?=.*[a-z])[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
"""RFC 1123, section 2.1, and the underscores that are in use. The last part of one that is no address has a letter."""
_SEPARATORS = re.compile(r"[ ,]+")


def check_entry_sequence(value: str, keyword: str = "") -> str:
    """Check the sequence number of an entry.

    Returns:
        The digits without leading zeros.

    Raises:
        PolicyError: Not a number from 1 to 99998.
    """
    found = whole_number(value, 1, LAST_SEQUENCE)
    if found is None:
        raise refusal("GWL0240", keyword=keyword or "Sequence number", value=value, last=LAST_SEQUENCE)
    return found


def check_servers(value: str, keyword: str = "") -> str:
    """Check a list of SOCKS servers: ``proxy.example 192.0.2.1:9050 [2001:db8::1]:9050``; commas separate them, too.

    Returns:
        The canonical spelling: blanks between them, names in lower case, no port where it is 1080; empty for none.

    Raises:
        PolicyError: One of them is no server, is there twice, or there are too many.
    """
    return " ".join(map(str, parse_servers(value, keyword)))


def parse_servers(value: str, keyword: str = "", *, port: int = SOCKS_PORT) -> tuple[SocksServer, ...]:
    """Return the servers of a list; see `check_servers`.

    Args:
        value: The list.
        keyword: The field's name, as the operator knows it.
        port: Port of those that name none.

    Raises:
        PolicyError: One of them is no server, is there twice, or there are too many.
    """
    keyword = keyword or "Servers"
    parts = [part for part in _SEPARATORS.split(value) if part]
    servers = tuple(_server(part, keyword, port) for part in parts)
    if len(servers) > MOST_SERVERS:
        raise refusal("GWL0243", keyword=keyword, value=len(servers), most=MOST_SERVERS)
    twice = next((server for index, server in enumerate(servers) if server in servers[:index]), None)
    if twice is not None:
        raise refusal("GWL0244", keyword=keyword, value=twice)
    return servers


def _server(text: str, keyword: str, port: int) -> SocksServer:
    if found := _BRACKETS.fullmatch(text):
        host, given = found["host"], found["port"]
    elif text.count(":") == 1:
        host, given = text.split(":")
    else:
        host, given = text, None
    if given is not None:
        digits = whole_number(given, 1, MAX_PORT)
        if digits is None:
            raise refusal("GWL0242", keyword=keyword, value=text)
        port = int(digits)
    return SocksServer(_host(host, text, keyword), port)


def _host(host: str, text: str, keyword: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.lower().removesuffix(".") if host.isascii() else ""
        if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name) or name.rpartition(".")[2].isdecimal():
            raise refusal("GWL0242", keyword=keyword, value=text) from None
        return name
    if "%" in host or address.is_unspecified or address.is_multicast:
        raise refusal("GWL0242", keyword=keyword, value=text)
    return check_address(host)


def check_user_id(value: str, keyword: str = "") -> str:
    """Check the user id that servers are told; it is taken as it is.

    Raises:
        PolicyError: It is too long, or has characters that cannot be shown.
    """
    if len(value.encode("utf-8", "surrogatepass")) > LONGEST_CREDENTIAL or printable(value) != value:
        raise refusal("GWL0245", keyword=keyword or "User id", value=value, longest=LONGEST_CREDENTIAL)
    return value


def check_password(value: str, keyword: str = "") -> str:
    """Check a password in clear; it is taken as it is.

    Raises:
        PolicyError: It is too long, or has control characters. The error does not hold it.
    """
    if not value.isprintable() or len(value.encode("utf-8")) > LONGEST_CREDENTIAL:
        raise refusal("GWL0246", keyword=keyword or "Password", value=NOT_SHOWN, longest=LONGEST_CREDENTIAL)
    return value


SOCKS_CHECKS: Mapping[str, Callable[..., str]] = MappingProxyType(
    {
        "sequence": check_entry_sequence,
        "remote_address": check_address,
        "remote_port": check_port,
        "user": check_user,
        "type": check_word(SocksType),
        "servers": check_servers,
        "version": check_word(SocksVersion),
        "user_id": check_user_id,
        "password": check_password,
        "time_limit_ms": check_time_limit("GWL0247", LONGEST_TIME_LIMIT_MS),
        "text": check_text,
    }
)
"""Field of an entry -> its check, in the order in which fields are written and shown."""

SOCKS_KEYWORDS: Mapping[str, str] = MappingProxyType(
    {
        "sequence": "SEQNBR",
        "remote_address": "RMTADR",
        "remote_port": "RMTPORT",
        "user": "USRPRF",
        "type": "TYPE",
        "servers": "SERVER",
        "version": "VERSION",
        "user_id": "USERID",
        "password": "PASSWORD",
        "time_limit_ms": "TIMLMT",
        "text": "TEXT",
    }
)
"""Field of an entry -> its keyword in the command language, where PORT is another for the servers."""

SOCKS_DEFAULTS: Mapping[str, str] = MappingProxyType(
    {
        **{field.name: str(field.default) for field in fields(SocksEntry) if field.default is not MISSING},
        "servers": "",
    }
)
"""Field of an entry -> what it is when nothing is said."""

_OF_SERVERS = ("servers", "version", "user_id", "password", "time_limit_ms")
"""Fields that say nothing where no server is asked."""


def make_socks_entry(**given: object) -> SocksEntry:
    """Make an entry from the texts of its fields.

    Args:
        given: Values by field name, as text, number or word; ``sequence`` is required, the others have the defaults of
            `SocksEntry`. A password may be a `Secret`, which is taken as it is.

    Raises:
        PolicyError: A value cannot be taken, alone or beside another; its ``keyword`` is the field's name.
    """
    password = given.pop("password", NO_SECRET)
    checked: dict[str, object] = {name: SOCKS_CHECKS[name](str(value), name) for name, value in given.items()}
    for name in ("sequence", "time_limit_ms"):
        if name in checked:
            checked[name] = int(str(checked[name]))
    if "servers" in checked:
        checked["servers"] = parse_servers(str(checked["servers"]))
    if not isinstance(password, Secret):
        password = Secret(check_password(str(password), "password"))
    entry = SocksEntry(**checked, password=password)  # type: ignore[arg-type]
    check_socks_entry(entry)
    return entry


def check_socks_entry(entry: SocksEntry) -> None:
    """Check the fields of an entry against each other. A password may be missing; see `check_complete`.

    Raises:
        PolicyError: They contradict each other; its ``keyword`` is the name of the field to change.
    """
    if entry.type is SocksType.DIRECT:
        said = socks_fields(entry)
        wrong = next((name for name in _OF_SERVERS if said[name] != SOCKS_DEFAULTS[name]), None)
        if wrong is not None:
            raise refusal("GWL0248", keyword=wrong, value=said[wrong])
        return
    if not entry.servers:
        raise refusal("GWL0249", keyword="servers", value="")
    if entry.version is SocksVersion.V5:
        if entry.password and not entry.user_id:
            raise refusal("GWL024B", keyword="password", value=NOT_SHOWN)
        return
    if entry.password:
        raise refusal("GWL024A", keyword="password", value=NOT_SHOWN, version=entry.version)
    if entry.remote_address != ANY and ":" in entry.remote_address:
        raise refusal("GWL024C", keyword="remote_address", value=entry.remote_address, version=entry.version)


def lacks_password(entry: SocksEntry) -> bool:
    """Return whether an entry has a user id for version 5 and no password with it; RFC 1929 has no empty ones."""
    return entry.version is SocksVersion.V5 and bool(entry.user_id) and not entry.password


def check_complete(entries: Iterable[SocksEntry]) -> None:
    """Check that servers can be told all that they will ask for.

    Raises:
        PolicyError: A password is missing.
    """
    for entry in entries:
        if lacks_password(entry):
            raise refusal("GWL024D", keyword="password", value=entry.sequence, user_id=entry.user_id)


def check_socks_entries(entries: Iterable[SocksEntry]) -> None:
    """Check that entries can be used: each value in its bounds, each sequence number once.

    A guard connects to what stands here: a policy that was read back from a store is checked like one that was typed.

    Raises:
        PolicyError: A value cannot be taken, or a number is there twice.
    """
    seen: set[int] = set()
    for entry in entries:
        made = make_socks_entry(**{**socks_fields(entry), "password": entry.password})
        if made.servers != entry.servers:
            raise refusal("GWL0242", keyword="servers", value=", ".join(map(str, entry.servers)))
        if entry.sequence in seen:
            raise refusal("GWL0241", keyword="sequence", value=entry.sequence)
        seen.add(entry.sequence)


def socks_fields(entry: SocksEntry) -> dict[str, str]:
    """Return every field of an entry as text, by its name, in the order of `SOCKS_CHECKS`.

    The password is told as ``*SET`` or ``*NONE``, and ``*MISSING`` where it is needed and not there.
    """
    texts = {name: str(getattr(entry, name)) for name in SOCKS_CHECKS}
    password = "*MISSING" if lacks_password(entry) else str(entry.password)
    return {**texts, "servers": " ".join(map(str, entry.servers)), "password": password}


def keyword_error(error: PolicyError) -> PolicyError:
    """Return an error of `make_socks_entry` that names the keyword instead of the field."""
    name = str(error.values.get("keyword", ""))
    return PolicyError(error.message_id, **{**error.values, "keyword": SOCKS_KEYWORDS.get(name, name)})
