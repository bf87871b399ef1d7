"""Passwords: kept as hashes, compared in the same time whoever is asked for, and refused when they are too easy."""

from __future__ import annotations

import pytest
from argon2 import extract_parameters

from console.errors import CommandError
from console.people import passwords


def test_password_matches_its_hash_and_no_other():
    kept = passwords.hashed("Grüne Wand 7")
    assert passwords.matches(kept, "Grüne Wand 7")
    assert not passwords.matches(kept, "grüne wand 7")
    assert "Wand" not in kept


def test_the_same_letters_typed_in_another_normal_form_match():
    assert passwords.matches(passwords.hashed("Gr\u00fcn und alt"), "Gru\u0308n und alt")


def test_no_hash_matches_nothing_and_costs_what_a_hash_of_today_costs():
    assert not passwords.matches("", "")
    assert not passwords.matches("", "anything")
    fresh = passwords.hashed("anything at all")
    assert extract_parameters(passwords.NOT_KNOWN_HASH) == extract_parameters(fresh)


def test_damaged_hash_lets_nobody_in():
    assert not passwords.matches("$argon2id$damaged", "anything")


def test_password_longer_than_any_is_refused_without_being_hashed_whole():
    long = "ab" * 65
    assert not passwords.matches(passwords.hashed(""), long)


@pytest.mark.parametrize(
    ("password", "message_id"),
    [
        ("short", "GWL1021"),
        ("x" * 60 + "y" * 69, "GWL1022"),
        ("tab\tin the middle", "GWL1023"),
        ("          ", "GWL1023"),
        ("aaaaaaaaaaaa", "GWL1024"),
        ("annabella", "GWL1024"),
        ("allebanna", "GWL1024"),
    ],
)
def test_password_that_cannot_be_is_refused_and_not_told(password, message_id):
    with pytest.raises(CommandError) as refused:
        passwords.check_password(password, "ANNABELLA", least=8)
    assert refused.value.message_id == message_id
    assert password not in str(refused.value)


def test_new_password_must_differ_from_as_many_as_the_system_value_says():
    hashes = [passwords.hashed(f"password {number}") for number in range(6)]
    assert passwords.was_used("password 3", hashes, "8")
    assert not passwords.was_used("password 4", hashes, "8")
    assert passwords.was_used("password 5", hashes, "7")
    assert not passwords.was_used("password 0", hashes, "0")
