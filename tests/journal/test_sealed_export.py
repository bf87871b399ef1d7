"""Exports with a seal: any change is found, without the store."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.errors import JournalError, UsageError
from console.journal.seal import public_text
from console.journal.sealed_export import check_export, seal_of
from console.journal.signer import load_key
from console.journal.writer import append
from console.shell.journal import verify_saved
from console.shell.journal_export import Asked, export_journal
from console.store.session import transaction
from tests.factories import entry


@pytest.fixture
def exported(store, tmp_path):
    """Return the path of a sealed export of ten entries, and the public key."""
    with transaction(store) as session:
        append(session, [entry(text="\u00e4")] * 10)
    path = tmp_path / "export.jsonl"
    export_journal(store, Asked(output=str(path), seal=True))
    return path, public_text(load_key(store.location).public_key())


def test_export_is_whole(exported, capsys):
    path, key = exported
    assert check_export(path, key) == (10, key)
    assert seal_of(path).stat().st_mode & 0o777 == 0o600
    verify_saved(str(path), key)
    assert "GWL062C" in "".join(capsys.readouterr())


@pytest.mark.parametrize("form", ["csv", "syslog", "cef", "leef"])
def test_every_format_and_subset_can_be_sealed(exported, store, form):
    path, key = exported
    other = path.with_suffix(f".{form}")
    export_journal(store, Asked(form, str(other), seal=True, texts={"--since": "7"}))
    assert check_export(other, key).public_key == key


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_octet_that_is_changed_removed_or_added_is_found(exported, data):
    path, key = exported
    which: Path = data.draw(st.sampled_from([path, seal_of(path)]))
    whole = which.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    cut = data.draw(st.integers(0, 1))
    added = data.draw(st.binary(max_size=2))
    changed = whole[:place] + added + whole[place + cut :]
    try:
        which.write_bytes(changed)
        if changed == whole:
            assert check_export(path, key) == (10, key)
        elif which == path:
            with pytest.raises(JournalError):
                check_export(path, key)
        else:
            with suppress(JournalError):  # a blank in JSON changes nothing
                assert check_export(path, key) == (10, key)
    finally:
        which.write_bytes(whole)


def test_seal_of_another_key_vouches_for_nothing_where_the_key_is_given(exported):
    path, _ = exported
    with pytest.raises(JournalError) as caught:
        check_export(path, "00" * 32)
    assert caught.value.message_id == "GWL062E"


@pytest.mark.parametrize("asked", [Asked(seal=True), Asked(output="x", follow=True, seal=True)])
def test_only_a_file_can_be_sealed(store, asked):
    with pytest.raises(UsageError) as caught:
        export_journal(store, asked)
    assert caught.value.message_id == "GWL062F"
