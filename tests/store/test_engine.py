"""Opening stores: fresh, existing, older, newer, foreign, impossible ones."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from console.errors import StoreError
from console.messages import describe
from console.model.revision import Revision
from console.model.tables import METADATA
from console.model.words import ExitPoint, Mode
from console.policy.rule import Rule
from console.store import schema
from console.store.engine import Location, Store, open_store
from console.store.journal import attached_receiver
from console.store.location import default_url
from console.store.revisions import active_number, active_policy, count_changes
from console.store.rules import list_rules
from console.store.session import reading
from console.store.sqlite import PRAGMAS


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def refusal(url, **options):
    with pytest.raises(StoreError) as raised:
        open_store(url, **options)
    describe(raised.value)
    return raised.value.message_id


def test_fresh_store_has_the_default_policy_as_revision_1_and_a_receiver(store):
    with reading(store) as session:
        number, policy = active_policy(session)
        assert (number, count_changes(session), session.get(Revision, 2)) == (1, 0, None)
        assert policy.modes == dict.fromkeys(ExitPoint, Mode.ENFORCE)
        assert [rule.sequence for rule in policy.rules] == [99999] * 3
        assert all(isinstance(rule, Rule) for rule in policy.rules)
        assert attached_receiver(session).name == "AUDRCV0001"


def test_second_opening_finds_the_store_as_it_was(store, store_url):
    again = open_store(store_url, create=False)
    with reading(again) as session:
        assert (active_number(session), session.get(Revision, 2)) == (1, None)
        assert attached_receiver(session).name == "AUDRCV0001"
    again.close()


def test_second_opening_does_not_load_alembic(store, store_url):
    code = (
        "import sys; from console.store.engine import open_store;"
        f"open_store({store_url!r}).close(); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_connection_has_the_pragmas(store):
    with store.engine.connect() as one, store.engine.connect() as other:
        for connection in (one, other):
            for name, value in PRAGMAS.items():
                assert connection.exec_driver_sql(f"PRAGMA {name}").scalar() == value


def test_migrations_lead_to_the_tables_of_the_model(store):
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_head_is_the_last_migration():
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


def test_files_are_private_whatever_the_umask(tmp_path):
    code = (
        f"import os; os.umask(0); from console.store.engine import open_store; open_store('sqlite:///{tmp_path}/x.db')"
    )
    subprocess.run([sys.executable, "-c", code + "; os._exit(0)"], check=True)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert {"x.db", "x.db-wal", "x.db-shm"} <= set(modes)
    assert set(modes.values()) == {0o600}


def test_directory_of_the_default_store_is_made_private(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    url = default_url()
    assert url == f"sqlite:///{tmp_path}/state/greenwall/greenwall.db"
    open_store(url).close()
    assert stat.S_IMODE((tmp_path / "state" / "greenwall").stat().st_mode) == 0o700


def test_default_store_of_root_is_the_systems(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_url() == "sqlite:////var/lib/greenwall/greenwall.db"


def test_two_processes_may_make_the_same_store_at_once(store_url):
    code = (
        "import sys; from console.store.engine import open_store; from console.store.session import reading;"
        "from console.store.revisions import active_number; sys.stdin.read();"
        f"s = open_store({store_url!r});\nwith reading(s) as x: assert active_number(x) == 1"
    )
    makers = [subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) for _ in range(4)]
    for maker in makers:
        maker.stdin.close()
    assert [maker.wait(30) for maker in makers] == [0] * 4
    store = open_store(store_url)
    with reading(store) as session:
        assert session.get(Revision, 2) is None
        assert attached_receiver(session).name == "AUDRCV0001"
    store.close()


def _half_a_store(path):
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA application_id=0x47574C31")
    connection.close()


def _notes_another_process_sees(path):
    """Read in another process, which is the last to close the store unless this one has its locks."""
    code = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
        "print(c.execute('SELECT count(*) FROM notes').fetchone()[0]); c.close()"
    )
    done = subprocess.run([sys.executable, "-c", code, path], check=True, capture_output=True, text=True)
    return int(done.stdout)


def test_what_is_written_after_others_have_closed_the_store_is_seen_by_all(tmp_path):
    """Also by who has made the tables while it had the file open already, as one of several started at once."""
    path = tmp_path / "half.db"
    _half_a_store(path)
    store = open_store(f"sqlite:///{path}")
    with store.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE notes (number)")
    for number in range(3):
        assert _notes_another_process_sees(path) == number
        with store.engine.begin() as connection:
            connection.exec_driver_sql("INSERT INTO notes VALUES (1)")
        open_store(store.url).close()  # another user of it in this process
    store.close()


def test_store_from_a_newer_version_is_refused_and_not_changed(store, store_url, tmp_path):
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9001'")
    store.close()
    before = digest(tmp_path / "test.db")
    with pytest.raises(StoreError) as raised:
        open_store(store_url)
    assert raised.value.message_id == "GWL0309"
    assert (raised.value.values["found"], raised.value.values["known"]) == ("9001", schema.HEAD)
    assert digest(tmp_path / "test.db") == before


def test_store_killed_before_its_tables_were_made_is_finished(tmp_path):
    _half_a_store(tmp_path / "half.db")
    store = open_store(f"sqlite:///{tmp_path}/half.db")
    with reading(store) as session:
        assert active_policy(session)[0] == 1
    store.close()


def test_empty_file_becomes_a_store(tmp_path):
    (tmp_path / "empty.db").touch(mode=0o600)
    store = open_store(f"sqlite:///{tmp_path}/empty.db")
    with reading(store) as session:
        assert active_policy(session)[0] == 1
    store.close()


def test_file_that_is_no_database_is_refused_and_not_changed(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("These are my notes. " * 20)
    before = digest(path)
    assert refusal(f"sqlite:///{path}") == "GWL0306"
    assert digest(path) == before
    assert [each.name for each in tmp_path.iterdir()] == ["notes.txt"]


def test_database_of_another_program_is_refused_and_not_changed(tmp_path):
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    before = digest(path)
    assert refusal(f"sqlite:///{path}") == "GWL0307"
    assert digest(path) == before
    assert [each.name for each in tmp_path.iterdir()] == ["other.db"]


def test_damaged_store_is_refused(store, store_url, tmp_path):
    store.close()
    path = tmp_path / "test.db"
    octets = bytearray(path.read_bytes())
    octets[100:] = b"\xff" * (len(octets) - 100)
    path.write_bytes(octets)
    assert refusal(store_url) == "GWL0310"


def test_missing_directory_is_refused_and_not_made(tmp_path):
    assert refusal(f"sqlite:///{tmp_path}/no/where.db") == "GWL0303"
    assert list(tmp_path.iterdir()) == []


def test_missing_store_is_not_made_when_it_must_be_there(tmp_path):
    assert refusal(f"sqlite:///{tmp_path}/none.db", create=False) == "GWL0308"
    assert list(tmp_path.iterdir()) == []


def test_directory_in_place_of_the_file_is_refused(tmp_path):
    assert refusal(f"sqlite:///{tmp_path}") == "GWL0305"


def test_symbolic_link_to_nowhere_is_refused(tmp_path):
    (tmp_path / "link.db").symlink_to(tmp_path / "nowhere")
    assert refusal(f"sqlite:///{tmp_path}/link.db") == "GWL0304"


@pytest.mark.parametrize(
    ("url", "message_id"),
    [
        ("not a url", "GWL0301"),
        ("", "GWL0301"),
        ("sqlite://", "GWL0302"),
        ("sqlite:///:memory:", "GWL0302"),
        ("sqlite:///file:x?mode=memory", "GWL0302"),
        ("sqlite:////tmp/x.db?timeout=1", "GWL0302"),
        ("sqlite+aiosqlite:////tmp/x.db", "GWL0302"),
        ("oracle7://host/db", "GWL0312"),
        ("postgresql+psycopg2://host/db", "GWL0312"),
    ],
)
def test_url_that_cannot_be_a_store_is_refused(url, message_id, monkeypatch, tmp_path):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert refusal(url) == message_id


@pytest.mark.parametrize(
    "url",
    [
        "oracle7://bob:s3cret@host/db",
        "postgresql+psycopg2://bob:s3cret@host/db",
        "postgresql://bob:s3cret@host:port/db",
        "postgresql://bob:s3@cret@host:port/db",
        "sqlite://bob:s3cret@host/db?x=1",
    ],
)
def test_no_message_and_no_representation_shows_the_password_of_a_url(url, monkeypatch, tmp_path):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with pytest.raises(StoreError) as raised:
        open_store(url)
    assert "cret" not in f"{describe(raised.value)} {raised.value}"
    store = Store(url, create_engine("sqlite://"), Location(tmp_path, "s.db"))
    assert "cret" not in repr(store)


def test_store_that_was_deleted_is_not_made_again_by_who_has_it_open(store, store_url):
    store.engine.dispose()
    file = Path(store.location.directory, store.location.name)
    for each in file.parent.glob(f"{file.name}*"):
        each.unlink()
    with pytest.raises(StoreError), reading(store) as session:
        active_policy(session)
    assert not file.exists()


@pytest.mark.parametrize(
    ("damage", "read"),
    [
        ("UPDATE pending_rule SET action = '*FOO'", list_rules),
        ("UPDATE receiver SET attached_at = 'garbage'", attached_receiver),
    ],
)
def test_damaged_row_is_an_error_of_the_store(store, damage, read):
    with store.engine.begin() as connection:
        connection.exec_driver_sql(damage)
    with pytest.raises(StoreError) as raised, reading(store) as session:
        read(session)
    assert raised.value.message_id == "GWL0310"
    describe(raised.value)


def test_errors_of_who_uses_a_session_stay_as_they_are(store):
    with pytest.raises(KeyError), reading(store):
        {}["bug"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else for a while")
@pytest.mark.parametrize("closed", ["directory", "parent"])
def test_store_that_another_user_keeps_to_himself_is_refused_by_name(tmp_path, closed):
    directory = tmp_path / "parent" / "directory"
    directory.mkdir(parents=True)
    for each in (tmp_path, *tmp_path.parents[:-2]):
        os.chmod(each, 0o755)
    open_store(f"sqlite:///{directory}/store.db").close()
    os.chmod(directory if closed == "directory" else directory.parent, 0o700)
    os.seteuid(65534)
    try:
        assert refusal(f"sqlite:///{directory}/store.db") == "GWL0305"
    finally:
        os.seteuid(0)


def test_directory_that_everybody_can_write_has_no_store(tmp_path):
    above = tmp_path / "above"
    (above / "within").mkdir(parents=True)
    above.chmod(0o777)
    for directory in (above, above / "within"):
        assert refusal(f"sqlite:///{directory}/g.db") == "GWL0335"
        assert not (directory / "g.db").exists()
    (tmp_path / "link").symlink_to(above / "within")
    assert refusal(f"sqlite:///{tmp_path}/link/g.db") == "GWL0335"
    (tmp_path / "g.db").symlink_to(above / "g.db")
    assert refusal(f"sqlite:///{tmp_path}/g.db") == "GWL0335", "the file itself is a link"
    (tmp_path / "private").mkdir()
    (above / "hop").symlink_to("../private")
    (tmp_path / "top").symlink_to("above/hop")
    assert refusal(f"sqlite:///{tmp_path}/top/g.db") == "GWL0335", "a link on the way lies where everybody can write"
    above.chmod(0o1777)
    open_store(f"sqlite:///{above}/within/g.db").close()
    open_store(f"sqlite:///{above}/g.db").close()
    open_store(f"sqlite:///{tmp_path}/top/g.db").close()


def test_links_that_lead_nowhere_end(tmp_path):
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    assert refusal(f"sqlite:///{tmp_path}/one/g.db") == "GWL0305"


def test_store_that_everybody_can_write_is_not_believed(store, store_url):
    store.file.chmod(0o666)
    assert refusal(store_url) == "GWL0336"
    store.file.chmod(0o640)
    open_store(store_url).close()


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's file is needed")
def test_store_or_key_of_somebody_else_is_not_believed(store, store_url):
    from console.store.key_files import read_key_file

    key = store.location.key
    key.write_bytes(b"x")
    key.chmod(0o600)
    assert read_key_file(key, "GWL0333") == b"x"
    for path in (key, store.file):
        os.chown(path, 65534, 65534)
    with pytest.raises(StoreError, match="GWL0333"):
        read_key_file(key, "GWL0333")
    assert refusal(store_url) == "GWL0336"
    os.chown(store.location.directory, 65534, 65534)
    open_store(store_url).close()
    assert read_key_file(key, "GWL0333") == b"x"
