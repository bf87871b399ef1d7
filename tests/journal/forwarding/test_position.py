"""A position that somebody has written over: forwarding says so, and sends all rather than nothing."""

from __future__ import annotations

import threading

import pytest

from console.commands.definition import Context
from console.commands.execute import run_command
from console.errors import CommandError
from console.journal.forwarding.line import Line, Pace, Target
from console.journal.writer import append
from console.model.words import SPECIAL_AUTHORITIES
from console.store.forwarding import add_target, get_target
from console.store.messages import list_messages
from console.store.session import reading, transaction
from tests.factories import entry

QUICK = Pace(poll_s=0.01, store_s=0.01, settle_s=0.01, first_pause_s=0.01, longest_pause_s=0.05)


class Heard:
    """A server that hears everything."""

    def __init__(self, count):
        self.numbers = []
        self.is_enough = threading.Event()
        self._count = count

    def __call__(self, place, is_stopped, settle_s):
        return self

    def send(self, found):
        self.numbers += [number for number, _ in found]
        if len(self.numbers) >= self._count:
            self.is_enough.set()

    def has_answered(self):
        return True

    def settled(self):
        return self.numbers[-1] if self.numbers else 0

    def finish(self):
        pass

    def close(self):
        pass


@pytest.fixture
def target(store, now):
    values = {"name": "SIEM", "protocol": "*TCP", "host": "127.0.0.1", "port": 514, "format": "*SYSLOG",
              "position": 3}  # fmt: skip
    with transaction(store) as session:
        append(session, [entry() for _ in range(5)])
        add_target(session, values, now)
    return store


def heard(store, now, count):
    server = Heard(count)
    with reading(store) as session:
        line = Line(store, Target.of(get_target(session, "SIEM")), lambda: now, pace=QUICK, opener=server)
    line.start()
    assert server.is_enough.wait(20)
    line.stop()
    line.join(20)
    with reading(store) as session:
        return server.numbers, [each.message_id for each in list_messages(session)]


def test_forwarding_begins_at_its_position(target, now):
    assert heard(target, now, 2) == ([4, 5], [])


@pytest.mark.parametrize("planted", ["6", "9000000", "-1", "x'31'", "'x'"])
def test_position_that_was_never_noted_is_said_and_no_entry_is_missing(target, now, planted):
    with transaction(target) as session:
        session.connection().exec_driver_sql(f"UPDATE forward_target SET position = {planted}")
    assert heard(target, now, 5) == ([1, 2, 3, 4, 5], ["GWL0669"])


def test_operator_cannot_have_forwarding_begin_behind_the_next_entry(target, now):
    every = frozenset(SPECIAL_AUTHORITIES)
    context = Context(target, "QSECOFR", "000001/QSECOFR/T", lambda: now, authorities=every, limited=False)
    run_command("CHGJRNFWD FWD(SIEM) STRSEQ(6)", context)
    with pytest.raises(CommandError) as raised:
        run_command("CHGJRNFWD FWD(SIEM) STRSEQ(9)", context)
    assert raised.value.message_id == "GWL066A"
