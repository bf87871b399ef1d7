"""What the formats are made of: the values of an entry, and what follows from them; pure.

Nothing here knows a format. Tables are data: which entry is how severe, what its types are called, which end of a
connection is which.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum
from types import MappingProxyType
from typing import NamedTuple


class EntryValues(NamedTuple):
    """An entry of the journal as values, in the order of its columns; see `console.model.journal`.

    A tuple and not a row of the model, because an export makes millions.
    """

    sequence_number: int
    entry_timestamp: datetime
    receiver_name: str
    journal_code: str
    entry_type: str
    sk_type: str
    outcome: str
    exit_point: str
    rule_sequence: int
    revision: int
    user_name: str
    qualified_job_name: str
    pid: int
    program: str
    address_family: str
    local_address: str
    local_port: int
    remote_address: str
    remote_port: int
    socks_server: str
    decision_us: int
    text: str
    detail: str
    guard_id: str
    guard_number: int
    chain_hash: str


class Origin(NamedTuple):
    """Where an export comes from."""

    host: str
    """Name of this system."""
    version: str
    """Of Greenwall."""


class Severity(IntEnum):
    """How severe an entry is. Source: RFC 5424, section 6.2.1, table 2."""

    ALERT = 1
    CRITICAL = 2
    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFORMATIONAL = 6


_OF_OUTCOME: Mapping[str, Severity] = MappingProxyType(
    {"*REJECTED": Severity.WARNING, "*MONITOR": Severity.NOTICE, "*ALLOWED": Severity.INFORMATIONAL}
)
_OF_TYPE: Mapping[str, Severity] = MappingProxyType(
    {
        "IM": Severity.CRITICAL,
        "AF": Severity.WARNING,
        "PW": Severity.WARNING,
        "SK": Severity.INFORMATIONAL,
        "JS": Severity.INFORMATIONAL,
    }
)

TEN: Mapping[Severity, int] = MappingProxyType(
    {
        Severity.ALERT: 10,
        Severity.CRITICAL: 9,
        Severity.ERROR: 7,
        Severity.WARNING: 6,
        Severity.NOTICE: 4,
        Severity.INFORMATIONAL: 2,
    }
)
"""Severity on a scale to ten, as CEF and LEEF have it."""


def severity(entry: EntryValues) -> Severity:
    """Return how severe an entry is: by its outcome if it has one, otherwise by its type."""
    return _OF_OUTCOME.get(entry.outcome) or _OF_TYPE.get(entry.entry_type, Severity.NOTICE)


ENTRY_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "AD": "Auditing change",
        "AF": "Authority failure",
        "CD": "Command",
        "CP": "User profile changed",
        "GR": "Generic record",
        "IM": "Intrusion monitor",
        "JS": "Job started or ended",
        "PW": "Password",
        "SK": "Sockets connection",
        "SV": "System value",
    }
)
SK_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "A": "Accept",
        "C": "Connect",
        "D": "DHCP address assigned",
        "F": "Filtered mail",
        "I": "Inbound UDP traffic",
        "L": "Listen",
        "O": "Outbound UDP traffic",
        "P": "Port unavailable",
        "R": "Reject mail",
        "S": "Successful secure connection",
        "U": "DHCP address not assigned",
        "X": "Failed secure connection",
    }
)
"""Source: IBM i, QASYSKJ5, entry type; L is ours."""


def title(entry: EntryValues) -> str:
    """Return what an entry is about, in a word or two."""
    if entry.entry_type == "SK":
        return SK_TYPES.get(entry.sk_type, ENTRY_TYPES["SK"])
    return ENTRY_TYPES.get(entry.entry_type, "Audit entry")


def event_id(entry: EntryValues) -> str:
    """Return the number of an audit event as log collectors on IBM i have it: ``TSKC``, journal code and types."""
    return f"{entry.journal_code}{entry.entry_type}{entry.sk_type}"


def sentence(entry: EntryValues) -> str:
    """Return an entry as one sentence for people."""
    words = [f"{title(entry)}{_as_decided(entry)}:", entry.user_name, entry.program]
    if entry.local_address or entry.remote_address:
        words.append(_ends(entry))
    if entry.rule_sequence:
        words.append(f"rule {entry.rule_sequence}")
    words.append(entry.text)
    return " ".join(word for word in words if word)


def _as_decided(entry: EntryValues) -> str:
    return f" {entry.outcome.removeprefix('*').lower()}" if entry.outcome else ""


def _ends(entry: EntryValues) -> str:
    arrow = "<-" if is_inbound(entry) else "->"
    ends = (end(entry.local_address, entry.local_port), end(entry.remote_address, entry.remote_port))
    return f" {arrow} ".join(each for each in ends if each)


def end(address: str, port: int) -> str:
    """Return an address and a port as one word, empty without an address."""
    if not address:
        return ""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


_INBOUND = frozenset("AILP")


def is_inbound(entry: EntryValues) -> bool:
    """Say whether the local end of an SK entry is the one that was, or is to be, connected to."""
    return entry.sk_type in _INBOUND


class Ends(NamedTuple):
    """The ends of a connection as collectors see them: where it came from and where it went."""

    source: str
    source_port: int
    destination: str
    destination_port: int


def ends(entry: EntryValues) -> Ends:
    """Return the two ends of an entry's connection."""
    local, remote = (entry.local_address, entry.local_port), (entry.remote_address, entry.remote_port)
    return Ends(*remote, *local) if is_inbound(entry) else Ends(*local, *remote)
