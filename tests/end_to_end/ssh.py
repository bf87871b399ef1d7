"""`greenwall ssh` and OpenSSH's clients, as an administrator uses them."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from console.shell.operator import user_profile
from tests.end_to_end.command import Greenwall, until
from tests.serve.people import add_person, make_key

_LISTENS = re.compile(r"listens on \S+:(?P<port>\d+); its host key is (?P<key>SHA256:\S+)\.")


@dataclass
class SshServer:
    """A server that runs."""

    greenwall: Greenwall
    process: subprocess.Popen[str]
    directory: Path
    """With the client's key in it."""
    port: int = 0
    host: str = "127.0.0.1"
    """Where clients find it."""
    fingerprint: str = ""
    log: list[str] = field(default_factory=list)

    def words(
        self, *words: str, program: str = "ssh", user: str = "alice", options: tuple[str, ...] = (), port: int = 0
    ):
        """Return a client's command line."""
        own = ("-F", "none", "-i", f"{self.directory}/key", "-o", f"UserKnownHostsFile={self.directory}/known")
        own += ("-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR", "-o", "IdentitiesOnly=yes")
        own += ("-o", "NumberOfPasswordPrompts=1", "-o", f"Port={port or self.port}")
        return [program, *own, *options, *((f"{user}@{self.host}",) if program == "ssh" else ()), *words]

    def run(self, *words: str, **how) -> subprocess.CompletedProcess[str]:
        """Run a client to its end, without a terminal and without passwords."""
        line = self.words(*words, **{**how, "options": ("-o", "BatchMode=yes", *how.get("options", ()))})
        return subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)

    def consoles(self) -> list[psutil.Process]:
        """Return the processes of the sessions."""
        found = []
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):
                if "ssh-session" in child.cmdline():
                    found.append(child)
        return found

    def console(self) -> psutil.Process:
        """Return the process of the one session, as soon as there is one."""
        until(lambda: len(self.consoles()) == 1, "one console")
        return self.consoles()[0]

    def entries(self, entry_type: str, sk_type: str = "") -> list[dict]:
        """Return the journal entries of a type; starts a worker, which writes them."""
        self.greenwall.done("run", "--", "true")
        found = self.greenwall.show("journal")
        return [each for each in found if each["entry_type"] == entry_type and sk_type in ("", each["sk_type"])]


@contextlib.contextmanager
def ssh_server(
    greenwall: Greenwall, directory: Path, *options: str, listen: str = "127.0.0.1:0", before: tuple[str, ...] = ()
) -> Iterator[SshServer]:
    """Run a server for a store in which ALICE has a key, until the test has done with it.

    Args:
        greenwall: The command on the store.
        directory: With the client's key in it.
        options: Of the server.
        listen: Where it listens.
        before: What starts it, such as ``ip netns exec NAME``; must not leave a process between.
    """
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "NOTIFY_SOCKET")}
    line = [*before, *greenwall.arguments("ssh", "--listen", listen, *options)]
    with subprocess.Popen(
        line, text=True, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment
    ) as process:
        server = SshServer(greenwall, process, directory)
        reader = threading.Thread(target=_collect, args=(process, server.log))
        reader.start()
        try:
            found = until(lambda: _LISTENS.search("".join(server.log)) or process.poll() is not None, "the server")
            assert process.poll() is None, server.log
            server.port, server.fingerprint = int(found["port"]), found["key"]
            yield server
        finally:
            process.terminate()
            try:
                process.wait(20)
            finally:
                process.kill()
                reader.join()


def _collect(process: subprocess.Popen[str], lines: list[str]) -> None:
    lines.extend(iter(process.stderr.readline, ""))


def with_alice(greenwall: Greenwall, directory: Path, **fields) -> None:
    """Give ALICE a profile with a password and a key."""
    make_key(directory / "key")
    add_person(greenwall.url, user_profile())  # who runs the commands of the test
    add_person(greenwall.url, "ALICE", key=directory / "key.pub", **fields)
