"""DSPKEY: keys show and do nothing."""

from __future__ import annotations

import pytest

from screens.panels.display_keys import MEANINGS
from screens.terminal.keys import Function
from tests.screens.panels.operator import Operator


@pytest.fixture
def shown(operator):
    return operator.command("DSPKEY")


def see(operator: Operator, *keys: tuple[str, str]) -> Operator:
    for key, function in keys:
        operator.outcome = operator.session.see(key, function)
    return operator


def test_it_looks_as_drawn(shown):
    see(shown, ("f5", "F5"), ("shift+f3", "F15"), ("a", "Types a"), ("escape", "Prefix ESC-"), ("ctrl+k", "FIELDEXIT"))
    assert shown.matches("display_keys")


def test_the_last_keys_stay_when_there_are_more_than_fit(shown):
    see(shown, *[(f"key{number}", "NONE") for number in range(40)])
    assert "key39" in shown.shown
    assert "key28 " not in shown.shown


@pytest.mark.parametrize(("key", "function"), [("f12", "F12"), ("f3", "F3"), ("enter", "ENTER")])
def test_the_same_key_twice_leaves(shown, key, function):
    see(shown, (key, function), ("a", "Types a"), (key, function))
    assert shown.title == "Display Keys"
    see(shown, (key, function))
    assert "Greenwall Main Menu" in shown.title


def test_a_key_name_cannot_draw(shown):
    see(shown, ("\x1b[2J", "NONE"))
    assert "\x1b" not in shown.shown


def test_each_function_is_told():
    untold = {function.value for function in Function if not function.number} - MEANINGS.keys()
    assert untold == {"RECORDBACKSPACE"}
