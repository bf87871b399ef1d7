"""The console put together: the main job by keys, the banner, and three pictures."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.commands.execute import run_command
from console.journal.writer import append
from console.model.words import Action, ExitPoint
from console.store.revisions import active_policy
from console.store.session import reading, transaction
from screens.app import ConsoleApp
from screens.banner import Banner
from screens.console import console_services, filled_in, host_name
from screens.console_options import ConsoleOptions
from screens.panels.main_menu import MainMenu
from tests.factories import entry, signed_on
from tests.screens.conftest import press, settle

SIZE = (80, 25)
ADD_RULE = (
    "2", "enter", "f6",
    "tab", *"*reject", "ctrl+k", "tab", "tab", "tab", "tab", *"192.0.2.9", "ctrl+k", *"443", "ctrl+k", "enter",
)  # fmt: skip
"""From the main menu: the rules of *CONNECT, F6, the prompter filled in, Enter."""


@pytest.fixture(autouse=True)
def _utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")


@pytest.fixture
def services(store, now):
    return console_services(store, signed_on(), system="NJORD01", clock=lambda: now)


@pytest.fixture
def make_console(services, store, now, tmp_path):
    """Return a maker of the whole console; the clock stands, and the banner is asked for once."""

    def make(**options):
        settings = {
            "system_name": "NJORD01",
            "state_directory": tmp_path / "state",
            "clock": lambda: now,
            "status": Banner(store, lambda: now).text,
            "poll_s": None,
            **options,
        }
        return ConsoleApp(lambda: MainMenu(services, is_first=True), ConsoleOptions(**settings))

    return make


def rows(app):
    return app.surface.text()


def test_printed_screens_go_beside_the_store_unless_told_otherwise(services, store, tmp_path):
    assert filled_in(ConsoleOptions(), services).state_directory == store.location.directory
    assert filled_in(ConsoleOptions(state_directory=tmp_path), services).state_directory == tmp_path


async def test_the_main_job_by_keys(make_console, store, now):
    app = make_console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, *ADD_RULE)
        assert rows(app)[23].strip() == "Rule 10 added to *CONNECT."
        assert "10 *REJECT   *ALL       192.0.2.9          443" in rows(app)[10]
        assert "Pending changes  . :  1   F10 activates" in rows(app)[3]
        await press(pilot, "f10")
        assert "remote_address 192.0.2.9, remote_port 443" in " ".join(rows(app)[4].split())
        await press(pilot, "enter")
        assert rows(app)[23].strip() == "Revision 2 is active: 1 rule added."
        with transaction(store) as session:
            append(session, [entry(entry_timestamp=now, outcome="*REJECTED", rule_sequence=10)])
        await press(pilot, "f3", *"dspjrn", "enter")
        assert "SK C *REJECTED ALICE      127.0.0.2:443" in rows(app)[8]
        await press(pilot, "5", "enter")
        assert "Display Journal Entry" in rows(app)[0]
    with reading(store) as session:
        number, policy = active_policy(session)
    rule = next(rule for rule in policy.rules if rule.exit_point is ExitPoint.CONNECT)
    assert (number, rule.sequence, rule.action) == (2, 10, Action.REJECT)


async def test_keys_typed_ahead_work_blind(make_console):
    app = make_console()
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press(*ADD_RULE, "f10", "enter")
        await settle(pilot)
        assert rows(app)[23].strip() == "Revision 2 is active: 1 rule added."


async def test_f1_on_a_field_a_message_a_column_the_keys_and_the_title_are_five_helps(make_console):
    app = make_console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "2", "enter", "f6", "f1")
        assert "Exit point (EXITPNT) - Help" in "\n".join(rows(app))
        await press(pilot, "f12", "enter")
        assert "ACTION" in rows(app)[23]
        titles = []
        for row, column in ((24, 5), (22, 5), (1, 30)):
            app.surface.terminal.frame.buffer.move(row, column)
            await press(pilot, "f1")
            titles.append(next(line for line in rows(app) if "Help" in line or "Additional Message" in line).strip())
            await press(pilot, "f12")
        assert len(set(titles)) == 3
        await press(pilot, "f12")
        app.surface.terminal.frame.buffer.move(11, 18)
        await press(pilot, "f1")
        assert "ACTION - Help" in "\n".join(rows(app)) or "Action - Help" in "\n".join(rows(app))


async def test_an_undeclared_key_is_refused(make_console):
    app = make_console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "f6")
        assert rows(app)[23].strip() == "Function key not allowed."


async def test_the_wide_layout_keeps_what_is_typed(make_console):
    app = make_console()
    async with app.run_test(size=SIZE) as pilot:
        await press(pilot, "2", "enter", "tab", "tab", *"12")
        await pilot.resize_terminal(132, 28)
        await settle(pilot)
        assert "Local address" in rows(app)[8]
        assert "Program" in rows(app)[8]


async def test_signing_off_ends_the_console(make_console):
    app = make_console()
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("f3", "f3")
        for _ in range(3000):
            await pilot.pause(0.01)
            if app.return_code is not None:
                break
    assert app.return_code == 0


def test_the_banner_names_what_is_not_refused_and_a_worker_that_is_not_there(services, store, now):
    banner = Banner(store, lambda: now)
    assert banner.text() == "No worker: the journal waits. STRSOCWRK starts one."
    run_command("CHGSOCEXT *CONNECT *MONITOR", services.context)
    assert banner.text() == "No worker: the journal waits. STRSOCWRK starts one."
    run_command("ACTSOCPCY", services.context)
    assert banner.text() == "No worker. *CONNECT in *MONITOR."


def test_the_longest_banner_leaves_room_for_the_system_name(services, store, now):
    for point, mode in (("*ACCEPT", "*MONITOR"), ("*CONNECT", "*MONITOR"), ("*LISTEN", "*OFF")):
        run_command(f"CHGSOCEXT {point} {mode}", services.context)
    run_command("ACTSOCPCY", services.context)
    text = Banner(store, lambda: now).text()
    assert text == "No worker. *ACCEPT, *CONNECT in *MONITOR. *LISTEN in *OFF."
    assert len(text) < len(" " * 60)


def test_a_host_name_becomes_a_system_name():
    assert host_name() == host_name().upper()
    assert len(host_name()) <= 8


@pytest.mark.snapshot
def test_picture_of_the_main_menu(make_console, snap_compare):
    assert snap_compare(make_console(), terminal_size=SIZE, run_before=settle)


@pytest.mark.snapshot
def test_picture_of_the_prompter_in_error(make_console, snap_compare):
    async def before(pilot):
        await settle(pilot)
        await press(pilot, "2", "enter", "f6", "tab", *"*deny", "enter")

    assert snap_compare(make_console(), terminal_size=SIZE, run_before=before)


@pytest.mark.snapshot
def test_picture_of_the_journal(make_console, store, now, snap_compare):
    made = [
        entry(entry_timestamp=now + timedelta(seconds=index), outcome="*REJECTED" if index % 2 else "*ALLOWED")
        for index in range(8)
    ]
    with transaction(store) as session:
        append(session, made)

    async def before(pilot):
        await settle(pilot)
        await press(pilot, "5", "enter")

    assert snap_compare(make_console(), terminal_size=SIZE, run_before=before)
