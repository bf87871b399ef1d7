"""Display Audit Report: accepted and refused over time, and who, where to, by which program, most frequent first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from console.commands.audit_report import make_report, wanted, write_report
from console.commands.journal_print import subset_text
from console.commands.language import ParsedCommand
from console.errors import CommandError
from console.journal.moments import LAST
from console.journal.report.tally import By, Report, Tally
from console.journal.report.text import INEXACT, TITLES, graph_lines, minute_text, moment
from console.store.journal import last_number
from screens.panel import FunctionKey, Panel, Push, Reply, Stay, Submission
from screens.panels.columns import Column, cut
from screens.panels.options import Option
from screens.panels.pager import HeldList
from screens.panels.prompter import Prompter
from screens.panels.running import run
from screens.panels.selection import SelectionWindow
from screens.panels.services import Services
from screens.panels.work_with import WorkWithList
from screens.terminal.attributes import Attribute
from screens.terminal.page import WIDE, Page, Size

_SEVERAL = "GWL0641"
_SUBSET_ROW, _GRAPH_ROW = 5, 6
_MARKS, _WIDE_MARKS = 40, 92
_GRAPH_LOOKS = (Attribute.GREEN, Attribute.RED, Attribute.BLUE)
_OUTPUTS = (
    ("*PRINT", "Text, as it shows"),
    ("*CSV", "Table for a spreadsheet"),
    ("*HTML", "Page with pictures"),
)
_NONE = "*NONE"
_OF_REPORT = frozenset({"BY", "NBRROW", "OUTPUT", "TOFILE", "REPLACE"})
_KEYWORDS: Mapping[By, str] = {
    By.USER: "USRPRF",
    By.ADDRESS: "IPADR",
    By.PORT: "PORT",
    By.PROGRAM: "PGM",
    By.OUTCOME: "OUTCOME",
}
"""What of DSPJRN shows the entries of a line."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One row of the list."""

    place: int
    key: str
    tally: Tally
    is_several: bool = False


