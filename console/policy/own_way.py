"""Whether a policy would keep out the operator who puts it in force: the SSH connection that he works through."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address

from console.model.words import ExitPoint, Outcome
from console.policy.decide import CompiledPolicy
from console.policy.request import MAPPED, Decision, Request

_SERVER_USER = "ROOT"
"""Who listens for SSH connections."""


def refusal_of_own_way(compiled: CompiledPolicy, connection: str) -> Decision | None:
    """Return what would refuse a connection like the one through which somebody works; None if nothing would.

    Args:
        compiled: The policy that is to be put in force for the whole system.
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
    asked = Request(ExitPoint.ACCEPT, _SERVER_USER, groups, "", local, local_port, remote, remote_port)
    found = compiled.decide(asked)
    return found if found.outcome is Outcome.REJECTED else None


def _number(text: str) -> int:
    """Return an address in the one 128-bit space; a scope is of no account.

    Raises:
        ValueError: It is none.
    """
    address = ip_address(text.partition("%")[0])
    return int(address) + MAPPED if isinstance(address, IPv4Address) else int(address)
