"""Lists of the sockets of this system: how they are looked at, known again, gone to, and shown in views."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from console.commands.coverage import Coverage, CoveredSocket, read_coverage
from console.commands.definition import Context
from screens.panel import FunctionKey
from screens.panels.columns import Column
from screens.panels.held_list import WorkWithHeld, view_key
from screens.panels.services import Services
from screens.terminal.page import WIDE, Size


class SocketList(WorkWithHeld[CoveredSocket]):
    """Sockets of this system; subclasses say which, and what can be done with them."""

    is_wide = True
    is_live = True
    not_there = "GWL0718"
    heading_rows = 1
    gap = 1
    views: ClassVar[Sequence[tuple[str, tuple[Column[CoveredSocket], ...]]]]
    """What F11 calls the view after it, and the columns of each."""
    wide_views: ClassVar[Sequence[tuple[str, tuple[Column[CoveredSocket], ...]]]]
    """The same on a wide screen."""

    def __init__(
        self,
        services: Services,
        arguments: Mapping[str, str],
        look: Callable[[Context], Coverage] = read_coverage,
    ) -> None:
        """Look at the system.

        Args:
            services: What panels share.
            arguments: The values of the command.
            look: Looks at it.
        """
        self._look = look
        self._views = self.views
        self.coverage = Coverage((), 0)
        super().__init__(services, arguments)

    @property
    def next_view(self) -> FunctionKey:
        """Return F11, labelled with what it shows next."""
        return view_key([name for name, _ in self._views], self.view)

    def columns(self, size: Size) -> Sequence[Column[CoveredSocket]]:
        """Return the columns of the view."""
        self._views = self.wide_views if size == WIDE else self.views
        self.view_count = len(self._views)
        return self._views[self.view % len(self._views)][1]

    def row_id(self, row: CoveredSocket) -> str:
        """Return the socket's own number."""
        return str(row.socket.inode)

    def is_at(self, row: CoveredSocket, wanted: str) -> bool:
        """Take a local port."""
        return str(row.socket.local_port) == wanted

    def look_again(self) -> Coverage:
        """Look at the system, and keep what is seen for the rows above the list."""
        self.coverage = self._look(self.context)
        return self.coverage
