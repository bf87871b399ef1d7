"""Random policies and requests that meet often: few values, at and beside the ends of what they cover."""

from __future__ import annotations

from datetime import datetime
from random import Random

from hypothesis import strategies as st

from console.model.words import Action, Audit, ExitPoint, Fail, Mode, RawSockets, Udp, YesNo
from console.policy.address_groups import make_address_group, member_intervals
from console.policy.checks import make_policy, make_rule
from console.policy.exit_programs import make_exit_program
from console.policy.fields import MAX_ADDRESS, address_intervals
from console.policy.request import Request
from console.policy.socks_entries import make_socks_entry
from console.policy.time_groups import make_time_group

SERVICES = {"https": 443, "ssh": 22}
USERS = ["*ALL", "ALICE", "AL*", "A*", "BOB", "%WHEEL", "%ADM"]
ADDRESSES = [
    "*ANY",
    "10.0.0.0/8",
    "10.1.0.0/16",
    "10.1.2.3",
    "10.1.2.3-10.1.2.9",
    "0.0.0.0/0",
    "::/0",
    "::1",
    "::1-::2:0:0:0",
    "2001:db8::/32",
    "2001:db8::1",
]
ADDRESS_GROUPS = [
    make_address_group(name="MIXED", members="10.1.2.0/24 !10.1.2.3 !10.1.2.8-10.1.2.9 2001:db8::/33 ::1"),
    make_address_group(name="BOTH", members="0.0.0.0/0 ::/0 !10.0.0.0/8 !2001:db8::1"),
    make_address_group(name="EMPTY"),
    make_address_group(name="UNUSED", members="10.0.0.1", text="No rule says so"),
]
SAID_GROUPS = ["%MIXED", "%BOTH", "%EMPTY"]
TIME_GROUPS = [
    make_time_group(name="OFFICE", days="weekday", times="08:00-12:00 13:00-18:00", time_zone="Europe/Berlin"),
    make_time_group(name="NIGHT", days="*FRI", times="22:00-06:00", time_zone="UTC", text="Over midnight"),
    make_time_group(name="YULE", from_date="2026-12-24", to_date="2026-12-26"),
]
TIME_NAMES = ["*ANY", "*ANY", "OFFICE", "NIGHT", "YULE"]
ZONE = "America/New_York"
MINUTE_NS = 60_000_000_000
MOMENTS = [
    int(datetime.fromisoformat(text).timestamp()) * 1_000_000_000 + off
    for text in (
        "2026-11-27T07:00:00+00:00", "2026-11-27T11:00:00+00:00", "2026-11-27T17:00:00+00:00",
        "2026-11-27T22:00:00+00:00", "2026-11-28T00:00:00+00:00", "2026-11-28T06:00:00+00:00",
        "2026-12-24T05:00:00+00:00", "2026-12-27T05:00:00+00:00", "2026-03-29T01:00:00+00:00",
        "2026-10-25T00:30:00+00:00", "2026-10-25T01:00:00+00:00",
    )
    for off in (-1, 0, 1, MINUTE_NS)
]  # fmt: skip
"""At and beside the moments at which these groups change, and where clocks are put forward and back."""
PORTS = ["*ANY", "443", "https", "22-443", "1-65535", "444"]
PROGRAMS = ["*ANY", "/usr/bin/curl", "/usr/*", "/usr/bin/*"]
ENDS = sorted(
    {
        point
        for intervals in (
            *(address_intervals(address) for address in ADDRESSES),
            *(member_intervals(member) for group in ADDRESS_GROUPS for member in group.members),
        )
        for ends in intervals
        for end in ends
        for point in (end - 1, end, end + 1)
        if 0 <= point <= MAX_ADDRESS
    }
)


def mostly(value, values):
    """Every second rule says nothing about a field: with six fields, requests would else meet only default rules."""
    return st.one_of(st.just(value), st.sampled_from(values))


addresses = mostly("*ANY", ADDRESSES)
rule_addresses = mostly("*ANY", [*ADDRESSES, *SAID_GROUPS])
ports = mostly("*ANY", PORTS)


