"""Whatever the cursor can be on has its help: fields, columns, options, keys, panels."""

from __future__ import annotations

import pytest

from console.journal.writer import append
from console.resources import data_path
from console.store.guards import add_guard
from console.store.session import transaction
from console.store.workers import add_worker
from screens.panels.help_texts import read_help
from screens.terminal.page import HELP_KEYS, HELP_OPTIONS, HELP_PANEL
from tests.factories import entry

JOURNEYS = {
    "main menu": (),
    "commands": ("F4",),
    "menus": ("CMD=GO *ALL", "ENTER"),
    "menu of rules": ("CMD=GO RULES", "ENTER"),
    "menu of SOCKS": ("CMD=GO SOCKS", "ENTER"),
    "menu of jobs": ("CMD=GO JOBS", "ENTER"),
    "menu of the journal": ("CMD=GO JOURNAL", "ENTER"),
    "menu of alerts": ("CMD=GO ALERTS", "ENTER"),
    "menu of users": ("CMD=GO USERS", "ENTER"),
    "menu of the system": ("CMD=GO SYSTEM", "ENTER"),
    "menu of the console": ("CMD=GO CONSOLE", "ENTER"),
    "menu of verbs": ("CMD=GO VERB", "ENTER"),
    "menu of a verb": ("CMD=GO CMDADD", "ENTER"),
    "exit points": ("1",),
    "exit point": ("1", "OPT.*LISTEN=5", "ENTER"),
    "exit point of datagrams": ("1", "OPT.*CONNECT=5", "ENTER"),
    "exit programs": ("1", "OPT.*CONNECT=8", "ENTER"),
    "exit program": ("1", "OPT.*CONNECT=8", "ENTER", "OPT.2=5", "ENTER"),
    "exit program, remove": ("1", "OPT.*CONNECT=8", "ENTER", "OPT.2=4", "ENTER"),
    "exit program, replace": ("1", "OPT.*CONNECT=8", "ENTER", "OPT.2=10", "ENTER"),
    "settings": ("1", "F14"),
    "rules": ("2",),
    "rules, local": ("2", "F11"),
    "rules, text": ("2", "F11", "F11"),
    "rules of all exit points": ("2", "EXITPNT=*ALL", "ENTER"),
    "remove": ("2", "OPT.*CONNECT.10=4", "ENTER"),
    "rule": ("2", "OPT.*CONNECT.10=5", "ENTER"),
    "add": ("2", "F6"),
    "add, additional": ("2", "F6", "F10"),
    "add, all": ("2", "F6", "F9"),
    "add, keywords": ("2", "F6", "F11"),
    "change": ("2", "OPT.*CONNECT.10=2", "ENTER"),
    "copy": ("2", "OPT.*CONNECT.10=3", "ENTER"),
    "test": ("2", "OPT.*CONNECT.10=8", "ENTER"),
    "tested": ("2", "OPT.*CONNECT.10=8", "ENTER", "RMTADR=10.1.1.1", "ENTER"),
    "tested, exit program": ("CMD=TSTSOCRUL *CONNECT RMTADR('192.0.2.1')", "ENTER"),
    "SOCKS entries": ("7",),
    "SOCKS entries, users": ("7", "F11"),
    "SOCKS entry": ("7", "OPT.10=5", "ENTER"),
    "SOCKS entry, add": ("7", "F6", "F10"),
    "SOCKS entry, change": ("7", "OPT.10=2", "ENTER", "ROLLUP"),
    "SOCKS entry, copy": ("7", "OPT.10=3", "ENTER"),
    "SOCKS entry, remove": ("7", "OPT.10=4", "ENTER"),
    "SOCKS entry, test": ("7", "OPT.10=8", "ENTER"),
    "SOCKS entry, tested": ("7", "OPT.10=8", "ENTER", "RMTADR=10.1.1.1", "RMTPORT=80", "ASKSVR=*NO", "ENTER"),
    "SOCKS tab": ("CMD=CFGSOCKS", "ENTER"),
    "activation": ("10",),
    "jobs": ("4",),
    "jobs, command": ("4", "F11"),
    "job": ("4", "OPT.00000000000000000000000000000001=5", "ENTER"),
    "end of a job": ("4", "OPT.00000000000000000000000000000001=4", "ENTER"),
    "jobs, subset": ("4", "F18"),
    "coverage": ("6", "F10"),
    "coverage, both ends": ("6", "F10", "F11"),
    "coverage, reasons": ("6", "F10", "F11", "F11"),
    "coverage, subset": ("6", "F18"),
    "connections": ("CMD=WRKTCPSTS", "ENTER"),
    "connections, programs": ("CMD=WRKTCPSTS", "ENTER", "F11"),
    "connections, engines": ("CMD=NETSTAT", "ENTER", "F11", "F11"),
    "connections, subset": ("CMD=NETSTAT", "ENTER", "F18"),
    "connection, end": ("CMD=ENDTCPCNN", "F4"),
    "policies": ("CMD=WRKSOCPCY", "ENTER"),
    "policy": ("CMD=WRKSOCPCY", "ENTER", "OPT.1=5", "ENTER"),
    "policy, export": ("CMD=WRKSOCPCY", "ENTER", "OPT.1=15", "ENTER"),
    "policy, compare": ("CMD=WRKSOCPCY", "ENTER", "OPT.1=14", "ENTER"),
    "policy, roll back": ("CMD=WRKSOCPCY", "ENTER", "OPT.1=10", "ENTER", "F10"),
    "policies, compared": ("CMD=CMPSOCPCY", "ENTER"),
    "activation, prompted": ("CMD=ACTSOCPCY", "F4", "F10"),
    "workers": ("CMD=WRKSOCWRK", "ENTER"),
    "worker": ("CMD=WRKSOCWRK", "ENTER", "OPT.1=5", "ENTER"),
    "worker, start": ("CMD=WRKSOCWRK", "ENTER", "F6", "F10"),
    "worker, end": ("CMD=ENDSOCWRK", "F4"),
    "alerts": ("9",),
    "alerts, conditions": ("9", "F11"),
    "alert": ("9", "OPT.PORTSCAN=5", "ENTER"),
    "alert, add": ("9", "F6", "F10"),
    "alert, change": ("9", "OPT.PORTSCAN=2", "ENTER", "ROLLUP"),
    "alert, copy": ("9", "OPT.PORTSCAN=3", "ENTER"),
    "alert, remove": ("9", "OPT.PORTSCAN=4", "ENTER"),
    "alert, test": ("9", "OPT.PORTSCAN=8", "ENTER"),
    "alert, tested": ("9", "OPT.PORTSCAN=8", "ENTER", "ENTER"),
    "destinations": ("9", "F14"),
    "destination, add": ("9", "F14", "F6"),
    "messages": ("20",),
    "message, send": ("CMD=SNDMSG", "F4"),
    "threat model": ("70",),
    "system values": ("CMD=WRKSYSVAL", "ENTER"),
    "system values, what they hold": ("CMD=WRKSYSVAL", "ENTER", "F11"),
    "system value, words": ("CMD=WRKSYSVAL", "ENTER", "OPT.QAUDLVL=2", "ENTER"),
    "system value": ("CMD=DSPSYSVAL QAUDLVL", "ENTER"),
    "system value, change": ("CMD=CHGSYSVAL QAUDLVL", "F4"),
    "security auditing": ("CMD=DSPSECAUD", "ENTER"),
    "security auditing, change": ("CMD=CHGSECAUD", "F4"),
    "auditing of users": ("CMD=CHGUSRAUD ROOT", "F4"),
    "journal": ("5",),
    "journal, both ends": ("5", "F11"),
    "journal, jobs": ("5", "F11", "F11"),
    "journal, position": ("5", "F17"),
    "journal, subset": ("5", "F18"),
    "entry": ("5", "OPT.1=5", "ENTER"),
    "journal, print": ("5", "F21"),
    "report": ("CMD=DSPAUDRPT *FIRST", "ENTER"),
    "report, by address": ("CMD=DSPAUDRPT *FIRST", "ENTER", "F11"),
    "report, by port": ("CMD=DSPAUDRPT *FIRST", "ENTER", "F11", "F11"),
    "report, by program": ("CMD=DSPAUDRPT *FIRST", "ENTER", "F11", "F11", "F11"),
    "report, by outcome": ("CMD=DSPAUDRPT *FIRST", "ENTER", "F11", "F11", "F11", "F11"),
    "report, by rule": ("CMD=DSPAUDRPT *FIRST", "ENTER", "F11", "F11", "F11", "F11", "F11"),
    "report, subset": ("CMD=DSPAUDRPT *FIRST", "ENTER", "F18"),
    "journal, rule": ("5", "OPT.1=14", "ENTER"),
    "entry, hexadecimal": ("5", "OPT.1=5", "ENTER", "F11"),
    "entry, JSON": ("5", "OPT.1=5", "ENTER", "F11", "F11"),
    "entry, fields": ("5", "OPT.1=5", "ENTER", "F9"),
    "entry, rule": ("5", "OPT.1=5", "ENTER", "F9", "ROLLUP"),
}
"""What to press from the main menu; a first number stands for the command of `DOORS`, or is typed."""

