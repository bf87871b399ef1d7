"""Whatever comes from outside takes one cell a character, in its place, and does nothing to a terminal."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from rich.cells import cell_len

from console.printable import printable

EVERY = [chr(code) for code in range(sys.maxunicode + 1)]


def test_every_character_takes_one_cell():
    assert [hex(ord(each)) for each in EVERY if cell_len(printable(each)) != 1] == []


def test_nothing_left_controls_joins_or_turns_round():
    kept = [each for each in EVERY if printable(each) == each]
    assert {unicodedata.category(each)[0] for each in kept} == {"L", "N", "P", "S", "Z"}
    assert not {unicodedata.bidirectional(each) for each in kept} & {"R", "AL", "AN", "RLO", "RLE", "RLI", "LRO", "FSI"}


@pytest.mark.parametrize("text", ["", "plain 1", "Grüße", "naïve café", "Ωμέγα", "Привет", "€ 5 – ½"])  # noqa: RUF001
def test_what_is_safe_stays_as_it_is(text):
    assert printable(text) == text


@pytest.mark.parametrize(
    "unsafe", ["\x1b", "\n", "\x9b", "\u202e", "\u200b", "\udcff", "\u0301", "日", "א", "ش", "\u1160"]
)
def test_what_is_unsafe_becomes_a_dot_and_its_neighbours_stay(unsafe):
    assert printable(f"a{unsafe}b") == "a\N{MIDDLE DOT}b"
