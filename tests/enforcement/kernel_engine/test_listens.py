"""Where the system lets BPF be a security module, a listen fails itself, by the port that the socket has."""

from __future__ import annotations

import json
import os
import random
from types import SimpleNamespace

import pytest

from console.enforcement.fds import OwnedFd
from console.enforcement.kernel import engine as engine_module
from console.enforcement.kernel import libbpf
from console.enforcement.kernel.attachment import LISTENS, Attachment
from console.enforcement.kernel.engine import KernelEngine
from console.enforcement.kernel.events import INERT
from console.enforcement.kernel.keeper import how_listens_fail
from console.model.words import ExitPoint, Mode
from console.policy.checks import make_policy, make_rule
from console.policy.compiler import compile_policy
from console.policy.fields import address_intervals
from console.policy.image import image
from console.policy.request import Request
from tests.enforcement.kernel_engine.conftest import ACCOUNTS

HIGH_PORTS = {"exit_point": "*LISTEN", "sequence": 10, "local_port": "1024-65535", "action": "*REJECT"}
REFUSED, ALLOWED = ("*LISTEN", "*REJECTED", 10), ("*LISTEN", "*ALLOWED", 99999)
SEEDS, RULES = 12, 8
ADDRESSES = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "0.0.0.0", "::1"]
BOUND = """
    made = socket.socket()
    made.bind(("127.0.0.1", 0))
    print("bound", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def listens(house):
    if not house.engine.attachment.sees_listens:
        pytest.skip("this system lets no BPF program refuse a listen")
    return house


@pytest.mark.parametrize(
    ("fail", "said"), [("*EPERM", "EPERM"), ("*REFUSED", "ECONNREFUSED"), ("*TIMEOUT", "ETIMEDOUT")]
)
def test_listen_at_a_port_that_the_system_picked_fails_as_its_rule_says_and_is_told_once(listens, fail, said):
    listens.put_in_force(HIGH_PORTS | {"fail": fail})
    lines, told = listens.run("""
        made = socket.socket()
        made.bind(("127.0.0.1", 0))
        tried("listen", made.listen)
        print(made.getsockname()[1], made.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    """)
    (event,) = listens.last
    assert lines == [f"listen {said}", f"{event.local.port} 0"]
    assert told == [REFUSED]
    assert event.flags & INERT == 0
    assert event.pid
    assert event.program.file.startswith("python3")


def test_policy_that_came_after_the_bind_holds_for_the_listen(listens):
    with listens.start(BOUND + "    tried('listen', made.listen)\n", stdin=-1) as program:
        assert program.stdout.readline() == "bound\n"
        listens.put_in_force(HIGH_PORTS)
        assert program.communicate("go\n", 60)[0] == "listen EPERM\n"
    assert listens.told() == [REFUSED]


def test_user_is_who_calls_listen(listens):
    listens.put_in_force(HIGH_PORTS | {"user": "NOBODY"})
    lines, told = listens.run("""
        made, other = socket.socket(), socket.socket()
        made.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        tried("root", made.listen)
        os.setresuid(65534, 65534, 65534)
        tried("nobody", other.listen)
    """)
    assert lines == ["root 0", "nobody EPERM"]
    assert told == [ALLOWED, REFUSED]
    assert listens.last[1].uid == 65534


def test_listen_that_is_let_go_on_is_told_once(listens):
    code = """
        made = socket.create_server(("127.0.0.1", 0))
    """
    assert listens.run(code)[1] == [ALLOWED]
    listens.put_in_force(HIGH_PORTS, modes={ExitPoint.LISTEN: Mode.MONITOR})
    assert listens.run(code)[1] == [("*LISTEN", "*MONITOR", 10)]
    listens.put_in_force(HIGH_PORTS, modes={ExitPoint.LISTEN: Mode.OFF})
    assert listens.run(code)[1] == []


def test_listener_that_listens_again_is_decided_about_again(listens):
    again = """
    made.listen()
    print("listens", flush=True)
    sys.stdin.readline()
    tried("allowed", lambda: made.listen(5))
    sys.stdin.readline()
    tried("refused", lambda: made.listen(6))
    """
    with listens.start(BOUND + again, stdin=-1, bufsize=1) as program:
        assert program.stdout.readline() == "bound\n"
        program.stdin.write("\n")
        assert program.stdout.readline() == "listens\n"
        program.stdin.write("\n")
        assert program.stdout.readline() == "allowed 0\n"
        listens.put_in_force(HIGH_PORTS)
        assert program.communicate("\n", 60)[0] == "refused EPERM\n"
    assert listens.told() == [ALLOWED, ALLOWED, REFUSED]


def test_what_has_no_port_is_left_to_where_it_gets_one(listens):
    listens.put_in_force(HIGH_PORTS)
    lines, told = listens.run("""
        made = socket.socket()
        tried("internet", made.listen)
        made = socket.socket(socket.AF_UNIX)
        made.bind("\\0greenwall-test")
        tried("unix", made.listen)
    """)
    assert lines == ["internet 0", "unix 0"]
    assert told == [REFUSED]
    assert listens.last[0].flags == INERT


def test_listener_for_both_families_is_refused_as_either(listens):
    listens.put_in_force(HIGH_PORTS | {"local_address": "0.0.0.0"})
    lines, _ = listens.run("""
        for only in (1, 0):
            made = socket.socket(socket.AF_INET6)
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
            made.bind(("::", 0))
            tried(only, made.listen)
    """)
    assert lines == ["1 0", "0 EPERM"]


def test_next_engine_refuses_listens_too(listens):
    listens.begin_again(HIGH_PORTS)
    lines, told = listens.run("""
        made = socket.socket()
        made.bind(("127.0.0.1", 0))
        tried("listen", made.listen)
    """)
    assert lines == ["listen EPERM"]
    assert told == [REFUSED]


def random_rules(seed, ports):
    pick = random.Random(seed).choice
    return [
        make_rule(
            exit_point="*LISTEN",
            sequence=10 + at,
            user=pick(["*ALL", "ROOT", "NOBODY"]),
            local_address=pick(["*ANY", *ADDRESSES, "127.0.0.2-127.0.0.3", "::/0"]),
            local_port=pick(["*ANY", *map(str, ports)]),
            action=pick(["*ALLOW", "*REJECT"]),
            fail=pick(["*EPERM", "*REFUSED"]),
        )
        for at in range(RULES)
    ]


def test_listens_are_decided_as_the_tables_say(listens):
    """Random policies, each put in force when all sockets are bound."""
    with listens.start(
        """
        import json
        def bound(address):
            made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            made.bind((address, 0))
            return made
        for _ in range(int(sys.argv[1])):
            sockets = [bound(address) for address in json.loads(sys.argv[2])]
            print(json.dumps([made.getsockname()[1] for made in sockets]), flush=True)
            sys.stdin.readline()
            numbers = []
            for made in sockets:
                try:
                    made.listen()
                    numbers.append(0)
                except OSError as error:
                    numbers.append(error.errno)
            print(json.dumps(numbers), flush=True)
        """,
        SEEDS, json.dumps(ADDRESSES), stdin=-1, bufsize=1,
    ) as program:  # fmt: skip
        met = set()
        for seed in range(SEEDS):
            ports = json.loads(program.stdout.readline())
            compiled = compile_policy(make_policy({}, random_rules(seed, ports), {}), 2)
            listens.engine.activate(image(compiled, ACCOUNTS))
            program.stdin.write("\n")
            expected = [
                compiled.decide(
                    Request(ExitPoint.LISTEN, "ROOT", frozenset(), "", address_intervals(address)[0][0], port, 0, 0)
                ).errno
                for address, port in zip(ADDRESSES, ports, strict=True)
            ]
            assert json.loads(program.stdout.readline()) == expected
            met.update(expected)
    assert met == {0, 1, 111}


@pytest.mark.parametrize(("sees", "message_id"), [(True, "GWL04A3"), (False, "GWL04A4")])
def test_one_sentence_says_where_a_listen_fails(sees, message_id):
    engine = SimpleNamespace(attachment=Attachment(lambda name: 0, sees_listens=sees))
    assert how_listens_fail(engine).message_id == message_id


def test_program_that_cannot_be_attached_leaves_the_others(house, monkeypatch):
    """As where it can be loaded, and the processor has no trampolines."""
    real = libbpf.attach_as

    def refusing(program, cgroup, kind):
        if kind == libbpf.LSM_CGROUP:
            raise OSError(95, "refused")
        return real(program, cgroup, kind)

    monkeypatch.setattr(libbpf, "attach_as", refusing)
    house.engine.attachment.detach()
    made = Attachment(house.engine.descriptor, house.engine._object, sees_listens=True)
    monkeypatch.setattr(made, "_program", lambda name: OwnedFd(os.dup(house.engine._object.program(name.replace(
        LISTENS, "bind4")))))  # fmt: skip
    made.attach(house.cgroup)
    assert not made.sees_listens
    house.put_in_force({"exit_point": "*CONNECT", "sequence": 10, "action": "*REJECT"})
    lines, _ = house.run('tried("connect", lambda: connect("127.0.0.1", 9))')
    made.detach()
    assert lines == ["connect EPERM"]


def test_system_that_offers_it_and_does_not_take_it_goes_without(house, monkeypatch):
    tried = []
    real = libbpf.BpfObject

    def refusing(octets, without=()):
        tried.append(tuple(without))
        if not without:
            raise OSError(1, "refused")
        return real(octets, without)

    monkeypatch.setattr(engine_module.libbpf, "BpfObject", refusing)
    monkeypatch.setattr(engine_module, "has_bpf_security", lambda: True)
    made = KernelEngine()
    try:
        assert tried == [(), (LISTENS,)]
        assert not made.attachment.sees_listens
    finally:
        made.close()
    monkeypatch.setattr(engine_module, "has_bpf_security", lambda: False)
    tried.clear()
    KernelEngine().close()
    assert tried == [(LISTENS,)]
