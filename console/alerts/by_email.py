"""Delivers by mail: one message to all receivers of a destination, with SMTP.

Every header is made of one line that is safe to show, so that nothing in a journal entry can add a header or a
receiver. The id of a notice is its Message-ID: mail programs and servers drop doubles by it.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate
from io import BufferedReader
from typing import Any

from console.alerts.place import Place, refused, undelivered
from console.alerts.time_limit import MOST_SAID, connected
from console.errors import AlertError
from console.model.alerts import Security
from console.printable import printable

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
"""Source: RFC 5321, section 4.1.2, without quoted local parts and address literals."""
_PORTS = {Security.NONE: 25, Security.STARTTLS: 587, Security.TLS: 465}
_LONGEST_SUBJECT = 200
_SHOWN = (
    "event", "alert", "description", "severity", "system", "key", "count", "more", "at", "raised_at", "last_at",
    "lasted_s", "condition", "first_number", "last_number",
)  # fmt: skip
"""What of a payload the body lists, in order."""


def check(place: Place) -> None:
    """Refuse a destination that cannot work.

    Raises:
        AlertError: An address is none, or no server is named.
    """
    if not receivers(place):
        raise refused(place, "TARGET", place.target, "one or more mail addresses")
    for address in (*receivers(place), *([place.sender] if place.sender else [])):
        if not _ADDRESS.fullmatch(address):
            keyword = "SENDER" if address == place.sender else "TARGET"
            raise refused(place, keyword, address, "mail addresses such as ops@example.com")
    if not place.server:
        raise refused(place, "SERVER", "*NONE", "the name or address of a mail server")
    if bool(place.user_id) != bool(place.secret):
        raise refused(place, "SECRET", "*NONE", "the password of the user id, or *NONE for both")
    if place.user_id and place.security is Security.NONE:
        raise refused(place, "SECURITY", place.security, "*STARTTLS or *TLS: a password is not sent in clear")


def receivers(place: Place) -> list[str]:
    """Return the addresses that a destination's target lists, with commas or blanks between."""
    return [address for address in re.split(r"[,\s]+", place.target) if address]


def deliver(place: Place, payload: Mapping[str, Any]) -> str:
    """Hand a message to the mail server.

    Returns:
        What was not quite as it should be: receivers that the server refused while it took others; mostly nothing.

    Raises:
        AlertError: The server took it for none of the receivers, or cannot be reached.
    """
    mail = message_of(place, payload)
    port = place.port or _PORTS[place.security]
    try:
        with connected(place, place.server, port) as endpoint, _session(place, port, endpoint) as server:
            if place.security is Security.STARTTLS:
                server.starttls(context=ssl.create_default_context())
            if place.user_id:
                server.login(place.user_id, place.secret.text)
            missed = server.send_message(mail)
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        raise _failure(place, error) from error
    return f"refused: {printable(', '.join(sorted(missed)))}" if missed else ""


class _Answers:
    """What a server says, up to a bound: an answer of many lines may go on without end."""

    def __init__(self, file: BufferedReader) -> None:
        self._file = file
        self._left = MOST_SAID

    def readline(self, limit: int) -> bytes:
        said = self._file.readline(limit)
        self._left -= len(said)
        if self._left < 0:
            raise OSError("it says more than a mail server has to")
        return said

    def close(self) -> None:
        self._file.close()


class _Session(smtplib.SMTP):
    """A session over a connection that is there."""

    def __init__(self, place: Place, port: int, endpoint: socket.socket) -> None:
        self._endpoint = endpoint
        super().__init__(place.server, port, timeout=place.time_limit_s)

    def _get_socket(self, _host: str, _port: int, _timeout: float) -> socket.socket:
        return self._endpoint

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Answers(self.sock.makefile("rb"))
        return super().getreply()


def _session(place: Place, port: int, endpoint: socket.socket) -> _Session:
    if place.security is Security.TLS:
        endpoint = ssl.create_default_context().wrap_socket(endpoint, server_hostname=place.server)
    return _Session(place, port, endpoint)


def message_of(place: Place, payload: Mapping[str, Any]) -> EmailMessage:
    """Return the message that tells of a notice."""
    mail = EmailMessage()
    host = re.sub(r"[^A-Za-z0-9.-]", "", str(payload["system"])).strip(".-").lower() or "localhost"
    mail["From"] = Address("Greenwall", addr_spec=place.sender or f"greenwall@{host}")
    mail["To"] = ", ".join(receivers(place))
    mail["Subject"] = _one_line(f"[{payload['system']}] {payload['message']}")
    mail["Date"] = formatdate()
    mail["Message-ID"] = f"<{re.sub(r'[^0-9A-Za-z]', '', str(payload['id']))}@{host}.greenwall>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Greenwall-Event"] = _one_line(str(payload["event"]))
    mail["X-Greenwall-Severity"] = _one_line(str(payload["severity"]))
    mail.set_content(_body(payload))
    return mail


def _body(payload: Mapping[str, Any]) -> str:
    lines = [str(payload["message"]), "", *str(payload["detail"]).split("\n"), ""]
    lines += [f"{name + ':':14} {payload[name]}" for name in _SHOWN if payload[name] not in ("", None)]
    if payload["entry"]:
        lines += ["", f"Journal entry {payload['last_number']}:"]
        lines += [f"  {name + ':':20} {value}" for name, value in payload["entry"].items() if value not in ("", 0)]
    return "\n".join(map(printable, lines)) + "\n"


def _one_line(text: str) -> str:
    return printable(text)[:_LONGEST_SUBJECT].strip() or "-"


def _failure(place: Place, error: Exception) -> AlertError:
    if isinstance(error, smtplib.SMTPResponseException):
        told = error.smtp_error
        words = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
        return undelivered(place, f"{error.smtp_code} {words}")
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return undelivered(place, f"every receiver was refused: {error.recipients}")
    return undelivered(place, error)