DOORS = {
    "1": "WRKREGINF", "3": "?TSTSOCRUL", "4": "WRKSOCJOB", "6": "DSPSOCCOV", "7": "WRKSOCKSE", "8": "DSPAUDRPT",
    "9": "WRKALR", "20": "DSPMSG",
}  # fmt: skip


@pytest.fixture
def go(operator, run, store, now):
    run("ADDSOCRUL *CONNECT 10 RMTADR('10.0.0.0/8') ACTION(*REJECT)", "ADDEXITPGM *CONNECT 2 site:ask")
    run("ADDSOCKSE 10 SERVER(a) USERID(x) PASSWORD(y)")
    with transaction(store) as session:
        append(session, [entry()])
        job = {"guard_id": f"{1:032}", "user": "ALICE", "job_name": "CURL", "command": "curl", "pid": 1}
        add_guard(session, **job, started=now)
        add_worker(session, pid=4711, host="njord", at=now, revision=1)

    def gone(journey):
        for step in journey:
            if step.isdecimal():
                operator.command(DOORS.get(step, step))
            elif "=" in step:
                operator.type_into(*step.split("="))
            else:
                operator.press(step)
        return operator.session

    return gone


@pytest.mark.parametrize("journey", JOURNEYS.values(), ids=JOURNEYS.keys())
def test_every_place_has_help(go, journey):
    session = go(journey)
    panel, page = session.panel, session.frame.page
    places = {field.help_key for field in page.fields.values()} | {region.help_key for region in page.regions}
    assert [key for key in places if panel.help(key) is None and key not in UNEXPLAINED] == []
    assert panel.help(HELP_PANEL).text


