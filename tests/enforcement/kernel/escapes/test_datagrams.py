"""Datagrams, in a job whose policy decides them, and in one whose policy leaves them alone."""

from __future__ import annotations

from tests.enforcement.kernel.escapes.expectations import ALLOWED, DATAGRAMS, DATAGRAMS_ARRIVED, FORBIDDEN
from tests.enforcement.kernel.escapes.ground import rounds_of


def test_datagram_leads_only_where_a_rule_allows(datagram_ground):
    seen = datagram_ground.run("udp_calls")
    assert tuple(seen.lines) == DATAGRAMS
    assert seen.arrived_in_words(datagram_ground.witness) == DATAGRAMS_ARRIVED
    assert seen.journal["*CONNECT", "*REJECTED", FORBIDDEN] >= len(DATAGRAMS) // 2 - 1


def test_address_rewritten_during_a_send_never_leads_to_a_refused_one(datagram_ground):
    seen = datagram_ground.run("udp_rewrite", rounds=rounds_of(10_000))
    assert seen.lines == ["both 1"]
    assert set(seen.arrived) == {("udp", ALLOWED, datagram_ground.witness.open_port)}
    assert seen.journal["*CONNECT", "*REJECTED", FORBIDDEN] > 0


def test_datagrams_are_left_alone_where_the_policy_says_so(ground):
    native, guarded = ground.native("udp_calls"), ground.run("udp_calls")
    assert guarded.lines == native.lines
    assert guarded.arrived == native.arrived
    assert guarded.journal == {}
