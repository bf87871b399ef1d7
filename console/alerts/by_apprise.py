"""Delivers by Apprise: to everything that it knows a URL for (github.com/caronc/apprise).

Apprise is an extra: ``pip install 'greenwall[alerts]'``. Its URLs mostly hold a token, so the whole URL is kept as the
destination's secret. How long a service may take, and whether it follows redirects, is Apprise's own matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from console.alerts.place import Place, refused, undelivered
from console.errors import AlertError
from console.printable import printable

_LONGEST_TITLE = 200


def check(place: Place) -> None:
    """Refuse a destination that cannot work.

    Raises:
        AlertError: Apprise is not installed, or takes no such URL.
    """
    _added(place)


def deliver(place: Place, payload: Mapping[str, Any]) -> str:
    """Have Apprise notify the service.

    Returns:
        Nothing.

    Raises:
        AlertError: Apprise is not installed, or says that it failed.
    """
    service = _added(place)
    title = printable(f"[{payload['system']}] {payload['message']}")[:_LONGEST_TITLE]
    body = "\n".join(printable(text) for text in (payload["message"], *str(payload["detail"]).split("\n")))
    try:
        is_done = service.notify(title=title, body=body)
    except (OSError, TypeError, ValueError) as error:
        raise undelivered(place, error) from error
    if not is_done:
        raise undelivered(place, "Apprise says that the service did not take it")
    return ""


def _added(place: Place) -> Any:  # noqa: ANN401 - Apprise has no types
    if find_spec("apprise") is None:
        raise AlertError("GWL0922", name=place.name)
    # Loaded here: it is an extra, and takes half a second.
    import apprise

    service = apprise.Apprise()
    if not place.secret or not service.add(place.secret.text):
        raise refused(place, "SECRET", "The URL", "a URL that Apprise knows; WIKI: github.com/caronc/apprise/wiki")
    return service
