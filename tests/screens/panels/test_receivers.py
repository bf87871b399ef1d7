"""Work with Journal Attributes and Work with Receiver Directory."""

from __future__ import annotations

import pytest


@pytest.fixture
def journal(operator):
    return operator.command("WRKJRNA")


def test_attributes_are_shown_and_f14_changes_them(journal):
    assert journal.title == "Work with Journal Attributes"
    assert "AUDRCV0001" in journal.shown
    assert "1500000" in journal.shown
    journal.press("F14")
    assert journal.title == "Change Journal (CHGJRN)"
    journal.enter(THRESHOLD="77")
    assert journal.title == "Work with Journal Attributes"
    assert "77" in journal.shown


def test_f15_lists_receivers_that_are_attached_saved_and_deleted(journal, tmp_path):
    journal.press("F15")
    assert journal.title == "Work with Receiver Directory"
    assert "ATTACHED" in journal.shown
    journal.press("F6")
    assert journal.title == "Change Journal (CHGJRN)"
    journal.enter()
    assert journal.message_ids == ["GWL0624"]
    assert "ONLINE" in journal.shown
    journal.option("AUDRCV0001", "14").press("ENTER")
    assert journal.title == "Save Journal Receiver (SAVJRNRCV)"
    journal.press("ENTER")
    assert journal.message_ids == ["GWL0626"]
    assert "SAVED" in journal.shown
    journal.option("AUDRCV0001", "4").press("ENTER")
    journal.press("ENTER")
    assert journal.message_ids == ["GWL0627"]
    assert "DELETED" in journal.shown


def test_attached_receiver_is_not_deleted(journal):
    journal.press("F15")
    journal.option("AUDRCV0001", "4").press("ENTER")
    journal.press("ENTER")
    assert "GWL0615" in journal.message_ids


def test_option_8_displays_all_of_a_receiver(journal):
    journal.press("F15")
    journal.option("AUDRCV0001", "8").press("ENTER")
    assert "Hash of the last entry" in journal.shown
