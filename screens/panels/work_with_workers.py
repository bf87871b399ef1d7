"""Work with Socket Workers: the worker that serves the store, those before it, and how the journal fares."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from console.commands.jobs import moment
from console.commands.workers import WorkerRow, health_text, worker_rows
from console.errors import CommandError
from console.store.ssh_sessions import list_ssh_sessions
from console.store.worker_process import log_file
from console.store.worker_state import WorkerState, health
from screens.panel import FunctionKey
from screens.panels.columns import Column
from screens.panels.display import DisplayRow, Line
from screens.panels.held_list import WorkWithHeld
from screens.panels.options import Option, Way
from screens.panels.work_with import LIVE_KEYS
from screens.terminal.attributes import Attribute
from screens.terminal.page import WIDE, Page, Size


class DisplayWorker(DisplayRow[WorkerRow]):
    """Shows all that is known of one worker, and of what it works on."""

    name = "DSPSOCWRK"
    title = "Display Socket Worker"
    module = "work_with_workers"

    def lines(self) -> Sequence[Line]:
        """Return every field."""
        row, store = self.row, self.services.context.store
        spools = sum(1 for _ in store.location.spool.glob("*.spool"))
        return [
            Line("Process id", str(row.pid), "PID"),
            Line("System", row.host, "HOST"),
            Line("State", row.state, "STATE"),
            Line("Started", moment(row.started), "STARTED"),
            Line("Last heard of", moment(row.heard), "HEARD"),
            Line("Ended", "" if row.ended is None else moment(row.ended), "ENDED"),
            Line("Revision in force", str(row.revision), "REVISION"),
            Line("Engine", row.engine, "ENGINE"),
            Line("Cgroup of the kernel engine", row.cgroup or "*NONE", "CGROUP"),
            Line("Kernel engine", row.kernel or "It is not wanted.", "KERNEL"),
            Line(),
            Line("Journal", health_text(health(store, self.services.context.clock())), "HEALTH"),
            Line("Files of guards", str(spools), "SPOOL"),
            Line("Consoles over SSH", self._consoles(), "SSH"),
            Line("Store", store.shown_url, "STORE"),
            Line("Log", str(log_file(store.location)), "LOG"),
        ]

    def _consoles(self) -> str:
        """Return how many consoles are open over SSH, and which servers serve them."""
        with self.services.context.opened() as session:
            found = list_ssh_sessions(session)
        servers = sorted({f"process {each.server_pid} on {each.host}" for each in found})
        return f"{len(found)}, served by {', '.join(servers)}" if found else "None"


class WorkWithWorkers(WorkWithHeld[WorkerRow]):
    """The workers: end, display, start."""

    name = "WRKSOCWRK"
    title = "Work with Socket Workers"
    module = "work_with_workers"
    subject = "Socket Workers"
    is_wide = True
    is_live = True
    add_command = "STRSOCWRK"
    options_row = 6
    """The health of the journal may take two rows."""
    heading_rows = 1
    gap = 1
    empty_text = "(No worker has served this store yet)"
    command_label = "Parameters for option 4 or command"
    _health = ""
    _is_well = True

    @property
    def options(self) -> Sequence[Option[WorkerRow]]:
        """What can be done with a worker."""
        return (
            Option(4, "End", "ENDSOCWRK", way=Way.CONFIRM, check=_check_runs),
            Option(5, "Display", opens=lambda row: DisplayWorker(self.services, row)),
        )

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """The keys."""
        return (*LIVE_KEYS, FunctionKey(6, "Start worker"))

    def columns(self, size: Size) -> Sequence[Column[WorkerRow]]:
        """Return the columns; a wide screen has room for what the kernel engine does."""
        if size == WIDE:
            return (_PID, _STATE, _ENGINE, _REVISION, _STARTED, _HEARD, _HOST, _KERNEL)
        return (_PID, _STATE, _ENGINE, _REVISION, _STARTED, _HEARD)

    def confirm_columns(self) -> Sequence[Column[WorkerRow]]:
        """Return which worker it is."""
        return (_PID, _STATE, _ENGINE, _STARTED)

    def draw_header(self, page: Page) -> None:
        """Show position-to, and how the journal fares."""
        self.draw_position(page, 3, "Position to pid", 7)
        for index, words in enumerate(textwrap.wrap(self._health, page.size.columns - 3)):
            page.text(4 + index, 2, words, Attribute.GREEN if self._is_well else Attribute.YELLOW, "HEALTH")

    def row_id(self, row: WorkerRow) -> str:
        """Return the worker's own number: process ids come again."""
        return str(row.worker_id)

    def is_at(self, row: WorkerRow, wanted: str) -> bool:
        """Take a process id."""
        return str(row.pid) == wanted

    def load(self) -> Sequence[WorkerRow]:
        """Read the workers, and how the journal fares."""
        found = health(self.context.store, self.context.clock())
        self._health = health_text(found)
        self._is_well = found.state is WorkerState.ACTIVE and not found.is_behind
        return worker_rows(self.context)


def _check_runs(row: WorkerRow) -> None:
    if row.state not in (WorkerState.ACTIVE, WorkerState.SILENT):
        raise CommandError("GWL076A", pid=row.pid)


_LOOKS: Mapping[str, Attribute] = {
    WorkerState.ACTIVE.value: Attribute.WHITE,
    WorkerState.SILENT.value: Attribute.RED,
    WorkerState.LOST.value: Attribute.RED,
}
_PID: Column[WorkerRow] = Column("Pid", 7, lambda row: str(row.pid), right=True, help_key="PID")
_STATE: Column[WorkerRow] = Column("State", 8, lambda row: row.state, help_key="STATE", looks=_LOOKS)
_ENGINE: Column[WorkerRow] = Column("Engine", 7, lambda row: row.engine, help_key="ENGINE")
_REVISION: Column[WorkerRow] = Column("Revision", 8, lambda row: str(row.revision), right=True, help_key="REVISION")
_STARTED: Column[WorkerRow] = Column("Started", 19, lambda row: moment(row.started), help_key="STARTED")
_HEARD: Column[WorkerRow] = Column("Last heard of", 19, lambda row: moment(row.heard), help_key="HEARD")
_HOST: Column[WorkerRow] = Column("System", 12, lambda row: row.host, help_key="HOST")
_KERNEL: Column[WorkerRow] = Column("Kernel engine", 37, lambda row: row.kernel, help_key="KERNEL")
