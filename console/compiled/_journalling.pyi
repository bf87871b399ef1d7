"""What `_journalling.c` and its neighbours offer; see there, and the loops in Python that they repeat."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

INTERFACE: int

class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...

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
def chain_drafts(
    drafts: list[list[Any]],
    receiver: str,
    number: int,
    before: bytes,
    encode: Callable[[Sequence[object]], bytes],
    fresh: Callable[[], _Hash],
    text_second: Callable[[int], str],
    text_time: Callable[[int], str],
    /,
) -> tuple[int, bytes, int]: ...
def columns(rows: list[list[Any]], places: tuple[int, ...], kinds: str, /) -> list[list[Any]] | None: ...
def flat(
    rows: list[Any], begin: int, count: int, width: int, alike: tuple[int, ...], /
) -> tuple[object, ...] | None: ...
