"""Lists made of what the journal has seen, of services, and of users."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.commands.registry import COMMANDS
from console.commands.seen import services
from console.journal.writer import append
from console.store.journal_seen import seen_values
from console.store.session import reading, transaction
from tests.factories import entry


@pytest.fixture
def auditor(context):
    return replace(context, authorities=frozenset({"*AUDIT"}))


def values(command, keyword, context):
    parameter = next(each for each in COMMANDS[command].parameters if each.keyword == keyword)
    return [choice.value for choice in parameter.list_values(context)]


@pytest.fixture
def _journal(store):
    with transaction(store) as session:
        made = [entry(remote_address="192.0.2.7", remote_port=8443) for _ in range(3)]
        append(session, [*made, entry(remote_address="2001:db8::1", user_name="BOB")])


@pytest.mark.usefixtures("_journal")
def test_what_was_seen_most_comes_first(store):
    with reading(store) as session:
        assert seen_values(session, "remote_address") == [("192.0.2.7", 3), ("2001:db8::1", 1)]
        assert seen_values(session, "user_name")[-1] == ("BOB", 1)


def test_only_ends_users_and_programs_are_counted(store):
    with reading(store) as session, pytest.raises(ValueError, match="detail"):
        seen_values(session, "detail")


@pytest.mark.usefixtures("_journal")
@pytest.mark.parametrize(
    ("command", "keyword", "wanted"),
    [
        ("ADDSOCRUL", "RMTADR", "192.0.2.7"),
        ("ADDSOCRUL", "RMTPORT", "8443"),
        ("DSPJRN", "RMTADR", "2001:db8::1"),
        ("DSPJRN", "USRPRF", "BOB"),
    ],
)
def test_addresses_ports_and_users_seen_are_offered_to_auditors_alone(auditor, context, command, keyword, wanted):
    assert wanted in values(command, keyword, auditor)
    assert wanted not in values(command, keyword, replace(context, authorities=frozenset({"*IOSYSCFG"})))


def test_services_are_listed_by_port():
    found = {choice.value: choice.text for choice in services()}
    assert found["ssh"] == "Port 22"
