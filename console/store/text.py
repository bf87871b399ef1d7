"""Texts from outside in a form that every database takes."""

from __future__ import annotations


def storable(text: str) -> str:
    """Return a text without what databases refuse: octets that are no UTF-8, and NUL, are spelt out.

    File names and arguments may hold both; Python carries the former as lone surrogates (PEP 383).
    """
    if "\0" in text:
        text = text.replace("\0", "\\x00")
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
