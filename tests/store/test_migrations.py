"""Stores that older versions made: brought up with all that is in them."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from console.model.words import Action, ExitPoint, Mode, RawSockets, Udp
from console.store import schema
from console.store.engine import open_store
from console.store.exit_programs import list_exit_programs
from console.store.revisions import active_policy, count_changes, pending_policy
from console.store.session import reading
from console.store.settings import Settings, get_settings
from console.store.socks_entries import list_socks_entries
from console.store.sqlite import mark_file

RULE = {
    "user": "*ALL", "local_address": "*ANY", "local_port": "*ANY", "remote_address": "*ANY", "remote_port": "*ANY",
    "program": "*ANY", "action": "*ALLOW", "fail": "*EPERM", "audit": "*DFT", "message": "*NO", "active": "*YES",
    "text": "",
}  # fmt: skip
POINTS = ("*ACCEPT", "*CONNECT", "*LISTEN")


@pytest.fixture
def first_store(tmp_path):
    """Return the URL of a store as version 0001 left it: one rule pending, and the revision it began with active."""
    path = tmp_path / "old.db"
    path.touch(mode=0o600)
    mark_file(path)
    engine = create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    defaults = [{"exit_point": point, "sequence": 99999, **RULE} for point in POINTS]
    document = {"modes": dict.fromkeys(POINTS, "*ENFORCE"), "rules": defaults, "services": {}}
    with sqlite3.connect(path) as old:
        for each in [*defaults, {"exit_point": "*CONNECT", "sequence": 10, **RULE, "action": "*REJECT"}]:
            names = ", ".join(f'"{name}"' for name in each)
            old.execute(f"INSERT INTO pending_rule ({names}) VALUES (:{', :'.join(each)})", each)
        old.executemany("INSERT INTO pending_exit_point VALUES (?, '*MONITOR')", [(point,) for point in POINTS])
        old.execute("INSERT INTO revision VALUES (1, '2026-03-01 12:00:00', 'QSYS', '', ?)", (json.dumps(document),))
        old.execute("INSERT INTO active_revision VALUES (1, 1)")
    old.close()
    return f"sqlite:///{path}"


def test_store_of_the_first_version_keeps_its_rules_and_has_the_settings_it_acted_by(first_store):
    store = open_store(first_store)
    with reading(store) as session:
        pending = pending_policy(session)
        assert [(rule.sequence, rule.action) for rule in pending.rules if rule.exit_point is ExitPoint.CONNECT] == [
            (10, Action.REJECT),
            (99999, Action.ALLOW),
        ]
        assert set(pending.modes.values()) == {Mode.MONITOR}
        assert get_settings(session) == Settings(Udp.IGNORE, RawSockets.REFUSE)
        assert list_exit_programs(session) == []
        assert list_socks_entries(session) == []
    store.close()


def test_revision_of_the_first_version_is_read_with_the_settings_it_acted_by(first_store):
    store = open_store(first_store)
    with reading(store) as session:
        number, policy = active_policy(session)
        assert (number, policy.udp, policy.raw_sockets, policy.exit_programs) == (1, "*IGNORE", "*REFUSE", ())
        assert policy.socks == ()
        assert count_changes(session) == 4
    store.close()
