"""What an exit program is asked, and what it may answer: the only module that an exit program needs, if any.

An exit program is a function of one argument, named ``module:function`` at ADDEXITPGM::

    from console.exit_request import ALLOW, REJECT, ExitRequest

    def check(request: ExitRequest) -> str:
        return ALLOW if request.remote_port == 443 else REJECT

Knows nothing of guards or policies.
"""

from __future__ import annotations

from dataclasses import dataclass

ALLOW = "0"
"""The call may go on; the next exit program, if there is one, is asked."""
REJECT = "1"
"""The call fails with EPERM, or the connection is reset. Whatever is none of the three answers means the same."""
ALLOW_AND_SKIP = "9"
"""The call may go on, and this exit program is not asked again about the process as long as it runs the same program
as the same user, under the same revision of the policy."""


@dataclass(frozen=True, slots=True)
class ExitRequest:
    """One socket call that the rules have allowed."""

    exit_point: str
    """``*CONNECT``, ``*ACCEPT`` or ``*LISTEN``."""
    exit_point_name: str
    """``QIBM_QSO_CONNECT``, ``QIBM_QSO_ACCEPT`` or ``QIBM_QSO_LISTEN``."""
    user: str
    """User profile in upper case: the effective user of the calling thread."""
    program: str
    """Absolute path of the program that calls; octets that are no UTF-8 are spelt ``\\xNN``."""
    job: str
    """Qualified name of the job, ``000123/ALICE/CURL``."""
    pid: int
    """Process that calls. It waits for the answer, and a signal may end it or take it out of the call meanwhile."""
    local_address: str
    """As text, ``192.0.2.1`` or ``2001:db8::1``; accept: the address that was connected to; listen: the address
    listened on; connect: the address the socket is bound to, ``0.0.0.0`` or ``::`` and port 0 where it is not yet."""
    local_port: int
    remote_address: str
    """As `local_address`; empty for listen."""
    remote_port: int
    address_family: str
    """``*IPV4`` or ``*IPV6``; an IPv4 address in an IPv6 socket is ``*IPV4``, and written so."""