UNEXPLAINED = {
    # Values of an entry whose label says all there is to say; F1 there shows the help of the panel.
    "RECEIVER_NAME", "USER_NAME", "QUALIFIED_JOB_NAME", "PID", "PROGRAM", "EXIT_POINT", "ADDRESS_FAMILY",
    "LOCAL_ADDRESS", "LOCAL_PORT", "REMOTE_ADDRESS", "REMOTE_PORT", "SOCKS_SERVER", "DECISION_US", "TEXT", "DETAIL",
    "GUARD_ID", "GUARD_NUMBER",
}  # fmt: skip


@pytest.mark.parametrize("journey", JOURNEYS.values(), ids=JOURNEYS.keys())
def test_every_key_says_what_it_does(go, journey):
    panel = go(journey).panel
    known = read_help("function_keys").sections
    assert [key.label for key in panel.function_keys if not known.get(key.label)] == []
    assert all(key.label in panel.help(HELP_KEYS).text for key in panel.function_keys)


@pytest.mark.parametrize("choice", ["1", "2", "4", "5", "6", "7"])
def test_every_option_is_explained(go, choice):
    panel = go((choice,)).panel
    text = panel.help(HELP_OPTIONS).text
    assert [option.number for option in panel.options if f"{option.number}={option.text}:" not in text] == []


@pytest.mark.parametrize(
    ("choice", "key", "title"),
    [
        ("4", "CMD", "Command line"),
        ("4", "POSTO", "Position to"),
        ("4", "STATUS", "Status"),
        ("2", "SEQNBR", "Sequence number"),
        ("7", "USERID", "User id"),
    ],
)
def test_help_is_headed_by_words(go, choice, key, title):
    assert go((choice,)).panel.help(key).title == title


def test_every_help_file_has_a_title_and_no_tabs():
    for path in data_path("help").glob("*.md"):
        text = path.read_text(encoding="utf-8")
        assert text.startswith("# "), path.name
        assert "\t" not in text, path.name
