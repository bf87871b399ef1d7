"""What servers, credentials and limits SOCKS entries can have, and how they stand in a policy."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.errors import PolicyError
from console.messages import describe
from console.model.words import SocksType, SocksVersion
from console.policy.checks import check_policy, make_policy, services_used
from console.policy.compiler import compile_policy
from console.policy.rule import Policy, SocksEntry, SocksServer
from console.policy.secret import Secret
from console.policy.socks_entries import (
    SOCKS_CHECKS,
    SOCKS_DEFAULTS,
    SOCKS_KEYWORDS,
    check_complete,
    check_servers,
    keyword_error,
    lacks_password,
    make_socks_entry,
    parse_servers,
    socks_fields,
)

PASSWORD = "hunter2"


def entry(**fields):
    return make_socks_entry(**{"sequence": 10, "servers": "proxy.example", **fields})


def refused(**fields):
    with pytest.raises(PolicyError) as caught:
        entry(**fields)
    shown = describe(caught.value)
    assert PASSWORD not in f"{shown} {caught.value!r} {caught.value}"
    return caught.value.message_id, caught.value.values["keyword"]


def test_an_entry_is_spelt_canonically():
    made = entry(
        sequence="0010",
        remote_address="10.1.2.3/8",
        remote_port="0443",
        user="alice",
        type="socks",
        servers="Proxy.Example.,  192.0.2.1:09050  [2001:DB8:0::1]:1080",
        version="5",
        user_id="Anna",
        password=PASSWORD,
        time_limit_ms="0500",
        text="Out",
    )
    assert made == SocksEntry(
        10,
        "10.0.0.0/8",
        "443",
        "ALICE",
        SocksType.SOCKS,
        (SocksServer("proxy.example"), SocksServer("192.0.2.1", 9050), SocksServer("2001:db8::1")),
        SocksVersion.V5,
        "Anna",
        Secret(PASSWORD),
        500,
        "Out",
    )


def test_every_field_has_a_check_a_keyword_and_a_default():
    assert list(SOCKS_CHECKS) == list(SOCKS_KEYWORDS) == list(socks_fields(entry()))
    assert list(SOCKS_DEFAULTS) == list(SOCKS_CHECKS)[1:]
    direct = socks_fields(make_socks_entry(sequence=1, type="direct"))
    assert {name for name, value in direct.items() if value != SOCKS_DEFAULTS.get(name)} == {"sequence", "type"}


@pytest.mark.parametrize("sequence", ["1", 1, "0099998"])
def test_sequence_numbers_are_those_of_rules_without_the_default(sequence):
    assert entry(sequence=sequence).sequence == int(sequence)


@pytest.mark.parametrize("sequence", ["", "0", "99999", "*DFT", "-1", "1.0", "²", "9" * 5000])
def test_other_sequence_numbers_are_refused(sequence):
    assert refused(sequence=sequence) == ("GWL0240", "sequence")


@pytest.mark.parametrize(
    ("value", "spelt"),
    [
        ("localhost", "localhost"),
        ("LOCALHOST:1080", "localhost"),
        ("a_b-c.d9:1", "a_b-c.d9:1"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("[::1]:65535", "[::1]:65535"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("127.0.0.1:1080,b , c", "127.0.0.1 b c"),
        ("a:1 a:2", "a:1 a:2"),
        ("x" * 63 + ".y", "x" * 63 + ".y"),
        ("", ""),
        (" , ", ""),
    ],
)
def test_servers_are_spelt_canonically(value, spelt):
    assert check_servers(value) == spelt
    assert check_servers(spelt) == spelt


@pytest.mark.parametrize(
    "value",
    [
        "a:0", "a:65536", "a:", "a:b", "a:1:2", "[::1", "::1]", "[::1]1080", "[a]x", "1.2.3", "10", "1.2.3.4.5",
        "0x7f.1", "a..b", ".a", "-a", "a-", "a/b", "http://a", "socks5://a:1080", "user@a", "grün", "a\tb", "a\nb",
        "*ANY", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "fe80::1%eth0", "192.0.2.0/24", "192.0.2.1-192.0.2.9",
        "127.0.0.01", "x" * 64 + ".y", "a." * 127 + "b",
    ],
)  # fmt: skip
def test_what_is_no_server_is_refused(value):
    assert refused(servers=value) == ("GWL0242", "servers")


def test_more_than_eight_servers_and_one_that_is_there_twice_are_refused():
    assert len(entry(servers=" ".join(f"s{n}" for n in range(8))).servers) == 8
    assert refused(servers=" ".join(f"s{n}" for n in range(9))) == ("GWL0243", "servers")
    assert refused(servers="a b A:1080") == ("GWL0244", "servers")


def test_a_port_given_for_all_is_that_of_servers_that_name_none():
    assert parse_servers("a b:1080 [::1]", port=9) == (SocksServer("a", 9), SocksServer("b"), SocksServer("::1", 9))


@given(st.text(alphabet="a1.:[]-, %", max_size=12))
def test_a_list_of_servers_is_refused_or_reads_back_as_it_is_spelt(text):
    try:
        spelt = check_servers(text)
    except PolicyError:
        return
    assert check_servers(spelt) == spelt
    assert " ".join(map(str, parse_servers(spelt))) == spelt


def test_a_socks_entry_needs_a_server_and_a_direct_one_none():
    assert refused(servers="") == ("GWL0249", "servers")
    assert refused(type="direct") == ("GWL0248", "servers")
    direct = make_socks_entry(sequence=1, type="*direct")
    assert (direct.type, direct.servers) == (SocksType.DIRECT, ())


@pytest.mark.parametrize(
    ("name", "value"), [("version", "4"), ("user_id", "x"), ("password", PASSWORD), ("time_limit_ms", "1")]
)
def test_a_direct_entry_says_nothing_to_servers(name, value):
    assert refused(type="direct", servers="", **{name: value}) == ("GWL0248", name)


@pytest.mark.parametrize("version", ["4", "4A", "4a"])
def test_versions_4_and_4a_know_no_password_and_no_ipv6(version):
    assert entry(version=version, user_id="x").user_id == "x"
    assert refused(version=version, user_id="x", password=PASSWORD) == ("GWL024A", "password")
    assert refused(version=version, remote_address="2001:db8::/32") == ("GWL024C", "remote_address")
    assert refused(version=version, remote_address="::1-::2") == ("GWL024C", "remote_address")
    assert entry(version=version, remote_address="::ffff:10.0.0.1").remote_address == "10.0.0.1"


def test_an_entry_for_everything_reaches_what_its_version_knows():
    ipv4, ipv6 = 0xFFFF_0A00_0001, 1
    assert [entry(version="4").reaches(address) for address in (ipv4, ipv6)] == [True, False]
    assert [entry(version="5").reaches(address) for address in (ipv4, ipv6)] == [True, True]
    assert make_socks_entry(sequence=1, type="direct").reaches(ipv6)


def test_other_versions_are_refused():
    for version in ("", "3", "4B", "5H", "*SOCKS"):
        assert refused(version=version) == ("GWL0201", "version")


def test_a_password_needs_a_user_id_and_a_user_id_for_version_5_is_lacking_without_one():
    assert refused(password=PASSWORD) == ("GWL024B", "password")
    assert lacks_password(entry(user_id="anna"))
    assert not lacks_password(entry(user_id="anna", version="4"))
    assert not lacks_password(entry(user_id="anna", password=PASSWORD))
    assert not lacks_password(entry())


def test_a_policy_with_a_password_missing_is_one_but_cannot_be_compiled():
    policy = make_policy({}, [], socks=[entry(user_id="anna")])
    check_policy(policy)
    with pytest.raises(PolicyError) as caught:
        compile_policy(policy)
    assert describe(caught.value).text == "SOCKS entry 10 has user id anna and no password."
    check_complete([entry(user_id="anna", password=PASSWORD)])


@pytest.mark.parametrize("value", ["x" * 255, "é" * 127, "a b"])
def test_credentials_have_at_most_255_octets(value):
    made = entry(user_id=value, password=value)
    assert (made.user_id, made.password.text) == (value, value)


@pytest.mark.parametrize("value", ["x" * 256, "é" * 128, "\0", "\x1b[2J", "\ud800"])
def test_other_credentials_are_refused_and_a_password_is_not_told(value):
    assert refused(user_id=value) == ("GWL0245", "user_id")
    with pytest.raises(PolicyError) as caught:
        entry(user_id="x", password=value)
    assert (caught.value.message_id, caught.value.values["keyword"]) == ("GWL0246", "password")
    assert value not in str(caught.value)


def test_a_time_limit_is_from_a_millisecond_to_ten_minutes():
    assert [entry(time_limit_ms=limit).time_limit_ms for limit in ("1", 600_000)] == [1, 600_000]
    for limit in ("", "0", "600001", "1s", "-1"):
        assert refused(time_limit_ms=limit) == ("GWL0247", "time_limit_ms")


def test_an_error_can_name_the_keyword_instead_of_the_field():
    with pytest.raises(PolicyError) as caught:
        entry(servers="a:b")
    assert keyword_error(caught.value).values["keyword"] == "SERVER"


def test_a_policy_has_its_entries_in_the_order_in_which_they_are_tried_each_number_once():
    made = make_policy({}, [], socks=[entry(sequence=20), entry(sequence=9)])
    assert [each.sequence for each in made.socks] == [9, 20]
    with pytest.raises(PolicyError) as caught:
        make_policy({}, [], socks=[entry(), entry(servers="other")])
    assert describe(caught.value).text == "SOCKS entry 10 is there already."


@pytest.mark.parametrize(
    "bad",
    [
        SocksEntry(0, servers=(SocksServer("a"),)),
        SocksEntry(10),
        SocksEntry(10, servers=(SocksServer("a b"),)),
        SocksEntry(10, servers=(SocksServer("a", 0),)),
        SocksEntry(10, servers=(SocksServer("a"),), time_limit_ms=0),
        SocksEntry(10, servers=(SocksServer("a"),), version=SocksVersion.V4, password=Secret("x", is_sealed=True)),
    ],
)
def test_a_policy_read_back_with_an_entry_that_could_not_be_typed_is_refused(bad):
    whole = make_policy({}, [])
    with pytest.raises(PolicyError):
        check_policy(Policy(whole.modes, whole.rules, socks=(bad,)))


def test_entries_survive_json_and_a_policy_of_before_there_were_any_has_none():
    policy = make_policy({}, [], socks=[entry(user_id="anna", password=PASSWORD), entry(sequence=20, version="4A")])
    assert msgspec.json.decode(msgspec.json.encode(policy), type=Policy) == policy
    assert msgspec.json.decode(b"{}", type=Policy).socks == ()


def test_the_services_of_entries_are_used_like_those_of_rules():
    assert services_used([], [entry(remote_port="https"), entry(remote_port="80")]) == {"https"}


def test_a_secret_shows_itself_nowhere():
    secret = Secret(PASSWORD)
    made = entry(user_id="anna", password=secret)
    assert PASSWORD not in f"{secret} {secret!r} {made} {made!r} {socks_fields(made)} {[made]} {replace(made)!r}"
    assert (str(secret), str(Secret()), bool(secret), bool(Secret())) == ("*SET", "*NONE", True, False)
    assert made.password is secret
