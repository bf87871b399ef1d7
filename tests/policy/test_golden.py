"""Policy documents and what becomes of them: each ``NNN-what.in`` is written as ``NNN-what.ok``, which writes itself.

``# expect`` lines in an ``.in`` say what calls it is to decide and how::

    # expect connect user=ALICE groups=WHEEL,ADM program=/usr/bin/curl remote=192.0.2.1:443 -> *REJECTED 40

An IPv6 address stands in brackets. ``# route`` lines say which SOCKS entry a connection is to take::

    # route user=ALICE remote=192.0.2.1:443 -> 20

``fail-NNN-what.in`` is refused with exactly the message in its ``.ok``.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from pathlib import Path

import pytest

from console.errors import PolicyError
from console.messages import describe, line
from console.model.words import ExitPoint
from console.policy.compiler import compile_policy
from console.policy.document import EXIT_POINT_KEYS, parse, render
from console.policy.explain import explain
from console.policy.request import MAPPED, Request

GOLDEN = Path(__file__).parent / "golden"
GOOD = sorted(path for path in GOLDEN.glob("*.in") if not path.name.startswith("fail-"))
BAD = sorted(GOLDEN.glob("fail-*.in"))
EXPECT = re.compile(r"^# expect (?P<point>\w+) ?(?P<words>.*?) ?-> (?P<outcome>\S+) (?P<sequence>\d+)$", re.MULTILINE)
ROUTE = re.compile(r"^# route (?P<words>.*?) -> (?P<sequence>\d+|direct)$", re.MULTILINE)
SERVICES = {"https": 443, "ssh": 22}


def side(text):
    host, _, port = text.rpartition(":")
    address = ipaddress.ip_address(host.strip("[]"))
    return int(address) + (MAPPED if address.version == 4 else 0), int(port)


def request(point, words):
    said = dict(word.split("=") for word in words.split())
    local, remote = (side(said[name]) if name in said else (0, 0) for name in ("local", "remote"))
    groups = frozenset(said.get("groups", "").split(",")) - {""}
    exit_point: ExitPoint = EXIT_POINT_KEYS[point]
    return Request(exit_point, said.get("user", "NOBODY"), groups, said.get("program", "/bin/true"), *local, *remote)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_document_is_written_in_its_one_form(path):
    written = path.with_suffix(".ok").read_text(encoding="utf-8")
    assert render(parse(path.read_text(encoding="utf-8"))) == written
    assert render(parse(written)) == written


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_document_decides_as_it_expects(path):
    text = path.read_text(encoding="utf-8")
    policy = replace(parse(text), services=SERVICES)
    compiled = compile_policy(policy)
    expected = list(EXPECT.finditer(text))
    assert len(expected) == text.count("# expect")
    for line_ in expected:
        asked = request(line_["point"], line_["words"])
        answer = compiled.decide(asked)
        assert (answer.outcome.value, answer.sequence) == (line_["outcome"], int(line_["sequence"])), line_[0]
        assert explain(policy, asked).decision == answer


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_document_routes_as_it_expects(path):
    text = path.read_text(encoding="utf-8")
    compiled = compile_policy(replace(parse(text), services=SERVICES))
    expected = list(ROUTE.finditer(text))
    assert len(expected) == text.count("# route")
    for line_ in expected:
        asked = request("connect", line_["words"])
        entry = compiled.route(asked.user, asked.groups, asked.remote_address, asked.remote_port)
        assert ("direct" if entry is None else str(entry.sequence)) == line_["sequence"], line_[0]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_document_is_refused_with_its_message(path):
    with pytest.raises(PolicyError) as caught:
        parse(path.read_bytes().decode("utf-8", "surrogateescape"), "policy.yaml")
    assert line(describe(caught.value)) + "\n" == path.with_suffix(".ok").read_text(encoding="utf-8")
    assert caught.value.values["source"] == "policy.yaml"
    assert {"line", "column", "value"} <= caught.value.values.keys()


def test_there_is_a_result_for_every_document():
    assert {path.stem for path in GOLDEN.glob("*.in")} == {path.stem for path in GOLDEN.glob("*.ok")}
