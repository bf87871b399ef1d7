"""Policies of a given size for the benches: rules of every form, none of which is about loopback."""

from __future__ import annotations

import random
from collections.abc import Iterator

_FORMS = (
    "remote_address: 10.{a}.{b}.{c}",
    "remote_address: 10.{a}.{b}.0/24",
    "remote_address: 172.16.{b}.1-172.16.{b}.{high}",
    "remote_address: 2001:db8:{a:x}:{b:x}::/64",
    "remote_address: 192.168.{b}.{c}, remote_port: {port}",
    "remote_address: 10.{a}.0.0/16, remote_port: {port}-{port_to}",
)


def policy_document(rules: int, exit_point: str = "*CONNECT") -> str:
    """Return a policy as YAML, with a number of rules of an exit point besides the default ones; the same each time."""
    return "\n".join(("greenwall: 1", "rules:", *_rules(rules, exit_point), ""))


def _rules(count: int, exit_point: str) -> Iterator[str]:
    chance = random.Random(5250)
    for number in range(1, count + 1):
        port = chance.randrange(1, 60000)
        form = _FORMS[number % len(_FORMS)].format(
            a=chance.randrange(256),
            b=chance.randrange(256),
            c=chance.randrange(1, 255),
            high=chance.randrange(2, 255),
            port=port,
            port_to=port + chance.randrange(1, 5000),
        )
        yield f'  - {{exit_point: "{exit_point}", sequence: {number * 5}, {form}, action: "*REJECT"}}'
