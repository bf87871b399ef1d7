from __future__ import annotations

import pytest

from console.errors import UsageError
from console.messages import describe
from screens.key_file import find_layout
from screens.key_tables import LAYOUTS
from screens.keymap import KeyMap
from screens.terminal.keys import Function, Typed


@pytest.fixture
def keymap(tmp_path):
    """Return a maker of key maps from the text of a file beside the store."""

    def make(text: str) -> KeyMap:
        folder = tmp_path / "keymaps"
        folder.mkdir(exist_ok=True)
        (folder / "mine.yaml").write_text(text)
        return KeyMap(find_layout("mine", tmp_path))

    return make


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_preset_is_found_by_its_name_in_any_case(name, tmp_path):
    assert find_layout(name.upper(), tmp_path) is LAYOUTS[name]


def test_without_a_name_the_emulators_layout_is_used(tmp_path):
    assert find_layout("", tmp_path) is LAYOUTS["acs"]


def test_a_file_changes_keys_of_the_layout_that_it_is_based_on(keymap):
    mine = keymap("base: tn5250\nkeys:\n  ctrl+n: rollup\n  f13: F1\n  ctrl+x: NONE\nprefixed:\n  t: TOP\n")
    assert mine.translate("ctrl+n", None) is Function.ROLLUP
    assert mine.translate("f13", None) is Function.F1
    assert mine.translate("ctrl+x", None) is None
    assert mine.translate("ctrl+d", None) is Function.ROLLUP
    mine.translate("escape", None)
    assert mine.translate("t", "t") is Function.TOP


def test_a_prefix_key_may_be_given_another_function(keymap):
    mine = keymap("keys: {escape: F12}")
    assert mine.translate("escape", None) is Function.F12
    assert mine.translate("3", "3") == Typed("3")


def test_a_path_names_a_file_anywhere(tmp_path):
    path = tmp_path / "elsewhere.yaml"
    path.write_text("keys: {ctrl+n: F7}")
    assert find_layout(str(path), tmp_path / "other").direct["ctrl+n"] is Function.F7


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("keys: {ctrl+n: JUMP}", "ctrl+n: JUMP"),
        ("base: vi", "base: vi"),
        ("colours: {}", "colours"),
        ("keys: [a]", "['a']"),
        ("- a", "['a']"),
        ("keys: {left_control: RESET}", "left_control: RESET"),
        ("keys: {enter: NONE, ctrl+j: NONE}", "ENTER: NONE"),
        ("keys: {escape: NONE, ctrl+g: NONE, f12: NONE, alt+equals_sign: NONE}", "F12: NONE"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_what_is_wrong(text, what, keymap):
    with pytest.raises(UsageError) as caught:
        keymap(text)
    assert what in describe(caught.value).text


@pytest.mark.parametrize("text", ["keys: {", "\x00", "a: &a [*a]", "keys: " + "[" * 5000])
def test_a_file_that_is_no_yaml_is_refused(text, keymap):
    with pytest.raises(UsageError):
        keymap(text)


@pytest.mark.parametrize("name", ["vi", "..", "a b", "mine\x1b", "%2e"])
def test_a_name_that_is_none_is_refused_and_reaches_no_other_folder(name, tmp_path):
    with pytest.raises(UsageError) as caught:
        find_layout(name, tmp_path)
    assert "acs, tn5250, plain" in describe(caught.value).cause


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UsageError):
        find_layout("./nowhere.yaml", tmp_path)
