"""Connects and bytes through a SOCKS server, in one run: ``python -m tests.bench.socks``.

Three ways to the same microsocks, with the same C client: it speaks SOCKS 5 itself; it knows nothing of it and is
guarded, with 10 rules and one SOCKS entry; it knows nothing of it and runs under proxychains-ng. All are alive through
the whole run and take turns; each connect is timed until the connection can be used.

Aims: a guarded connect's p50 at most 1.15 times that of the client that speaks SOCKS; throughput 1.00 times, met within
5 %, which is what the machine itself moves.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.contest import HOST, Contender, compete, guarded_store, judge, native, time_calls, worker_of
from tests.end_to_end.command import started, until
from tests.end_to_end.peer import free_port
from tests.loopback import serving
from tests.programs.build import Programs

_AIM_P50, _AIM_BYTES, _LEAST_BYTES = 1.15, 1.00, 0.95
_PROXYCHAINS = """
strict_chain
quiet_mode
tcp_read_time_out 15000
tcp_connect_time_out 8000
[ProxyList]
socks5 {host} {port}
"""
_PIECE = bytes(1 << 18)


@contextlib.contextmanager
def _microsocks() -> Iterator[int]:
    """Run the SOCKS server; yields its port."""
    port = free_port()
    with started(["microsocks", "-i", HOST, "-p", str(port)], stderr=subprocess.DEVNULL):
        until(lambda: _listens(port), "microsocks to listen")
        yield port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _pour(peer: socket.socket) -> None:
    """Send until the reader has had enough."""
    with contextlib.suppress(OSError):
        while True:
            peer.sendall(_PIECE)


def _contenders(client: str, port: str, proxy: int, directory: Path, stack: contextlib.ExitStack) -> list[Contender]:
    plain = [client, HOST, port]
    found = [native([*plain, HOST, str(proxy)], stack, name="speaks SOCKS itself")]
    greenwall = guarded_store(directory / f"store-{port}", stack)
    greenwall.cl(f"ADDSOCKSE SERVER({HOST}) PORT({proxy}) VERSION(5)", "ACTSOCPCY")
    job = stack.enter_context(greenwall.running(*plain, stderr=None))
    found.append(Contender("guarded", job, worker_of(greenwall)))
    if shutil.which("proxychains4"):
        settings = directory / "proxychains.conf"
        settings.write_text(_PROXYCHAINS.format(host=HOST, port=proxy))
        found.append(native(["proxychains4", "-q", "-f", str(settings), *plain], stack, name="proxychains-ng"))
    return found


def _latency(contenders: Sequence[Contender], rounds: int, count: int) -> None:
    heading = "connects each through microsocks, SOCKS 5, C client, blocking, loopback"
    ratio = time_calls(contenders, rounds, count, heading)["guarded"]["p50_ratio"]
    judge(f"p50 at most {_AIM_P50} times", ratio, is_met=ratio <= _AIM_P50)


def _throughput(contenders: Sequence[Contender], rounds: int, megabytes: int) -> None:
    octets = megabytes * 1_000_000
    compete(contenders, rounds, lambda one: megabytes / (int(one.say(f"bulk {octets}")) / 1e9))
    for one in contenders:
        print(f"{one.name:22} {one.median:>8,.0f} MB/s {one.median / contenders[0].median:>6.2f}")
    ratio = contenders[1].median / contenders[0].median
    judge(f"{_AIM_BYTES:.2f} times, within 5 %", ratio, is_met=ratio >= _LEAST_BYTES)


def main() -> None:
    """Run the bench and print its tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.socks", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=10, help="how many turns each client has")
    parser.add_argument("--count", type=int, default=300, help="how many connects a turn")
    parser.add_argument("--megabytes", type=int, default=400, help="how much is read a turn")
    options = parser.parse_args()
    if shutil.which("microsocks") is None:
        raise SystemExit("microsocks is not installed")
    with tempfile.TemporaryDirectory(prefix="greenwall-bench-") as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        programs = Programs(directory)
        client, proxy = programs.get("socks_client"), stack.enter_context(_microsocks())
        server = stack.enter_context(started([programs.get("server"), HOST, "0"], stdout=subprocess.PIPE))
        with contextlib.ExitStack() as first:
            port = server.stdout.readline().strip()
            _latency(_contenders(client, port, proxy, directory, first), options.rounds, options.count)
        with serving(_pour) as port, contextlib.ExitStack() as second:
            contenders = _contenders(client, str(port), proxy, directory, second)
            _throughput(contenders, options.rounds, options.megabytes)


if __name__ == "__main__":
    main()
