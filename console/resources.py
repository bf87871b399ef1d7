"""Finds what ships beside the code: message texts, help, the default policy."""

from __future__ import annotations

from pathlib import Path

_INSTALLED = Path(__file__).parent / "data"
_CHECKOUT = Path(__file__).parent.parent / "data"


def data_path(*parts: str) -> Path:
    """Return the path of a data file, in an installed wheel or in a checkout.

    Args:
        parts: Path below data/, for example ``"policy", "default.yaml"``.
    """
    root = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
    return root.joinpath(*parts)
