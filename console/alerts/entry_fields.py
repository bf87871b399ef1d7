"""The fields of a journal entry that alerts know: where each is in a row, and what can be asked about it. Pure.

A row is a tuple of the values of an entry in the order of `console.journal.chain.FIELDS`: names are those of the
journal's JSON. Operators may write the keywords of commands as well (``RMTADR``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Any

from console.journal.chain import FIELDS

Row = Sequence[Any]
"""Values of an entry in the order of `FIELDS`; a database row is one."""


class Kind(Enum):
    """What a field holds, and so how it is compared."""

    NUMBER = "number"
    WORD = "text in any case"
    """``*REJECTED``, ``ALICE``: case does not matter."""
    TEXT = "text in exact case"
    """Paths: case matters."""
    ADDRESS = "address"


PLACES: Mapping[str, int] = MappingProxyType({name: place for place, name in enumerate(FIELDS)})
"""Name of a field -> its place in a row."""

_NUMBERS = (
    "sequence_number", "rule_sequence", "revision", "pid", "local_port", "remote_port", "decision_us", "guard_number",
)  # fmt: skip
_ADDRESSES = ("local_address", "remote_address")
_TEXTS = ("program", "detail", "guard_id")

KINDS: Mapping[str, Kind] = MappingProxyType(
    {name: Kind.WORD for name in FIELDS if name != "entry_timestamp"}
    | dict.fromkeys(_NUMBERS, Kind.NUMBER)
    | dict.fromkeys(_ADDRESSES, Kind.ADDRESS)
    | dict.fromkeys(_TEXTS, Kind.TEXT)
    | {"address": Kind.ADDRESS, "port": Kind.NUMBER}
)
"""Name of a field -> what it holds; ``address`` and ``port`` are those of either end."""

EITHER_END: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"address": ("local_address", "remote_address"), "port": ("local_port", "remote_port")}
)
"""Names that stand for two fields."""

FIELD_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "remote_address": "Address of the other end",
        "remote_port": "Port of the other end",
        "local_address": "Address at this end",
        "local_port": "Port at this end",
        "user_name": "User profile",
        "program": "Path of the program",
        "qualified_job_name": "Job: number/USER/NAME",
        "entry_type": "SK, JS, GR, CD, IM, ...",
        "sk_type": "Of an SK entry: A, C, L, P, I, O",
        "outcome": "*ALLOWED, *REJECTED, *MONITOR",
        "exit_point": "*ACCEPT, *CONNECT, *LISTEN",
        "rule_sequence": "Rule that decided",
        "revision": "Revision that decided",
        "socks_server": "SOCKS server used",
        "address_family": "*IPV4, *IPV6",
        "text": "Words for people",
        "detail": "Entry-specific data",
        "pid": "Process id",
        "decision_us": "Microseconds to decide",
    }
)
"""Fields that an operator may count by, with what they are; the first are the usual ones."""

_KEYWORDS: Mapping[str, str] = MappingProxyType(
    {
        "ENTTYP": "entry_type",
        "SKTYPE": "sk_type",
        "EXITPNT": "exit_point",
        "SEQNBR": "rule_sequence",
        "USRPRF": "user_name",
        "JOB": "qualified_job_name",
        "PGM": "program",
        "LCLADR": "local_address",
        "LCLPORT": "local_port",
        "RMTADR": "remote_address",
        "RMTPORT": "remote_port",
        "USER": "user_name",
    }
)
"""Keyword of a command -> the field it is about."""


def field_named(written: str) -> str | None:
    """Return the name of a field, written in any case, as its name or its keyword; None if there is none."""
    name = written.lower()
    return name if name in KINDS else _KEYWORDS.get(written.upper())


def places_of(name: str) -> tuple[int, ...]:
    """Return where a field is in a row; two places for either end."""
    return tuple(PLACES[each] for each in EITHER_END.get(name, (name,)))


def fields_of(row: Row) -> dict[str, Any]:
    """Return a row by the names of its fields."""
    return dict(zip(FIELDS, row, strict=True))
