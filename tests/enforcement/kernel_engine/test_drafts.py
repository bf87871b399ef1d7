"""What the kernel has told is made into the same entries by the short way and by the long one."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.enforcement.kernel.drafts import drafts_of
from console.enforcement.kernel.events import BY_LEVEL, DATAGRAM, EVENT, INERT, LEFT, NO_RELAY, RAW, RunProgram
from console.enforcement.kernel.events import read_event as event_of
from console.enforcement.kernel.programs import ProgramPaths
from console.enforcement.kernel.resets import is_to_be_reset
from console.enforcement.kernel.telling import entries_of
from console.journal.entries import draft
from console.policy.audit_levels import Auditing, Levels
from console.policy.image import Account

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
LEVELS = (
    Auditing(),
    Auditing(control=("*AUDLVL",), levels=("*NETBAS",)),
    Auditing(control=("*AUDLVL",), levels=("*NETTELSVR", "*NETBAS")),
)


@pytest.mark.parametrize("auditing", LEVELS, ids=str)
@given(records=st.lists(EVENTS, max_size=8))
def test_both_ways_make_the_same(auditing, records):
    levels = Levels(auditing)
    made = drafts_of(records, 1_700_000_000 * 10**9, ACCOUNTS, levels)
    events = list(map(event_of, records))
    entries = [each for event in events for each in entries_of(event, 1_700_000_000 * 10**9, ACCOUNTS, levels)]
    assert made.drafts == list(map(draft, entries))
    assert made.resets == list(filter(is_to_be_reset, events))


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
