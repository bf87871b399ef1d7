"""What the types of journal entries are called; pure, as IBM i names them where it has them."""

from __future__ import annotations

from collections.abc import Mapping

ENTRY_TYPES: Mapping[str, str] = {
    "SK": "Sockets connection",
    "AF": "Authority failure",
    "CD": "Command string",
    "CP": "User profile changed",
    "GR": "Generic record",
    "IM": "Intrusion monitor",
    "JS": "Job started or ended",
    "PW": "Password or user name not valid",
    "SV": "System value changed",
}
"""Entry type -> what it is; those that can be asked for."""

_RECEIVER_TYPES: Mapping[str, str] = {"NR": "Next journal receiver", "PR": "Previous journal receiver"}
"""The same for what the journal writes about itself, with another journal code."""

_CODES: Mapping[str, str] = {"J": "Journal or receiver operation", "T": "Audit trail entry"}

SK_TYPES: Mapping[str, str] = {
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
"""Type of an SK entry -> what it is. L is ours. D, F, R, S, U and X come from imported journals only."""

_OTHER_TYPES: Mapping[tuple[str, str], str] = {
    ("AF", "A"): "Not authorized to object",
    ("AF", "K"): "Special authority violation",
    ("AF", "T"): "Not authorized to TCP/IP port",
    ("CD", "C"): "Command run",
    ("CP", "A"): "Change to a user profile",
    ("GR", "A"): "Exit program added",
    ("GR", "D"): "Exit program removed",
    ("GR", "R"): "Exit program replaced",
    ("GR", "F"): "Function registration operation",
    ("IM", "P"): "Potential intrusion detected",
    ("JS", "S"): "Job started",
    ("JS", "E"): "Job ended",
    ("PW", "P"): "Password not valid",
    ("PW", "Q"): "Sign-on failed, profile disabled",
    ("PW", "T"): "One-time code not valid",
    ("PW", "U"): "User name not valid",
    ("SV", "A"): "System value changed",
}


def subtype_text(entry_type: str, subtype: str) -> str:
    """Return what the own type of an entry is called; empty for an unknown one."""
    return SK_TYPES.get(subtype, "") if entry_type == "SK" else _OTHER_TYPES.get((entry_type, subtype), "")


def code_text(code: str) -> str:
    """Return what a journal code is called; empty for an unknown one."""
    return _CODES.get(code, "")


def type_text(entry_type: str, subtype: str) -> str:
    """Return what a type is called, with its own type behind it where that is known; empty for an unknown one."""
    detail = subtype_text(entry_type, subtype)
    word = ENTRY_TYPES.get(entry_type) or _RECEIVER_TYPES.get(entry_type, "")
    return ", ".join(filter(None, (word, detail[:1].lower() + detail[1:])))


def is_about_call(entry_type: str, exit_point: str) -> bool:
    """Say whether an entry is about a call of a socket: all SK entries, and AF entries of a refused listen."""
    return entry_type == "SK" or (entry_type == "AF" and bool(exit_point))
