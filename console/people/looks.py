"""The colours and key maps that a profile may name; a test holds these to be the ones that the screens have."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

DEFAULT = "*DFT"
"""What the console takes when nothing is named."""

THEMES: Mapping[str, str] = MappingProxyType(
    {
        "GREEN": "The colours of the 5250",
        "AMBER": "Amber on black",
        "WHITE": "White on black",
        "PAPER": "Black on white",
        "MONO": "No colours",
    }
)
"""Theme -> what it is."""

KEYMAPS: Mapping[str, str] = MappingProxyType(
    {
        "ACS": "The keys of IBM i Access",
        "TN5250": "The keys of tn5250",
        "PLAIN": "As other programs have it",
    }
)
"""Key map -> what it is; a file keymaps/NAME.yaml beside the store adds others."""
