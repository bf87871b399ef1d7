"""One-time codes: those of RFC 6238, each taken once."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest

from console.people import codes

RFC_KEY = base64.b32encode(b"12345678901234567890").decode()
"""Source: RFC 6238, appendix B."""


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_the_rfc(seconds, code):
    assert codes.code_at(RFC_KEY, seconds // 30) == code
    assert codes.step_of(RFC_KEY, code, datetime.fromtimestamp(seconds, UTC), after=0) == seconds // 30


def test_code_is_taken_one_step_late_or_early_and_no_more(now):
    step = int(now.timestamp()) // 30
    code = codes.code_at(RFC_KEY, step)
    assert codes.step_of(RFC_KEY, code, now + timedelta(seconds=30), after=0) == step
    assert codes.step_of(RFC_KEY, code, now - timedelta(seconds=30), after=0) == step
    assert codes.step_of(RFC_KEY, code, now + timedelta(seconds=60), after=0) == 0


def test_code_is_taken_once_and_none_before_it_afterwards(now):
    step = int(now.timestamp()) // 30
    assert codes.step_of(RFC_KEY, codes.code_at(RFC_KEY, step), now, after=step) == 0
    assert codes.step_of(RFC_KEY, codes.code_at(RFC_KEY, step - 1), now, after=step) == 0
    assert codes.step_of(RFC_KEY, codes.code_at(RFC_KEY, step + 1), now, after=step) == step + 1


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "\ud800", "\uff12\uff18\uff17\uff10\uff18\uff12"])
def test_what_is_no_code_is_not_taken(code, now):
    assert codes.step_of(RFC_KEY, code, now, after=0) == 0


def test_new_keys_differ_and_are_as_long_as_authenticators_want_them():
    first, second = codes.new_key(), codes.new_key()
    assert first != second
    assert len(base64.b32decode(first)) == 20


def test_address_for_a_picture_names_system_and_user():
    assert codes.key_uri("ABC", "ANNA", "njord").startswith("otpauth://totp/Greenwall%20njord%3AANNA?secret=ABC&")
