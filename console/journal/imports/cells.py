"""One cell of a record of a real IBM i: a time, an address, a port, a name; pure.

Cells are padded with blanks to the width of their field, numbers perhaps with zeros, and may hold anything: a file is
somebody's word. A cell that cannot be what its column says raises `BadCellError`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from ipaddress import ip_address

from console.journal.formats.escapes import one_line
from console.store.text import storable

_MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[- T](\d\d)[.:](\d\d)[.:](\d\d)(?:[.,](\d{1,12}))?(Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_FIRST_YEAR, _LAST_YEAR = 1970, 2999
_MIDNIGHT = 24
"""IBM i knows 24.00.00 as the end of a day."""
_MICRO_DIGITS = 6
_DOTTED = re.compile(r"0*(\d{1,3})\.0*(\d{1,3})\.0*(\d{1,3})\.0*(\d{1,3})", re.ASCII)
_NUMBER = re.compile(r"\+?(\d{1,31})\.?0*", re.ASCII)
_PORT_MAX = 65535


class BadCellError(ValueError):
    """A cell holds what its column cannot."""

    def __init__(self, needed: str) -> None:
        super().__init__(needed)
        self.needed = needed
        """What it should be, for people."""


def moment(text: str, zone: tzinfo | None) -> datetime:
    """Return a time in UTC.

    Args:
        text: ``yyyy-mm-dd-hh.mm.ss.uuuuuu`` as in a file of IBM i, or as SQL clients and ISO 8601 write it.
        zone: Time zone of the system that wrote it, for times without one; None for this system's.

    Raises:
        BadCellError: It is none.
    """
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        raise BadCellError("a time")
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    fraction = int((found[7] or "")[:_MICRO_DIGITS].ljust(_MICRO_DIGITS, "0"))
    ends_day = hour == _MIDNIGHT and not (minute or second or fraction)
    try:
        naive = datetime(year, month, day, 0 if ends_day else hour, minute, second, fraction)  # noqa: DTZ001 -- below
        naive += timedelta(days=ends_day)
        aware = naive.replace(tzinfo=_offset(found[8])) if found[8] else _placed(naive, zone)
        inside = _FIRST_YEAR <= aware.year <= _LAST_YEAR
    except (ValueError, OverflowError) as error:
        raise BadCellError("a time") from error
    if not inside:
        raise BadCellError(f"a time from {_FIRST_YEAR} to {_LAST_YEAR}")
    return aware.astimezone(UTC)


def _offset(text: str) -> tzinfo:
    if text == "Z":
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))


def _placed(naive: datetime, zone: tzinfo | None) -> datetime:
    if not _FIRST_YEAR < naive.year <= _LAST_YEAR:
        raise BadCellError(f"a time from {_FIRST_YEAR} to {_LAST_YEAR}")
    return naive.astimezone() if zone is None else naive.replace(tzinfo=zone)


def address(text: str) -> str:
    """Return an address in its usual spelling, nothing for none.

    Raises:
        BadCellError: It is none.
    """
    bare = text.strip()
    if not bare:
        return ""
    dotted = _DOTTED.fullmatch(bare)
    try:
        return str(ip_address(".".join(dotted.groups()) if dotted else bare.partition("%")[0]))
    except ValueError as error:
        raise BadCellError("an address") from error


def port(text: str) -> int:
    """Return a port, 0 for none.

    Raises:
        BadCellError: It is none.
    """
    bare = text.strip()
    if not bare:
        return 0
    found = _NUMBER.fullmatch(bare)
    if found is None or int(found[1]) > _PORT_MAX:
        raise BadCellError("a port, 0 to 65535")
    return int(found[1])


def name(text: str, longest: int) -> str:
    """Return a name without the blanks that it was padded with, and with nothing that could draw on a screen.

    Raises:
        BadCellError: It is longer than the journal takes.
    """
    bare = storable(one_line(text.strip()))
    if len(bare) > longest:
        raise BadCellError(f"at most {longest} characters")
    return bare
