"""Connections per second of servers, native and guarded, in one run: ``python -m tests.bench.accept``.

One server is a loop in C that accepts and closes; it waits in accept, as simple servers do. The other, where it is
installed, is nginx with keep-alive off, which waits in epoll and accepts without blocking. The same load falls on each
in turn: from one native client that connects again when it was answered, and from several at once, which keep both
processors of a small machine busy.

Beside native and guarded each server runs under a bare supervisor (``tests/programs/bare.c``), which shows what the way
of stopping a call costs by itself: once only stopped and let go on, once with the connection taken and handed over by
the supervisor, once also with all that a decision and its entry need asked of the kernel. Nothing is decided or written
by any, so no guard of this kind can be faster than the last.

Aim: the guarded server has at least 70 % of the native one's connections per second.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil

from tests.bench.contest import HOST, Contender, compete, guarded_store, judge, native, worker_of
from tests.end_to_end.command import started, until
from tests.programs.build import Programs

_AIM = 0.70
_CLIENTS = (1, 8)
_RULES = 10
_REQUEST = "GET / HTTP/1.0\r\n\r\n"
_UNDER = ("native", "stopped and let go", "bare hand-over", "hand-over with looks", "guarded")
_NGINX = """\
daemon off; worker_processes 1; pid {directory}/nginx.pid; error_log {directory}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_timeout 0;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
  server {{ listen {host}:{port}; location / {{ return 200 "ok"; }} }}
}}
"""


def _loop(programs: Programs, prefix: Sequence[str], stack: contextlib.ExitStack) -> str:
    """Start the loop in C; returns its port."""
    command = [*prefix, programs.get("server"), HOST, "0"]
    return stack.enter_context(started(command, stdout=subprocess.PIPE)).stdout.readline().strip()


def start_nginx(directory: Path, prefix: Sequence[str], stack: contextlib.ExitStack) -> str:
    """Start an nginx; returns its port."""
    directory.mkdir()
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    settings = directory / "nginx.conf"
    settings.write_text(_NGINX.format(directory=directory, host=HOST, port=port))
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/bin") or "nginx"
    errors = ["-e", str(directory / "error.log")]
    stack.enter_context(started([*prefix, program, *errors, "-p", str(directory), "-c", str(settings)]))

    def answers() -> bool:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port)):
            return True
        return False

    until(answers, "nginx to listen")
    return str(port)


def has_nginx() -> bool:
    return shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/bin") is not None


def _contest(title: str, loads: Sequence[Contender], clients: int, rounds: int, count: int) -> None:
    """Measure with so many clients at once, and print it."""
    title = f"{title}, {clients} client{'s' * (clients > 1)}"

    def turn(load: Contender) -> float:
        return count / (int(load.say(f"{count} {clients} 1")) / 1e9)

    for load in loads:
        load.figures.clear()
    compete(loads, rounds, turn)
    for load in loads:
        print(f"{title + ', ' + load.name:52} {load.median:>10,.0f}/s {load.median / loads[0].median:>8.2f}")
    ratio = loads[-1].median / loads[0].median
    judge(f"{title}, guarded, at least {_AIM:.0%} of native", ratio, is_met=ratio >= _AIM)


def _loads(
    program: str, ports: Sequence[str], arguments: Sequence[str], worker: psutil.Process, stack: contextlib.ExitStack
) -> list[Contender]:
    """Start a program that makes the load for each server, called after what the server runs under."""
    return [
        native([program, HOST, port, *arguments], stack, name=name, worker=worker if name == "guarded" else None)
        for name, port in zip(_UNDER, ports, strict=True)
    ]


def main() -> None:
    """Run the bench and print its table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.accept", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="how many turns each server has")
    parser.add_argument("--count", type=int, default=5000, help="how many connections a turn")
    parser.add_argument("--clients", type=int, nargs="+", default=_CLIENTS, help="how many connect at once")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="greenwall-bench-") as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        programs = Programs(directory)
        store = guarded_store(directory / "store", stack, rules=_RULES, exit_point="*ACCEPT")
        worker, load, bare = worker_of(store), programs.get("load"), programs.get("bare")
        prefixes: tuple[list[str], ...] = (
            [],
            [bare, "lets"],
            [bare, "hands"],
            [bare, "looks"],
            store.arguments("run", "--"),
        )
        print(f"{'':52} {'connections':>12} {'ratio':>8}")
        ports = [_loop(programs, prefix, stack) for prefix in prefixes]
        loads = _loads(load, ports, [], worker, stack)
        for clients in options.clients:
            _contest("accept and close", loads, clients, options.rounds, options.count)
        if not has_nginx():
            print("nginx is not installed")
            return
        homes = [directory / name.replace(" ", "-") for name in _UNDER]
        ports = [start_nginx(home, prefix, stack) for home, prefix in zip(homes, prefixes, strict=True)]
        loads = _loads(load, ports, [_REQUEST], worker, stack)
        for clients in options.clients:
            _contest("nginx", loads, clients, options.rounds, options.count)


if __name__ == "__main__":
    main()
