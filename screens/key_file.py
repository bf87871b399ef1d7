"""Key maps by name, and a person's own: a YAML file that says what is different from one of them.

::

    base: tn5250            # acs if it is left out
    strict: true            # keying errors last until Reset; false if it is left out
    keys:                   # by themselves; names as DSPKEY shows them
      ctrl+n: ROLLUP
      f13: F1
      ctrl+x: NONE          # does nothing any more
    prefixed:               # after Escape or Ctrl+G
      t: TOP
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from console.errors import UsageError
from screens.key_tables import ACS, LAYOUTS, MODIFIERS, Layout
from screens.terminal.keys import Function

_UNKNOWN = "GWL0724"
_UNREADABLE = "GWL0725"
_WRONG = "GWL0726"
_NOTHING = "NONE"
_PARTS = ("keys", "prefixed")
_MAXIMUM_BYTES = 100_000
_FOLDER = "keymaps"


def find_layout(name: str, directory: Path) -> Layout:
    """Return a key map.

    Args:
        name: One of `LAYOUTS` in any case, a path with a slash in it, or the name of a file ``keymaps/NAME.yaml``;
            empty for the usual one.
        directory: Where ``keymaps`` is: beside the store.

    Raises:
        UsageError: There is none of that name, or its file cannot be used.
    """
    if not name:
        return ACS
    if name.lower() in LAYOUTS:
        return LAYOUTS[name.lower()]
    if "/" in name:
        return read_layout(Path(name).expanduser())
    if not all(letter.isalnum() or letter in "_-" for letter in name):
        raise UsageError(_UNKNOWN, name=name, names=", ".join(LAYOUTS))
    folder = directory / _FOLDER
    found = next((path for path in (folder / f"{name}.yaml", folder / f"{name.lower()}.yaml") if path.exists()), None)
    if found is None:
        raise UsageError(_UNKNOWN, name=name, names=", ".join(LAYOUTS))
    return read_layout(found)


def read_layout(path: Path) -> Layout:
    """Read a person's own key map.

    Raises:
        UsageError: The file cannot be read, or something in it makes no sense.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_MAXIMUM_BYTES)
        given = yaml.safe_load(text) or {}
    except OSError as error:
        raise UsageError(_UNREADABLE, path=path, reason=error.strerror or str(error)) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(_UNREADABLE, path=path, reason=" ".join(str(error).split())) from error
    if not isinstance(given, dict):
        raise UsageError(_WRONG, path=path, what=str(given))
    return _changed(path, given)


def _changed(path: Path, given: Mapping[object, object]) -> Layout:
    base = given.get("base", ACS.name)
    for word in given:
        if word not in ("base", "strict", *_PARTS):
            raise UsageError(_WRONG, path=path, what=str(word))
    strict = given.get("strict", False)
    if not isinstance(strict, bool):
        raise UsageError(_WRONG, path=path, what=f"strict: {strict}")
    if not isinstance(base, str) or base.lower() not in LAYOUTS:
        raise UsageError(_WRONG, path=path, what=f"base: {base}")
    layout = LAYOUTS[base.lower()]
    direct, lost = _merged(path, layout.direct, given.get("keys"))
    prefixed, _ = _merged(path, layout.prefixed, given.get("prefixed"))
    prefixes = {key: shown for key, shown in layout.prefixes.items() if key not in lost}
    changed = Layout(path.stem, str(path), direct, prefixed, layout.twice, prefixes, strict)
    _check_enough(path, changed)
    return changed


def _merged(path: Path, table: Mapping[str, Function], given: object) -> tuple[dict[str, Function], frozenset[str]]:
    """Return a table with what is different, and the keys that it names."""
    if given is None:
        return dict(table), frozenset()
    if not isinstance(given, dict):
        raise UsageError(_WRONG, path=path, what=str(given))
    merged = dict(table)
    for name, wanted in given.items():
        key, word = str(name), str(wanted).upper()
        if key in MODIFIERS or (word != _NOTHING and word not in _FUNCTIONS):
            raise UsageError(_WRONG, path=path, what=f"{key}: {wanted}")
        merged.pop(key, None)
        if word != _NOTHING:
            merged[key] = _FUNCTIONS[word]
    return merged, frozenset(str(name) for name in given)


def _check_enough(path: Path, layout: Layout) -> None:
    """Refuse a map that nobody could get out of: Enter, Tab, Reset, F3 and F12 must be reached."""
    reached = {*layout.direct.values(), *(layout.prefixed.values() if layout.prefixes else ())}
    missing = next((needed for needed in _NEEDED if needed not in reached), None)
    if missing is not None:
        raise UsageError(_WRONG, path=path, what=f"{missing.value}: {_NOTHING}")


_FUNCTIONS: Mapping[str, Function] = {function.value: function for function in Function}
_NEEDED = (Function.ENTER, Function.TAB, Function.RESET, Function.F3, Function.F12)
