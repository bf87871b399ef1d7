"""Random policies and real calls, three ways: what the tables say, what a guard does, and what the kernel does."""

from __future__ import annotations

import errno
import json
import random
import socket
from pathlib import Path

import pytest

from console.enforcement.kernel.accounts import known_accounts
from console.model.words import ExitPoint, Outcome, Udp
from console.policy.checks import make_policy, make_rule
from console.policy.compiler import compile_policy
from console.policy.fields import address_intervals
from console.policy.image import image
from console.policy.request import Request
from tests.end_to_end.peer import free_port
from tests.enforcement.kernel.jobs import activate_rules, make_house
from tests.enforcement.kernel_engine.conftest import PRELUDE, PYTHON

ADDRESSES = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4", "::1"]
RULE_ADDRESSES = ["*ANY", *ADDRESSES, "127.0.0.0/30", "127.0.0.2-127.0.0.3", "::/0"]
USERS = ["*ALL", "*ALL", "ROOT", "RO*", "NOBODY"]
POLICIES, RULES, CALLS = 6, 8, 20

CALLS_PROGRAM = """
import json
def made_socket(address, kind=socket.SOCK_STREAM):
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return made
def said(number):
    print(errno.errorcode.get(number, number) if number else "done", flush=True)
def number_of(call):
    try:
        call()
    except OSError as error:
        return error.errno or -1
    return 0
def do_connect(source, address, port):
    made = made_socket(address)
    if source:
        made.bind((source, 0))
    said(made.connect_ex((address, port)))
def do_datagram(source, address, port):
    made = made_socket(address, socket.SOCK_DGRAM)
    if source:
        made.bind((source, 0))
    said(number_of(lambda: made.sendto(b"x", (address, port))))
def do_listen(source, address, port):
    made = made_socket(address)
    said(number_of(lambda: made.bind((address, port))) or number_of(made.listen))
def do_accept(source, address, port):
    server, client = made_socket(address), made_socket(address)
    refused = number_of(lambda: server.bind((address, port))) or number_of(server.listen)
    if refused:
        return said(refused)
    server.settimeout(0.4)
    client.setblocking(False)
    if source:
        client.bind((source, 0))
    refused = client.connect_ex((address, port))
    if refused not in (0, errno.EINPROGRESS):
        return said(refused)
    print("done" if not number_of(server.accept) else "nobody", flush=True)
for name, *arguments in json.loads(sys.argv[1]):
    globals()["do_" + name](*arguments)
"""


def _number(address):
    return address_intervals(address)[0][0] if address else 0


class Calls:
    """Random rules, and random calls that meet them."""

    def __init__(self, seed, outside):
        self._random = random.Random(seed)
        self._outside = outside
        self._ports = [free_port() for _ in range(3)]

    def rules(self):
        return [self._rule(10 + at) for at in range(RULES)]

    def _rule(self, sequence):
        pick = self._random.choice
        point = pick([*ExitPoint, ExitPoint.ACCEPT, ExitPoint.ACCEPT])
        ports = ["*ANY", "*ANY", *map(str, self._ports)]
        return make_rule(
            exit_point=point,
            sequence=sequence,
            user=pick(USERS),
            action=pick(["*ALLOW", "*REJECT", "*REJECT"]),
            local_address=pick(RULE_ADDRESSES[1:]) if point is not ExitPoint.CONNECT else "*ANY",
            local_port=pick(ports) if point is not ExitPoint.CONNECT else "*ANY",
            remote_address=pick(RULE_ADDRESSES[1:]) if point is not ExitPoint.LISTEN else "*ANY",
            remote_port=pick([*ports, str(self._outside)]) if point is ExitPoint.CONNECT else "*ANY",
            fail=pick(["*EPERM", "*EPERM", "*REFUSED", "*TIMEOUT"]) if point is not ExitPoint.ACCEPT else "*EPERM",
        )

    def some(self):
        return [self._call() for _ in range(CALLS)]

    def _call(self):
        pick = self._random.choice
        address = pick(ADDRESSES)
        kind = pick(["connect", "datagram", "listen", "accept", "accept", "accept"])
        sources = [each for each in ADDRESSES if (":" in each) == (":" in address)]
        source = pick(sources if kind == "accept" else ["", *sources])
        return kind, source, address, self._outside if kind in ("connect", "datagram") else pick(self._ports)


class Reference:
    """What the tables say of a call."""

    def __init__(self, compiled):
        self._compiled = compiled

    def expected(self, kind, source, address, port):
        if kind in ("connect", "datagram"):
            return self._said(ExitPoint.CONNECT, source, 0, address, port)
        refused = self._said(ExitPoint.LISTEN, address, port, "", 0)
        if kind == "listen" or refused != "done":
            return refused
        refused = self._said(ExitPoint.CONNECT, source, 0, address, port)
        if refused != "done":
            return refused
        return "done" if self._decide(ExitPoint.ACCEPT, address, port, source, 0) else "nobody"

    def _said(self, *call):
        decision = self._decision(*call)
        return errno.errorcode[decision.errno] if decision.errno else "done"

    def _decide(self, *call):
        return self._decision(*call).outcome is not Outcome.REJECTED

    def _decision(self, point, local, local_port, remote, remote_port):
        return self._compiled.decide(
            Request(point, "ROOT", frozenset({"ROOT"}), "", _number(local), local_port, _number(remote), remote_port)
        )


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    with make_house(tmp_path_factory.mktemp("three") / "store", Path("/usr/bin"), ()) as made:
        yield made


@pytest.fixture(scope="module")
def outside():
    """Return the port of a server outside of any exit point, for both families."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True, backlog=512) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("seed", range(POLICIES))
def test_guard_and_kernel_do_what_the_tables_say(house, guarded, outside, seed):
    calls = Calls(seed, outside)
    rules, some = calls.rules(), calls.some()
    policy = make_policy({}, rules, {}, udp=Udp.DECIDE)
    compiled = compile_policy(policy, 3)
    expected = [Reference(compiled).expected(*call) for call in some]

    house.engine.activate(image(compiled, known_accounts()))
    in_kernel, _ = house.run(CALLS_PROGRAM, json.dumps(some))
    activate_rules(guarded.store, *rules, udp=Udp.DECIDE)
    under_guard, _ = guarded.run(PYTHON, "-c", PRELUDE + CALLS_PROGRAM, json.dumps(some))

    found = list(zip(some, expected, in_kernel, under_guard, strict=True))
    assert [row for row in found if len(set(row[1:])) > 1] == []


def test_the_random_calls_meet_every_answer(outside):
    met = set()
    for seed in range(POLICIES):
        calls = Calls(seed, outside)
        reference = Reference(compile_policy(make_policy({}, calls.rules(), {}, udp=Udp.DECIDE)))
        met |= {(call[0], reference.expected(*call)) for call in calls.some()}
    assert {answer for _, answer in met} >= {"done", "EPERM", "ECONNREFUSED", "nobody"}
    assert {kind for kind, _ in met} == {"connect", "datagram", "listen", "accept"}
