"""Connects, accepts and bytes under the kernel engine, in one run: ``python -m tests.bench.kernel``. As root.

The programs are those of the other benches; each is native, or in a cgroup for which a worker of its own decides with
the kernel engine, which also writes each decision into its journal. The activation of 10,000 rules is timed from the
policy in memory to its being in force.

Aims: connect p50 at most 1.10 times native with 10 and with 10,000 rules; nginx with keep-alive off at least 0.95 of
native's connections per second; bytes per second of a connection at least 0.98; activation of 10,000 rules at most 1 s.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil

from console.enforcement.kernel.accounts import known_accounts
from console.enforcement.kernel.engine import KernelEngine, find_cgroups
from console.policy.compiler import compile_policy
from console.policy.document import parse
from console.policy.image import image
from tests.bench.accept import has_nginx, start_nginx
from tests.bench.contest import HOST, Contender, compete, judge, native, time_calls
from tests.bench.policies import policy_document
from tests.end_to_end.command import Greenwall, started, until
from tests.programs.build import Programs

_AIM_P50, _AIM_ACCEPT, _AIM_BYTES, _AIM_ACTIVATION_S = 1.10, 0.95, 0.98, 1.0
_SIZES = (10, 10_000)
_THREADS = 8
_WARM_UP = "300"
_REST_S, _MOST_RESTS = 1.5, 20
_IDLE = 0.1
"""Of a processor, at most, by a worker that has nothing to write."""
_REQUEST = "GET / HTTP/1.0\r\n\r\n"
_ENTER = 'echo $$ >"$0/cgroup.procs"; exec "$@"'


class _Afresh(Contender):
    """A client that is started for each turn anew: where a process happens to lie and to run may be a fifth."""

    def __init__(self, name: str, command: list[str], worker: psutil.Process | None = None) -> None:
        super().__init__(name, None, worker)
        self._command = command

    def say(self, line: str) -> str:
        with contextlib.ExitStack() as stack:
            client = native(self._command, stack)
            client.say(_WARM_UP)
            return client.say(line)


class _Place:
    """A cgroup that a worker decides for."""

    def __init__(self, directory: Path, rules: int, exit_point: str, stack: contextlib.ExitStack) -> None:
        self._cgroup = stack.enter_context(in_a_cgroup())
        directory.mkdir(mode=0o700)
        self._greenwall = Greenwall(directory)
        self._greenwall.done("policy", "import", "-", stdin=policy_document(rules, exit_point))
        self._greenwall.cl("ACTSOCPCY")
        stack.callback(self._greenwall, "engine", "detach")
        command = self._greenwall.arguments("worker", "--engine", "kernel", "--cgroup", str(self._cgroup), "--enforce")
        worker = stack.enter_context(started(command, stderr=subprocess.PIPE))
        if "GWL0483" not in (said := worker.stderr.readline()):
            raise SystemExit(said)
        self.worker = psutil.Process(worker.pid)

    def command(self, *command: str) -> list[str]:
        """Return the command line that runs a command in the cgroup."""
        return ["sh", "-c", _ENTER, str(self._cgroup), *command]


@contextlib.contextmanager
def in_a_cgroup() -> Iterator[Path]:
    """Make a cgroup, and remove it when it is empty."""
    made = find_cgroups() / f"greenwall-bench-{uuid.uuid4().hex[:12]}"
    made.mkdir()

    def is_removed() -> bool:
        with contextlib.suppress(OSError):
            made.rmdir()
        return not made.exists()

    try:
        yield made
    finally:
        until(is_removed, "the cgroup to be empty", 20)


def _connects(programs: Programs, directory: Path, rounds: int, count: int) -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(started([programs.get("server"), HOST, "0"], stdout=subprocess.PIPE))
        client = [programs.get("latency"), HOST, server.stdout.readline().strip()]
        contenders = [_Afresh("native", client)]
        for size in _SIZES:
            place = _Place(directory / f"connect-{size}", size, "*CONNECT", stack)
            contenders.append(_Afresh(f"kernel, {size:,} rules", place.command(*client), place.worker))
        found = time_calls(contenders, rounds, count, "connects each, C client, blocking, loopback")
    worst = max(ratios["p50_ratio"] for ratios in found.values())
    judge(f"p50 at most {_AIM_P50:.2f} times native", worst, is_met=worst <= _AIM_P50)


def _processor_s(worker: psutil.Process) -> float:
    return sum(worker.cpu_times()[:2])


def _usage(worker: psutil.Process, during_s: float) -> float:
    """Return the part of a processor that the worker uses for a while."""
    before_s = _processor_s(worker)
    time.sleep(during_s)
    return (_processor_s(worker) - before_s) / during_s


def _rest(worker: psutil.Process) -> None:
    """Wait until the worker has written and indexed everything; it lets entries gather: a pause says nothing."""
    for _ in range(_MOST_RESTS):
        if _usage(worker, _REST_S) < _IDLE:
            return


def _accepts(programs: Programs, directory: Path, rounds: int, count: int) -> None:
    with contextlib.ExitStack() as stack:
        place = _Place(directory / "accept", _SIZES[0], "*ACCEPT", stack)
        ports = (
            start_nginx(directory / "native", [], stack),
            start_nginx(directory / "covered", place.command(), stack),
        )
        load = [[programs.get("load"), HOST, port, _REQUEST] for port in ports]
        clients = [native(load[0], stack), native(load[1], stack, name="kernel")]
        used: list[float] = []
        _rest(place.worker)
        idle = _usage(place.worker, 4 * _REST_S)  # it looks now and then whether there is something to do

        def turn(one: Contender) -> float:
            began, before_s = time.monotonic(), _processor_s(place.worker)
            taken_s = int(one.say(f"{count} {_THREADS} 1")) / 1e9
            if one is clients[1]:
                _rest(place.worker)
                used.append(_processor_s(place.worker) - before_s - idle * (time.monotonic() - began))
            return count / taken_s

        compete(clients, rounds, turn)
    plain, covered = clients
    print(f"{rounds} turns of {count:,}; to write and index an accept the worker took", end=" ")
    print(f"{statistics.median(used) / count * 1e6:.1f} us of processor time")
    for one in clients:
        print(f"{'nginx, ' + one.name:30} {one.median:>10,.0f}/s {one.median / plain.median:>8.2f}")
    ratio = covered.median / plain.median
    judge(f"nginx, at least {_AIM_ACCEPT:.0%} of native", ratio, is_met=ratio >= _AIM_ACCEPT)


def _bytes(programs: Programs, directory: Path, rounds: int, megabytes: int) -> None:
    with contextlib.ExitStack() as stack:
        stream, place = programs.get("stream"), _Place(directory / "bytes", _SIZES[0], "*CONNECT", stack)
        senders = [native([stream], stack), native(place.command(stream), stack, name="kernel", worker=place.worker)]
        readers = [native([stream], stack), native(place.command(stream), stack, name="kernel", worker=place.worker)]
        for sender in senders:
            sender.program.stdout.readline()  # its own port, which nobody connects to
        ports = {reader.name: reader.program.stdout.readline().strip() for reader in readers}

        def turn(sender: Contender) -> float:
            return megabytes / (int(sender.say(f"{HOST} {ports[sender.name]} {megabytes}")) / 1e9)

        compete(senders, rounds, turn)
    plain, covered = senders
    ratio = covered.median / plain.median
    print(f"bytes: native {plain.median:,.0f} MB/s, kernel {covered.median:,.0f} MB/s, {ratio:.2f}")
    judge(f"bytes at least {_AIM_BYTES:.2f} times native", ratio, is_met=ratio >= _AIM_BYTES)


def _activation() -> None:
    policy = parse(policy_document(_SIZES[1]), "bench")
    engine = KernelEngine()
    accounts = known_accounts()
    try:
        began = time.perf_counter()
        pages = image(compile_policy(policy, 1), accounts)
        loaded = time.perf_counter()
        engine.activate(pages)
        taken_s = time.perf_counter() - began
    finally:
        engine.close()
    print(
        f"activation of 10,000 rules: {taken_s:.2f} s, {loaded - began:.2f} of it to compile, "
        f"{len(pages) / 1e6:.0f} MB in the kernel"
    )
    judge(f"activation at most {_AIM_ACTIVATION_S:g} s", taken_s, is_met=taken_s <= _AIM_ACTIVATION_S)


def main() -> None:
    """Run the bench and print its tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.kernel", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=15, help="how many turns each has")
    parser.add_argument("--count", type=int, default=1000, help="how many connects a turn")
    parser.add_argument("--megabytes", type=int, default=512, help="how much is sent a turn")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="greenwall-bench-") as name:
        directory = Path(name)
        programs = Programs(directory)
        _activation()
        _connects(programs, directory, options.rounds, options.count)
        if has_nginx():
            _accepts(programs, directory, max(1, options.rounds // 2), options.count * 20)
        else:
            print("nginx is not installed")
        _bytes(programs, directory, options.rounds, options.megabytes)


if __name__ == "__main__":
    main()
