"""Spool files: whole, cut at every octet, damaged at every octet, locked, left behind."""

from __future__ import annotations

import os
import resource
import stat
import subprocess
import sys

import pytest

from console.enforcement.frames import Entries, Taken, encode
from console.enforcement.spool import Spool, discard, leftover, parse, waiting_spools
from console.errors import WorkerError
from tests.factories import GUARD_ID, events, hello

WHOLE = [encode(hello()), encode(Entries(events(1, 2))), encode(Entries(events(3, 3)))]


@pytest.fixture
def octets(tmp_path):
    spool = Spool(tmp_path, GUARD_ID)
    spool.append(WHOLE)
    yield spool.path.read_bytes()
    spool.remove()


def test_what_was_appended_is_read_back(octets):
    assert parse(octets) == (hello(), events(1, 3), "")


def test_spool_cut_anywhere_yields_the_whole_records_before_the_cut(octets):
    ends = [0]
    for frame in WHOLE:
        ends.append(ends[-1] + len(frame) + 4)
    expected = {0: (None, ()), 1: (hello(), ()), 2: (hello(), events(1, 2)), 3: (hello(), events(1, 3))}
    for cut in range(len(octets) + 1):
        records = sum(cut >= end for end in ends[1:])
        damage = "" if cut in ends else "cut short"
        assert parse(octets[:cut]) == (*expected[records], damage)


def test_spool_damaged_anywhere_yields_nothing_that_was_not_written(octets):
    written = events(1, 3)
    for at in range(len(octets)):
        damaged = bytearray(octets)
        damaged[at] ^= 0x10
        _, found, damage = parse(bytes(damaged))
        assert damage
        assert found == written[: len(found)]


@pytest.mark.parametrize("frames", [[Entries(events(1, 1))], [hello(), hello()], [hello(), Taken(1)]])
def test_records_out_of_place_are_damage(tmp_path, frames):
    spool = Spool(tmp_path, GUARD_ID)
    spool.append(map(encode, frames))
    assert parse(spool.path.read_bytes())[2].startswith("unexpected")
    spool.remove()


def test_truncated_spool_keeps_its_hello(tmp_path):
    spool = Spool(tmp_path, GUARD_ID)
    spool.append(WHOLE)
    spool.truncate()
    assert parse(spool.path.read_bytes()) == (hello(), (), "")
    spool.append(WHOLE[2:])
    assert parse(spool.path.read_bytes()) == (hello(), events(3, 3), "")
    spool.remove()
    assert list(tmp_path.iterdir()) == []


def test_file_and_directory_are_private(tmp_path):
    spool = Spool(tmp_path / "spool", GUARD_ID)
    assert stat.S_IMODE(spool.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(spool.path.parent.stat().st_mode) == 0o700
    spool.close()
    spool.close()
    spool.remove()
    assert spool.path.exists()


def test_spool_belongs_to_its_guard_until_it_is_closed(tmp_path):
    spool = Spool(tmp_path, GUARD_ID)
    spool.append(WHOLE)
    with leftover(spool.path) as left:
        assert left is None
    spool.close()
    with leftover(spool.path) as left:
        assert left.events == events(1, 3)
        with leftover(spool.path) as second:
            assert second is None
        discard(left)
    assert waiting_spools(tmp_path) == []
    with leftover(spool.path) as left:
        assert left is None


def test_spool_belongs_to_its_guard_until_it_is_killed(tmp_path):
    code = (
        "import sys; from pathlib import Path; from console.enforcement.spool import Spool;"
        "from tests.factories import *; from console.enforcement.frames import *;"
        "s = Spool(Path(sys.argv[1]), GUARD_ID);"
        "s.append([encode(hello()), encode(Entries(events(1, 3)))]); print('ready', flush=True); sys.stdin.read()"
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
        assert left.events == events(1, 3)


def test_damaged_spool_is_kept_under_another_name(tmp_path):
    spool = Spool(tmp_path, GUARD_ID)
    spool.append([WHOLE[0][:-1]])
    spool.close()
    with leftover(spool.path) as left:
        assert left.damage
        discard(left)
    assert [path.name for path in tmp_path.iterdir()] == [f"{GUARD_ID}.spool.damaged"]
    assert waiting_spools(tmp_path) == []


def test_symbolic_link_is_not_followed(tmp_path):
    target = tmp_path / "target"
    target.write_bytes(b"")
    link = tmp_path / f"{GUARD_ID}.spool"
    link.symlink_to(target)
    with pytest.raises(WorkerError, match="GWL0511"), leftover(link):
        pass


def test_spool_that_cannot_be_made_says_so(tmp_path):
    with pytest.raises(WorkerError, match="GWL0510"):
        Spool(tmp_path / "no" / "where", GUARD_ID)


def test_spool_that_cannot_grow_says_so_and_keeps_whole_records(tmp_path):
    spool = Spool(tmp_path, GUARD_ID)
    spool.append(WHOLE[:2])
    size = spool.path.stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, limits[1]))
    try:
        with pytest.raises(WorkerError, match="GWL0510"):
            spool.append(WHOLE[2:])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    spool.append(WHOLE[2:])
    assert parse(spool.path.read_bytes()) == (hello(), events(1, 3), "")
    spool.remove()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_spool_of_a_stranger_is_refused_and_stays(tmp_path):
    spool = Spool(tmp_path / "s.spool", GUARD_ID)
    spool.append(WHOLE)
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
    with pytest.raises(WorkerError) as caught:
        Spool(directory, GUARD_ID)
    assert caught.value.message_id == "GWL0510"
    assert not list(directory.iterdir())
