"""A walk over all panels, at both sizes: it begins at every command of the registry and presses every key it is shown.

What is new is found by itself: a command by its being in the registry, a panel by a command, a key or an option that
leads to it. A panel class that the walk does not meet fails the last test.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import pkgutil
import re
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

import screens.panels
from console.commands import coverage
from console.commands.execute import run_command
from console.commands.menus import menu_choices
from console.commands.registry import COMMANDS
from console.errors import ConsoleError
from console.journal.writer import append
from console.model.ssh_sessions import SshSession
from console.store.guards import add_guard
from console.store.session import transaction
from console.store.ssh_sessions import add_ssh_session
from console.store.workers import add_worker
from screens.console import console_services
from screens.panel import Panel
from screens.panels.confirm import Confirm
from screens.panels.help_texts import read_help
from screens.panels.main_menu import MainMenu
from screens.panels.option_list import OptionList
from screens.panels.options import ADD_ROW, Way
from screens.panels.prompter import Prompter
from screens.terminal.keys import Function
from screens.terminal.page import HELP_KEYS, HELP_PANEL, NORMAL, WIDE
from screens.terminal.terminal import Terminal
from tests.conftest import NOW
from tests.factories import entry, signed_on
from tests.screens.panels.operator import Operator
from tests.stores import open_fresh_store

SAMPLE = (
    "ADDSOCRUL *CONNECT 10 RMTADR('10.0.0.0/8') ACTION(*REJECT) TEXT('no printers')",
    "ADDSOCRUL *LISTEN 10 LCLPORT(8080) ACTION(*ALLOW)",
    "ADDEXITPGM *ACCEPT 2 site:ask",
    "ADDSOCKSE 10 SERVER(a) USERID(x) PASSWORD(y)",
    "ADDALRDST OPS *EMAIL TARGET('ops@example.com') SERVER('mail.example.com')",
    "ADDJRNFWD SIEM '192.0.2.1'",
    "SNDMSG 'hello'",
    "ADDADRGRP OFFICE MBR('10.0.0.0/8')",
    "ADDTIMGRP NIGHT TIMES('22:00-06:00')",
    "CRTUSRPRF OPER PASSWORD('a long enough word 7')",
    "CRTUSRPRF ALICE PASSWORD('a long enough word 7')",
)
"""What there is to look at; commands that a tree lacks are left out."""

TEXT = "[b]Longest text that there may be, up to the brim."
ADDRESS = "2001:db8:1111:2222:3333:4444:5555:6666"
NAME = "abcdefghijklmnopqrstuvwxyz012345"
LONGEST = (
    f"ADDSOCRUL *LISTEN 99998 USRPRF({NAME}) LCLADR('{ADDRESS}-{ADDRESS[:-1]}8') LCLPORT(10000-20000) "
    f"PGM('/{'long/' * 25}x') ACTION(*REJECT) FAIL(*TIMEOUT) TEXT('{TEXT}')",
    f"ADDSOCRUL *CONNECT 99998 USRPRF({NAME}) RMTADR('{ADDRESS}-{ADDRESS[:-1]}8') RMTPORT(10000-20000) "
    f"PGM('/{'long/' * 25}x') ACTION(*REJECT) FAIL(*TIMEOUT) TEXT('{TEXT}')",
    f"ADDEXITPGM *ACCEPT 99999 '{'site' * 12}:{'ask' * 12}' TIMLMT(30000) TEXT('{TEXT}')",
    f"ADDSOCKSE 99998 RMTADR('{ADDRESS}-{ADDRESS[:-1]}8') RMTPORT(10000-20000) USRPRF({NAME}) SERVER({'a' * 60}.b) "
    f"PORT(65535) VERSION(5) USERID('{'u' * 64}') PASSWORD('{'p' * 128}') TEXT('{TEXT}')",
    f"ADDALRDST LONGESTDST *EMAIL TARGET('{'t' * 60}@{'e' * 60}.com') SERVER('{'m' * 60}.example.com') TEXT('{TEXT}')",
    f"ADDJRNFWD LONGESTFWD '{'r' * 60}.{'s' * 60}.example.com' TEXT('{TEXT}')",
    f"SNDMSG '{'message ' * 50}'",
    f"ADDADRGRP LONGESTGRP MBR('{ADDRESS}-{ADDRESS[:-1]}8' '{ADDRESS}') TEXT('{TEXT}')",
    "ADDTIMGRP LONGESTGRP DAYS(*MON *TUE *WED *THU *FRI *SAT) TIMES('22:00-06:00' '07:00-08:00' '09:00-10:00') "
    f"FROMDATE(2026-01-01) TODATE(2099-12-31) TIMZON('America/Argentina/ComodRivadavia') TEXT('{TEXT}')",
    f"CRTUSRPRF {NAME} PASSWORD('a long enough word 7') SPCAUT(*ALLOBJ *SECADM *AUDIT *IOSYSCFG *JOBCTL) "
    f"TEXT('{TEXT}')",
)
"""The same with values as long as they may be: nothing that they are shown with may be written over."""

RUNS = {
    "DSPSOCRUL": "DSPSOCRUL *CONNECT 10",
    "DSPSOCKSE": "DSPSOCKSE 10",
    "DSPALR": "DSPALR PORTSCAN",
    "DSPSYSVAL": "DSPSYSVAL QAUDLVL",
    "TSTSOCRUL": "TSTSOCRUL *CONNECT RMTADR('10.1.1.1') RMTPORT(80)",
    "TSTSOCKSE": "TSTSOCKSE '10.1.1.1' 80 ASKSVR(*NO)",
    "TSTALR": "TSTALR PORTSCAN",
    "DSPJRNRCVA": "DSPJRNRCVA AUDRCV0001",
    "DSPAUDRPT": "DSPAUDRPT *FIRST",
    "DSPSOCPCY": "DSPSOCPCY 1",
    "DSPUSRPRF": "DSPUSRPRF ALICE",
    "DSPADRGRP": "DSPADRGRP OFFICE",
    "DSPTIMGRP": "DSPTIMGRP NIGHT",
}
"""How commands are run that need values; others that change nothing and need none run by their name."""

NOT_RUN = {
    "SIGNOFF": "ends the console",
    "STRSOCWRK": "starts a process",
    "ENDSOCWRK": "ends one",
    "CPYAUDJRNE": "writes files",
    "SAVJRNRCV": "writes a file",
    "EXPSOCPCY": "writes a file",
    "VFYJRN": "takes long with nothing to look at",
}
"""Commands that are only prompted."""

ELSEWHERE = {
    "AttentionMenu": "test_two_sessions",
    "CommandWindow": "test_two_sessions",
    "DisplaySession": "test_two_sessions",
    "SystemRequestLine": "test_two_sessions",
    "SystemRequestMenu": "test_two_sessions",
    "CommandPalette": "test_command_palette",
    "DisplayProgramMessages": "test_program_messages",
    "MoreValues": "test_prompter",
    "DisplaySshSession": "only while greenwall ssh serves one: tests/end_to_end/test_ssh",
    "SignOn": "before anything that can be walked from",
    "OneTimeCode": "likewise",
}
"""Panel classes that no command leads to, and where they are looked at."""

UNEXPLAINED = {
    "RECEIVER_NAME", "USER_NAME", "QUALIFIED_JOB_NAME", "PID", "PROGRAM", "EXIT_POINT", "ADDRESS_FAMILY",
    "LOCAL_ADDRESS", "LOCAL_PORT", "REMOTE_ADDRESS", "REMOTE_PORT", "SOCKS_SERVER", "DECISION_US", "TEXT", "DETAIL",
    "GUARD_ID", "GUARD_NUMBER",
}  # fmt: skip
"""Fields of an entry whose label says all there is to say; F1 there shows the help of the panel."""

CERTAIN_ROWS = (
    [("command", "WRKREGINF"), ("row", "*ACCEPT=8")],
    [("command", "WRKREGINF"), ("row", "*ACCEPT=8"), ("row", "2=5")],
    [("command", "WRKSYSVAL QAUDLVL"), ("row", "QAUDLVL=2")],
    [("command", "DSPJRN"), ("option", "5")],
)
"""Ways that only certain rows of a list lead, or that lead on from where another way ends: whichever comes first."""

BUGS = (AssertionError, AttributeError, ConsoleError, LookupError, OSError, TypeError, ValueError)
"""What would end the console, or leave it without a panel: noted, and the walk goes on."""

SILENT = {"ENTER", "F5"}
"""Keys that may leave everything as it is: nothing is typed, nothing is new."""

_MOST_STEPS = 5

FIXED = {
    1: ("Add", "Create", "Select"),
    2: ("Change",),
    3: ("Copy", "Hold"),
    4: ("Delete", "Remove", "End"),
    5: ("Display",),
    6: ("Print", "Release"),
    7: ("Rename", "Renumber"),
    8: ("Display", "Work with", "Test"),
    9: ("Work with", "Run"),
    10: ("Replace", "Restart", "Roll back to"),
    11: ("Move",),
    12: ("Work with",),
    13: ("Change description",),
}
"""What an option may be called that has one of the numbers that mean the same everywhere; 14 and up are free."""

RELATED = {"Keys", "Job", "Journal entries", "Rules that use it"}
"""What option 8 leads to, where no verb stands before it."""

OF_FIXED_NUMBERS = {"Add", "Create", "Change", "Copy", "Delete", "Remove", "End", "Hold", "Release", "Print", "Test"}
"""Words that one of the fixed numbers has for itself, where nothing stands behind them."""


@dataclass
class Walk:
    """The walk at one size."""

    services: object
    size: object
    met: set = field(default_factory=lambda: {"MainMenu"})
    """Names of the panel classes."""
    seen: set = field(default_factory=set)
    problems: list = field(default_factory=list)
    gone: set = field(default_factory=set)
    """Parts that are done."""

    def go(self, part) -> None:
        """Walk from every so-many-th root."""
        if part not in self.gone:
            self.gone.add(part)
            for journey in list(roots())[part::PARTS]:
                self.visit(journey)

    def from_menu(self, journey) -> Operator:
        """Return an operator who has gone a way from the main menu, and its prompted problems if any."""
        operator = Operator(MainMenu(self.services, is_first=True), self.size)
        for step in journey:
            self.step(operator, step)
        return operator

    def step(self, operator, step) -> None:
        kind, text = step
        if kind == "command":
            operator.command(text)
        elif kind == "prompt":
            operator.type(CMD=text).press("F4")
        elif kind == "row":
            row, _, option = text.partition("=")
            operator.option(row, option).press("ENTER")
        elif kind == "option":
            self.take(operator, text)
        else:
            operator.press(text)

    def take(self, operator, option) -> None:
        """Type an option on the last row that does not refuse it; rows of what runs may go away meanwhile."""
        rows = [name for name in operator.buffer.contents if name.startswith("OPT.") and name[4:] != ADD_ROW]
        for row in reversed(rows):
            if row not in operator.buffer.contents:
                continue
            operator.type_into(row, option).press("ENTER")
            if not operator.outcome.errors:
                return
            if row in operator.buffer.contents:
                operator.buffer.contents[row].assign("", modified=True)

    def visit(self, journey) -> None:
        try:
            self.look_around(journey)
        except BUGS as error:
            self.problems.append(f"{' '.join(text for _, text in journey)}: {error!r}")

    def look_around(self, journey) -> None:
        operator = self.from_menu(journey)
        panel = operator.session.panel
        if len(operator.session._stack) == 1 or self.kind(panel) in self.seen:
            return
        self.seen.add(self.kind(panel))
        self.met.add(type(panel).__name__)
        where = " ".join(text for _, text in journey)
        self.problems += [f"{where}: {problem}" for problem in looks(operator)]
        for key in ("F12", "F3"):
            self.leaves(journey, key, where)
        if len(journey) < _MOST_STEPS:
            for step in self.steps(panel):
                self.probe(journey, step, where)

    def kind(self, panel):
        about = panel._form.cls.name if isinstance(panel, Prompter) else ""
        return type(panel).__name__, about or getattr(panel, "title", ""), panel.name

    def steps(self, panel):
        """Return everything to try on a panel."""
        steps = [("key", f"F{key.number}") for key in panel.function_keys if key.number not in (1, 3, 12)]
        steps += [("key", "ROLLUP"), ("key", "ROLLDOWN")]
        if self.may_enter(panel):
            steps.append(("key", "ENTER"))
        if isinstance(panel, OptionList):
            steps += [("option", str(option.number)) for option in panel.options if self.may_take(option)]
        return steps

    def may_enter(self, panel) -> bool:
        """Say whether Enter changes nothing in the world outside."""
        if isinstance(panel, Prompter):
            cls = panel._form.cls
            blank = any(not panel._form.typed[key.keyword].strip() for key in panel._form.keys)
            return blank or not (cls.changes or cls.name in NOT_RUN)
        return not isinstance(panel, Confirm) and "Confirm" not in type(panel).__name__

    def may_take(self, option) -> bool:
        cls = COMMANDS.get(option.command)
        runs_at_once = cls is not None and option.way is Way.RUN and (cls.changes or cls.name in NOT_RUN)
        return not option.is_for_add_row and not runs_at_once

    def probe(self, journey, step, where) -> None:
        operator = self.from_menu(journey)
        before, shown = len(operator.session._stack), seen(operator)
        try:
            self.step(operator, step)
        except BUGS as error:
            self.problems.append(f"{where}: {step} raises {error!r}")
            return
        if step[0] == "key" and step[1] not in SILENT and seen(operator) == shown and not operator.outcome.messages:
            self.problems.append(f"{where}: {step[1]} does nothing, and does not say why")
        if operator.outcome.finished:
            self.problems.append(f"{where}: {step} ends the console")
            return
        if len(operator.session._stack) > before:
            self.visit([*journey, step])
        else:
            self.problems += [f"{where} {step[1]}: {problem}" for problem in looks(operator)]

    def leaves(self, journey, key, where) -> None:
        """Press F3 or F12 with nonsense in every field."""
        operator = self.from_menu(journey)
        panel = operator.session.panel
        before = len(operator.session._stack)
        for content in operator.buffer.contents.values():
            content.assign("?" * min(2, len(content)), modified=True)
        operator.press(key)
        if operator.session.panel is panel or len(operator.session._stack) >= before:
            self.problems.append(f"{where}: {key} does not leave")
        elif key == "F3" and not operator.session.panel.is_task_entry:
            self.problems.append(f"{where}: F3 leads to {operator.title}, which is no menu")


def seen(operator):
    """Return what a key may change: panel, screen, cursor."""
    return operator.session.panel, operator.shown, (operator.buffer.row, operator.buffer.column)


def looks(operator):
    """Return what is wrong with how a panel looks, and with its help."""
    panel, frame = operator.session.panel, operator.session.frame
    return [
        *shape(operator, panel, frame),
        *keys(panel, frame),
        *helps(panel, frame.page),
        *labels(panel),
        *numbers(panel),
    ]


def shape(operator, panel, frame):
    size = operator.buffer.size
    cells = [frame.cells(row) for row in range(1, size.rows + 1)]
    yield from (f"row {row} has {len(line)} cells" for row, line in enumerate(cells, 1) if len(line) != size.columns)
    if panel.window is None:
        yield from (f"row {row} begins in column 1" for row, line in enumerate(cells, 1) if line[0].character != " ")
        if any(cell.character != " " for cell in cells[-1]):
            yield "something is on the message row"
    yield from overlaps(frame)
    for name, content in operator.buffer.contents.items():
        for stretch in content.field.stretches:
            if stretch.column > 1 and cells[stretch.row - 1][stretch.column - 2].character not in " :":
                yield f"field {name} has no blank before it"


def overlaps(frame):
    """Check that no text, field or key of the legend lies over another; blanks are no text."""
    page = frame.page
    taken = [
        *((text.row, text.column, len(text.text.rstrip()), text.text) for text in page.texts if not text.is_over),
        *(
            (each.row, each.column, each.length, field.name)
            for field in page.fields.values()
            for each in field.stretches
        ),
        *(
            (row - frame.origin[0], column - frame.origin[1], len(key.text), key.text)
            for row, column, key in frame._items
        ),
    ]
    parts = sorted(part for part in taken if part[2])
    for (row, column, length, words), (other_row, other_column, _, others) in pairwise(parts):
        if row == other_row and column + length > other_column:
            yield f"{words!r} lies over {others!r} in row {row}"


def keys(panel, frame):
    declared = {key.number for key in panel.function_keys}
    shown = set()
    for _ in range(len(frame._sets)):
        shown |= {key.number for _, _, key in frame._items}
        frame.show_more_keys()
    if frame.page.legend_rows and declared - shown:
        yield f"keys {sorted(declared - shown)} are in no legend"
    if len(declared) != len(panel.function_keys):
        yield "a key is declared twice"
    terminal = Terminal()
    terminal.show(frame)
    terminal.resume()
    for number in range(2, 25):
        if number in frame.keys or (number == 24 and frame.has_more_keys):
            continue
        answered = terminal.press(Function[f"F{number}"])
        if answered is not None or terminal.message_line.current.message_id != "KBD0101":
            yield f"F{number} is not refused"


def labels(panel):
    """Check that the label of the command line names no option that the legend lacks."""
    numbers = {option.number for option in panel.options} if isinstance(panel, OptionList) else set()
    told = {int(number) for number in re.findall(r"\d+", getattr(panel, "command_label", ""))}
    if told - numbers:
        yield f"the command line takes parameters for options {sorted(told - numbers)}, which are not there"


def numbers(panel):
    """Check that an option's number and its words mean what they mean on every list."""
    for option in panel.options if isinstance(panel, OptionList) else ():
        told = f"{option.number}={option.text}"
        if option.number in FIXED:
            means = option.text.startswith(FIXED[option.number])
            if not means and not (option.number == 8 and option.text in RELATED):
                yield f"{told}: that number means {' or '.join(FIXED[option.number])}"
        elif option.text in OF_FIXED_NUMBERS:
            yield f"{told}: the word has a number of its own"


