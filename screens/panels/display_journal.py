"""Display Journal Entries: the audit journal, opened at its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from console.commands.host_names import HostNames
from console.commands.journal_print import print_entries, subset_text
from console.commands.journal_rule import check_call, rule_values
from console.commands.journal_subset import journal_filter
from console.commands.language import ParsedCommand
from console.commands.listing import end_text, shown_sequence
from console.commands.output_file import GENERATED
from console.errors import CommandError
from console.journal.moments import check_moment, span_of
from console.model.journal import JournalEntry
from console.model.words import Outcome
from console.store.journal import page_after
from screens.panel import FunctionKey, Push, Reply, Stay, Submission
from screens.panels.columns import Column, cut
from screens.panels.display_journal_entry import DisplayJournalEntry
from screens.panels.journal_pager import JournalPager
from screens.panels.options import Option
from screens.panels.position_window import PositionWindow
from screens.panels.prompter import Prompter
from screens.panels.services import Services
from screens.panels.work_with import LIVE_REFRESH, WorkWithList
from screens.terminal.attributes import Attribute
from screens.terminal.page import WIDE, Page, Size

_BAD_POSITION = "GWL0713"
_POSITION = "POSITION"
_TO_NEW_FILE = {"TOFILE": GENERATED, "REPLACE": "*NO"}
_OF_OUTPUT = frozenset({"NBRENT", "OUTPUT", "TOFILE", "REPLACE"})
_SUBSET_ROW, _SUBSET_COLUMN = 7, 18
_VIEWS: tuple[str, ...] = ("Display both ends", "Display job and program", "Display outcome")
"""What F11 shows next, by the view that shows now."""
_WIDE_VIEWS = ("Display job", "Display both ends")
"""The same on a wide screen."""


class DisplayJournal(WorkWithList[JournalEntry]):
    """The entries of QAUDJRN, oldest above, newest below."""

    name = "DSPJRN"
    title = "Display Journal Entries"
    module = "display_journal"
    is_wide = True
    is_live = True
    options_row = 5
    heading_rows = 1
    gap = 1
    command_label = ""
    empty_text = "(No journal entries)"

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Open the journal at its end.

        Args:
            services: What panels share.
            arguments: The values of DSPJRN.
        """
        self._arguments = dict(arguments)
        self._views = _VIEWS
        self._journal = JournalPager(services.context, journal_filter(services.context, arguments))
        self._view = 0
        self._names = HostNames()
        super().__init__(services, self._journal)

    @property
    def options(self) -> Sequence[Option[JournalEntry]]:
        """To display, and to make a rule of it."""
        return (
            Option(5, "Display entire entry", opens=self._entry_panel),
            Option(
                14,
                "Add rule from entry",
                "ADDSOCRUL",
                given=lambda entry: rule_values(self.services.context, entry),
                check=check_call,
            ),
        )

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """The keys; F11 names the view that comes next."""
        return (
            FunctionKey(3, "Exit"),
            LIVE_REFRESH,
            FunctionKey(11, self._views[self._view % len(self._views)]),
            FunctionKey(12, "Cancel"),
            FunctionKey(17, "Position to"),
            FunctionKey(18, "Subset"),
            FunctionKey(21, "Print list"),
        )

    def columns(self, size: Size) -> Sequence[Column[JournalEntry]]:
        """Return the columns of the view; a wide screen has room for most of them at once."""
        self._views = _WIDE_VIEWS if size == WIDE else _VIEWS
        views = _BY_WIDE_VIEW if size == WIDE else _BY_VIEW
        return (*_HEAD, *views[self._view % len(views)])

    def draw_header(self, page: Page) -> None:
        """Show the journal, what is shown of it, and how far this page reaches."""
        page.label(3, 2, "Journal", 24, colon=True)
        page.text(3, 28, self._arguments.get("JRN", "QAUDJRN"))
        page.label(_SUBSET_ROW, 2, "Subset", 14, colon=True)
        subset = subset_text(self._arguments, " ") or "*ALL"
        page.text(_SUBSET_ROW, _SUBSET_COLUMN, cut(subset, page.size.columns - _SUBSET_COLUMN), help_key="SUBSET")
        page.label(4, 2, "Largest sequence number on this screen", 54, colon=True)

    def answer_key(self, submission: Submission) -> Reply:
        """Change the view, go to a place, or show a subset."""
        match submission.key:
            case "F11":
                self._view = (self._view + 1) % len(self._views)
                return Stay(redraw=True)
            case "F17":
                return Push(PositionWindow())
            case "F21":
                return Stay((print_entries(self.services.context, {**self._arguments, **_TO_NEW_FILE}),), redraw=True)
            case _:
                command = self.services.commands["DSPJRN"]
                usual = {parameter.keyword: parameter.default for parameter in command.parameters}
                given = {word: value for word, value in self._arguments.items() if value != usual[word]}
                kept = {word: value for word, value in given.items() if word not in _OF_OUTPUT}
                return Push(Prompter(self.services, command, kept, runs=False))

    def page(self, size: Size) -> Page:
        """Show a page; which number is the largest is known only then."""
        page = super().page(size)
        shown = self._journal.visible()
        if shown:
            page.label(3, 41, "Date of last entry", 24, colon=True)
            page.text(3, 67, f"{shown[-1][1].entry_timestamp.astimezone():%Y-%m-%d}", help_key="TIME")
        page.text(4, 58, f"{shown[-1][1].sequence_number if shown else 0:020}")
        return page

    def resume(self, value: object) -> Reply:
        """Take a place to go to, or another subset."""
        if isinstance(value, ParsedCommand):
            if value.values["OUTPUT"] != "*":
                return Stay((print_entries(self.services.context, value.values),), redraw=True)
            self._journal.only = journal_filter(self.services.context, value.values)
            self._arguments = dict(value.values)
            self.typed.clear()
            self._journal.refresh()
            return Stay(redraw=True)
        if isinstance(value, str):
            return self._go_to(value)
        return super().resume(value)

    def reload(self) -> None:
        """Stay on the page: options must not lose their rows to newer entries. F5 goes to the end."""

    def refresh(self) -> Reply:
        """Go to the end of the journal; the last half hour is again that before now."""
        self._journal.only = journal_filter(self.services.context, self._arguments)
        self._journal.refresh()
        return super().refresh()

    @property
    def read_at(self) -> datetime:
        """When the entries were read that show."""
        return self._journal.read_at

    def _entry_panel(self, entry: JournalEntry) -> DisplayJournalEntry:
        return DisplayJournalEntry(self.services, entry, self._journal.neighbour, self._names)

    def _go_to(self, text: str) -> Reply:
        """Go to a sequence number or a time.

        Raises:
            CommandError: The text is neither.
        """
        if text == "*LAST":
            self._journal.refresh()
        elif text == "*FIRST":
            self._journal.from_number(1)
        elif text.isascii() and text.isdecimal() and len(text) <= len(str(2**62)):
            self._journal.from_number(int(text))
        else:
            self._journal.from_number(self._first_at(_moment(text, self.services.context.clock())))
        return Stay(redraw=True)

    def _first_at(self, moment: datetime) -> int:
        only = self._journal.only
        only = replace(only, from_time=max(moment, only.from_time or moment))
        with self.services.context.opened() as session:
            found = page_after(session, 0, limit=1, only=only)
        return found[0].sequence_number if found else 2**62


