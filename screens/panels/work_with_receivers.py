"""Work with Receiver Directory: the receivers of the journal, oldest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.commands.receivers import local_time
from console.journal.receivers import list_receivers, state
from console.model.journal import Receiver
from screens.panel import FunctionKey, Push, Reply, Submission
from screens.panels.columns import Column
from screens.panels.options import Option, Way
from screens.panels.pager import HeldList
from screens.panels.prompter import Prompter
from screens.panels.services import Services
from screens.panels.work_with import LIST_KEYS, WorkWithList
from screens.terminal.attributes import Attribute
from screens.terminal.page import WIDE, Page, Size

_LOOKS = {"ATTACHED": Attribute.WHITE, "DELETED": Attribute.BLUE}


class WorkWithReceivers(WorkWithList[Receiver]):
    """The receivers: delete, display, save."""

    name = "WRKJRNRCV"
    title = "Work with Receiver Directory"
    module = "work_with_receivers"
    subject = "Journal Receivers"
    is_wide = True
    options_row = 5
    empty_text = "(No receivers)"
    command_label = "Parameters for options 4, 14 or command"
    function_keys = (*LIST_KEYS, FunctionKey(6, "Attach new receiver"))

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Open the list.

        Args:
            services: What panels share.
            arguments: None are needed.
        """
        del arguments
        self._context = services.context
        super().__init__(services, HeldList(self._load, lambda row: row.name))

    @property
    def options(self) -> Sequence[Option[Receiver]]:
        """What can be done with a receiver."""
        return (
            Option(4, "Delete", "DLTJRNRCV", _given, Way.CONFIRM),
            Option(8, "Display attributes", "DSPJRNRCVA", _given, Way.RUN),
            Option(14, "Save", "SAVJRNRCV", _given),
        )

    def columns(self, size: Size) -> Sequence[Column[Receiver]]:
        """Return the columns; a wide screen has room for the times, too."""
        if size == WIDE:
            return (_NAME, _STATUS, _ATTACHED, _DETACHED, _FIRST, _LAST, _SIZE)
        return (_NAME, _STATUS, _FIRST, _LAST, _SIZE)

    def confirm_columns(self) -> Sequence[Column[Receiver]]:
        """Return what tells receivers apart."""
        return (_NAME, _STATUS, _FIRST, _LAST)

    def draw_header(self, page: Page) -> None:
        """Show whose receivers these are."""
        page.label(3, 2, "Journal", 18, colon=True)
        page.text(3, 21, "QAUDJRN", help_key="JRN")

    def answer_key(self, submission: Submission) -> Reply:
        """Attach another receiver."""
        del submission
        return Push(Prompter(self.services, self.services.commands["CHGJRN"], {"JRNRCV": "*GEN"}))

    def _load(self) -> list[Receiver]:
        with self._context.opened() as session:
            return list_receivers(session)


def _given(row: Receiver) -> dict[str, str]:
    return {"JRNRCV": row.name}


def _last(row: Receiver) -> str:
    return str(row.last_sequence) if row.last_sequence >= row.first_sequence else ""


_NAME: Column[Receiver] = Column("\nReceiver", 10, lambda row: row.name, help_key="JRNRCV")
_STATUS: Column[Receiver] = Column("\nStatus", 9, state, help_key="STATUS", looks=_LOOKS)
_ATTACHED: Column[Receiver] = Column("\nAttached", 19, lambda row: local_time(row.attached_at), help_key="TIMES")
_DETACHED: Column[Receiver] = Column("\nDetached", 19, lambda row: local_time(row.detached_at), help_key="TIMES")
_FIRST: Column[Receiver] = Column(
    "First\nentry", 12, lambda row: str(row.first_sequence), right=True, help_key="ENTRIES"
)
_LAST: Column[Receiver] = Column("Last\nentry", 12, _last, right=True, help_key="ENTRIES")
_SIZE: Column[Receiver] = Column(
    "Size\nKB", 10, lambda row: str(-(-row.size_bytes // 1024)), right=True, help_key="SIZE"
)
