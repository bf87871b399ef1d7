"""Files that commands write: private, whole or not there, never over another unasked."""

from __future__ import annotations

import os
import stat

import pytest

from console.commands.output_file import output_path, written
from console.errors import CommandError


def refused(path, *, replace=False):
    with pytest.raises(CommandError) as error, written(path, replace=replace) as file:
        file.write("new")
    return error.value.message_id


def test_a_file_is_its_owners_alone(tmp_path):
    path = tmp_path / "list.txt"
    before = os.umask(0)
    try:
        with written(path, replace=False) as file:
            file.write("one\n")
    finally:
        os.umask(before)
    assert path.read_text() == "one\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_is_there_stays_unless_it_is_to_be_replaced(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("old")
    assert refused(path) == "GWL0633"
    assert path.read_text() == "old"
    with written(path, replace=True) as file:
        file.write("new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_came_there_meanwhile_stays(tmp_path):
    path = tmp_path / "list.txt"
    with pytest.raises(CommandError) as error, written(path, replace=False):
        path.write_text("theirs")
    assert error.value.message_id == "GWL0633"
    assert [each.name for each in tmp_path.iterdir()] == ["list.txt"]
    assert path.read_text() == "theirs"


def test_a_link_is_not_followed(tmp_path):
    target = tmp_path / "target"
    target.write_text("precious")
    link = tmp_path / "link"
    link.symlink_to(target)
    assert refused(link) == "GWL0633"
    with written(link, replace=True) as file:
        file.write("new")
    assert target.read_text() == "precious"
    assert not link.is_symlink()


def test_nothing_is_left_of_a_file_that_could_not_be_finished(tmp_path):
    with pytest.raises(ZeroDivisionError), written(tmp_path / "list.txt", replace=False) as file:
        file.write("half" * (1 // 0))
    assert list(tmp_path.iterdir()) == []


def test_where_no_file_can_be_the_reason_is_told(tmp_path):
    assert refused(tmp_path / "nowhere" / "list.txt") == "GWL0634"
    assert refused(tmp_path, replace=True) == "GWL0634"


def test_a_full_disk_is_told_and_leaves_nothing(small_disk):
    path = small_disk / "list.txt"
    with pytest.raises(CommandError) as error, written(path, replace=False) as file:
        file.write("x" * 4_000_000)
    assert error.value.message_id == "GWL0634"
    assert list(small_disk.iterdir()) == []


def test_a_new_name_is_beside_the_store(context, tmp_path):
    path = output_path(context, {"TOFILE": "*GEN"}, "csv")
    assert path.parent == context.store.location.directory
    assert path.suffix == ".csv"
    assert output_path(context, {"TOFILE": "list.txt"}, "csv").is_absolute()
