"""The channels by name: what checks a destination of each, and what delivers to it. None of them knows the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from console.alerts import by_apprise, by_command, by_email, by_syslog, by_webhook
from console.alerts.place import Place
from console.model.alerts import Channel


class Way(NamedTuple):
    """What a channel does."""

    check: Callable[[Place], None]
    """Raises an `AlertError` for a destination that cannot work."""
    deliver: Callable[[Place, Mapping[str, Any]], str]
    """Delivers a payload, or raises an `AlertError`; returns what was not quite as it should be."""


WAYS: Mapping[Channel, Way] = MappingProxyType(
    {
        Channel.EMAIL: Way(by_email.check, by_email.deliver),
        Channel.WEBHOOK: Way(by_webhook.check, by_webhook.deliver),
        Channel.SYSLOG: Way(by_syslog.check, by_syslog.deliver),
        Channel.COMMAND: Way(by_command.check, by_command.deliver),
        Channel.APPRISE: Way(by_apprise.check, by_apprise.deliver),
    }
)
"""Every channel but the message queue, which is in the store and needs no delivery."""
