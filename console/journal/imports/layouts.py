"""Which column of a record is what, in the two forms in which a real IBM i gives SK entries out; pure.

* ``AUDIT_JOURNAL_SK``: the result of the table function, with the names of its columns in the first line.
* ``QASYSKJ5``: the file that CPYAUDJRNE makes, copied to CSV by CPYTOIMPF, with or without a line of names. The heading
  fields have fixed places. The fields of the entry itself are found by the address family, ``*IPV4`` or ``*IPV6``: the
  length of the filter data before it is a column of its own in some copies and not in others.

Source: ibm.com, "Standard heading fields for audit journal entries, QJORDJE5" and "SK (Sockets Connections) journal
entries"; the places of user profile and receiver from a copy seen elsewhere, which is why what stands there is looked
at before it is believed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

QASYSKJ5 = "QASYSKJ5"
AUDIT_JOURNAL_SK = "AUDIT_JOURNAL_SK"

FIELDS = (
    "time", "sequence", "code", "type", "job_name", "job_user", "job_number", "job", "user", "program", "library",
    "receiver", "sk_type", "family", "local_address", "local_port", "remote_address", "remote_port", "outcome", "text",
)  # fmt: skip
"""What an entry is made of."""

_NAMES: Mapping[str, str] = {
    "ENTRY_TIMESTAMP": "time",
    "SEQUENCE_NUMBER": "sequence",
    "JOURNAL_CODE": "code",
    "JOURNAL_ENTRY_TYPE": "type",
    "JOB_NAME": "job_name",
    "JOB_USER": "job_user",
    "JOB_NUMBER": "job_number",
    "QUALIFIED_JOB_NAME": "job",
    "USER_NAME": "user",
    "PROGRAM_NAME": "program",
    "PROGRAM_LIBRARY": "library",
    "RECEIVER_NAME": "receiver",
    "ENTRY_TYPE": "sk_type",
    "ADDRESS_FAMILY": "family",
    "LOCAL_IP_ADDRESS": "local_address",
    "LOCAL_ADDRESS": "local_address",
    "LOCAL_PORT": "local_port",
    "LOCAL_IP_PORT": "local_port",
    "REMOTE_ADDRESS": "remote_address",
    "REMOTE_IP_ADDRESS": "remote_address",
    "REMOTE_PORT": "remote_port",
    "REMOTE_IP_PORT": "remote_port",
    "OUTCOME": "outcome",
    "SECURE_VERSION": "text",
}
"""Column of AUDIT_JOURNAL_SK -> field. Where two columns are for one field the later one is the entry's own."""

_HEADING: Mapping[str, int] = {
    "sequence": 1,
    "code": 2,
    "type": 3,
    "time": 4,
    "job_name": 5,
    "job_user": 6,
    "job_number": 7,
    "program": 8,
    "library": 9,
}
"""Field -> its place in a record of QASYSKJ5."""
_USER_PROFILE, _RECEIVER = 18, 28
_LONGEST_HEADING = 38
"""Columns before those of the entry itself, at least."""
_NAME = re.compile(r"[A-Z#$@][A-Z0-9#$@_.]{0,9}", re.ASCII)

_BEFORE_FAMILY = (8, 9)
"""Columns from the entry type to the address family: without and with the length of the filter data."""
_FAMILIES = ("*IPV4", "*IPV6")
_TYPES = frozenset("ACDFILOPRSUX")
_ADDRESSES = {"local_address": 1, "remote_address": 2}
"""Field -> columns behind the address family; those in front of it know IPv4 only."""
_SECURE_VERSION = 5


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the fields of a record are."""

    form: str
    places: Mapping[str, int]
    """Field -> column, counted from 0; those that the form does not have are missing."""
    names: Sequence[str] = field(default=())
    """Names of the columns, if the file has them."""
    columns: int = 0
    """Of each record."""


def by_names(names: Sequence[str]) -> Layout | None:
    """Return the layout of a file whose first record are the names of AUDIT_JOURNAL_SK; None if they are not."""
    tidy = [re.sub(r"[^A-Z0-9]+", "_", each.strip().upper()).strip("_") for each in names]
    places = {_NAMES[each]: place for place, each in enumerate(tidy) if each in _NAMES}
    if not {"time", "sk_type"} <= places.keys():
        return None
    return Layout(AUDIT_JOURNAL_SK, places, tidy, len(names))


def is_record(cells: Sequence[str]) -> bool:
    """Say whether cells are a record of QASYSKJ5, and not the names of its columns."""
    return len(cells) > _LONGEST_HEADING and cells[_HEADING["type"]].strip() == "SK"


def by_places(cells: Sequence[str], names: Sequence[str] = ()) -> Layout | None:
    """Return the layout of a file of QASYSKJ5 by one of its records; None if that has no address family.

    Args:
        cells: The record.
        names: Names of the columns, if the file has them.
    """
    for family in range(len(cells) - 1, _LONGEST_HEADING, -1):
        if cells[family].strip() not in _FAMILIES:
            continue
        for before in _BEFORE_FAMILY:
            start = family - before
            if start >= _LONGEST_HEADING - 1 and cells[start].strip() in _TYPES:
                return _placed(cells, names, start, family)
    return None


def _placed(cells: Sequence[str], names: Sequence[str], start: int, family: int) -> Layout:
    own = {"sk_type": start, "local_port": start + 2, "remote_port": start + 4, "family": family}
    addresses = {each: family + behind for each, behind in _ADDRESSES.items() if family + behind < len(cells)}
    checked = {"user": _USER_PROFILE, "receiver": _RECEIVER}
    believed = {each: place for each, place in checked.items() if _NAME.fullmatch(cells[place].strip())}
    text = {"text": family + _SECURE_VERSION} if family + _SECURE_VERSION < len(cells) else {}
    return Layout(QASYSKJ5, {**_HEADING, **believed, **own, **addresses, **text}, names, len(cells))
