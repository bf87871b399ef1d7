"""Delivers by syslog: one message of RFC 5424 over UDP, TCP, TLS or a Unix socket.

UDP and Unix sockets answer nothing: a notice counts as delivered when the kernel took it. Over TCP and TLS messages are
framed by their length (RFC 6587, section 3.4.1; RFC 5425), and nothing is answered either.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from console.alerts.place import Place, refused, undelivered
from console.alerts.time_limit import connected
from console.printable import printable

_FACILITY = 13
"""Log audit. Source: RFC 5424, section 6.2.1."""
_SCHEMES = {"udp": 514, "tcp": 601, "tls": 6514, "unix": 0}
"""Way -> its usual port."""
_MOST_DATAGRAM = 2048
"""Octets of a message that every receiver should take. Source: RFC 5424, section 6.1."""
_ENTERPRISE = 32473
"""For the names of our structured data: the number for examples. Source: RFC 5612."""
_NAMES = ("id", "alert", "event", "severity", "key", "count", "first_number", "last_number")


def check(place: Place) -> None:
    """Refuse a destination that cannot work.

    Raises:
        AlertError: The target names no syslog server.
    """
    valid = "udp://HOST:PORT, tcp://HOST:PORT, tls://HOST:PORT or unix:///dev/log"
    try:
        url = urlsplit(place.target)
        port = url.port
    except ValueError as error:
        raise refused(place, "TARGET", place.target, valid) from error
    is_named = url.path.startswith("/") if url.scheme == "unix" else bool(url.hostname)
    if url.scheme not in _SCHEMES or not is_named or port == 0:
        raise refused(place, "TARGET", place.target, valid)


def deliver(place: Place, payload: Mapping[str, Any]) -> str:
    """Send a message.

    Returns:
        Nothing.

    Raises:
        AlertError: It could not be sent.
    """
    url = urlsplit(place.target)
    text = line_of(payload)
    try:
        if url.scheme == "unix":
            _send_unix(url.path, text[:_MOST_DATAGRAM], place.time_limit_s)
        elif url.scheme == "udp":
            _send_datagram(url, text[:_MOST_DATAGRAM], place.time_limit_s)
        else:
            _send_stream(url, text, place)
    except (OSError, UnicodeError) as error:
        raise undelivered(place, error) from error
    return ""


def line_of(payload: Mapping[str, Any]) -> bytes:
    """Return the message: one line, whatever is in the payload.

    Layout: PRI VERSION TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA BOM MSG.
    Source: RFC 5424, section 6.
    """
    priority = 8 * _FACILITY + _severity(int(payload["severity"]))
    host = _header(str(payload["system"]), 255)
    data = " ".join(f'{name}="{_quoted(str(payload[name]))}"' for name in _NAMES)
    head = f"<{priority}>1 {payload['at']} {host} greenwall - {_header(str(payload['message_id']), 32)}"
    return f"{head} [notice@{_ENTERPRISE} {data}] \ufeff{printable(str(payload['message']))}".encode()


def _severity(severity: int) -> int:
    """Return the severity of syslog for one of ours: 0 information, 40 alert."""
    if severity >= 80:
        return 1
    return {0: 6, 1: 5, 2: 4, 3: 3}.get(severity // 10, 2)


def _header(text: str, longest: int) -> str:
    shown = "".join(character for character in text if "!" <= character <= "~")[:longest]
    return shown or "-"


def _quoted(text: str) -> str:
    shown = printable(text)
    for mark in ("\\", '"', "]"):
        shown = shown.replace(mark, "\\" + mark)
    return shown


def _send_unix(path: str, text: bytes, time_limit_s: int) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as endpoint:
        endpoint.settimeout(time_limit_s)
        endpoint.connect(path)
        endpoint.send(text)


def _send_datagram(url: SplitResult, text: bytes, time_limit_s: int) -> None:
    found = socket.getaddrinfo(url.hostname, url.port or _SCHEMES[url.scheme], type=socket.SOCK_DGRAM)
    family, kind, protocol, _, address = found[0]
    with socket.socket(family, kind, protocol) as endpoint:
        endpoint.settimeout(time_limit_s)
        endpoint.sendto(text, address)


def _send_stream(url: SplitResult, text: bytes, place: Place) -> None:
    host = url.hostname or ""
    framed = str(len(text)).encode() + b" " + text
    with connected(place, host, url.port or _SCHEMES[url.scheme]) as endpoint:
        if url.scheme == "tcp":
            endpoint.sendall(framed)
            endpoint.shutdown(socket.SHUT_WR)
            return
        with ssl.create_default_context().wrap_socket(endpoint, server_hostname=host) as wrapped:
            wrapped.sendall(framed)
