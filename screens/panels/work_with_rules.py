"""Work with Socket Rules: the rules of the pending policy, of one exit point or of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from console.commands.keywords import exit_point_check
from console.commands.listing import shown_sequence
from console.commands.revisions import OVERRIDE
from console.errors import StoreError
from console.model.words import DEFAULT_SEQUENCE, EXIT_POINT_NAMES, ExitPoint, YesNo
from console.policy.fields import is_service
from console.policy.rule import ALL, ANY, Rule
from console.store.emergencies import lasting_overrides
from console.store.exit_points import get_modes
from console.store.groups import TIME_GROUPS
from console.store.revisions import active_number, count_changes
from console.store.rules import RuleRows, rule_rows
from screens.panel import Push, Reply, Stay, Submission
from screens.panels.columns import Column
from screens.panels.options import Option, Way
from screens.panels.pager import HeldList
from screens.panels.pending import draw_pending
from screens.panels.selection import SelectionWindow
from screens.panels.services import Services
from screens.panels.work_with_sequence import WorkWithSequence
from screens.terminal.attributes import Attribute
from screens.terminal.field_format import UPPER
from screens.terminal.page import WIDE, Page, Size

_EVERY = "*ALL"
_SUBSET = "EXITPNT"
_DEFAULT_STAYS = "GWL0322"
_TESTED = {"USRPRF": "user", "LCLADR": "local_address", "LCLPORT": "local_port", "RMTADR": "remote_address",
           "RMTPORT": "remote_port", "PGM": "program"}  # fmt: skip
"""Keyword of TSTSOCRUL -> field of a rule that it asks about."""
_EDGES = ("*TOP", "*BOT", "*DFT")
_VIEWS = ("addresses", "local side and program", "text")


@dataclass(frozen=True, slots=True)
class _Header:
    """What stands above the list, read together with it."""

    mode: str = ""
    changes: int = 0
    revision: int = 0
    has_times: bool = False
    """Whether there are time groups, so that a column for them is worth its room."""


class WorkWithRules(WorkWithSequence[Rule]):
    """The rules: add, change, copy, remove, display, test, activate."""

    name = "WRKSOCRUL"
    title = "Work with Socket Rules"
    module = "work_with_rules"
    subject = "Socket Rules"
    options_row = 6
    add_command = "ADDSOCRUL"
    edges = _EDGES
    views = len(_VIEWS)
    empty_text = "(No rules found)"

    def __init__(self, services: Services, arguments: Mapping[str, str]) -> None:
        """Open the list.

        Args:
            services: What panels share.
            arguments: EXITPNT: one exit point, or ``*ALL``.
        """
        self._context = services.context
        self._wanted = arguments.get("EXITPNT", ExitPoint.CONNECT.value)
        self._header = _Header()
        self._list = HeldList(self._load, row_id)
        super().__init__(services, self._list)

    @property
    def options(self) -> Sequence[Option[Rule]]:
        """What can be done with a rule."""
        return (
            Option(1, "Add", "ADDSOCRUL", is_for_add_row=True),
            Option(2, "Change", "CHGSOCRUL", _place),
            Option(3, "Copy", "CPYSOCRUL", _place),
            Option(4, "Remove", "RMVSOCRUL", _place, Way.CONFIRM, check=_check_removable),
            Option(5, "Display", "DSPSOCRUL", _place, Way.RUN),
            Option(8, "Test", "TSTSOCRUL", _call_of),
        )

    def columns(self, size: Size) -> Sequence[Column[Rule]]:
        """Return the columns of the view; on a wide screen all of them."""
        self._shows_all = size == WIDE
        if self._shows_all:
            return self._wide_columns()
        shared = _COLUMNS["SEQNBR"], _COLUMNS["ACTION"]
        if self._view == 1:
            return (*shared, _sized("LCLADR", 18), _sized("LCLPORT", 11), _sized("PGM", 23))
        if self._view == 2:
            own = replace(_COLUMNS["ACTION"], cell=lambda rule: rule.action.value)
            return (
                _COLUMNS["SEQNBR"],
                own,
                _COLUMNS["FAIL"],
                _COLUMNS["AUD"],
                _COLUMNS["MSG"],
                _COLUMNS["ACTIVE"],
                *self._times(),
                _sized("TEXT", 14 if self._header.has_times else 25),
            )
        last = _COLUMNS["EXITPNT"] if self._wanted == _EVERY else _COLUMNS["LCLPORT"]
        return (*shared, _sized("USRPRF", 10), _sized("RMTADR", 18), _COLUMNS["RMTPORT"], last)

    def _wide_columns(self) -> Sequence[Column[Rule]]:
        first = (_COLUMNS["EXITPNT"],) if self._wanted == _EVERY else ()
        return (
            _COLUMNS["SEQNBR"],
            *first,
            *(_COLUMNS[keyword] for keyword in ("ACTION", "USRPRF", "RMTADR", "RMTPORT", "LCLADR", "LCLPORT")),
            *self._times(),
            *self._wide_rest(len(first)),
        )

    def _times(self) -> Sequence[Column[Rule]]:
        return (_COLUMNS["TIMGRP"],) if self._header.has_times else ()

    def _wide_rest(self, others: int) -> Sequence[Column[Rule]]:
        """Return what there is room for beside all that a rule matches, and beside the exit point if it shows."""
        if not self._header.has_times:
            return _sized("PGM", 15 - 4 * others), _sized("TEXT", 17 - 7 * others)
        return (_sized("PGM", 10),) if others else (_sized("PGM", 11), _sized("TEXT", 10))

    def confirm_columns(self) -> Sequence[Column[Rule]]:
        """Return the place of a rule and what it matches, whatever view the list shows."""
        return [_COLUMNS[keyword] for keyword in ("EXITPNT", "SEQNBR", "ACTION", "USRPRF", "RMTADR")]

    def draw_header(self, page: Page) -> None:
        """Show position-to, the exit point, its mode, and how many changes wait."""
        self.draw_position(page)
        page.label(3, 40, "Exit point", 20)
        page.field(_SUBSET, 3, 62, 10, self.fields.get(_SUBSET, self._wanted), format=UPPER)
        page.text(3, 73, "F4 list", Attribute.BLUE)
        page.label(4, 2, "Mode", 26, colon=True)
        look = Attribute.RED if self._header.mode == OVERRIDE else Attribute.GREEN
        page.text(4, 29, self._header.mode, look, help_key="MODE")
        draw_pending(page, 4, self._header.changes)

    def given_to_add(self) -> Mapping[str, str]:
        """Return the exit point that shows."""
        return {} if self._wanted == _EVERY else {"EXITPNT": self._wanted}

    def enter_header(self, submission: Submission) -> Reply | None:
        """Show another exit point's rules, or go to a sequence number; options typed stay typed."""
        wanted = self.fields.pop(_SUBSET, self._wanted)
        return self._subset(wanted) if wanted != self._wanted else super().enter_header(submission)

    def list_values(self, name: str) -> Reply:
        """Offer the exit points."""
        if name != _SUBSET:
            return super().list_values(name)
        points = [(point.value, names[2]) for point, names in EXIT_POINT_NAMES.items()]
        return Push(SelectionWindow("Exit point (EXITPNT)", [(_EVERY, "All exit points"), *points]))

    def resume(self, value: object) -> Reply:
        """Take an exit point from its list; else go on as any list."""
        if isinstance(value, str) and value in (_EVERY, *ExitPoint) and not self.line.is_choosing:
            return self._subset(value)
        return super().resume(value)

    def sequence(self, row: Rule) -> int:
        """Return the sequence number of a rule."""
        return row.sequence

    def _load(self) -> RuleRows:
        point = None if self._wanted == _EVERY else ExitPoint(self._wanted)
        with self._context.opened() as session:
            modes = get_modes(session)
            shown = "" if point is None else OVERRIDE if point in lasting_overrides(session) else modes[point].value
            rules = rule_rows(session)
            self._header = _Header(
                shown, count_changes(session, rules), active_number(session), bool(TIME_GROUPS.in_order(session))
            )
            return rules if point is None else rules.of(point)

    def _subset(self, wanted: str) -> Reply:
        """Show the rules of one exit point, or of all.

        Raises:
            ConsoleError: There is no such exit point.
        """
        self.fields[_SUBSET] = wanted
        self._wanted = wanted if wanted == _EVERY else exit_point_check("EXITPNT", _EVERY)(wanted)
        del self.fields[_SUBSET]
        self.typed.clear()
        self.reload()
        self._list.edge("*TOP")
        return Stay(redraw=True, cursor=_SUBSET)


