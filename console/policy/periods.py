"""What a policy with time groups says in the time ahead: for an engine that goes on while nobody looks at the clock.

Pure. Which clock the ends of the periods are told to the engine by is its affair.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from console.policy.decide import CompiledPolicy

MOST_PERIODS = 208
"""Known ahead, at most; for usual working hours twenty weeks."""
_MOST_SETS = 16
"""Different ones among them; each is as large as the rows of a policy's users, and those of a week come again."""
_LONGEST_NS = 366 * 86_400 * 10**9
"""How far ahead is looked."""


class Part(NamedTuple):
    """A policy for a while."""

    ends_ns: int
    """First moment that it is no longer for, by the engine's clock; 0 for one that has no end."""
    compiled: CompiledPolicy


def periods_ahead(compiled: CompiledPolicy, now_ns: int, engine_ns: int) -> list[Part]:
    """Return what holds now, and after that, each until its end.

    The last, without an end, is what holds when nobody has said anything new by then: what may be done at any time
    may be done, and what the time decides about is rejected.

    Args:
        compiled: The policy.
        now_ns: What time it is; nanoseconds since the epoch.
        engine_ns: The same by the engine's clock, which nobody sets.
    """
    if compiled.schedule is None:
        return [Part(0, compiled)]
    found: list[Part] = []
    seen: set[tuple[int, ...]] = set()
    for part in _merged(compiled, now_ns):
        seen.add(sets_of(part.compiled))
        if len(found) == MOST_PERIODS or len(seen) > _MOST_SETS:
            break
        found.append(part._replace(ends_ns=part.ends_ns - now_ns + engine_ns))
    return [*found, Part(0, compiled.whatever_the_time())]


def _merged(compiled: CompiledPolicy, now_ns: int) -> Iterator[Part]:
    """Go through the periods; those that follow one another and differ in nothing are one."""
    current = compiled.at(now_ns)
    while current.ends_ns - now_ns < _LONGEST_NS:
        following = current.at(current.ends_ns)
        if sets_of(following) != sets_of(current):
            yield Part(current.ends_ns, current)
        current = following
    yield Part(current.ends_ns, current)


def sets_of(compiled: CompiledPolicy) -> tuple[int, ...]:
    """Return the rules that hold now, of each exit point: all that parts of one policy differ in."""
    return tuple(0 if table is None else table.every for table in compiled.tables.values())
