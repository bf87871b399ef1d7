"""The commands for F9, from one console to the next."""

from __future__ import annotations

from pathlib import Path

from console.store.location import Location
from screens.history import History


def path_of(tmp_path):
    return Location(tmp_path, "store.db").history("ALICE")


def test_the_next_console_finds_the_commands_of_this_one(tmp_path):
    first = History(path_of(tmp_path))
    for command in ("WRKREGINF", "WRKREGINF", "DSPJRN"):
        first.add(command)
    second = History(path_of(tmp_path))
    assert [second.before(back) for back in (1, 2, 3)] == ["DSPJRN", "WRKREGINF", None]


def test_only_the_owner_can_read_the_file(tmp_path):
    path = path_of(tmp_path)
    History(path).add("WRKREGINF")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_name_cannot_lead_out_of_the_directory(tmp_path):
    path = Location(tmp_path, "store.db").history("../X")
    assert path.parent.parent == tmp_path


def test_a_link_in_its_place_is_neither_read_nor_written(tmp_path):
    path = path_of(tmp_path)
    target = tmp_path / "other"
    target.write_text("SECRET\n")
    path.parent.mkdir()
    path.symlink_to(target)
    history = History(path)
    assert history.before(1) is None
    history.add("DSPJRN")
    assert target.read_text() == "SECRET\n"
    assert history.before(1) == "DSPJRN"


def test_a_directory_that_cannot_be_written_leaves_memory(tmp_path):
    history = History(Path("/proc/nowhere/ALICE"))
    history.add("DSPJRN")
    assert history.before(1) == "DSPJRN"


def test_what_is_no_line_is_not_kept(tmp_path):
    history = History(path_of(tmp_path))
    history.add("SNDMSG '\x1b[2J'")
    assert history.before(1) is None


def test_a_long_file_is_cut_to_what_is_remembered(tmp_path):
    path = path_of(tmp_path)
    history = History(path)
    for number in range(3000):
        history.add(f"SNDMSG '{number:0200}'")
    assert path.stat().st_size < 300 * 1024
    assert History(path).before(1) == f"SNDMSG '{2999:0200}'"
    assert History(path).before(201) is None


def test_who_is_still_there_after_the_file_was_removed_writes_into_no_other(tmp_path):
    path = path_of(tmp_path)
    history = History(path)
    history.add("DSPJRN")
    path.unlink()
    History(path).add("WRKREGINF")
    history.add("WRKALR")
    assert path.read_text() == "WRKREGINF\n"
