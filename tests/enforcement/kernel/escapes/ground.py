"""What a technique runs on, and what was seen of it: by the witness, by the kernel's tables and in the journal."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass

from sqlmodel import col, func, select

from console.model.journal import JournalEntry
from console.store.session import reading
from tests.end_to_end.command import until

IS_CAMPAIGN = os.environ.get("GREENWALL_CAMPAIGN") == "1"
_ROUNDS = os.environ.get("GREENWALL_RACE_ROUNDS")
_CAMPAIGN_ROUNDS = 100_000
_TIME_LIMIT_S = 3600
_JOURNAL_LIMIT_S = 120


def rounds_of(default):
    """Return how many rounds a race runs: what the environment says, 100,000 in a campaign, otherwise its default."""
    if _ROUNDS:
        return int(_ROUNDS)
    return max(default, _CAMPAIGN_ROUNDS) if IS_CAMPAIGN else default


class Witness:
    """The process that counts what arrives; knows nothing of guards."""

    def __init__(self, program):
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.open_port, self.closed_port = map(int, self._process.stdout.readline().split())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def counts(self):
        """Return {(kind, address, port): how many} since the last call."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        found = {}
        while (line := self._process.stdout.readline().split()) != ["."]:
            found[line[0], line[1], int(line[2])] = int(line[3])
        return found


@dataclass(frozen=True)
class Seen:
    """What came of a technique."""

    lines: list[str]
    arrived: dict[tuple[str, str, int], int]
    """(tcp or udp, address, port) -> how many the witness saw."""
    journal: dict[tuple[str, str, str], int]
    """(exit point, outcome, remote address; for listen the local one) -> entries."""

    def arrived_in_words(self, witness):
        """The arrivals as "tcp 127.0.0.1" -> how many, with "closed" after those at the closed port."""
        closed = {witness.open_port: "", witness.closed_port: " closed"}
        return {f"{kind} {address}{closed[port]}": count for (kind, address, port), count in self.arrived.items()}

    def journal_in_words(self):
        """The entries as "*CONNECT *ALLOWED 127.0.0.1" -> how many."""
        return {" ".join(key): count for key, count in self.journal.items()}

    @property
    def numbers(self):
        """The lines as a mapping, of programs that print names and numbers."""
        return {name: int(number) for name, number in (line.rsplit(" ", 1) for line in self.lines)}


@dataclass(frozen=True)
class Ground:
    """A house, its techniques and its witness."""

    house: object
    techniques: object
    witness: Witness

    def arguments(self, rounds=0, *more):
        return [self.witness.open_port, self.witness.closed_port, rounds, *more]

    def run(self, technique, *more, rounds=0, options=(), **environment):
        """Run a technique as a job to its end."""
        program = self.techniques.get(technique)
        name, command = self.house.command(str(program), *self.arguments(rounds, *more), options=options)
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIME_LIMIT_S, check=False, stdin=subprocess.DEVNULL,
            **environment,
        )  # fmt: skip
        assert (done.stderr, done.returncode) == ("", 0), f"{done.stdout}\n{done.stderr}"
        return Seen(done.stdout.splitlines(), self.witness.counts(), self.journal(name))

    def native(self, technique, *more, rounds=0):
        """Run it without a guard: what Linux does with it here."""
        program = self.techniques.get(technique)
        command = [program, *map(str, self.arguments(rounds, *more))]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, stdin=subprocess.DEVNULL)
        return Seen(done.stdout.splitlines(), self.witness.counts(), {})

    def journal(self, name):
        """Count the socket entries of a job that has ended: its guard waits for the worker a few seconds only."""
        end = select(func.count()).where(
            JournalEntry.entry_type == "JS", col(JournalEntry.qualified_job_name).endswith("/" + name)
        )

        def has_end():
            with reading(self.house.store) as session:
                return session.exec(end).one() > 1

        until(has_end, "the worker to write the end of the job", _JOURNAL_LIMIT_S)
        listening = col(JournalEntry.exit_point) == "*LISTEN"
        address = func.iif(listening, JournalEntry.local_address, JournalEntry.remote_address)
        key = (JournalEntry.exit_point, JournalEntry.outcome, address)
        query = (
            select(*key, func.count())
            .where(JournalEntry.entry_type == "SK", col(JournalEntry.qualified_job_name).endswith("/" + name))
            .group_by(*key)
        )
        with reading(self.house.store) as session:
            return {tuple(row[:3]): row[3] for row in session.exec(query)}

    def listeners(self):
        """Return the (address, port) of all TCP listeners of this machine, as the kernel lists them."""
        found = set()
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            with open(table) as lines:
                for line in list(lines)[1:]:
                    place, state = line.split()[1], line.split()[3]
                    if state == "0A":
                        address, _, port = place.partition(":")
                        found.add((address, int(port, 16)))
        return found
