"""AsyncSSH's connection and channel, with less in them: a session is the console and nothing else.

AsyncSSH refuses forwarding in both directions, tunnels, agents and X11 unless they are asked for, and this repeats it
where a default could change. What it has no way of saying is here: that a sign-on may take two steps (RFC 4252, section
5.1, partial success), that a client's environment is not taken, and that a slow line slows the console down instead of
filling our memory. For that, methods of AsyncSSH are replaced that are not all public: pyproject.toml pins its series,
and tests/serve has a real ssh try every one of them.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

import asyncssh
from asyncssh.packet import SSHPacket

if TYPE_CHECKING:
    from asyncssh.connection import SSHServerConnectionOptions

    Channel = asyncssh.SSHServerChannel[bytes]
else:
    Channel = asyncssh.SSHServerChannel

_WINDOW_BYTES = 64 * 1024
"""How much a client may send unasked: what a person pastes. AsyncSSH's 2 MB would be held for each slow console."""
_LARGEST_PACKET = 32 * 1024


class Flow(Protocol):
    """What a connection slows down: its session."""

    def pause_writing(self) -> None:
        """Write nothing more."""

    def resume_writing(self) -> None:
        """Go on."""


class Connection(asyncssh.SSHServerConnection):
    """One connection."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        options: SSHServerConnectionOptions,
        owner: StepsOwner,
    ) -> None:
        """Make the protocol of a connection that was accepted.

        Args:
            loop: The running loop.
            options: Of AsyncSSH.
            owner: Who decides; hears of the end.
        """
        super().__init__(loop, options)
        self._protocol_factory = lambda: owner
        self.flow: Flow | None = None
        """The session, when there is one."""

    async def send_userauth_success(self) -> None:
        """Let in who has taken every step; AsyncSSH calls this when one was right, a signature among them."""
        owner = self.get_owner()
        complete = await owner.is_complete() if isinstance(owner, StepsOwner) else False
        if complete:
            await super().send_userauth_success()
        else:
            self.send_userauth_failure(complete is None)

    def pause_writing(self) -> None:
        """Pass on that the line is slower than the console; AsyncSSH would buffer as much as the client's window."""
        super().pause_writing()
        if self.flow is not None:
            self.flow.pause_writing()

    def resume_writing(self) -> None:
        """Pass on that the line has caught up."""
        super().resume_writing()
        if self.flow is not None:
            self.flow.resume_writing()

    def console_channel(self) -> ConsoleChannel:
        """Return a channel for a session, of octets."""
        return ConsoleChannel(
            self,
            asyncio.get_running_loop(),
            allow_pty=True,
            line_editor=False,
            line_echo=False,
            line_history=0,
            max_line_length=1,
            encoding=None,
            errors="strict",
            window=_WINDOW_BYTES,
            max_pktsize=_LARGEST_PACKET,
        )


class StepsOwner(asyncssh.SSHServer):
    """The owner of a `Connection`."""

    async def is_complete(self) -> bool | None:
        """Return True when all steps are done, None when this one was right and another must follow, else False."""
        return False


class ConsoleChannel(Channel):
    """A channel that takes a terminal and a shell, and refuses whatever else may be asked.

    The names are AsyncSSH's: it calls ``_process_NAME_request`` for a request NAME, and answers what that returns.
    """

    def _process_env_request(self, packet: SSHPacket) -> bool:
        """Refuse: no variable of the client's gets into a process of ours (and none into a log)."""
        del packet
        return False

    def _process_exec_request(self, packet: SSHPacket) -> bool:
        """Refuse: no command but the console; scp and rsync end here, too."""
        del packet
        return False

    def _process_subsystem_request(self, packet: SSHPacket) -> bool:
        """Refuse: no sftp."""
        del packet
        return False

    def _process_x11_req_request(self, packet: SSHPacket) -> bool:
        """Refuse."""
        del packet
        return False

    def _process_auth_agent_req_at_openssh_dot_com_request(self, packet: SSHPacket) -> bool:  # type: ignore[override]
        """Refuse: an agent here would let root use the client's keys. AsyncSSH's own answers later."""
        del packet
        return False

    def _process_signal_request(self, packet: SSHPacket) -> bool:
        """Refuse: what a person wants to say comes by keys."""
        del packet
        return False

    def _process_break_request(self, packet: SSHPacket) -> bool:
        """Refuse, likewise."""
        del packet
        return False
