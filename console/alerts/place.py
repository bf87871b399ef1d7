"""A destination as it is delivered to: frozen, its secret in clear. Knows no channel."""

from __future__ import annotations

from dataclasses import dataclass

from console.errors import AlertError
from console.model.alerts import Channel, Security
from console.policy.secret import NO_SECRET, Secret
from console.printable import printable


@dataclass(frozen=True, slots=True)
class Place:
    """Where to deliver."""

    name: str
    channel: Channel
    target: str
    server: str = ""
    port: int = 0
    security: Security = Security.NONE
    sender: str = ""
    user_id: str = ""
    secret: Secret = NO_SECRET
    time_limit_s: int = 30


def undelivered(place: Place, reason: object) -> AlertError:
    """Return the error for an attempt that failed.

    Args:
        place: Where to.
        reason: What it failed with; from outside, perhaps, and made safe to show.
    """
    return AlertError("GWL0920", name=place.name, reason=printable(str(reason) or type(reason).__name__)[:300])


def refused(place: Place, keyword: str, value: str, valid: str) -> AlertError:
    """Return the error for a destination that makes no sense."""
    return AlertError("GWL0921", name=place.name, keyword=keyword, value=value, valid=valid)
