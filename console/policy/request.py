"""What is decided about, and what comes out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from console.model.words import ExitPoint, Outcome

MAPPED = 0xFFFF_0000_0000
"""::ffff:0:0, added to an IPv4 address to place it in the one 128-bit space (RFC 4291, section 2.5.5.2)."""


class Request(NamedTuple):
    """One socket call that asks.

    Units: Addresses are integers in one 128-bit space: IPv6 as it is, IPv4 as its mapped form (`MAPPED` + address), so
    that ``::ffff:192.0.2.1`` and ``192.0.2.1`` are the same request. Ports are in host order. A side that the call
    does not have (remote for listen, an unbound local side) is address 0 and port 0.
    """

    exit_point: ExitPoint
    user: str
    """User profile in upper case: the effective user of the calling thread."""
    groups: frozenset[str]
    """Group names in upper case; may be left empty when no rule names a group (`CompiledPolicy.uses_groups`)."""
    program: str
    """Path of the program; may be left empty when no rule names one (`CompiledPolicy.uses_programs`)."""
    local_address: int
    local_port: int
    remote_address: int
    remote_port: int


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to a request; one such object a rule and mode, made at compile time."""

    outcome: Outcome
    sequence: int
    """Sequence number of the rule that decided."""
    errno: int
    """What a rejected connect or listen fails with; 0 when the call may go on."""
    journal: bool
    """Whether the decision is written to the audit journal."""
    alert: bool
    """Whether the rule asks for a message."""
    text: str = ""
    """What decided, where it was no rule: an exit program and what it answered."""
    by_level: bool = False
    """Whether the audit levels have a word in whether it is written: what a rule with AUD(*DFT) allows."""


@lru_cache(maxsize=1024)
def unwritten(decision: Decision) -> Decision:
    """Return a decision that is counted and not written."""
    return replace(decision, journal=False)