def helps(panel, page):
    if not getattr(panel.help(HELP_PANEL), "text", ""):
        yield "no help"
    places = {each.help_key for each in page.fields.values()} | {region.help_key for region in page.regions}
    yield from (f"no help on {key}" for key in sorted(places - UNEXPLAINED) if panel.help(key) is None)
    told = panel.help(HELP_KEYS)
    known = read_help("function_keys").sections
    yield from (f"no help on key {key.label}" for key in panel.function_keys if not known.get(key.label))
    if told is None or any(key.label not in told.text for key in panel.function_keys):
        yield "the help on keys is not whole"


@pytest.fixture(scope="module")
def system_seen_once():
    """Look at the processes and sockets of this system once: a walk asks for them at hundreds of steps."""
    processes = coverage.read_processes()
    sockets = coverage.read_sockets(processes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coverage, "read_processes", lambda: processes)
        patch.setattr(coverage, "read_sockets", lambda _: sockets)
        yield


@pytest.fixture(scope="module")
def walked(tmp_path_factory, system_seen_once):
    """Return a way to walk from some roots at a size, and to what was found; one walk a size, in a store of its own."""
    with contextlib.ExitStack() as stores:
        walks = {}

        def at(size, *parts):
            if size not in walks:
                store = open_fresh_store(tmp_path_factory.mktemp("walk") / "walk.db")
                stores.callback(store.close)
                services = console_services(store, signed_on(), system="NJORD01", clock=lambda: NOW)
                fill(store, services)
                walks[size] = Walk(services, size)
            for part in parts:
                walks[size].go(part)
            return walks[size]

        yield at


