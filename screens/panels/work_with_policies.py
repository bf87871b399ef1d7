"""Work with Socket Policies: the revisions, what differs between them, and the way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from console.commands.jobs import moment
from console.commands.revisions import CONFIRM, OVERRIDE, RevisionRow, revision_rows
from console.errors import CommandError
from console.store.revisions import count_changes
from screens.panel import FunctionKey, Push, Reply, Stay, Submission
from screens.panels.columns import Column
from screens.panels.held_list import WorkWithHeld
from screens.panels.options import Option, Way
from screens.panels.pending import draw_pending
from screens.panels.running import run
from screens.panels.work_with import LIST_KEYS
from screens.terminal.attributes import Attribute
from screens.terminal.page import WIDE, Page, Size


class WorkWithPolicies(WorkWithHeld[RevisionRow]):
    """The revisions: display, export, compare, what changed, go back."""

    name = "WRKSOCPCY"
    title = "Work with Socket Policies"
    module = "work_with_policies"
    subject = "Socket Policies"
    is_wide = True
    options_row = 5
    heading_rows = 1
    gap = 1
    empty_text = "(No revisions)"
    command_label = "Parameters for options 10, 14, 15 or command"
    _until: datetime | None = None
    _changes = 0
    _status = ""

    @property
    def options(self) -> Sequence[Option[RevisionRow]]:
        """What can be done with a revision."""
        return (
            Option(5, "Display", "DSPSOCPCY", _policy, Way.RUN),
            Option(8, "Display changes", "CMPSOCPCY", _with_before, Way.RUN, check=_check_has_before),
            Option(10, "Roll back to", "RBKSOCPCY", _revision),
            Option(14, "Compare", "CMPSOCPCY", _from, replaceable=frozenset({"FROM", "TO"})),
            Option(15, "Export", "EXPSOCPCY", _policy),
        )

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """The keys; F14 only while a revision waits to be confirmed."""
        return (
            *LIST_KEYS,
            FunctionKey(10, "Activate"),
            *((FunctionKey(14, "Confirm"),) if self._status == CONFIRM else ()),
            FunctionKey(17, "Position to"),
        )

    def columns(self, size: Size) -> Sequence[Column[RevisionRow]]:
        """Return the columns; a wide screen has room for the whole text."""
        return (_NUMBER, _STATUS, _MADE, _BY, _text(50 if size == WIDE else 21))

    def confirm_columns(self) -> Sequence[Column[RevisionRow]]:
        """Return what tells revisions apart."""
        return (_NUMBER, _MADE, _BY)

    def draw_header(self, page: Page) -> None:
        """Show position-to, how many changes are pending, and until when the active revision must be confirmed."""
        self.draw_position(page, 3, "Position to revision")
        draw_pending(page, 3, self._changes)
        if self._until is not None:
            unless = " unless F14 confirms it" if self._status == CONFIRM else ": it is an emergency override"
            told = f"The active revision is taken back at {self._until.astimezone():%H:%M:%S}{unless}."
            page.text(4, 2, told, Attribute.YELLOW, "STATUS")

    def answer_key(self, submission: Submission) -> Reply:
        """Activate or confirm; else as any list."""
        match submission.key:
            case "F10":
                return Push(self.services.open("ConfirmActivation", {}))
            case "F14":
                ran = run(self.services, "CFMSOCPCY", keyed=False)
                self.reload()
                return Stay(ran.messages, redraw=True)
            case _:
                return super().answer_key(submission)

    def row_id(self, row: RevisionRow) -> str:
        """Return its number."""
        return str(row.head.number)

    def is_at(self, row: RevisionRow, wanted: str) -> bool:
        """Take a number."""
        return str(row.head.number) == wanted

    def load(self) -> Sequence[RevisionRow]:
        """Read the revisions, newest first."""
        rows, self._until = revision_rows(self.context)
        self._status = next(row.status for row in rows if row.status)
        with self.context.opened() as session:
            self._changes = count_changes(session)
        return rows


def _policy(row: RevisionRow) -> Mapping[str, str]:
    return {"POLICY": str(row.head.number)}


def _from(row: RevisionRow) -> Mapping[str, str]:
    return {"FROM": str(row.head.number), "TO": "*ACTIVE"}


def _with_before(row: RevisionRow) -> Mapping[str, str]:
    return {"FROM": str(row.head.number - 1), "TO": str(row.head.number)}


def _check_has_before(row: RevisionRow) -> None:
    if row.head.number == 1:
        raise CommandError("GWL0298")


def _revision(row: RevisionRow) -> Mapping[str, str]:
    return {"REVISION": str(row.head.number)}


_LOOKS = {"*ACTIVE": Attribute.WHITE, CONFIRM: Attribute.YELLOW, OVERRIDE: Attribute.RED}
_NUMBER: Column[RevisionRow] = Column("Revision", 8, lambda row: str(row.head.number), right=True, help_key="REVISION")
_STATUS: Column[RevisionRow] = Column("Status", 9, lambda row: row.status, help_key="STATUS", looks=_LOOKS)
_MADE: Column[RevisionRow] = Column("Made", 19, lambda row: moment(row.head.made_at), help_key="MADE")
_BY: Column[RevisionRow] = Column("By", 10, lambda row: row.head.made_by, help_key="BY")


def _text(width: int) -> Column[RevisionRow]:
    return Column("Text", width, lambda row: row.head.text, help_key="TEXT")
