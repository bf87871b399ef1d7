"""Delivers by webhook: the payload as JSON in one POST request.

No redirect is followed: an answer from elsewhere than the URL says is none. With a secret the request is signed, so
that the receiver knows who made it and that it is not an old one sent again: ``X-Greenwall-Signature`` is ``sha256=``
and the HMAC-SHA256, in hexadecimal, of the timestamp header, a full stop, and the body. No proxy of the environment is
used.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import socket
import ssl
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from console.alerts.place import Place, refused, undelivered
from console.alerts.time_limit import connected

_MOST_READ = 64 * 1024
_GOOD = range(200, 300)


def check(place: Place) -> None:
    """Refuse a destination that cannot work.

    Raises:
        AlertError: The target is no URL of a web server.
    """
    if not place.target.isascii() or any(not " " < character < "\x7f" for character in place.target):
        raise refused(place, "TARGET", place.target, "a URL in ASCII without blanks")
    try:
        url = urlsplit(place.target)
        port = url.port
    except ValueError as error:
        raise refused(place, "TARGET", place.target, "a URL such as https://hooks.example.com/greenwall") from error
    if url.scheme not in ("http", "https") or not url.hostname or port == 0:
        raise refused(place, "TARGET", place.target, "a URL such as https://hooks.example.com/greenwall")
    if url.username or url.password:
        raise refused(place, "TARGET", place.target, "a URL without a password in it, which SECRET is for")


def deliver(place: Place, payload: Mapping[str, Any]) -> str:
    """Post a notice.

    Returns:
        Nothing.

    Raises:
        AlertError: The server did not answer in time that it took it.
    """
    url = urlsplit(place.target)
    body = json.dumps(payload).encode("ascii")
    headers = _headers(place, payload, body)
    try:
        connection = _connection(url)
        with connected(place, url.hostname or "", connection.port) as endpoint:
            connection.sock = _secured(url, endpoint)
            try:
                connection.request("POST", _path(url), body, headers)
                answer = connection.getresponse()
                answer.read(_MOST_READ)
            finally:
                connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise undelivered(place, error) from error
    if answer.status not in _GOOD:
        raise undelivered(place, f"the server answered {answer.status} {answer.reason}")
    return ""


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a request."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _connection(url: SplitResult) -> http.client.HTTPConnection:
    """Return what speaks HTTP; it is given its connection by the caller."""
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    return kind(url.hostname or "", url.port)


def _secured(url: SplitResult, endpoint: socket.socket) -> socket.socket:
    if url.scheme != "https":
        return endpoint
    return ssl.create_default_context().wrap_socket(endpoint, server_hostname=url.hostname)


def _headers(place: Place, payload: Mapping[str, Any], body: bytes) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Greenwall",
        "X-Greenwall-Id": str(payload["id"]),
        "X-Greenwall-Event": str(payload["event"]),
    }
    if place.secret:
        stamp = str(int(time.time()))
        headers |= {
            "X-Greenwall-Timestamp": stamp,
            "X-Greenwall-Signature": signature(place.secret.text, stamp, body),
        }
    return headers


def _path(url: SplitResult) -> str:
    return (url.path or "/") + (f"?{url.query}" if url.query else "")