PARTS = 6
"""Into which the walk is parted, so that no test takes long."""


def roots():
    """Return every way to begin: the menus, each command prompted, and those run that can be run."""
    for choice in menu_choices(COMMANDS):
        yield [("command", f"GO {choice.value}")]
    yield from CERTAIN_ROWS
    for name, cls in sorted(COMMANDS.items()):
        yield [("prompt", name)]
        needs_nothing = not cls.changes and all(parameter.default is not None for parameter in cls.parameters)
        if name not in NOT_RUN and (name in RUNS or needs_nothing):
            yield [("command", RUNS.get(name, name))]


def fill(store, services):
    for command in (*SAMPLE, *LONGEST):
        if command.split()[0] in COMMANDS:
            run_command(command, services.context)
    with transaction(store) as session:
        append(session, [entry(), entry(outcome="*REJECTED"), longest_entry()])
        job = {"guard_id": f"{1:032}", "user": "ALICE", "job_name": "CURL", "command": "curl", "pid": 1}
        add_guard(session, **job, started=NOW)
        ends = {"remote_address": "192.0.2.7", "remote_port": 51234, "host": "njord", "server_pid": 1, "pid": 1}
        seen = {"job": "000001/ALICE/SSH", "user": "ALICE", "method": "public key", "started": NOW, "last_input": NOW}
        add_ssh_session(session, SshSession.model_validate({**seen, **ends}))
        long = {"job": f"000002/{NAME.upper()}/{'J' * 10}", "user": NAME.upper(), "started": NOW, "last_input": NOW}
        add_ssh_session(
            session, SshSession.model_validate({**ends, **long, "remote_address": ADDRESS, "method": "password"})
        )
        job = {
            "guard_id": f"{2:032}",
            "user": NAME.upper(),
            "job_name": "J" * 10,
            "command": "run " * 200,
            "pid": 2**22,
        }
        add_guard(session, **job, started=NOW)
        add_worker(session, pid=1, host="njord", at=NOW, revision=1)


