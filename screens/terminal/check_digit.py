"""Numbers whose last digit proves the others. Pure."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle

from screens.terminal.field_format import SelfCheck

_TEN_WEIGHTS = (2, 1)
_ELEVEN_WEIGHTS = (2, 3, 4, 5, 6, 7)


def proves(number: str, kind: SelfCheck) -> bool:
    """Say whether a number's last digit is the one that the digits before it ask for.

    Source: the 5250's self-check field: modulus 10 doubles every other digit from the right and adds digits; modulus 11
    weighs them with 2 to 7, over and over.

    Args:
        number: Digits, the last of which is the check digit; anything else proves nothing.
        kind: How it is reckoned.
    """
    if not (number.isascii() and number.isdecimal()):
        return False
    body = [int(digit) for digit in reversed(number[:-1])]
    return _RECKONERS[kind](body) == int(number[-1])


def _ten(body: list[int]) -> int:
    products = [digit * weight for digit, weight in zip(body, cycle(_TEN_WEIGHTS), strict=False)]
    return -sum(product // 10 + product % 10 for product in products) % 10


def _eleven(body: list[int]) -> int:
    """Return the digit; 10 for a number that has none."""
    return -sum(digit * weight for digit, weight in zip(body, cycle(_ELEVEN_WEIGHTS), strict=False)) % 11


_RECKONERS: dict[SelfCheck, Callable[[list[int]], int]] = {
    SelfCheck.MODULUS_10: _ten,
    SelfCheck.MODULUS_11: _eleven,
}
