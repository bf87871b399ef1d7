"""The parameters of the commands on SOCKS entries, and entries as values of commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from console.commands.definition import Choice, Parameter
from console.commands.keywords import NEXT, RULE_VALUES, TEXT, with_special
from console.commands.language import SAME
from console.commands.listed import socks_entries_there
from console.errors import PolicyError
from console.model.words import SocksType, SocksVersion
from console.policy.fields import MAX_PORT, refusal, whole_number
from console.policy.rule import SOCKS_PORT, SocksEntry, SocksServer
from console.policy.secret import NO_SECRET, Secret
from console.policy.socks_entries import (
    LAST_SEQUENCE,
    LONGEST_TIME_LIMIT_MS,
    MOST_SERVERS,
    SOCKS_CHECKS,
    SOCKS_DEFAULTS,
    SOCKS_KEYWORDS,
    keyword_error,
    make_socks_entry,
    parse_servers,
)

NONE = "*NONE"
"""Special value: no server, or no password."""
DFT = "*DFT"
"""Special value of a user id: the user profile for versions 4 and 4A, nobody for 5."""

_FIELDS: Mapping[str, str] = {keyword: name for name, keyword in SOCKS_KEYWORDS.items()}
_SERVER_LENGTH = 215
"""Five rows of the prompter, so that user id and password begin the next page together."""
_PASSWORD_LENGTH = 128
_UNSAID = 0
"""No port: stands for the one that PORT gives."""
_TYPES = {
    SocksType.DIRECT: "As the program asked, past every server",
    SocksType.SOCKS: "Through a SOCKS server",
}
_VERSIONS = {
    SocksVersion.V4: "IPv4 only, user id",
    SocksVersion.V4A: "IPv4 and names, user id",
    SocksVersion.V5: "IPv4, IPv6 and names, user id and password",
}
SERVER_KEYWORDS = ("SERVER", "PORT", "VERSION", "USERID", "PASSWORD", "TIMLMT")
"""What is said to servers; nothing of it makes sense in a *DIRECT entry."""


def _checked(keyword: str) -> Callable[[str], str]:
    check = SOCKS_CHECKS[_FIELDS[keyword]]
    return lambda value: str(check(value, keyword=keyword))


def _check_port(value: str) -> str:
    digits = whole_number(value, 1, MAX_PORT)
    if digits is None:
        raise refusal("GWL0209", keyword="PORT", value=value)
    return digits


def _check_servers(value: str) -> str:
    """Check a list of servers; a port stays as it was named, as PORT says what it is where it was not."""
    return " ".join(_written(server, _UNSAID) for server in parse_servers(value, "SERVER", port=_UNSAID))


def _written(server: SocksServer, unsaid: int) -> str:
    """Return a server with its port, unless that is the one that need not be said."""
    return server.host if server.port == unsaid else server.label


def _of_rules(keyword: str) -> Parameter:
    return next(parameter for parameter in RULE_VALUES if parameter.keyword == keyword)


SEQUENCE = Parameter(
    "SEQNBR", "Sequence number", _checked("SEQNBR"), length=5, choices=f"1-{LAST_SEQUENCE}, F4 for list",
    list_values=socks_entries_there,
)  # fmt: skip
"""Sequence number of an entry that is there; required."""

NEW_SEQUENCE = replace(
    SEQUENCE,
    check=with_special(SEQUENCE.check, NEXT),
    default=NEXT,
    special=(NEXT,),
    choices=f"1-{LAST_SEQUENCE}, {NEXT}",
    list_values=None,
)
"""Sequence number of an entry to be made."""

TYPE = Parameter(
    "TYPE",
    "Connection type",
    _checked("TYPE"),
    default=SocksType.SOCKS,
    special=tuple(SocksType),
    list_values=lambda context: [Choice(word.value, text) for word, text in _TYPES.items()],
)
SERVER = Parameter(
    "SERVER",
    "SOCKS server",
    with_special(_check_servers, NONE),
    length=_SERVER_LENGTH,
    default=NONE,
    special=(NONE,),
    choices=f"Address or name, up to {MOST_SERVERS}",
    monocase=False,
    many=True,
)
PORT = Parameter("PORT", "Port of the server", _check_port, length=5, default=str(SOCKS_PORT), choices="1-65535")
VERSION = Parameter(
    "VERSION",
    "SOCKS version",
    _checked("VERSION"),
    length=2,
    default=SOCKS_DEFAULTS["version"],
    special=tuple(SocksVersion),
    list_values=lambda context: [Choice(word.value, text) for word, text in _VERSIONS.items()],
)
USER_ID = Parameter(
    "USERID",
    "User id",
    with_special(_checked("USERID"), DFT),
    length=64,
    default=DFT,
    special=(DFT,),
    choices="Characters, *DFT",
    monocase=False,
    quoted=True,
)
PASSWORD = Parameter(
    "PASSWORD",
    "Password",
    with_special(_checked("PASSWORD"), NONE),
    length=_PASSWORD_LENGTH,
    default=NONE,
    special=(NONE,),
    choices="Keyed unseen, *NONE",
    monocase=False,
    quoted=True,
    secret=True,
)
TIME_LIMIT = Parameter(
    "TIMLMT",
    "Time limit in milliseconds",
    _checked("TIMLMT"),
    length=6,
    default=SOCKS_DEFAULTS["time_limit_ms"],
    choices=f"1-{LONGEST_TIME_LIMIT_MS}",
    additional=True,
)

ENTRY_VALUES: tuple[Parameter, ...] = (
    replace(
        _of_rules("RMTADR"), check=_checked("RMTADR"), choices="Address, a.b.c.d/n, from-to, *ANY", list_values=None
    ),
    _of_rules("RMTPORT"),
    _of_rules("USRPRF"),
    TYPE,
    SERVER,
    PORT,
    VERSION,
    USER_ID,
    PASSWORD,
    TEXT,
    TIME_LIMIT,
)
"""What an entry says besides its place, in the order in which it is shown."""


def entry_of(values: Mapping[str, str], *, sequence: int, password: Secret = NO_SECRET) -> SocksEntry:
    """Make an entry of a command's values.

    Args:
        values: Canonical values by keyword.
        sequence: Its sequence number.
        password: What ``*SAME`` stands for.

    Raises:
        PolicyError: The values contradict each other; the keyword is the command's.
    """
    fields: dict[str, object] = {_FIELDS[keyword]: value for keyword, value in values.items() if keyword in _FIELDS}
    given = values["PASSWORD"]
    try:
        if values["TYPE"] == SocksType.DIRECT and values["PORT"] != str(SOCKS_PORT):
            raise refusal("GWL0248", keyword="PORT", value=values["PORT"])
        servers = "" if values["SERVER"] == NONE else values["SERVER"]
        fields["servers"] = " ".join(map(str, parse_servers(servers, port=int(values["PORT"]))))
        fields["user_id"] = "" if values["USERID"] == DFT else values["USERID"]
        fields["password"] = password if given == SAME else NO_SECRET if given == NONE else Secret(given)
        return make_socks_entry(**{**fields, "sequence": sequence})
    except PolicyError as error:
        raise keyword_error(error) from error


def values_of(entry: SocksEntry) -> dict[str, str]:
    """Return an entry as a command's values, by keyword; its password is ``*SAME``, or ``*NONE``."""
    values = {keyword: str(getattr(entry, name)) for name, keyword in SOCKS_KEYWORDS.items()}
    port = entry.servers[0].port if entry.servers else SOCKS_PORT
    return {
        **values,
        "SERVER": " ".join(_written(each, port) for each in entry.servers) or NONE,
        "PORT": str(port),
        "USERID": entry.user_id or DFT,
        "PASSWORD": SAME if entry.password else NONE,
    }