def longest_entry():
    """Return an entry with what an import may hold, too."""
    name, program = f"{NAME.upper()}\x1b[31m", f"/{'long/' * 50}\x07"
    job = f"999999/{NAME.upper()}/{'J' * 10}"
    ends = {"local_address": ADDRESS, "local_port": 65535, "remote_address": ADDRESS, "remote_port": 65535}
    return entry(user_name=name, program=program, qualified_job_name=job, pid=2**22, text="text " * 80, **ends)


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("size", [NORMAL, WIDE], ids=["24x80", "27x132"])
def test_every_panel_keeps_the_rules(walked, tmp_path, monkeypatch, size, part):
    monkeypatch.chdir(tmp_path)
    walk = walked(size, part)
    problems, walk.problems = walk.problems, []
    assert not problems, "\n".join(problems)


def test_the_walk_has_been_everywhere(walked, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for module in pkgutil.iter_modules(screens.panels.__path__):
        importlib.import_module(f"screens.panels.{module.name}")
    waiting, classes = [Panel], set()
    while waiting:
        for cls in waiting.pop().__subclasses__():
            waiting.append(cls)
            if not inspect.isabstract(cls) and cls.__module__.startswith("screens.panels."):
                classes.add(cls)
    met = walked(NORMAL, *range(PARTS)).met | ELSEWHERE.keys()
    bases = {base for cls in classes for base in cls.__mro__[1:]}
    missed = sorted(cls.__name__ for cls in classes - bases if cls.__name__ not in met)
    assert not missed, " ".join(missed)
