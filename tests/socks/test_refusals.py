"""The table of failures: whole, and with errnos that programs know."""

from __future__ import annotations

import errno

import pytest

from console.messages import catalogue, describe
from console.socks.refusals import CONNECT_ERRNOS, REFUSALS, REPLIES_4, REPLIES_5, Reason, failure
from tests.socks.places import ipv4

OF_CONNECT = {errno.EACCES, errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT}
"""What connect(2) gives without any SOCKS server."""
OF_BIND = {Reason.NO_COMMAND: errno.EOPNOTSUPP, Reason.NOBODY_CAME: errno.ECONNABORTED}
OF_BIND[Reason.WRONG_PEER] = errno.ECONNABORTED


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_has_an_errno_that_programs_know(reason):
    found = REFUSALS[reason].errno
    assert found == OF_BIND[reason] if reason in OF_BIND else found in OF_CONNECT


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_has_a_message_that_names_the_server(reason):
    shown = describe(failure(reason, "proxy.test:1080", ipv4("192.0.2.1", 443), "the detail"))
    whole = f"{shown.text} {shown.cause} {shown.recovery}"
    assert "proxy.test:1080" in shown.text
    assert "192.0.2.1:443" in whole or reason is Reason.BAD_ADDRESS
    assert "{" not in whole


NOTICES = ("GWL0820", "GWL0821", "GWL0860", "GWL0862")
"""What a guard says of a server, that it failed and that it is back, and of names that are resolved at one."""


def test_no_two_reasons_share_a_message_and_none_is_left():
    ids = [refusal.message_id for refusal in REFUSALS.values()]
    assert len(ids) == len(set(ids)) == len(Reason)
    assert sorted(ids) == sorted(each for each in catalogue() if each.startswith("GWL08") and each not in NOTICES)


def test_a_server_that_fails_is_severe_and_a_destination_that_does_is_not():
    for refusal in REFUSALS.values():
        assert (catalogue()[refusal.message_id].severity == 40) == refusal.blames_server


def test_the_codes_are_those_of_the_documents():
    assert sorted(REPLIES_4) == [91, 92, 93]
    assert sorted(REPLIES_5) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [REFUSALS[REPLIES_5[code]].errno for code in sorted(REPLIES_5)] == [
        errno.ECONNREFUSED,
        errno.EACCES,
        errno.ENETUNREACH,
        errno.EHOSTUNREACH,
        errno.ECONNREFUSED,
        errno.ETIMEDOUT,
        errno.EOPNOTSUPP,
        errno.ENETUNREACH,
    ]
    assert [REFUSALS[REPLIES_4[code]].errno for code in sorted(REPLIES_4)] == [
        errno.ECONNREFUSED,
        errno.EACCES,
        errno.EACCES,
    ]


def test_errno_of_a_failure_is_the_tables_unless_given():
    place = ipv4("192.0.2.1")
    assert failure(Reason.UNREACHABLE, "s", place).errno == errno.EHOSTUNREACH
    assert failure(Reason.UNREACHABLE, "s", place, number=errno.ENETUNREACH).errno == errno.ENETUNREACH
    assert failure(Reason.CLOSED, "s", place).blames_server
    assert CONNECT_ERRNOS[errno.ECONNREFUSED] is Reason.NOT_LISTENING