def row_id(rule: Rule) -> str:
    """Return what a rule is known by in the list."""
    return f"{rule.exit_point}.{rule.sequence}"


def _place(rule: Rule) -> dict[str, str]:
    return {"EXITPNT": rule.exit_point.value, "SEQNBR": shown_sequence(rule.sequence)}


def _check_removable(rule: Rule) -> None:
    if rule.sequence == DEFAULT_SEQUENCE:
        raise StoreError(_DEFAULT_STAYS, exit_point=rule.exit_point)


def _call_of(rule: Rule) -> dict[str, str]:
    """Return a call that the rule is meant for, as far as it names one thing and not many."""
    found = {"EXITPNT": rule.exit_point.value}
    for keyword, name in _TESTED.items():
        value = str(getattr(rule, name))
        many = value in (ANY, ALL) or value.startswith("%") or value.endswith("*")
        spans = name.endswith("address") and ("/" in value or "-" in value)
        spans = spans or (name.endswith("port") and "-" in value and not is_service(value))
        if not many and not spans:
            found[keyword] = value
    return found


def _shown_action(rule: Rule) -> str:
    """Return what the rule does; one that is not active does nothing."""
    return rule.action.value if rule.active is YesNo.YES else "*INACTIVE"


_COLUMNS: Mapping[str, Column[Rule]] = {
    column.help_key: column
    for column in (
        Column("Exit point", 10, lambda rule: rule.exit_point.value, help_key="EXITPNT"),
        Column("Sequence", 8, lambda rule: shown_sequence(rule.sequence), right=True, help_key="SEQNBR"),
        Column("Time", 10, lambda rule: rule.time_group, help_key="TIMGRP"),
        Column("Action", 9, _shown_action, help_key="ACTION"),
        Column("User", 10, lambda rule: rule.user, help_key="USRPRF"),
        Column("Local address", 18, lambda rule: rule.local_address, help_key="LCLADR"),
        Column("Local port", 11, lambda rule: rule.local_port, help_key="LCLPORT"),
        Column("Remote address", 18, lambda rule: rule.remote_address, help_key="RMTADR"),
        Column("Port", 11, lambda rule: rule.remote_port, help_key="RMTPORT"),
        Column("Program", 22, lambda rule: rule.program, help_key="PGM"),
        Column("Fail", 8, lambda rule: rule.fail.value, help_key="FAIL"),
        Column("Audit", 7, lambda rule: rule.audit.value, help_key="AUD"),
        Column("Msg", 4, lambda rule: rule.message.value, help_key="MSG"),
        Column("Active", 6, lambda rule: rule.active.value, help_key="ACTIVE"),
        Column("Text", 20, lambda rule: rule.text, help_key="TEXT"),
    )
}
"""Every column by the keyword that its cells are values of."""


def _sized(keyword: str, width: int) -> Column[Rule]:
    return replace(_COLUMNS[keyword], width=width)
