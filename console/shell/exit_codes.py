"""How a verb ends."""

from __future__ import annotations

DONE = 0
FAILED = 1
"""Refused, or failed; a message says which."""
USAGE = 2
"""The command line makes no sense."""
INTERRUPTED = 130
"""128 + SIGINT, as shells show it."""
