"""Whether a policy would keep out the operator who puts it in force: the SSH connection that he works through."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address

from console.model.words import ExitPoint, Outcome
from console.policy.decide import CompiledPolicy
from console.policy.request import MAPPED, Decision, Request

_SERVER_USER = "ROOT"
"""Who listens for SSH connections."""
_ANYWHERE = (MAPPED, 0)
"""0.0.0.0 and ::, where the server is taken to listen if not at the address that it was reached at."""


def refusal_of_own_way(compiled: CompiledPolicy, connection: str) -> tuple[ExitPoint, Decision] | None:
    """Return what would refuse a connection like the one through which somebody works; None if nothing would.

    Nobody can reach a listener that the policy would not let listen, so that is looked at as well.

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
    accept = Request(ExitPoint.ACCEPT, _SERVER_USER, groups, "", local, local_port, remote, remote_port)
    listens = (
        Request(ExitPoint.LISTEN, _SERVER_USER, groups, "", where, local_port, 0, 0) for where in (local, *_ANYWHERE)
    )
    answers = ((asked.exit_point, compiled.decide(asked)) for asked in (accept, *listens))
    return next((answer for answer in answers if answer[1].outcome is Outcome.REJECTED), None)


def _number(text: str) -> int:
    """Return an address in the one 128-bit space; a scope is of no account.

    Raises:
        ValueError: It is none.
    """
    address = ip_address(text.partition("%")[0])
    return int(address) + MAPPED if isinstance(address, IPv4Address) else int(address)
