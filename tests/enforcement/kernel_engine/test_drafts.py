"""What the kernel has told is made into the same entries by the short way and by the long one."""

from __future__ import annotations

import gc
import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console import compiled
from console.enforcement.kernel.drafts import drafts_of
from console.enforcement.kernel.events import BY_LEVEL, DATAGRAM, EVENT, INERT, LEFT, NO_RELAY, RAW, RunProgram
from console.enforcement.kernel.events import read_event as event_of
from console.enforcement.kernel.programs import ProgramPaths
from console.enforcement.kernel.resets import is_to_be_reset
from console.enforcement.kernel.telling import entries_of
from console.journal.entries import draft
from console.journal.verify import verify
from console.journal.writer import append_drafts
from console.policy.audit_levels import Auditing, Levels
from console.policy.image import Account
from console.store.journal import page_after
from console.store.session import reading, transaction

ACCOUNTS = {0: Account("ROOT"), 8: Account("A\udcff/\0")}
MAPPED = bytes(10) + b"\xff\xff"
ADDRESSES = st.sampled_from([bytes(16), MAPPED + bytes(4), MAPPED + b"\x7f\0\0\1", bytes(15) + b"\1", b"\xfe\x80" * 8])
EVENTS = st.builds(
    EVENT.pack,
    st.integers(0, 2**62), st.sampled_from([0, 1, 999_999_999]), st.sampled_from([0, 7, 8]), st.integers(1, 3),
    st.sampled_from([10, 99_999]), st.integers(0, 2), st.integers(0, 2),
    st.sampled_from([0, BY_LEVEL, INERT, DATAGRAM | BY_LEVEL, RAW, NO_RELAY, LEFT, 0, BY_LEVEL]), st.integers(0, 1),
    st.sampled_from([0, 23, 80]), st.sampled_from([0, 443]), st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 111]),
    st.integers(0, 1), ADDRESSES, ADDRESSES, st.just(1), st.just(1), st.just(0), st.sampled_from([b"", b"a", b"\xff"]),
    st.sampled_from([b"", b"thread", b"\xfe/x"]),
)  # fmt: skip
LEVELS_OFF = Levels(Auditing())
LEVELS = (
    Auditing(),
    Auditing(control=("*AUDLVL",), levels=("*NETBAS",)),
    Auditing(control=("*AUDLVL",), levels=("*NETTELSVR", "*NETBAS")),
)


BOOT_NS = 1_700_000_000 * 10**9


@pytest.mark.parametrize("auditing", LEVELS, ids=str)
@given(records=st.lists(EVENTS, max_size=24))
def test_both_ways_make_the_same(loop, auditing, records):
    levels = Levels(auditing)
    made = drafts_of(records, BOOT_NS, ACCOUNTS, levels)
    events = list(map(event_of, records))
    entries = [each for event in events for each in entries_of(event, BOOT_NS, ACCOUNTS, levels)]
    assert made.drafts == list(map(draft, entries))
    assert made.resets == list(filter(is_to_be_reset, events))