class DisplayAuditReport(WorkWithList[_Line]):
    """Shows one summary at a time; F11 shows the next."""

    name = "DSPAUDRPT"
    title = "Display Audit Report"
    module = "display_audit_report"
    is_wide = True
    options_row = 9
    heading_rows = 1
    option_width = 1
    gap = 1
    command_label = ""
    empty_text = "(No entries)"

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Count the journal.

        Args:
            services: What panels share.
            arguments: The values of DSPAUDRPT.

        Raises:
            ConsoleError: The journal cannot be read.
        """
        self.services = services
        self._arguments = dict(arguments)
        self._shown = 0
        self._begin(arguments)
        self._list: HeldList[_Line] = HeldList(self._lines, lambda line: str(line.place))
        super().__init__(services, self._list)

    @property
    def options(self) -> Sequence[Option[_Line]]:
        """Only to look closer."""
        return (Option(5, "Display journal entries", opens=self._entries, check=_refuse_several),)

    @property
    def function_keys(self) -> tuple[FunctionKey, ...]:
        """The keys; F11 names the summary that comes next."""
        kinds = self._kinds
        other = FunctionKey(11, f"By {_small(TITLES[kinds[(self._shown + 1) % len(kinds)]])}")
        return (
            FunctionKey(3, "Exit"),
            FunctionKey(5, "Refresh"),
            *([other] if len(kinds) > 1 else []),
            FunctionKey(12, "Cancel"),
            FunctionKey(18, "Subset"),
            FunctionKey(21, "Print"),
        )

    def columns(self, size: Size) -> Sequence[Column[_Line]]:
        """Return the columns; a wide screen has room for all of them."""
        is_wide = size == WIDE
        title = TITLES[self._by]
        key: Column[_Line] = Column(title, 44 if is_wide else 27, lambda line: line.key, help_key="VALUE")
        counts = [_number("Entries", lambda tally: tally.entries), _number("Accepted", lambda tally: tally.accepted)]
        refused = _number("Refused", lambda tally: tally.rejected)
        if not is_wide:
            return (key, *counts, refused, _time("Last", 11, lambda tally: minute_text(tally.last)[5:]))
        monitor = _number("*MONITOR", lambda tally: tally.monitor)
        times = (_time("First", 16, lambda tally: minute_text(tally.first)),
                 _time("Last", 16, lambda tally: minute_text(tally.last)))  # fmt: skip
        return (key, *counts, refused, monitor, *times)

    def draw_header(self, page: Page) -> None:
        """Show what was counted, how many there are, and when they were."""
        asked, total = self._asked, self._report.total
        page.text(3, 2, f"From {moment(asked.span[0])} to {moment(asked.span[1])}", help_key="PERIOD")
        monitored = f"   of the accepted *MONITOR {total.monitor:,}" if total.monitor else ""
        told = f"Entries {total.entries:,}   accepted {total.accepted:,}   refused {total.rejected:,}{monitored}"
        page.text(4, 2, told, Attribute.WHITE, help_key="ENTRIES")
        page.label(_SUBSET_ROW, 2, "Subset", 14, colon=True)
        page.text(_SUBSET_ROW, 18, cut(asked.subset or "*ALL", page.size.columns - 18), help_key="SUBSET")
        self._draw_graph(page)
        if not self._report.summary(self._by).is_exact:
            page.text(self.options_row + 2, 2, INEXACT, Attribute.YELLOW)

    def answer_key(self, submission: Submission) -> Reply:
        """Show another summary, other entries, or write it to a file."""
        match submission.key:
            case "F11":
                self._shown += 1
                self._show_first()
                return Stay(redraw=True)
            case "F18":
                command = self.services.commands["DSPAUDRPT"]
                usual = {parameter.keyword: parameter.default for parameter in command.parameters}
                given = {word: value for word, value in self._arguments.items() if value != usual[word]}
                return Push(Prompter(self.services, command, given, runs=False))
            case _:
                return Push(SelectionWindow("Output (OUTPUT)", _OUTPUTS))

    def resume(self, value: object) -> Reply:
        """Take another subset, or what kind of file to write."""
        if isinstance(value, ParsedCommand):
            if value.values["OUTPUT"] != "*":
                return Stay(run(self.services, value, keyed=False).messages, redraw=True)
            self._begin(value.values)
            self._show_first()
            return Stay(redraw=True)
        if isinstance(value, str):
            report, asked = make_report(self.services.context, self._fixed)
            return Stay((write_report(self.services.context, value, report, asked),), redraw=True)
        return super().resume(value)

    def reload(self) -> None:
        """Keep what was counted; F5 counts anew."""

    def refresh(self) -> Reply:
        """Count anew."""
        self._begin(self._arguments)
        self._show_first()
        return super().refresh()

    @property
    def _kinds(self) -> Sequence[By]:
        return wanted(self._arguments)

    @property
    def _by(self) -> By:
        return self._kinds[self._shown % len(self._kinds)]

    def _begin(self, arguments: Mapping[str, str]) -> None:
        """Count for the summary that shows; the others are counted when they are asked for, up to the same entry.

        Raises:
            ConsoleError: The journal cannot be read.
        """
        fixed = dict(arguments)
        with self.services.context.opened() as session:
            newest = last_number(session)
        if fixed["TOENTLRG"] == LAST and newest:
            fixed["TOENTLRG"] = str(newest)
        by = wanted(arguments)[self._shown % len(wanted(arguments))]
        report, asked = make_report(self.services.context, {**fixed, "BY": by})
        self._arguments, self._fixed = dict(arguments), fixed
        self._asked = replace(asked, subset=subset_text(arguments, " "))
        self._reports = {by: report}

    @property
    def _report(self) -> Report:
        if self._by not in self._reports:
            self._reports[self._by], _ = make_report(self.services.context, {**self._fixed, "BY": self._by})
        return self._reports[self._by]

    def _show_first(self) -> None:
        self.typed.clear()
        self._list.refresh()
        self._list.edge("*TOP")

    def _lines(self) -> list[_Line]:
        summary = self._report.summary(self._by)
        found = [_Line(place, key, tally) for place, (key, tally) in enumerate(summary.lines)]
        if summary.others:
            found.append(_Line(len(found), summary.others.key, summary.others.tally, is_several=True))
        return found

    def _draw_graph(self, page: Page) -> None:
        marks = _WIDE_MARKS if page.size == WIDE else _MARKS
        buckets = self._report.buckets(marks, self._asked.span)
        lines = graph_lines(buckets, blocks=self.services.has_blocks)
        for row, (line, look) in enumerate(zip(lines, _GRAPH_LOOKS, strict=False), _GRAPH_ROW):
            page.text(row, 2, line, look, help_key="GRAPH")

    def _entries(self, line: _Line) -> Panel:
        kept = {word: value for word, value in self._arguments.items() if word not in _OF_REPORT}
        return self.services.open("DisplayJournal", {**kept, "ENTTYP": "SK", **_subset_of(self._by, line.key)})


def _refuse_several(line: _Line) -> None:
    """Refuse a line that stands for several.

    Raises:
        CommandError: It does.
    """
    if line.is_several or line.key == _NONE:
        raise CommandError(_SEVERAL, value=line.key)


def _subset_of(by: By, key: str) -> dict[str, str]:
    """Return the values of DSPJRN that show the entries of a line."""
    if by is not By.RULE:
        return {_KEYWORDS[by]: key}
    point, _, sequence = key.partition(" ")
    return {"EXITPNT": point, "SEQNBR": sequence}


def _small(title: str) -> str:
    return title[0].lower() + title[1:]


def _number(heading: str, count: Callable[[Tally], int]) -> Column[_Line]:
    return Column(heading, 10, lambda line: f"{count(line.tally):,}", right=True, help_key=heading.upper())


def _time(heading: str, width: int, text: Callable[[Tally], str]) -> Column[_Line]:
    return Column(heading, width, lambda line: text(line.tally), help_key="TIME")
