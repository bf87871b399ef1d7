"""Scans, and the IM entries that tell of them. Pure.

A port scan: one remote address that comes to many local ports in t. A sweep: one user and program that connects to many
remote addresses and ports in t. Both are alerts like any other, counting different values instead of entries; what they
have besides is a probe type, which has them write an IM entry (intrusion monitor) when they are told of and when they
are over. What never reaches an accept, as a connection to a port where nobody listens does not, is in no journal and
cannot be counted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from console.alerts.entry_fields import PLACES, Row
from console.alerts.states import Event, Spec, What
from console.model.alerts import Probe

IM = "IM"
"""Entry type: intrusion monitor."""
_POTENTIAL = "P"
"""Potential intrusion. Source: QASYIMJ5, entry type."""

PORT_SCAN = Spec(
    name="PORTSCAN",
    condition="entry_type = SK AND sk_type = A",
    per="remote_address",
    distinct="local_port",
    threshold=5,
    within=timedelta(minutes=1),
    clear_after=timedelta(minutes=5),
)
"""The ready-made alert about port scans: many of our ports from one address, whether accepted or refused."""

SWEEP = Spec(
    name="SWEEP",
    condition="entry_type = SK AND sk_type = C",
    per="user_name program",
    distinct="remote_address remote_port",
    threshold=50,
    within=timedelta(minutes=1),
    clear_after=timedelta(minutes=5),
)
"""The ready-made alert about sweeps: one program of one user that connects to many places."""

_COPIED: Mapping[Probe, tuple[str, ...]] = MappingProxyType(
    {
        Probe.SCAN: ("address_family", "local_address", "local_port", "remote_address", "remote_port"),
        Probe.EXTRUSION: (
            "address_family", "local_address", "local_port", "remote_address", "remote_port", "program",
        ),
    }
)  # fmt: skip
"""What an IM entry takes over from the entry that met its alert last."""


def intrusion_fields(probe: Probe, event: Event) -> dict[str, Any] | None:
    """Return the fields of the IM entry that tells of an event; None where none does.

    Args:
        probe: The alert's.
        event: What happened.
    """
    if probe is Probe.NONE or event.what not in (What.RAISED, What.CLEARED, What.MET):
        return None
    row = event.row
    copied = {name: _of(row, name) for name in _COPIED[probe]} if row else {}
    detail = {
        "probe_type": probe.value,
        "event": event.what.value,
        "key": event.key,
        "count": event.count,
        "first_number": event.first_number,
        "last_number": event.last_number,
        "raised_at": event.raised_at.isoformat(),
        "lasted_s": event.lasted.total_seconds(),
    }
    return {
        **copied,
        "sk_type": _POTENTIAL,
        "user": _of(row, "user_name") if row else "",
        "job": _of(row, "qualified_job_name") if row else "",
        "detail": json.dumps(detail),
    }


def _of(row: Row, name: str) -> str | int:
    value: str | int = row[PLACES[name]]
    return value
