"""Records of messages and alerts with names that stay."""

from __future__ import annotations

from collections.abc import Iterable

from console.model.alerts import Alert, AlertState
from console.model.messages import QueueMessage


def message_record(each: QueueMessage) -> dict[str, object]:
    """Return a message by the names of its fields."""
    return {
        "message_number": each.id,
        "queue": each.queue,
        "message_id": each.message_id or None,
        "severity": each.severity,
        "sent": each.sent_at,
        "sender": each.sender or None,
        "text": each.text,
        "detail": each.detail,
        "count": each.count,
    }


def alert_record(alert: Alert, states: Iterable[AlertState]) -> dict[str, object]:
    """Return an alert by the names of its fields, with what it has raised."""
    dumped = alert.model_dump(mode="json")
    shown = {name: dumped[name] for name in Alert.model_fields if name != "since_number"}
    raised = [
        {
            "key": state.key,
            "raised": state.raised_at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "last_met": state.last_at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "count": state.count,
            "first_number": state.first_number,
            "last_number": state.last_number,
        }
        for state in states
        if state.alert == alert.name
    ]
    return {**shown, "raised": raised}
