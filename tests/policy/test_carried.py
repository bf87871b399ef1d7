"""Other programs' configurations as SOCKS entries: each ``.in`` gives what is in its ``.ok``.

An ``.ok`` has the entries as a policy document writes them, with their passwords, then what cannot be carried over, as
it is told, and then whether the file is refused. ``# route`` lines in an ``.in`` say which entry a connection takes, as
in `test_golden`. ``fail-*.in`` is no such configuration, and is refused with exactly the message in its ``.ok``.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.errors import PolicyError
from console.messages import describe, line, message
from console.model.words import ExitPoint, Mode, SocksType
from console.policy import dante, proxychains
from console.policy.carried import Area, areas, goes_direct, not_carried, without
from console.policy.document import parse, render
from console.policy.fields import MAX_ADDRESS, MAX_PORT
from console.policy.request import MAPPED
from console.policy.routes import compile_routes
from console.policy.rule import Policy
from console.policy.socks_entries import check_socks_entries, make_socks_entry

CARRIED = Path(__file__).parent / "carried"
GOOD = sorted(path for path in CARRIED.glob("*.in") if not path.name.startswith("fail-"))
BAD = sorted(CARRIED.glob("fail-*.in"))
ROUTE = re.compile(r"^# route remote=(?P<host>\S+):(?P<port>\d+) -> (?P<sequence>\d+|direct)$", re.MULTILINE)
SERVICES = {"domain": 53, "http": 80, "socks": 1080}


def read(path, source=""):
    text = path.read_text(encoding="utf-8")
    if "proxychains" in path.name:
        return proxychains.parse(text, source)
    return dante.parse(text, source, SERVICES.get)


def policy_of(carried):
    return Policy(modes=dict.fromkeys(ExitPoint, Mode.ENFORCE), socks=carried.entries)


def told(carried):
    entries = render(policy_of(carried), secrets=True).partition("\nsocks:\n")[2]
    left = [line(message(each.message_id, **each.values)) for each in carried.left]
    refused = [f"refused for line {', '.join(map(str, carried.direct))}"] if carried.direct else []
    return "\n".join(["socks:", *entries.splitlines(), "", *left, "", *refused]).rstrip("\n") + "\n"


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_configuration_becomes_these_entries_and_says_what_is_left(path):
    assert told(read(path)) == path.with_suffix(".ok").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_the_entries_can_stand_in_a_policy(path):
    carried = read(path)
    check_socks_entries(carried.entries)
    assert [entry.sequence for entry in carried.entries] == [10 * n for n in range(1, len(carried.entries) + 1)]
    assert parse(render(policy_of(carried), secrets=True)).socks == carried.entries


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_connections_take_the_entry_that_is_expected(path):
    text = path.read_text(encoding="utf-8")
    routes = compile_routes(read(path).entries, {})
    expected = list(ROUTE.finditer(text))
    assert len(expected) == text.count("# route remote")
    for wanted in expected:
        address = ipaddress.ip_address(wanted["host"].strip("[]"))
        place = int(address) + (MAPPED if address.version == 4 else 0)
        entry = routes.route("KIM", frozenset(), place, int(wanted["port"])) if routes else None
        assert (str(entry.sequence) if entry else "direct") == wanted["sequence"], wanted[0]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_what_is_no_configuration_is_refused_with_its_line(path):
    with pytest.raises(PolicyError) as caught:
        read(path, "FILE")
    assert line(describe(caught.value)) + "\n" == path.with_suffix(".ok").read_text(encoding="utf-8")


def test_no_message_shows_a_password():
    paths = [path for path in [*GOOD, *BAD] if "s3cret" in path.read_text(encoding="utf-8")]
    shown = [path.with_suffix(".ok").read_text(encoding="utf-8") for path in paths]
    assert len(paths) > 5
    assert not [text for text in shown if "s3cret" in text.replace('    password: "s3cret"\n', "")]


def test_what_is_told_is_short_and_on_one_line():
    shown = not_carried("GWL0273", line=1, value="a\n" * 100).values["value"]
    assert shown == "a " * 28 + "a..."


def test_only_the_first_sixty_four_localnets_are_direct():
    lines = [f"localnet 10.0.{number}.0/24" for number in range(66)]
    carried = proxychains.parse("\n".join([*lines, "[ProxyList]", "socks5 198.51.100.1 1080"]))
    assert [entry.type for entry in carried.entries] == [SocksType.DIRECT] * 64 + [SocksType.SOCKS]
    assert [(each.message_id, each.values["line"]) for each in carried.left] == [("GWL026C", 65), ("GWL026C", 66)]


def test_a_time_that_is_said_is_added_to_the_other_ones_default():
    text = "tcp_connect_time_out 500\n[ProxyList]\nsocks5 198.51.100.1 1080\n"
    assert proxychains.parse(text).entries[0].time_limit_ms == 4_500
    assert proxychains.parse(text.replace("500", "2000000000")).entries[0].time_limit_ms == 600_000


@pytest.mark.parametrize(
    ("text", "chains"), [("", 1), ("0", 1), ("1", 1), ("01", 1), ("+1", 1), ("2", 0), ("-1", 0), ("10", 0), ("1x", 1)]
)
def test_the_length_of_a_chain_is_read_as_by_atoi(text, chains):
    listed = "[ProxyList]\nsocks5 198.51.100.1 1080\n"
    assert len(proxychains.parse(f"random_chain\nchain_len = {text}\n{listed}").entries) == chains


def test_a_route_may_go_over_lines_and_have_comments():
    text = "route # one\n{ from: 0/0\n  to: \\\n 10.0.0.0/8 via: direct # near\n}\n"
    assert [entry.remote_address for entry in dante.parse(text).entries] == ["10.0.0.0/8"]


def test_the_line_of_a_route_is_where_it_begins():
    text = "\n\nroute {\n from: 0/0\n to: 10.0.0.0/8 via: direct\n}\n"
    assert dante.parse(text).entries[0].text == "socks.conf line 3"


AREA = st.tuples(*[st.integers(0, 5)] * 4).map(lambda n: (min(n[:2]), max(n[:2]), min(n[2:]), max(n[2:])))


def points(whole: list[Area]) -> set[tuple[int, int]]:
    return {(a, p) for first, last, low, high in whole for a in range(first, last + 1) for p in range(low, high + 1)}


@given(st.lists(AREA, max_size=4), st.lists(AREA, max_size=4))
def test_what_is_taken_out_of_areas_is_gone_and_nothing_else(whole, taken):
    assert points(without(whole, taken)) == points(whole) - points(taken)


ENTRY = st.tuples(
    st.sampled_from(["*ANY", "10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "::/0"]),
    st.sampled_from(["*ANY", "1-1023", "443"]),
    st.sampled_from(SocksType),
)


@given(st.lists(ENTRY, max_size=5), ENTRY)
def test_what_goes_directly_is_what_the_routes_let_go(drawn, lost):
    entries = [
        make_socks_entry(
            sequence=number, remote_address=address, remote_port=port, type=type_, servers="a" * (type_ != "*DIRECT")
        )
        for number, (address, port, type_) in enumerate(drawn, start=1)
    ]
    routes = compile_routes(entries, {})
    whole = areas(lost[0], lost[1])
    ends = {
        0,
        MAX_ADDRESS,
        MAPPED,
        MAPPED + 0xFFFF_FFFF,
        MAPPED + 0x0A00_0000,
        MAPPED + 0x0A01_0000,
        MAPPED - 1,
        1 << 60,
    }
    ports = {0, 1, 442, 443, 444, 1023, 1024, MAX_PORT}
    taken = [
        routes.route("KIM", frozenset(), address, port) if routes else None
        for address in ends
        for port in ports
        if any(first <= address <= last and low <= port <= high for first, last, low, high in whole)
    ]
    assert goes_direct(whole, entries) == any(entry is None or entry.type is SocksType.DIRECT for entry in taken)


PROXYCHAINS_WORDS = [
    "strict_chain", "dynamic_chain", "random_chain", "round_robin_chain", "chain_len", "= 1", "=2", "quiet_mode",
    "proxy_dns", "proxy_dns_daemon 127.0.0.1:1053", "remote_dns_subnet 224", "tcp_read_time_out", "15000", "localnet",
    "127.0.0.0/8", "10.0.0.0:80/255.0.0.0", "[::1]:80/128", "::1/128", "dnat", "10.0.0.1", "10.0.0.2:80", "[ProxyList]",
    "socks4", "socks5", "http", "raw", "socks5://", "kim:pw@", "proxy.example", ":1080", "1080", "0", "70000", "kim",
    "\n", "\n", "\n", "\r\n", "\t", "#", "%", "\x00", "é", "²",
]  # fmt: skip
DANTE_WORDS = [
    "route", "{", "}", "from:", "to:", "via:", "0/0", "0.0.0.0/0", "10.0.0.0/8", "10.0.0.1", "::/0", "2001:db8::/32",
    "direct", "broadcast", "eth0", ".", ".example.com", "http://192.0.2.1/x", "port", "=", "eq", "!=", "ge", "<",
    "20-21", "1080", "socks", "nosuch", "proxyprotocol:", "socks_v4", "socks_v5", "http", "upnp", "protocol:", "tcp",
    "udp", "command:", "connect", "bind", "method:", "none", "username", "gssapi", "redirect", "extension:",
    "debug: 1", "resolveprotocol: fake", "internal:", "client pass {", "\n", "\n", "\\\n", "#", "\x00", "é", ":", "/",
    "route { from: 0/0 to: ", " via: ", " }\n",
]  # fmt: skip


def test_a_blank_that_c_does_not_know_is_a_part_of_a_word():
    with pytest.raises(PolicyError):
        proxychains.parse("[ProxyList]\n\N{NO-BREAK SPACE}\n")


def from_words(words):
    return st.lists(st.sampled_from(words), max_size=40).map(" ".join) | st.lists(st.sampled_from(words)).map("".join)


def outcome(read_text, text):
    """Read a text; whatever it gives can be told and used."""
    try:
        carried = read_text(text, "FILE")
    except PolicyError as error:
        describe(error)
        return
    assert told(carried)
    check_socks_entries(carried.entries)
    compile_routes(carried.entries, {})


@given(st.text() | from_words(PROXYCHAINS_WORDS))
def test_any_text_is_a_configuration_of_proxychains_or_is_refused(text):
    outcome(proxychains.parse, text)
    outcome(proxychains.parse, f"[ProxyList]\n{text}")


@given(st.text() | from_words(DANTE_WORDS))
def test_any_text_is_a_configuration_of_dante_or_is_refused(text):
    outcome(lambda *given: dante.parse(*given, SERVICES.get), text)
    outcome(lambda *given: dante.parse(*given, SERVICES.get), f"route {{ from: 0/0 to: {text} }}")


def installed(path):
    if not path.exists():
        pytest.skip(f"{path} is not installed")
    return path.read_text(encoding="utf-8")


def test_the_configuration_that_proxychains_comes_with_is_carried_over():
    carried = proxychains.parse(installed(Path("/etc/proxychains4.conf")))
    assert [entry.type for entry in carried.entries] == [SocksType.SOCKS]
    assert carried.direct == ()


def test_every_example_of_the_configuration_of_proxychains_is_understood():
    text = installed(Path("/etc/proxychains4.conf"))
    examples = re.sub(r"^# *(localnet|dnat|remote_dns_subnet|chain_len|random_chain)(?= |$)", r"\1", text, flags=re.M)
    carried = proxychains.parse(re.sub(r"^random_chain$", "", examples, flags=re.M))
    assert "GWL026E" not in {each.message_id for each in carried.left}
    assert {"10.0.0.0/8", "127.0.0.0/8", "::1", "0.0.0.0/0", "::/0"} <= {
        each.remote_address for each in carried.entries
    }


@pytest.mark.parametrize("path", ["/etc/dante.conf", "/usr/share/doc/dante-client/examples/dante.conf"])
def test_the_examples_of_the_configuration_of_dante_are_carried_over(path):
    text = installed(Path(path))
    assert dante.parse(text).entries == ()
    examples = "\n".join(re.findall(r"^#(route \{[^}]*\})", text, re.M)).replace("\n#", "\n")
    assert examples.count("route") > 5
    carried = dante.parse(examples, service_port=SERVICES.get)
    assert [(entry.type, entry.remote_address, entry.remote_port) for entry in carried.entries] == [
        (SocksType.DIRECT, "10.1.1.1", "53"),
        (SocksType.SOCKS, "0.0.0.0/0", "*ANY"),
    ]
    assert carried.direct == ()
