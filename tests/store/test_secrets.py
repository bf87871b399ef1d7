"""Passwords at rest: encrypted, with a key that only the store's owner can read."""

from __future__ import annotations

import os
import stat
import threading

import pytest

from console.errors import StoreError
from console.messages import describe
from console.policy.checks import make_policy
from console.policy.secret import NO_SECRET, Secret
from console.policy.socks_entries import make_socks_entry
from console.store.location import Location
from console.store.secrets import seal, seal_policy, unseal, unseal_policy

CLEAR = Secret("pa: 'ss' ü")


@pytest.fixture
def location(tmp_path):
    return Location(tmp_path, "test.db")


def entry(sequence=10, password=CLEAR, **fields):
    said = {"sequence": sequence, "servers": "proxy.example", "user_id": "anna", **fields}
    return make_socks_entry(**said, password=password)


def refused(work, *args):
    with pytest.raises(StoreError) as raised:
        work(*args)
    assert CLEAR.text not in f"{raised.value} {describe(raised.value)}"
    return raised.value.message_id


def test_sealed_password_is_another_text_each_time_and_opens_to_the_same(location):
    first, second = seal(location, CLEAR), seal(location, CLEAR)
    assert first.is_sealed
    assert first != second
    assert CLEAR.text not in first.text
    assert [unseal(location, entry(password=each)).password for each in (first, second)] == [CLEAR, CLEAR]


def test_key_is_its_owners_alone_and_nothing_else_is_left_behind(location):
    previous = os.umask(0)
    try:
        seal(location, CLEAR)
    finally:
        os.umask(previous)
    assert stat.S_IMODE(location.key.stat().st_mode) == 0o600
    assert os.listdir(location.directory) == ["test.db.key"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of others")
def test_key_that_root_makes_belongs_to_whose_directory_it_is_in(location):
    os.chown(location.directory, 4711, 4712)
    seal(location, CLEAR)
    made = location.key.stat()
    assert (made.st_uid, made.st_gid, stat.S_IMODE(made.st_mode)) == (4711, 4712, 0o600)


def test_without_a_password_there_is_no_key(location):
    assert seal(location, NO_SECRET) is NO_SECRET
    assert unseal(location, entry(password=NO_SECRET)).password is NO_SECRET
    assert seal_policy(location, make_policy({}, [])) == make_policy({}, [])
    assert os.listdir(location.directory) == []


def test_what_is_sealed_or_in_clear_already_stays_as_it_is(location):
    sealed = seal(location, CLEAR)
    assert seal(location, sealed) is sealed
    assert unseal(location, entry()) == entry()


def test_same_password_keeps_its_seal_and_another_gets_a_new_one(location):
    before = seal(location, CLEAR)
    assert seal(location, CLEAR, before) is before
    assert unseal(location, entry(password=seal(location, Secret("other"), before))).password == Secret("other")


def test_lost_key_is_said_and_passwords_can_be_given_anew(location):
    before = seal(location, CLEAR)
    location.key.unlink()
    assert refused(unseal, location, entry(password=before)) == "GWL0333"
    after = seal(location, CLEAR, before)
    assert unseal(location, entry(password=after)).password == CLEAR
    assert refused(unseal, location, entry(password=before)) == "GWL0334"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_key_that_others_may_read_or_write_is_not_used(location, mode):
    seal(location, CLEAR)
    location.key.chmod(mode)
    assert refused(seal, location, CLEAR) == "GWL0333"


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 44, b"x" * 5000])
def test_key_file_without_a_key_is_not_used_and_not_written_over(location, content):
    location.key.write_bytes(content)
    location.key.chmod(0o600)
    assert refused(seal, location, CLEAR) == "GWL0333"
    assert location.key.read_bytes() == content


def test_symbolic_link_directory_and_fifo_in_the_place_of_the_key_are_not_used(location, tmp_path):
    os.symlink(tmp_path / "elsewhere", location.key)
    assert refused(seal, location, CLEAR) == "GWL0333"
    location.key.unlink()
    location.key.mkdir(mode=0o700)
    assert refused(seal, location, CLEAR) == "GWL0333"
    location.key.rmdir()
    os.mkfifo(location.key, 0o600)
    assert refused(seal, location, CLEAR) == "GWL0333"


def test_key_that_cannot_be_made_is_said(location):
    missing = Location(location.directory / "nowhere", "test.db")
    assert refused(seal, missing, CLEAR) == "GWL0304"


def test_processes_that_make_the_key_at_once_use_the_same_one(location):
    sealed = []
    threads = [threading.Thread(target=lambda: sealed.append(seal(location, CLEAR))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {unseal(location, entry(password=each)).password for each in sealed} == {CLEAR}
    assert os.listdir(location.directory) == ["test.db.key"]


@pytest.mark.parametrize("damage", [lambda token: token[:-4], lambda token: "A" + token[1:], lambda token: "é"])
def test_damaged_password_is_said(location, damage):
    sealed = seal(location, CLEAR)
    damaged = Secret(damage(sealed.text), is_sealed=True)
    assert refused(unseal, location, entry(password=damaged)) == "GWL0334"


def test_policy_is_sealed_and_opened_as_a_whole(location):
    policy = make_policy({}, [], socks=[entry(10), entry(20, password=Secret("other")), entry(30, NO_SECRET)])
    sealed = seal_policy(location, policy)
    assert [each.password.is_sealed for each in sealed.socks] == [True, True, False]
    assert unseal_policy(location, sealed) == policy


def test_password_missing_in_a_document_is_that_of_the_entry_for_the_same_servers_and_user(location):
    there = [entry(10, seal(location, CLEAR))]
    given = [
        entry(50, NO_SECRET),
        entry(60, NO_SECRET, user_id="bert"),
        entry(70, NO_SECRET, servers="elsewhere"),
        entry(80, NO_SECRET, user_id=""),
        entry(90, Secret("new")),
        entry(95, CLEAR),
    ]
    sealed = seal_policy(location, make_policy({}, [], socks=given), there)
    kept = [each.sequence for each in sealed.socks if each.password == there[0].password]
    missing = [each.sequence for each in sealed.socks if not each.password]
    assert (kept, missing) == ([50, 95], [60, 70, 80])
    assert unseal(location, sealed.socks[4]).password == Secret("new")


def test_missing_password_is_never_that_of_another_entry_for_the_same_servers_and_user(location):
    there = [entry(10, seal(location, CLEAR)), entry(20, seal(location, Secret("other")))]
    sealed = seal_policy(location, make_policy({}, [], socks=[entry(n, NO_SECRET) for n in (10, 20, 30)]), there)
    assert [each.password for each in sealed.socks] == [there[0].password, there[1].password, NO_SECRET]


def test_missing_password_is_the_one_that_all_entries_for_the_same_servers_and_user_have(location):
    there = [entry(10, seal(location, CLEAR)), entry(20, seal(location, CLEAR))]
    sealed = seal_policy(location, make_policy({}, [], socks=[entry(30, NO_SECRET)]), there)
    assert unseal(location, sealed.socks[0]).password == CLEAR
