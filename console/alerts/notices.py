"""What is told of an event: its words for people, and its payload for programs. Pure.

Everything in an entry may come from whoever connects here. Words are made safe to show (`console.printable`); the
payload holds the values as they are, JSON being able to.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from console.alerts.conditions import fields_named
from console.alerts.entry_fields import fields_of
from console.alerts.states import Event, Spec, What
from console.messages import Message, message
from console.printable import printable

_LONGEST_KEY = 80


@dataclass(frozen=True, slots=True)
class Notice:
    """An event in words and figures."""

    said: Message
    """First and second level text, safe to show."""
    severity: int
    payload: dict[str, Any]


def notice(spec: Spec, event: Event, *, severity: int, text: str, system: str, notice_id: str) -> Notice:
    """Return what is told of an event.

    Args:
        spec: The alert.
        event: What happened to it.
        severity: Of the alert; that something is over has none.
        text: Description of the alert.
        system: Name of this system.
        notice_id: The same at each delivery of this notice.
    """
    said = _words(spec, event, text)
    weight = 0 if event.what in (What.CLEARED, What.TEST) else severity
    entry = fields_of(event.row) if event.row else {}
    payload = {
        "id": notice_id,
        "system": system,
        "alert": spec.name,
        "description": text,
        "event": event.what.value,
        "severity": weight,
        "message_id": said.message_id,
        "message": said.text,
        "detail": f"{said.cause}\n{said.recovery}".strip(),
        "at": moment(event.at),
        "raised_at": moment(event.raised_at),
        "last_at": moment(event.last_at),
        "lasted_s": event.lasted.total_seconds(),
        "key": event.key,
        "key_fields": {name: entry[name] for name in fields_named(spec.per)} if entry else {},
        "count": event.count,
        "more": event.more,
        "threshold": spec.threshold,
        "within_s": int(spec.within.total_seconds()),
        "condition": spec.condition,
        "first_number": event.first_number,
        "last_number": event.last_number,
        "entry": {name: moment(value) if isinstance(value, datetime) else value for name, value in entry.items()},
    }
    return Notice(said, weight, payload)


def packed(payload: dict[str, Any]) -> str:
    """Return a payload as JSON without characters that are not ASCII."""
    return json.dumps(payload, sort_keys=False)


def moment(value: datetime) -> str:
    """Return a moment in UTC as RFC 3339 writes it, to the microsecond."""
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def entry_line(entry: dict[str, Any]) -> str:
    """Return an entry in one line for people."""
    if not entry:
        return ""
    ends = (_end(entry["local_address"], entry["local_port"]), _end(entry["remote_address"], entry["remote_port"]))
    kind = f"{entry['entry_type']} {entry['sk_type']}".strip()
    words = (kind, entry["outcome"], entry["user_name"], " <-> ".join(filter(None, ends)), entry["program"])
    return printable(" ".join(filter(None, (*words, entry["text"]))))[:400]


def span(value: timedelta) -> str:
    """Return how long something lasted: ``2 h 5 min``."""
    seconds = round(value.total_seconds())
    parts = [(seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s")]
    shown = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(shown[:2]) or "0 s"


def _words(spec: Spec, event: Event, text: str) -> Message:
    key = event.key if len(event.key) <= _LONGEST_KEY else event.key[: _LONGEST_KEY - 3] + "..."
    values = {
        "alert": spec.name,
        "key": f" for {key}" if key else "",
        "about": f" ({text})" if text else "",
        "count": event.count,
        "more": event.more,
        "things": _things(spec),
        "within": span(spec.within),
        "threshold": spec.threshold,
        "since": event.raised_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "lasted": span(event.lasted),
        "condition": spec.condition,
        "first": event.first_number,
        "last": event.last_number,
        "entry": entry_line(fields_of(event.row)) if event.row else "not known any more",
    }
    match event.what:
        case What.RAISED:
            return message("GWL0910", **values)
        case What.AGAIN:
            return message("GWL0911", **values)
        case What.MET:
            return message("GWL0912", **values)
        case What.CLEARED:
            return message("GWL0913", **values)
        case What.TEST:
            return message("GWL0914", **values)


def _things(spec: Spec) -> str:
    if not spec.distinct:
        return "entries"
    return f"different values of {' and '.join(fields_named(spec.distinct))}"


def _end(address: str, port: int) -> str:
    if not address:
        return ""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
