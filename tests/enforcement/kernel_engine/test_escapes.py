"""The ways around a rule that a guard must stop, in a cgroup under the kernel engine: nothing gets where it must not.

The programs and the witness are the guard's own. Where the engine has a hook at the place to which a call leads, and a
guard refuses the call by its name (io_uring, TCP Fast Open, the calls of 32-bit programs), they print something else.
"""

from __future__ import annotations

import subprocess

import pytest

from console.model.words import RawSockets
from tests.enforcement.kernel.escapes.conftest import techniques, witness  # noqa: F401 -- fixtures
from tests.enforcement.kernel.escapes.expectations import BOTH, CALLS, FORBIDDEN

REJECT = {"action": "*REJECT"}
WITHOUT_MEANING = frozenset({"nested_user_notification", "terminal_input"})
"""About the guard's own filter, and the terminal of the guard."""
OTHERWISE = {
    "fastopen_sendto": ("forbidden EPERM", "allowed 0", "flags above an int EPERM"),
    "fastopen_sendmsg": (*BOTH, "flag in the message, forbidden EPIPE", "flag in the message, allowed EPIPE"),
    "fastopen_sendmmsg": (*BOTH, "flag in the message, forbidden EPIPE", "flag in the message, allowed EPIPE"),
    "mptcp_socket": ("protocol 262", BOTH[0], "protocol 262", BOTH[1], "fast open 0"),
    "raw_socket": (
        *(f"{kind} EPERM" for kind in ("IPv4", "IPv4, any", "IPv6", "with flags")),
        *(f"{kind} 0" for kind in ("old packet", "packet", "cooked packet", "XDP")),
    ),
    "listen_without_bind": ("forbidden 0", "listens 1", "forbidden 6 0", "listens 1", "allowed 0", "listens 1"),
}
"""What is printed where it is not the same as under a guard: a listener that slips past its bind listens, and nothing
can reach it; packet sockets are not seen (data/help/limits.md)."""
ITS_OWN = frozenset({
    "int80_socketcall", "int80_calls", "io_uring_connect", "own_seccomp_filter", "dual_stack_listener",
    "listen_in_other_words",
})  # fmt: skip
"""Those of which only what arrives is looked at: the kernel, or a listener that slips past, answers the rest."""


def rules(witness):  # noqa: F811
    """Return the rules of the guard's tests."""
    connect, accept, listen = ({"exit_point": point} | REJECT for point in ("*CONNECT", "*ACCEPT", "*LISTEN"))
    return (
        connect | {"sequence": 10, "remote_address": FORBIDDEN},
        connect | {"sequence": 20, "remote_port": str(witness.closed_port)},
        connect | {"sequence": 30, "remote_address": "fe80::/10"},
        connect | {"sequence": 40, "remote_address": "127.0.0.7", "user": "NOBODY"},
        accept | {"sequence": 10, "remote_address": FORBIDDEN},
        listen | {"sequence": 10, "local_address": "127.0.0.66"},
        listen | {"sequence": 20, "local_address": "0.0.0.0", "local_port": "1-65535"},
        listen | {"sequence": 30, "local_address": "127.0.0.7", "user": "NOBODY"},
    )


@pytest.mark.parametrize("call", [call for call in CALLS if call.technique not in WITHOUT_MEANING], ids=str)
def test_call_leads_only_where_a_rule_allows(house, techniques, witness, call):  # noqa: F811
    house.put_in_force(*rules(witness), raw_sockets=RawSockets.REFUSE)
    witness.counts()
    program = techniques.get(call.technique)
    lines = house.run_command(program, witness.open_port, witness.closed_port, 0, stdin=subprocess.DEVNULL)
    arrived = witness.counts()
    assert not [place for place in arrived if place[1] == FORBIDDEN or place[2] == witness.closed_port]
    if call.technique not in ITS_OWN:
        assert tuple(lines) == OTHERWISE.get(call.technique, call.lines)
