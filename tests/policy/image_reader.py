"""Decides by reading the pages of an image, as a program in the kernel does."""

from __future__ import annotations

import struct

from console.policy.image import EXIT_POINTS, PAGE

WORDS = PAGE // 8
OUTCOMES = ("*ALLOWED", "*REJECTED", "*MONITOR")


class Image:
    """The pages of a policy."""

    def __init__(self, octets):
        assert len(octets) % PAGE == 0
        self._words = struct.unpack(f"<{len(octets) // 8}Q", octets)
        self.revision, self.pages, self.settings = self._words[:3]

    def decide(self, exit_point, *values):
        """Return outcome, sequence number, errno, and whether it is journalled and alerted; None for *OFF.

        `values` are user number, local address, local port, remote address, remote port.
        """
        word = self._decision(EXIT_POINTS.index(exit_point), values)
        if word is None:
            return None
        return (
            OUTCOMES[word >> 32 & 3], word & 0xFFFFF, word >> 20 & 0xFFF, bool(word >> 34 & 1), bool(word >> 35 & 1)
        )  # fmt: skip

    def way(self, user, address, port):
        """Return the sequence number of the SOCKS entry that a connection takes; 0 for none."""
        return self._decision(len(EXIT_POINTS), (user, 0, 0, address, port)) or 0

    def _decision(self, at, values):
        head = self._words[16 + 16 * at :][:16]
        count, decisions, scale = head[:3]
        if not count:
            return None
        matching = (1 << count) - 1
        for number, value in enumerate(values):
            matching &= self._row(*head[4 + 2 * number : 6 + 2 * number], value, 1 << scale)
        return self._words[decisions * WORDS + matching.bit_length() - 1]

    def _row(self, index, places, value, row_words):
        count, index = index >> 32, index & 0xFFFF_FFFF
        rows, leaves = places >> 32, places & 0xFFFF_FFFF
        if not index:
            return -1
        leaves_in_all = -(-count // 256)
        leaf = min(self._at_or_before(index, value), leaves_in_all)
        if leaves_in_all > 256:
            branch = min(leaf, -(-leaves_in_all // 256))
            leaf = (branch - 1) * 256 + self._at_or_before(index + branch, value) if branch else 0
            leaf = min(leaf, leaves_in_all)
        piece = (leaf - 1) * 256 + self._at_or_before(leaves + leaf - 1, value) if leaf else 0
        at = rows * WORDS + min(piece, count) * row_words
        return sum(word << 64 * place for place, word in enumerate(self._words[at : at + row_words]))

    def _at_or_before(self, page, value):
        keys = self._words[page * WORDS : (page + 1) * WORDS]
        return sum(upper << 64 | lower <= value for upper, lower in zip(keys[::2], keys[1::2], strict=True))
