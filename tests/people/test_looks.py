"""The colours and key maps that a profile may name are those that the screens have."""

from __future__ import annotations

from console.people.looks import KEYMAPS, THEMES
from screens.key_tables import LAYOUTS
from screens.themes import THEMES as DRAWN


def test_themes_of_profiles_are_those_of_the_screens():
    assert {name.lower() for name in THEMES} == set(DRAWN)


def test_key_maps_of_profiles_are_those_of_the_screens():
    assert {name.lower() for name in KEYMAPS} == set(LAYOUTS)
