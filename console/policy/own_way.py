"""Whether a policy would keep out the operator who puts it in force: the SSH connection that he works through."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, ip_address

from console.model.words import ExitPoint, Outcome
from console.policy.decide import CompiledPolicy
from console.policy.request import MAPPED, Decision, Request

_SERVER_USER = "ROOT"
"""Who listens for SSH connections."""
_ANYWHERE = (MAPPED, 0)
"""0.0.0.0 and ::, where the server is taken to listen if not at the address that it was reached at."""
_WEEK_NS = 7 * 24 * 3600 * 1_000_000_000


def refusal_of_own_way(compiled: CompiledPolicy, connection: str) -> tuple[ExitPoint, Decision] | None:
    """Return what would refuse a connection like the one through which somebody works; None if nothing would.

    Nobody can reach a listener that the policy would not let listen, so that is looked at as well.

    Args:
        compiled: The policy that is to be put in force for the whole system, for this moment; where rules hold at
            certain times, what it comes to be within a week is looked at, too.
        connection: What sshd says of the connection in SSH_CONNECTION (ssh(1)): address and port of the client, address
            and port of the server. Empty, or anything else, for somebody who is here.
    """
    words = connection.split()
    try:
        remote, local = _number(words[0]), _number(words[2])
        remote_port, local_port = int(words[1]), int(words[3])
    except (IndexError, ValueError):
        return None
    groups = frozenset({_SERVER_USER})
    accept = Request(ExitPoint.ACCEPT, _SERVER_USER, groups, "", local, local_port, remote, remote_port)
    listens = [
        Request(ExitPoint.LISTEN, _SERVER_USER, groups, "", where, local_port, 0, 0) for where in (local, *_ANYWHERE)
    ]
    asked = (accept, *listens)
    answers = ((call.exit_point, policy.decide(call)) for policy in _coming_week(compiled) for call in asked)
    return next((answer for answer in answers if answer[1].outcome is Outcome.REJECTED), None)


def _coming_week(compiled: CompiledPolicy) -> Iterator[CompiledPolicy]:
    policy = compiled
    yield policy
    while policy.is_timed and policy.ends_ns < compiled.begins_ns + _WEEK_NS:
        policy = policy.at(policy.ends_ns)
        yield policy


def _number(text: str) -> int:
    """Return an address in the one 128-bit space; a scope is of no account.

    Raises:
        ValueError: It is none.
    """
    address = ip_address(text.partition("%")[0])
    return int(address) + MAPPED if isinstance(address, IPv4Address) else int(address)
