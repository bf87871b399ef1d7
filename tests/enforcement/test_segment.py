"""Segments: what a guard has left in one, at whatever moment it was killed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from console.enforcement.records import pack, sealed
from console.enforcement.segment import SEGMENT_BYTES, Segment, parse
from tests.factories import GUARD_ID, decided


def body(number, **fields):
    return pack(number, (number, 0, 0), decided(**fields))


def whole(number):
    return sealed(body(number))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "1.segment"


@pytest.fixture
def segment(path):
    made = Segment(1, GUARD_ID, path)
    for number in range(1, 4):
        assert made.append(number, body(number))
    yield made
    made.remove()


def numbers(octets):
    events, damage = parse(octets, GUARD_ID)
    return [event.number for event in events], damage


def test_what_was_appended_is_in_the_file_at_once(segment, path):
    assert numbers(path.read_bytes()) == ([1, 2, 3], "")
    assert segment.read(segment.start, SEGMENT_BYTES) == b"".join(whole(number) for number in range(1, 4))


def test_file_has_all_its_blocks_and_is_private(segment, path):
    status = path.stat()
    assert status.st_size == SEGMENT_BYTES
    assert status.st_blocks * 512 >= SEGMENT_BYTES
    assert status.st_mode & 0o777 == 0o600


def test_released_segment_is_read_from_its_file(segment):
    before = segment.read(segment.start, SEGMENT_BYTES)
    assert segment.release()
    assert not segment.release()
    assert segment.read(segment.start, SEGMENT_BYTES) == before


def test_segment_is_full_when_a_record_has_no_room(path):
    segment = Segment(1, GUARD_ID, path)
    number = 1
    while segment.append(number, body(number, text="x" * 2000)):
        number += 1
    assert segment.last == number - 1
    assert numbers(path.read_bytes()) == (list(range(1, number)), "")


def test_segment_without_a_file_gets_one_later_with_all_that_is_in_it(path):
    segment = Segment(1, GUARD_ID, None)
    assert segment.append(1, body(1))
    assert not path.exists()
    segment.settle(path)
    assert segment.append(2, body(2))
    assert numbers(path.read_bytes()) == ([1, 2], "")


@pytest.mark.parametrize("damage", [bytes(100), b"?" * 60])
def test_what_was_begun_after_the_last_whole_record_is_no_damage(segment, path, damage):
    octets = bytearray(path.read_bytes())
    octets[segment.end + 8 : segment.end + 8 + len(damage)] = damage
    assert numbers(bytes(octets)) == ([1, 2, 3], "")


def test_what_stands_far_behind_the_last_whole_record_is_told_of(segment, path):
    octets = bytearray(path.read_bytes())
    octets[segment.end + 9000] = 1
    assert numbers(bytes(octets)) == ([1, 2, 3], "a gap")


def test_segment_cut_anywhere_yields_the_whole_records_before_the_cut(segment, path):
    octets = path.read_bytes()
    one = len(whole(1))
    for cut in range(1, segment.end + 20):
        found, damage = numbers(octets[:cut])
        assert damage
        assert found == list(range(1, max(0, min(3, (cut - segment.start) // one)) + 1))


def test_segment_of_another_guard_is_damage(path, segment):
    assert parse(path.read_bytes(), "f" * 32) == ([], "header")


@pytest.mark.parametrize("octets", [b"", bytes(10), bytes(SEGMENT_BYTES)])
def test_segment_that_was_being_made_is_empty(octets):
    assert parse(octets, GUARD_ID) == ([], "")


def test_killed_writer_has_left_all_that_it_has_said_to_have_written(tmp_path):
    code = (
        "import sys; from pathlib import Path; from console.enforcement.segment import Segment;"
        "from tests.enforcement.test_segment import body, GUARD_ID\n"
        "segment = Segment(1, GUARD_ID, Path(sys.argv[1])); number = 0; bodies = [body(n) for n in range(1, 1500)]\n"
        "for number, each in enumerate(bodies, 1):\n"
        "    segment.append(number, each)\n"
        "    if not number % 50: sys.stdout.write(f'{number}\\n'); sys.stdout.flush()\n"
    )
    for tries in range(6):
        path = tmp_path / f"{tries}.segment"
        writer = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True)
        said = 0
        for _ in range(1 + 3 * tries):
            said = int(writer.stdout.readline())
        writer.kill()
        writer.communicate()
        found, damage = numbers(path.read_bytes())
        assert damage == ""
        assert found == list(range(1, len(found) + 1))
        assert len(found) >= said


def test_file_that_cannot_be_had_whole_leaves_nothing(small_disk):
    (small_disk / "ballast").write_bytes(bytes(600 * 1024))
    Segment(1, GUARD_ID, small_disk / "1").release()
    with pytest.raises(OSError, match="No space"):
        Segment(2, GUARD_ID, small_disk / "2")
    assert not (small_disk / "2").exists()
