"""A policy as pages for the kernel answers as the policy does, for every user number, address and port."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.errors import PolicyError
from console.model.words import ExitPoint, Mode, RawSockets, SocksType, Udp
from console.policy.address_groups import make_address_group
from console.policy.checks import make_policy, make_rule
from console.policy.compiler import compile_policy
from console.policy.fields import MAX_ADDRESS
from console.policy.image import MOST_RULES, PAGE, Account, Settings, check_image, image
from console.policy.image import settings as settings_of
from console.policy.request import Request
from console.policy.socks_entries import make_socks_entry
from console.policy.time_groups import make_time_group
from tests.campaign import examples
from tests.policy.image_reader import Image
from tests.policy.strategies import ENDS, MOMENTS, SERVICES, policies, requests

ACCOUNTS = {
    0: Account("ROOT", frozenset({"ROOT"})),
    7: Account("ALICE", frozenset({"ADM", "ALICE"})),
    8: Account("AL", frozenset({"WHEEL"})),
    1000: Account("BOB", frozenset({"WHEEL", "ADM"})),
    4_294_967_294: Account("A"),
}
NUMBERS = [0, 1, 6, 7, 8, 9, 10, 99, 100, 109, 110, 999, 1000, 1001, 10_000, 10_999, 4_294_967_294, 4_294_967_295]


def held_by_kernel(policy):
    """Return a policy without what only a guard can see."""
    rules = [replace(rule, program="*ANY") for rule in policy.rules]
    return replace(policy, rules=tuple(rules), exit_programs=())


def large_group():
    """Return a policy that rejects 33,100 addresses, which are 66,200 pieces, and addresses in and beside them."""
    members = " ".join(f"10.{at // 250}.{at % 250}.1" for at in range(33_100))
    rules = [make_rule(exit_point="*CONNECT", sequence=10, remote_address="%MANY", action="*REJECT")]
    groups = [make_address_group(name="MANY", members=members)]
    compiled = compile_policy(make_policy({}, rules, SERVICES, address_groups=groups))
    asked = [
        0xFFFF_0A00_0001 + (at // 250 << 16) + (at % 250 << 8) + off
        for at in (0, 1, 127, 128, 32_767, 32_768, 32_896, 33_098, 33_099)
        for off in (-1, 0, 1)
    ]
    return compiled, [0, *asked, 0xFFFF_FFFF_FFFF, MAX_ADDRESS]


def answers(compiled, pages, request, number):
    """Return what the tables and what the pages say."""
    who = ACCOUNTS.get(number, Account(str(number)))
    decision = compiled.decide(request._replace(user=who.user, groups=who.groups))
    told = (decision.outcome, decision.sequence, decision.errno, decision.journal, decision.alert)
    found = pages.decide(request.exit_point, number, *request[4:])
    return told, found or ("*ALLOWED", 0, 0, False, False)


@settings(max_examples=examples(50), deadline=None)
@given(
    policy=policies(),
    asked=requests,
    numbers=st.lists(st.sampled_from(NUMBERS), min_size=100, max_size=100),
    moment=st.sampled_from(MOMENTS),
)
def test_pages_answer_as_the_tables(policy, asked, numbers, moment):
    compiled = compile_policy(held_by_kernel(policy), 12).at(moment)
    pages = Image(image(compiled, ACCOUNTS))
    assert pages.revision == 12
    for request, number in zip(asked, numbers, strict=True):
        told, found = answers(compiled, pages, request, number)
        assert found == told
        who = ACCOUNTS.get(number, Account(str(number)))
        entry = compiled.route(who.user, who.groups, request.remote_address, request.remote_port)
        way = 0 if entry is None or entry.type is SocksType.DIRECT else entry.sequence
        assert pages.way(number, request.remote_address, request.remote_port) == way


@pytest.mark.parametrize("user", ["0", "10*", "1*", "1000", "4294967295", "0*", "00*", "%WHEEL", "A*", "AL"])
def test_rules_about_user_numbers_hold_for_who_is_called_by_the_number(user):
    rules = [make_rule(exit_point="*CONNECT", sequence=10, user=user, action="*REJECT")]
    compiled = compile_policy(make_policy({}, rules, SERVICES))
    pages = Image(image(compiled, ACCOUNTS))
    asked = _request()
    for number in NUMBERS:
        told, found = answers(compiled, pages, asked, number)
        assert found == told


def test_many_rules_fill_many_leaves_and_rows():
    rules = [
        make_rule(
            exit_point="*CONNECT",
            sequence=10 + at,
            remote_address=f"10.{at // 250}.{at % 250}.4",
            remote_port=str(1 + at),
            user="ALICE" if at % 3 else "*ALL",
            action="*REJECT",
        )
        for at in range(3000)
    ]
    compiled = compile_policy(make_policy({}, rules, SERVICES))
    pages = Image(image(compiled, ACCOUNTS))
    base = 0xFFFF_0A00_0004
    for at in (0, 1, 62, 63, 64, 127, 128, 255, 256, 1500, 2998, 2999):
        for number in (7, 1000):
            for off in (-1, 0, 1):
                asked = _request(remote_address=base + (at // 250 << 16) + (at % 250 << 8) + off, remote_port=1 + at)
                told, found = answers(compiled, pages, asked, number)
                assert found == told


def test_a_group_of_more_addresses_than_one_page_of_the_index_leads_to_is_found_whole():
    compiled, asked = large_group()
    pages = Image(image(compiled, ACCOUNTS))
    for address in asked:
        told, found = answers(compiled, pages, _request(remote_address=address), 7)
        assert found == told


def test_addresses_at_both_ends_are_in_their_pieces():
    rules = [make_rule(exit_point="*CONNECT", sequence=10, remote_address="ffff::/16", action="*REJECT"),
             make_rule(exit_point="*CONNECT", sequence=20, remote_address="::", action="*REJECT")]  # fmt: skip
    compiled = compile_policy(make_policy({}, rules, SERVICES))
    pages = Image(image(compiled, ACCOUNTS))
    for address in (0, 1, MAX_ADDRESS, MAX_ADDRESS - 1, *ENDS):
        told, found = answers(compiled, pages, _request(remote_address=address), 7)
        assert found == told


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rules": [{"program": "/usr/bin/*"}]}, ("GWL0471", "/usr/bin/*")),
        ({"rules": [{"program": "/bin/sh"}]}, ("GWL0471", "/bin/sh")),
    ],
)
def test_what_the_kernel_cannot_see_is_refused_by_name(given, said):
    rules = [make_rule(exit_point="*CONNECT", sequence=10, **fields) for fields in given["rules"]]
    with pytest.raises(PolicyError) as caught:
        check_image(compile_policy(make_policy({}, rules, SERVICES)))
    assert (caught.value.message_id, caught.value.values["program"]) == said


def test_more_rules_than_the_kernel_looks_through_are_refused():
    rules = [make_rule(exit_point="*LISTEN", sequence=at + 1, local_port="1") for at in range(MOST_RULES)]
    compiled = compile_policy(make_policy({}, rules, SERVICES))
    with pytest.raises(PolicyError) as caught:
        check_image(compiled)
    assert (caught.value.message_id, caught.value.values["count"]) == ("GWL0472", MOST_RULES + 1)
    assert len(image(compiled, ACCOUNTS)) % PAGE == 0


def _request(**fields):
    given = {"exit_point": ExitPoint.CONNECT, "user": "", "groups": frozenset(), "program": "", "local_address": 0,
             "local_port": 0, "remote_address": 0xFFFF_0A01_0203, "remote_port": 443}  # fmt: skip
    return Request(**(given | fields))


@pytest.mark.parametrize(
    ("mode", "given", "found"),
    [
        (Mode.ENFORCE, {}, Settings.REFUSE_RAW | Settings.REFUSE_UNSEEN),
        (Mode.ENFORCE, {"raw_sockets": RawSockets.ALLOW}, Settings.REFUSE_UNSEEN),
        (Mode.MONITOR, {"udp": Udp.DECIDE}, Settings.MONITOR_RAW | Settings.DECIDE_DATAGRAMS),
        (Mode.OFF, {"udp": Udp.DECIDE}, Settings(0)),
    ],
)
def test_settings_are_in_the_pages_as_the_mode_of_connects_lets_them(mode, given, found):
    compiled = compile_policy(make_policy(dict.fromkeys(ExitPoint, mode), [], SERVICES, **given))
    assert settings_of(compiled) == found
    assert Image(image(compiled, ACCOUNTS)).settings == found


def test_more_socks_entries_than_the_kernel_looks_through_are_refused():
    entries = [make_socks_entry(sequence=at + 1, servers="::1") for at in range(MOST_RULES)]
    with pytest.raises(PolicyError) as caught:
        check_image(compile_policy(make_policy({}, [], SERVICES, socks=entries)))
    assert caught.value.message_id == "GWL0488"


@pytest.mark.parametrize("user", ["*ALL", "ALICE"])
def test_rules_whose_time_it_is_not_do_not_hold(user):
    night = make_time_group(name="NIGHT", times="22:00-06:00", time_zone="UTC")
    rules = [make_rule(exit_point="*CONNECT", sequence=10, user=user, time_group="NIGHT", action="*REJECT")]
    compiled = compile_policy(make_policy({}, rules, SERVICES, time_groups=[night], time_zone="UTC"))
    for hour, expected in ((12, "*ALLOWED"), (23, "*REJECTED")):
        now = compiled.at(hour * 3600 * 10**9)
        pages = Image(image(now, ACCOUNTS))
        told, found = answers(now, pages, _request(), 7)
        assert found == told
        assert found[0] == expected
