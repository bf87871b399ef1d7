"""What of SSH goes into the audit journal, and how it is told.

* **SK S** and **SK X**, connections that became secure and connections that failed or were refused before anybody had
  signed on, as IBM i has them for secure connections (QAUDLVL *NETSECURE).
* **JS**, the start and the end of a session's job, with the remote address: the sign-on and the sign-off (*JOBBAS).
* **PW**, a sign-on that failed, is `console.people.sign_on`'s to write (*AUTFAIL).

They go through the store's outbox like all entries of administration. A job's name is ``number/USER/SSH``, the number
being the last six digits of the process id of the session's console: what is done in a session has the same name.
"""

from __future__ import annotations

import ipaddress
import json
import os
import socket
from dataclasses import dataclass
from datetime import datetime

import psutil
from sqlmodel import Session

from console.clock import Clock
from console.messages import message
from console.model.ssh_sessions import SshSession
from console.store.engine import Store
from console.store.outbox import add_audit
from console.store.session import transaction
from console.store.ssh_sessions import add_ssh_session, list_ssh_sessions, remove_ssh_session

_JOB_NUMBERS = 1_000_000
_SESSION = "SSH"
_SERVER = "SSHSVR"


@dataclass(frozen=True, slots=True)
class Peer:
    """The two ends of a connection."""

    address: str
    port: int
    local_address: str = ""
    local_port: int = 0

    def __str__(self) -> str:
        """Return the client's end, ``192.0.2.7:51234`` or ``[2001:db8::7]:51234``."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"

    def as_sshd_says_it(self) -> str:
        """Return the value of SSH_CONNECTION (ssh(1)): address and port of the client, then ours."""
        return f"{self.address} {self.port} {self.local_address} {self.local_port}"

    def fields(self) -> dict[str, str | int]:
        """Return the fields of a journal entry that tell of it."""
        return {
            "address_family": "*IPV6" if ":" in self.address else "*IPV4",
            "local_address": self.local_address,
            "local_port": self.local_port,
            "remote_address": self.address,
            "remote_port": self.port,
        }


def plain_address(text: str) -> str:
    """Return an address as the journal writes it: without zone, an IPv4 address in IPv6 as IPv4."""
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


@dataclass(frozen=True, slots=True)
class SessionJob:
    """The job of one session, as the journal names it."""

    user: str
    pid: int
    peer: Peer

    @property
    def name(self) -> str:
        """Return the qualified job name."""
        return job_name(self.pid, self.user, _SESSION)


def job_name(pid: int, user: str, name: str) -> str:
    """Return a qualified job name."""
    return f"{pid % _JOB_NUMBERS:06}/{user}/{name}"


class Entries:
    """Writes entries.

    Threads: One call at a time; each is a transaction, and may wait for the store.
    """

    def __init__(self, store: Store, clock: Clock, user: str) -> None:
        """Write to a store.

        Args:
            store: The store.
            clock: What time it is.
            user: User profile that the server runs as, for what is nobody's doing.
        """
        self._store = store
        self._clock = clock
        self._user = user

    def connected(self, peer: Peer, cipher: str, client: str) -> None:
        """Tell of a connection on which both sides agreed how to be secure.

        Args:
            peer: The connection.
            cipher: What it is encrypted with.
            client: What the client says of itself.
        """
        text = message("GWL1070", cipher=cipher, client=client).text
        self._of_server("S", peer, text, {"cipher": cipher, "client": client})

    def not_connected(self, peer: Peer, reason: str) -> None:
        """Tell of a connection that ended before anybody had signed on."""
        self._of_server("X", peer, message("GWL1071", reason=reason).text, {"reason": reason})

    def refused(self, peer: Peer, count: int, reason: str) -> None:
        """Tell of connections of one address that came to nothing, the last of which is given."""
        text = message("GWL1072", count=count, reason=reason).text
        self._of_server("X", peer, text, {"reason": reason, "count": count})

    def began(self, job: SessionJob, method: str) -> None:
        """Tell of the start of a session, and list it among the open ones."""
        text = message("GWL1073", user=job.user, remote=job.peer, method=method).text
        now = self._clock()
        row = {
            "job": job.name,
            "user": job.user,
            "pid": job.pid,
            "remote_address": job.peer.address,
            "remote_port": job.peer.port,
            "method": method,
            "host": socket.gethostname(),
            "server_pid": os.getpid(),
            "started": now,
            "last_input": now,
        }
        with transaction(self._store) as session:
            self._add_of_session(session, job, "S", text, {"remote": str(job.peer), "method": method})
            add_ssh_session(session, SshSession.model_validate(row))

    def ended(self, job: SessionJob, reason: str) -> None:
        """Tell of the end of a session, and take it off the list."""
        with transaction(self._store) as session:
            self._end(session, job, reason)

    def bury(self) -> None:
        """Tell of the end of sessions whose server was killed, on this host."""
        with transaction(self._store) as session:
            for row in list_ssh_sessions(session):
                if row.host == socket.gethostname() and not _runs(row.server_pid, row.started):
                    job = SessionJob(row.user, row.pid, Peer(row.remote_address, row.remote_port))
                    self._end(session, job, message("GWL1088").text)

    def _end(self, session: Session, job: SessionJob, reason: str) -> None:
        text = message("GWL1074", user=job.user, remote=job.peer, reason=reason).text
        self._add_of_session(session, job, "E", text, {"remote": str(job.peer), "reason": reason})
        remove_ssh_session(session, job.name)

    def _of_server(self, sk_type: str, peer: Peer, text: str, detail: dict[str, str | int]) -> None:
        job = job_name(os.getpid(), self._user, _SERVER)
        with transaction(self._store) as session:
            self._add(session, "SK", self._user, job, text, detail, {"sk_type": sk_type, **peer.fields()})

    def _add_of_session(
        self, session: Session, job: SessionJob, js_type: str, text: str, detail: dict[str, str | int]
    ) -> None:
        more = {"sk_type": js_type, "pid": job.pid, **job.peer.fields()}
        self._add(session, "JS", job.user, job.name, text, detail, more)

    def _add(
        self,
        session: Session,
        entry_type: str,
        user: str,
        job: str,
        text: str,
        detail: dict[str, str | int],
        more: dict[str, str | int],
    ) -> None:
        said = json.dumps(detail, ensure_ascii=False)
        add_audit(session, entry_type, at=self._clock(), user=user, job=job, text=text, detail=said, more=more)


def _runs(pid: int, since: datetime) -> bool:
    """Say whether the process that had a number at a time still has it."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= since.timestamp()
    except psutil.Error:
        return False
