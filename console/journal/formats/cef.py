r"""ArcSight's Common Event Format, version 0; pure.

::

    CEF:0|Greenwall|Greenwall|0.1.0|TSKC|Connect|6|rt=1772366400123 externalId=17 act=*REJECTED src=127.0.0.1 ...

In the header a bar and a backslash get a backslash in front, in the extension an equals sign and a backslash; line ends
in the extension become ``\n`` and ``\r``, as CEF has it, and other control characters are spelt out. Fields that are
empty, or 0, are left out. Source: Implementing ArcSight CEF, version 25, "Character Encoding" and its dictionary.
"""

from __future__ import annotations

from collections.abc import Iterator

from console.journal.chain import microseconds
from console.journal.formats.escapes import escaper
from console.journal.formats.values import TEN, EntryValues, Origin, ends, event_id, is_inbound, severity, title

_in_header = escaper({"\\": "\\\\", "|": "\\|"})
_in_extension = escaper({"\\": "\\\\", "=": "\\=", "\n": "\\n", "\r": "\\r"})

_OUTCOMES = {"*ALLOWED": "success", "*MONITOR": "success", "*REJECTED": "failure"}

CUSTOM = (
    ("cs1", "qualified_job_name"),
    ("cs2", "exit_point"),
    ("cs3", "receiver_name"),
    ("cs4", "socks_server"),
    ("cs5", "detail"),
    ("cs6", "chain_hash"),
    ("cn1", "rule_sequence"),
    ("cn2", "revision"),
    ("cn3", "decision_us"),
)
"""Keys that CEF leaves to its users -> fields; each is sent with a label that names the field."""

_PLACES = tuple((key, EntryValues._fields.index(name), f"{key}Label={name}") for key, name in CUSTOM)


def header(_origin: Origin) -> str:
    """Return the line before the first entry: none."""
    return ""


def line(entry: EntryValues, origin: Origin) -> str:
    """Return an entry as one line, without its end."""
    told = (event_id(entry), title(entry), str(TEN[severity(entry)]))
    start = "|".join(("CEF:0", "Greenwall", "Greenwall", *map(_in_header, (origin.version, *told))))
    return f"{start}|{' '.join(_extension(entry, origin))}"


def _extension(entry: EntryValues, origin: Origin) -> Iterator[str]:
    for key, value in _named(entry, origin):
        if value:
            yield f"{key}={_in_extension(value) if isinstance(value, str) else value}"
    for key, place, label in _PLACES:
        if custom := entry[place]:
            yield f"{key}={_in_extension(custom) if isinstance(custom, str) else custom} {label}"


def _named(entry: EntryValues, origin: Origin) -> tuple[tuple[str, object], ...]:
    """Return the keys that CEF has itself, with their values."""
    found = ends(entry)
    inbound = is_inbound(entry)
    user, process, pid = ("duser", "dproc", "dpid") if inbound else ("suser", "sproc", "spid")
    return (
        ("rt", microseconds(entry.entry_timestamp) // 1000),
        ("externalId", entry.sequence_number),
        ("dvchost", origin.host),
        ("cat", entry.entry_type),
        ("act", entry.outcome),
        ("outcome", _OUTCOMES.get(entry.outcome, "")),
        ("deviceDirection", _direction(entry, inbound=inbound)),
        *_address("src", "c6a2", "Source IPv6 Address", found.source),
        ("spt", found.source_port),
        *_address("dst", "c6a3", "Destination IPv6 Address", found.destination),
        ("dpt", found.destination_port),
        (user, entry.user_name),
        (process, entry.program),
        (pid, entry.pid),
        ("msg", entry.text),
    )


def _direction(entry: EntryValues, *, inbound: bool) -> str:
    if entry.entry_type != "SK":
        return ""
    return "0" if inbound else "1"


def _address(key: str, key_6: str, label: str, address: str) -> tuple[tuple[str, object], ...]:
    """Return an address under its key; those of IPv6 have keys of their own, and these a label."""
    if ":" in address:
        return ((key_6, address), (f"{key_6}Label", label))
    return ((key, address),)
