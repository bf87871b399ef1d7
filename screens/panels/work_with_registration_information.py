"""Work with Registration Information: the three exit points."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.model.words import EXIT_POINT_NAMES, ExitPoint, Mode, Udp
from console.policy.emergency import Emergency
from console.store.emergencies import lasting_overrides
from console.store.exit_points import get_modes
from console.store.exit_programs import list_exit_programs
from console.store.revisions import compared_policy, count_changes
from console.store.rules import count_rules
from console.store.settings import Settings, get_settings
from screens.panel import FunctionKey, Panel, Push, Reply, Submission
from screens.panels.columns import Column
from screens.panels.display import DisplayRow, Line
from screens.panels.options import Option, Way
from screens.panels.pager import HeldList
from screens.panels.pending import draw_pending
from screens.panels.prompter import Prompter
from screens.panels.services import Services
from screens.panels.work_with import LIST_KEYS, WorkWithList
from screens.terminal.attributes import Attribute
from screens.terminal.page import Page, Size

_ALL = "*ALL"

_LOOKS = {Mode.MONITOR.value: Attribute.YELLOW, Mode.OFF.value: Attribute.YELLOW}
_MODES = {
    Mode.ENFORCE: "rules decide, and what they reject is refused",
    Mode.MONITOR: "rules decide, rejections are journalled but let pass",
    Mode.OFF: "no rule is asked and nothing is journalled",
}

_UDP = {
    Udp.IGNORE: "datagrams ask nobody",
    Udp.DECIDE: "datagrams are decided, too",
}


@dataclass(frozen=True, slots=True)
class ExitPointRow:
    """One exit point."""

    point: ExitPoint
    mode: Mode
    """Pending."""
    active: Mode
    rules: int
    programs: int
    """Exit programs besides the rules."""
    settings: Settings
    """Pending, of the whole policy."""
    emergency: Emergency | None = None
    """What overrides the rules, for a while."""

    @property
    def name(self) -> str:
        """Return its registered name."""
        return EXIT_POINT_NAMES[self.point][0]

    @property
    def format(self) -> str:
        """Return its format."""
        return EXIT_POINT_NAMES[self.point][1]

    @property
    def text(self) -> str:
        """Return its text."""
        return EXIT_POINT_NAMES[self.point][2]


class DisplayExitPoint(DisplayRow[ExitPointRow]):
    """Shows one exit point in words."""

    name = "DSPEXTPNT"
    title = "Display Exit Point"
    module = "display_exit_point"

    def lines(self) -> Sequence[Line]:
        """Return what it is and what it does."""
        row = self.row
        waits = "" if row.mode is row.active else ", waits for activation"
        return [
            Line("Exit point", row.name, "EXITPNT"),
            Line("Exit point format", row.format, "FORMAT"),
            Line("Called in commands", row.point, "EXITPNT"),
            Line("Text", row.text),
            Line("Registered", "*YES", "REGISTERED"),
            Line("Mode in force", f"{row.active}   {_MODES[row.active]}", "MODE"),
            Line("Pending mode", f"{row.mode}{waits}", "MODE"),
            Line("Pending rules", str(row.rules), "RULES"),
            Line("Pending exit programs", str(row.programs), "PROGRAMS"),
            *self._settings(),
        ]

    def _settings(self) -> list[Line]:
        """Return the settings of the policy that bear on this exit point."""
        if self.row.point is not ExitPoint.CONNECT:
            return []
        udp = self.row.settings.udp
        return [Line("Pending UDP setting", f"{udp}   {_UDP[udp]}", "UDP")]


class WorkWithRegistrationInformation(WorkWithList[ExitPointRow]):
    """The exit points: modes, and the way to their rules and exit programs."""

    name = "WRKREGINF"
    title = "Work with Registration Information"
    module = "work_with_registration_information"
    empty_text = "(No exit points found)"
    heading_rows = 3
    options_row = 5
    command_label = "Parameters for option 2 or command"
    function_keys = (*LIST_KEYS, FunctionKey(10, "Activate pending policy"), FunctionKey(14, "Change settings"))

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Open the list.

        Args:
            services: What panels share.
            arguments: EXITPNT: one exit point, or ``*ALL``.
        """
        self._wanted = arguments.get("EXITPNT", _ALL)
        self._context = services.context
        self._changes = 0
        super().__init__(services, HeldList(self._load, lambda row: row.point))

    @property
    def options(self) -> Sequence[Option[ExitPointRow]]:
        """Change the mode, display, work with exit programs and rules."""
        return (
            Option(2, "Change mode", "CHGSOCEXT", _given),
            Option(5, "Display", opens=lambda row: DisplayExitPoint(self.services, row)),
            Option(8, "Work with exit programs", opens=self._exit_programs),
            Option(12, "Work with rules", "WRKSOCRUL", _given, Way.RUN),
        )

    def columns(self, size: Size) -> Sequence[Column[ExitPointRow]]:
        """Return the columns."""
        return (
            Column("Exit\nPoint", 16, lambda row: row.name, help_key="EXITPNT"),
            Column("Exit\nPoint\nFormat", 8, lambda row: row.format, help_key="FORMAT"),
            Column("Registered", 10, lambda row: "  *YES", help_key="REGISTERED"),
            Column("Mode", 8, lambda row: row.mode, help_key="MODE", looks=_LOOKS),
            Column("Text", size.columns - 57, _text, help_key="TEXT"),
        )

    def draw_header(self, page: Page) -> None:
        """Show how many changes wait."""
        draw_pending(page, self.options_row - 2, self._changes)

    def answer_key(self, submission: Submission) -> Reply:
        """Activate, or change the settings that belong to no exit point."""
        if submission.key == "F10":
            return Push(self.services.open("ConfirmActivation", {}))
        return Push(Prompter(self.services, self.services.commands["CHGSOCPCY"], {}))

    def _exit_programs(self, row: ExitPointRow) -> Panel:
        return self.services.open("WorkWithExitPrograms", _given(row))

    def _load(self) -> list[ExitPointRow]:
        with self._context.opened() as session:
            pending = get_modes(session)
            self._changes = count_changes(session)
            active = compared_policy(session).modes
            rules = count_rules(session)
            overrides = lasting_overrides(session)
            programs = Counter(program.exit_point for program in list_exit_programs(session))
            settings = get_settings(session)
        return [
            ExitPointRow(
                point, pending[point], active[point], rules[point], programs[point], settings, overrides.get(point)
            )
            for point in ExitPoint
            if self._wanted in (_ALL, point)
        ]


def _given(row: ExitPointRow) -> dict[str, str]:
    return {"EXITPNT": row.point.value}


def _text(row: ExitPointRow) -> str:
    if row.emergency is not None:
        return f"Emergency: {row.emergency}"
    return row.text if row.mode is row.active else f"In force: {row.active}"