def event_octets(at_ns=1, pid=1234, port=40_000, *, address=7, program=b"nginx", flags=0):
    local, remote = MAPPED + b"\x7f\0\0\1", MAPPED + bytes((10, 0, address // 256, address % 256))
    return EVENT.pack(
        at_ns, pid, 0, 300, 99_999, 0, 0, flags, 0, 8080, port, 0, 0, 0, local, remote, 5, 6, 0, program, b"thread",
    )  # fmt: skip


def test_what_many_events_have_in_common_is_one_object(loop):
    """By that it is seen, when rows are put together for the store."""
    if compiled.journalling is None:
        pytest.skip("rows are put together in C only")
    first, *others = drafts_of(
        [event_octets(port=port) for port in range(50_000, 50_020)], BOOT_NS, ACCOUNTS, LEVELS_OFF
    ).drafts
    apart = {place for each in others for place, value in enumerate(each) if value is not first[place]}
    assert apart == {1, 18}  # time and remote port


def test_more_callers_and_addresses_than_are_remembered_are_each_named_as_they_are(loop):
    records = [
        event_octets(pid=number % 30 + 1, address=number, program=b"p%d" % (number % 30), flags=BY_LEVEL * (number % 2))
        for number in range(200)
    ]
    entries = [each for record in records for each in entries_of(event_of(record), BOOT_NS, ACCOUNTS, LEVELS_OFF)]
    made = drafts_of(records, BOOT_NS, ACCOUNTS, LEVELS_OFF).drafts
    assert made == list(map(draft, entries))
    assert {each[12] for each in made} == set(range(1, 31))


@pytest.mark.parametrize(
    "octets", [b"", event_octets()[:-1], event_octets() + b"\0" * 352, event_octets()[:24] + b"\x09" * 112]
)
def test_record_that_is_no_event_is_read_or_refused_alike_in_both_languages(octets, monkeypatch):
    found = []
    for module in (None, compiled.journalling):
        monkeypatch.setattr(compiled, "journalling", module)
        try:
            found.append(drafts_of([event_octets(), octets], BOOT_NS, ACCOUNTS, LEVELS_OFF).drafts)
        except Exception as error:  # noqa: BLE001 -- whichever it is must be that of Python, too
            found.append((type(error), str(error)))
    assert found[0] == found[1]


def test_batch_that_names_thousands_leaves_nothing_behind(loop):
    """Each reference that the loop takes is given back."""
    records = [event_octets(pid=number, port=number, address=number) for number in range(1, 3000)]
    drafts_of(records, BOOT_NS, ACCOUNTS, LEVELS_OFF)
    gc.collect()
    before = len(gc.get_objects()), sys.getrefcount(0), sys.getrefcount("")
    for _ in range(5):
        drafts_of(records, BOOT_NS, ACCOUNTS, LEVELS_OFF)
    gc.collect()
    after = len(gc.get_objects()), sys.getrefcount(0), sys.getrefcount("")
    assert all(abs(one - other) < 100 for one, other in zip(before, after, strict=True))


def test_drafts_stay_as_they_are_when_they_are_written_for_the_store_may_have_to_be_tried_again(loop, store):
    made = drafts_of([event_octets(port=port) for port in range(1, 200)], BOOT_NS, ACCOUNTS, LEVELS_OFF).drafts
    before = [each[:] for each in made]
    with transaction(store) as session:
        append_drafts(session, made)
        session.rollback()
    assert made == before
    with transaction(store) as session:
        append_drafts(session, made)
    with reading(store) as session:
        assert [each.remote_port for each in page_after(session, 0, limit=1000)] == list(range(1, 200))
        assert verify(session).bad_entry is None


class _Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def own_program(**other):
    link = os.readlink("/proc/self/exe")
    found = os.stat(link)
    device = os.major(found.st_dev) << 20 | os.minor(found.st_dev)
    return link, RunProgram(found.st_ino, device, os.path.basename(link), "thread")._replace(**other)


def test_path_of_a_program_is_known_while_it_runs_and_for_a_while_after():
    clock = _Clock()
    paths = ProgramPaths(clock)
    path, program = own_program()
    gone = 2**22 + 1
    assert paths.of(gone, program) == program.file
    assert paths.of(os.getpid(), program) == path
    assert paths.of(gone, program) == path
    clock.now = 61.0
    assert paths.of(gone, program) == program.file


@pytest.mark.parametrize("other", [{"inode": 1}, {"file": "another"}, {"device": 99 << 20 | 1}])
def test_path_of_another_program_is_not_believed(other):
    _, program = own_program(**other)
    assert ProgramPaths().of(os.getpid(), program) == program.file


def test_the_kernel_itself_is_called_by_its_thread():
    assert ProgramPaths().of(2, RunProgram(0, 0, "", "kthreadd")) == "[kthreadd]"


def test_path_is_believed_only_where_it_leads_to_the_program_here_too(tmp_path, monkeypatch):
    """A process may say any path, of a mount namespace of its own; that of others must not be remembered from it."""
    _, program = own_program()
    false = tmp_path / program.file
    false.write_text("another")
    paths = ProgramPaths()
    monkeypatch.setattr(os, "readlink", lambda link: str(false))
    assert paths.of(os.getpid(), program) == program.file
    monkeypatch.undo()
    assert paths.of(os.getpid(), program) == own_program()[0]


def test_file_that_is_named_like_a_thread_of_the_kernel_does_not_look_like_one():
    assert ProgramPaths().of(2**22 + 1, RunProgram(5, 5, "[kthreadd]", "x")) == "./[kthreadd]"
