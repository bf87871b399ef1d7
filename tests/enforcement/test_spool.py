"""Spool files: whole, cut at every octet, damaged at every octet, locked, left behind."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from console.enforcement.frames import Counted, Taken, encode
from console.enforcement.spool import Spool, _record, discard, leftover, parse_spool, read_segment, waiting_spools
from console.errors import WorkerError
from tests.factories import GUARD_ID, hello


@pytest.fixture
def spool(tmp_path):
    made = Spool(tmp_path, hello())
    yield made
    made.remove()


@pytest.fixture
def octets(spool):
    spool.close(7)
    return spool.path.read_bytes()


def test_guard_and_status_are_read_back(octets):
    assert parse_spool(octets) == (hello(), 7, "")


def test_spool_without_an_end_has_no_status(spool):
    assert parse_spool(spool.path.read_bytes()) == (hello(), None, "")


def test_spool_cut_anywhere_yields_the_whole_records_before_the_cut(octets):
    first = len(_record(hello()))
    for cut in range(len(octets)):
        expected = (None, None, "cut short") if cut < first else (hello(), None, "" if cut == first else "cut short")
        assert parse_spool(octets[:cut]) == expected


def test_spool_damaged_anywhere_says_so(octets):
    for at in range(len(octets)):
        damaged = bytearray(octets)
        damaged[at] ^= 0x10
        found, status, damage = parse_spool(bytes(damaged))
        assert damage
        assert found in (None, hello())
        assert status is None


@pytest.mark.parametrize("second", [hello(), Taken(1), Counted(1, 1, 1)])
def test_records_out_of_place_are_damage(second):
    assert parse_spool(_record(hello()) + _record(second)) == (hello(), None, "unexpected")


def test_spool_of_another_release_says_so():
    assert parse_spool(_record(hello(protocol=1)) + encode(Taken(1))) == (None, None, "protocol 1, of another release")


def test_file_and_directory_are_private(tmp_path):
    spool = Spool(tmp_path / "spool", hello())
    assert stat.S_IMODE(spool.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(spool.path.parent.stat().st_mode) == 0o700
    spool.close()
    spool.close()
    spool.remove()
    assert spool.path.exists()


def test_spool_belongs_to_its_guard_until_it_is_closed(spool, tmp_path):
    with leftover(spool.path) as left:
        assert left is None
    for index in (2, 1, 10):
        spool.segment(index).touch()
    spool.close(7)
    with leftover(spool.path) as left:
        assert (left.hello, left.exit_status, left.guard_id, left.damage) == (hello(), 7, GUARD_ID, "")
        assert left.segments == tuple(map(spool.segment, (1, 2, 10)))
        with leftover(spool.path) as second:
            assert second is None
        discard(left.path)
    assert waiting_spools(tmp_path) == []
    with leftover(spool.path) as left:
        assert left is None


def test_spool_belongs_to_its_guard_until_it_is_killed(tmp_path):
    code = (
        "import sys; from pathlib import Path; from console.enforcement.spool import Spool;"
        "from tests.factories import hello;"
        "s = Spool(Path(sys.argv[1]), hello()); print('ready', flush=True); sys.stdin.read()"
    )
    guard = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert guard.stdout.readline() == b"ready\n"
        (path,) = waiting_spools(tmp_path)
        with leftover(path) as left:
            assert left is None
    finally:
        guard.kill()
        guard.communicate()
    with leftover(path) as left:
        assert left.hello == hello()


def test_damaged_file_is_kept_under_another_name(spool, tmp_path):
    spool.close()
    discard(spool.path, damaged=True)
    assert [path.name for path in tmp_path.iterdir()] == [f"{GUARD_ID}.spool.damaged"]
    assert waiting_spools(tmp_path) == []


def test_symbolic_link_is_not_followed(tmp_path):
    target = tmp_path / "target"
    target.write_bytes(b"")
    link = tmp_path / f"{GUARD_ID}.spool"
    link.symlink_to(target)
    with pytest.raises(WorkerError, match="GWL0511"), leftover(link):
        pass
    with pytest.raises(WorkerError, match="GWL0511"):
        read_segment(link, GUARD_ID)


def test_spool_that_cannot_be_made_says_so(tmp_path):
    with pytest.raises(FileNotFoundError):
        Spool(tmp_path / "no" / "where", hello())


def test_spool_that_does_not_fit_on_the_disk_leaves_nothing(small_disk):
    with pytest.raises(OSError, match="No space"):
        Spool(small_disk, hello(command="x" * 2_000_000))
    assert list(small_disk.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_spool_of_a_stranger_is_refused_and_stays(tmp_path):
    spool = Spool(tmp_path / "s.spool", hello())
    spool.close()
    os.chown(spool.path, 65534, 65534)
    with pytest.raises(WorkerError) as caught, leftover(spool.path):
        pass
    assert caught.value.message_id == "GWL0511"
    assert spool.path.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_no_spool_is_made_in_the_directory_of_a_stranger(tmp_path):
    directory = tmp_path / "s.spool"
    directory.mkdir()
    os.chown(directory, 65534, 65534)
    with pytest.raises(PermissionError):
        Spool(directory, hello())
    assert not list(directory.iterdir())


@pytest.mark.parametrize("name", ["*", "?" * 32, GUARD_ID[:-1], GUARD_ID.upper(), f"{GUARD_ID}.1"])
def test_file_without_the_name_of_a_guard_is_no_spool(tmp_path, name):
    (tmp_path / f"{name}.spool").write_bytes(b"")
    (tmp_path / f"{GUARD_ID}.spool").write_bytes(b"")
    assert waiting_spools(tmp_path) == [tmp_path / f"{GUARD_ID}.spool"]
