"""Names that a job resolves remotely, and their addresses."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.enforcement.guard.name_table import NameTable, is_handed_out_from_here, name_of_labels
from console.enforcement.layouts import address_text


def labels(text):
    return [label.encode() for label in text.split(".")]


def test_first_name_gets_the_first_address():
    assert address_text(NameTable().address_of("www.example.com")) == "240.0.0.1"


def test_name_keeps_its_address_and_address_its_name():
    table = NameTable()
    first, second = table.address_of("a.example"), table.address_of("b.example")
    assert first != second
    assert table.address_of("a.example") == first
    assert (table.name_of(first), table.name_of(second)) == ("a.example", "b.example")


def test_addresses_that_stand_for_nothing_have_no_name():
    table = NameTable()
    first = table.address_of("a.example")
    assert [table.name_of(address) for address in (0, first - 1, first + 1, 1 << 127)] == ["", "", "", ""]


def test_full_table_gives_no_address_and_keeps_what_it_has():
    table = NameTable(most=2)
    known = [table.address_of(name) for name in ("a", "b")]
    assert table.address_of("c") is None
    assert [table.address_of(name) for name in ("a", "b")] == known


def test_last_address_is_still_one_of_the_network():
    table = NameTable()
    addresses = [table.address_of(f"n{number}") for number in range(65_536)]
    assert all(map(is_handed_out_from_here, addresses))
    assert table.address_of("one-more") is None
    assert address_text(addresses[-1]) == "240.1.0.0"


@pytest.mark.parametrize("address", ["239.255.255.255", "0.0.0.0", "127.0.0.1"])
def test_other_addresses_are_not_of_the_network(address):
    number = int.from_bytes(bytes(map(int, address.split("."))), "big")
    assert not is_handed_out_from_here(0xFFFF_0000_0000 + number)


@pytest.mark.parametrize(
    "name",
    ["www.example.com", "localhostx", "_sip._tcp.example.com", "r3---sn-x.example", "xn--bcher-kva.example", "a"],
)
def test_host_names_are_told_as_they_are(name):
    assert name_of_labels(labels(name)) == name


def test_names_are_told_in_lower_case():
    assert name_of_labels([b"WwW", b"eXample", b"COM"]) == "www.example.com"


@pytest.mark.parametrize(
    "given_labels",
    [
        [], [b""], [b"a", b"", b"b"], [b"a b"], [b"a\0"], [b"b\xfccher", b"example"], [b"a.b", b"example"], [b"a\n"],
        [b"x" * 64], [b"x" * 63] * 4, [b"*", b"example"], [b"a/b"], [b"a:80"],
    ],
)  # fmt: skip
def test_what_is_no_host_name_is_told_to_nobody(given_labels):
    assert name_of_labels(given_labels) is None


@pytest.mark.parametrize("name", ["10.0.0.5", "2130706433", "0x7f000001", "127.1", "0x7f.1", "a.0x", "1.2.3.4"])
def test_names_that_a_server_would_take_for_addresses_are_told_to_nobody(name):
    assert name_of_labels(labels(name)) is None


@settings(deadline=None)
@given(st.lists(st.binary(max_size=70), max_size=130))
def test_whatever_is_told_is_a_host_name(given_labels):
    name = name_of_labels(given_labels)
    if name is not None:
        assert 0 < len(name) <= 253
        assert set(name) <= set(string.ascii_lowercase + string.digits + "-_.")
        assert ".." not in name