def _moment(text: str, now: datetime) -> datetime:
    """Return the time that a text means: of a day or a word such as *WEEK, its beginning.

    Raises:
        CommandError: It is no time.
    """
    try:
        return span_of(check_moment(text, _POSITION), now).start
    except CommandError as error:
        raise CommandError(_BAD_POSITION, value=text) from error


def _local(entry: JournalEntry) -> str:
    return end_text(entry.local_address, entry.local_port)


def _remote(entry: JournalEntry) -> str:
    return end_text(entry.remote_address, entry.remote_port)


def _ends(entry: JournalEntry) -> str:
    """Return the end that the entry is about: the other one, else this one; the text of an entry without ends."""
    return _remote(entry) or _local(entry) or entry.text


def _type(entry: JournalEntry) -> str:
    return f"{entry.entry_type} {entry.sk_type}".rstrip()


def _time(form: str) -> Callable[[JournalEntry], str]:
    return lambda entry: entry.entry_timestamp.astimezone().strftime(form)


_LOOKS = {Outcome.REJECTED.value: Attribute.RED, Outcome.MONITOR.value: Attribute.YELLOW}
_HEAD: tuple[Column[JournalEntry], ...] = (
    Column("Sequence", 10, lambda entry: str(entry.sequence_number), right=True, help_key="SEQUENCE"),
    Column("Code", 4, lambda entry: f" {entry.journal_code}", help_key="CODE"),
    Column("Type", 4, _type, help_key="TYPE"),
)
_OUTCOME: Column[JournalEntry] = Column("Outcome", 9, lambda entry: entry.outcome, help_key="OUTCOME", looks=_LOOKS)
_USER: Column[JournalEntry] = Column("User", 10, lambda entry: entry.user_name, help_key="USER")
_TIME: Column[JournalEntry] = Column("Time", 8, _time("%H:%M:%S"), help_key="TIME")
_BOTH_ENDS: tuple[Column[JournalEntry], ...] = (
    Column("Local address", 21, _local, help_key="ENDS"),
    Column(
        "Remote address", 21, lambda entry: _remote(entry) or ("" if _local(entry) else entry.text), help_key="ENDS"
    ),
)
_RULE: Column[JournalEntry] = Column(
    "Rule",
    5,
    lambda entry: shown_sequence(entry.rule_sequence) if entry.rule_sequence else "",
    right=True,
    help_key="RULE",
)
_PROGRAM: Column[JournalEntry] = Column("Program", 23, lambda entry: entry.program or entry.text, help_key="PROGRAM")
_JOB: Column[JournalEntry] = Column("Job", 22, lambda entry: entry.qualified_job_name, help_key="JOB")
_BY_VIEW: tuple[tuple[Column[JournalEntry], ...], ...] = (
    (_OUTCOME, _USER, Column("Address and port", 21, _ends, help_key="ENDS"), _TIME),
    (*_BOTH_ENDS, _TIME),
    (_JOB, _RULE, _PROGRAM),
)
_BY_WIDE_VIEW: tuple[tuple[Column[JournalEntry], ...], ...] = (
    (_OUTCOME, _USER, _BOTH_ENDS[0], Column("Remote address", 21, _remote, help_key="ENDS"), _RULE, _PROGRAM, _TIME),
    (_OUTCOME, _USER, replace(_JOB, width=28), _RULE, replace(_PROGRAM, width=38), _TIME),
)
"""What has no ends says what it is in the last column but one, once."""
