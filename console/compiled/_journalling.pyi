"""What `_journalling.c` and its neighbours offer; see there, and the loops in Python that they repeat."""

from collections.abc import Callable, Sequence
from typing import Any

from typing_extensions import Buffer

INTERFACE: int

def read_records(
    octets: bytes,
    last_number: int,
    journal_code: str,
    job: str,
    guard_id: str,
    said: Callable[[bytes], tuple[object, ...]],
    counts: Callable[[bytes], tuple[int, int, int]],
    side: Callable[[bytes, bool], tuple[str, str]],
    /,
) -> tuple[list[list[Any]], list[int], tuple[int, int, int]] | None: ...
def ring_records(memory: Buffer, begin: int, size: int, at: int, end: int, most: int, /) -> tuple[list[bytes], int]: ...
def draft_events(
    records: list[bytes],
    clock_ns: int,
    drafts: list[list[Any]],
    types: tuple[str, ...],
    outcomes: tuple[str, ...],
    points: tuple[str, ...],
    journal_code: str,
    ipv4: str,
    who: Callable[[bytes], tuple[str, str, str]],
    address: Callable[[bytes], tuple[str, str]],
    is_wanted: Callable[[int, str, int], bool],
    odd: Callable[[bytes], None],
    /,
) -> None: ...
def chain_drafts(
    drafts: list[list[Any]],
    receiver: str,
    number: int,
    before: bytes,
    person: bytes,
    encode: Callable[[Sequence[object]], bytes],
    text_day: Callable[[int], str],
    text_time: Callable[[int], str],
    width: int,
    together: int,
    shapes: tuple[tuple[int, ...], ...],
    places: tuple[int, ...],
    kinds: str,
    /,
) -> tuple[
    int,
    bytes,
    int,
    list[tuple[tuple[int, ...], list[tuple[object, ...]]]],
    list[tuple[object, ...]],
    list[list[Any]] | None,
]: ...
