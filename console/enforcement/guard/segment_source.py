"""Where a guard's segments come from: files beside its spool while these can be had, and memory while not."""

from __future__ import annotations

from pathlib import Path

from console.enforcement.frames import Hello
from console.enforcement.segment import Segment
from console.enforcement.spool import Spool


class SegmentSource:
    """Makes segments, and the spool that they belong to.

    Args:
        directory: Where spools lie.
        hello: The guard's.

    Threads: Any; who takes numbers sees to it that one does so at a time.
    """

    def __init__(self, directory: Path, hello: Hello) -> None:
        self.directory = directory
        """Where spools lie."""
        self.made = 0
        """Number of the last segment that was begun."""
        self.trouble: OSError | None = None
        """Why no file could be had, since then."""
        self._hello = hello
        self._spool: Spool | None = None

    def next_index(self) -> int:
        """Return the number of the next segment; they are read in the order of their numbers."""
        self.made += 1
        return self.made

    def make(self, index: int) -> Segment:
        """Make a segment: a file if one can be had."""
        try:
            return Segment(index, self._hello.guard_id, self.path(index))
        except OSError as error:
            self.trouble = error
            return Segment(index, self._hello.guard_id, None)

    def path(self, index: int) -> Path:
        """Return where a segment's file belongs; the spool is made if there is none.

        Raises:
            OSError: None can be made.
        """
        if self._spool is None:
            self._spool = Spool(self.directory, self._hello)
        return self._spool.segment(index)

    def close(self, exit_status: int | None) -> None:
        """Leave the spool to the next worker.

        Args:
            exit_status: The job's, if it has ended.

        Raises:
            OSError: The status cannot be written.
        """
        if self._spool is not None:
            self._spool.close(exit_status)

    def remove(self) -> None:
        """Delete the spool: the journal has everything, and the job has ended."""
        if self._spool is not None:
            self._spool.remove()