@st.composite
def rules(draw, sequence):
    exit_point = draw(st.sampled_from([*ExitPoint, ExitPoint.CONNECT, ExitPoint.CONNECT]))
    remote = exit_point is not ExitPoint.LISTEN
    return make_rule(
        exit_point=exit_point,
        sequence=sequence,
        user=draw(mostly("*ALL", USERS)),
        local_address=draw(rule_addresses),
        local_port=draw(ports),
        remote_address=draw(rule_addresses) if remote else "*ANY",
        remote_port=draw(ports) if remote else "*ANY",
        program=draw(mostly("*ANY", PROGRAMS)),
        time_group=draw(mostly("*ANY", TIME_NAMES)),
        action=draw(st.sampled_from(Action)),
        fail=draw(st.sampled_from(Fail)) if exit_point is not ExitPoint.ACCEPT else "*EPERM",
        audit=draw(st.sampled_from(Audit)),
        message=draw(st.sampled_from(YesNo)),
        active=draw(st.sampled_from([YesNo.YES, YesNo.YES, YesNo.NO])),
        text=draw(st.sampled_from(["", "A text", '"quoted" \\ *and*', "true", "12", "# no comment", "Grün: ja"])),
    )


exit_programs = st.lists(
    st.builds(
        make_exit_program,
        exit_point=st.sampled_from(ExitPoint),
        number=st.sampled_from([2, 3, 10, 2_147_483_647]),
        program=st.sampled_from(["site:ask", "_a.B9.c:__call__", "true:null"]),
        time_limit_ms=st.sampled_from([1, 1000, 60_000]),
        text=st.sampled_from(["", "12", "~", "Grün: *ja*"]),
    ),
    unique_by=lambda program: (program.exit_point, program.number),
    max_size=4,
)


PASSWORD = "pa: 'ss' \"w\\"
"""Always the same one: what differs between two policies is told, but not which password was the earlier."""


@st.composite
def socks_entries(draw, sequence):
    given = {
        "sequence": sequence,
        "remote_address": draw(addresses),
        "remote_port": draw(ports),
        "user": draw(mostly("*ALL", USERS)),
        "text": draw(st.sampled_from(["", "12", "Grün: *ja*"])),
    }
    if draw(st.booleans()):
        return make_socks_entry(**given, type="direct")
    given["servers"] = draw(st.sampled_from(["proxy.example", "10.0.0.1 [2001:db8::1]:9050", "::1 a:1 b"]))
    given["time_limit_ms"] = draw(st.sampled_from([1, 30_000, 600_000]))
    if ":" not in given["remote_address"] and draw(st.booleans()):
        user_id = draw(st.sampled_from(["", "anna"]))
        return make_socks_entry(**given, version=draw(st.sampled_from(["4", "4A"])), user_id=user_id)
    login = draw(st.sampled_from([{}, {"user_id": "007", "password": PASSWORD}]))
    return make_socks_entry(**given, **login)


@st.composite
def socks_lists(draw):
    sequences = draw(st.lists(st.integers(1, 99998), unique=True, max_size=6))
    return [draw(socks_entries(sequence)) for sequence in sequences]


@st.composite
def policies(draw):
    sequences = draw(st.lists(st.integers(1, 99998), unique=True, max_size=12))
    modes = {exit_point: draw(st.sampled_from([*Mode, Mode.ENFORCE, Mode.ENFORCE])) for exit_point in ExitPoint}
    defaults = [
        make_rule(exit_point=point, sequence="*DFT", action=draw(st.sampled_from(Action)))
        for point in draw(st.sets(st.sampled_from(ExitPoint)))
    ]
    return make_policy(
        modes,
        [*(draw(rules(sequence)) for sequence in sequences), *defaults],
        SERVICES,
        udp=draw(st.sampled_from(Udp)),
        raw_sockets=draw(st.sampled_from(RawSockets)),
        exit_programs=draw(exit_programs),
        socks=draw(socks_lists()),
        address_groups=ADDRESS_GROUPS,
        time_groups=TIME_GROUPS,
        time_zone=ZONE,
    )


REQUEST_VALUES = {
    "exit_point": [*ExitPoint, ExitPoint.CONNECT, ExitPoint.CONNECT],
    "user": ["ALICE", "AL", "A", "BOB", "WHEEL", ""],
    "groups": [frozenset(), frozenset({"WHEEL"}), frozenset({"ADM", "ALICE"}), frozenset({"WHEEL", "ADM"})],
    "program": ["/usr/bin/curl", "/usr/bin/cur", "/usr/bin/", "/usr/", "/usr", ""],
    "local_address": ENDS,
    "local_port": [0, 1, 21, 22, 442, 443, 444, 65535],
    "remote_address": ENDS,
    "remote_port": [0, 1, 21, 22, 442, 443, 444, 65535],
}


def requests_from(seed, count=100):
    """Return many requests from one number: drawing each by itself would cost more than deciding it."""
    random = Random(seed)
    return [Request(**{name: random.choice(values) for name, values in REQUEST_VALUES.items()}) for _ in range(count)]


requests = st.integers(0, 2**32).map(requests_from)
