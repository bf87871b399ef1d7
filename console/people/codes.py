"""One-time codes: RFC 6238 with SHA-1, six digits and thirty seconds, as every authenticator has it; pure."""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote

_STEP_S = 30
_DIGITS = 6
_KEY_OCTETS = 20
"""Source: RFC 4226, section 4, R6."""
_STEPS_OFF = 1
"""Source: RFC 6238, section 5.2: one step for the delay on the way, and clocks that differ."""


def new_key() -> str:
    """Return a new secret, in base 32 as authenticators take it."""
    return base64.b32encode(secrets.token_bytes(_KEY_OCTETS)).decode("ascii")


def code_at(key: str, step: int) -> str:
    """Return the code of a time step.

    Args:
        key: Secret in base 32.
        step: How many times thirty seconds since 1970.
    """
    digest = hmac.digest(base64.b32decode(key), step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}}"


def step_of(key: str, code: str, now: datetime, *, after: int) -> int:
    """Return the time step that a code is of; 0 when it is of none that can be taken now.

    Args:
        key: Secret in base 32.
        code: As typed; blanks do not matter.
        now: What time it is.
        after: Step of the newest code that was taken: that one and those before it are not taken again.
    """
    typed = code.replace(" ", "").encode("utf-8", "surrogatepass")
    middle = int(now.timestamp()) // _STEP_S
    found = 0
    for step in range(middle - _STEPS_OFF, middle + _STEPS_OFF + 1):
        if hmac.compare_digest(code_at(key, step).encode("ascii"), typed) and step > after:
            found = step
    return found


def key_uri(key: str, user: str, system: str) -> str:
    """Return what authenticators read from a picture. Source: Key URI Format, google-authenticator wiki."""
    label = quote(f"Greenwall {system}:{user}")
    issuer = quote(f"Greenwall {system}")
    return f"otpauth://totp/{label}?secret={key}&issuer={issuer}"
