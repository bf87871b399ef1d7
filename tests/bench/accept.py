"""Connections per second of servers, native and guarded, in one run: ``python -m tests.bench.accept``.

One server is a loop in C that accepts and closes; it waits in accept, as simple servers do. The other, where it is
installed, is nginx with keep-alive off, which waits in epoll and accepts without blocking. The same load falls on each
in turn, from a native client with several threads.

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
_THREADS = 8
_RULES = 10
_REQUEST = "GET / HTTP/1.0\r\n\r\n"
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


def _contest(title: str, clients: Sequence[Contender], rounds: int, count: int) -> None:
    def turn(client: Contender) -> float:
        return count / (int(client.say(f"{count} {_THREADS} 1")) / 1e9)

    compete(clients, rounds, turn)
    plain, covered = clients
    for client in clients:
        print(f"{title + ', ' + client.name:34} {client.median:>10,.0f}/s {client.median / plain.median:>8.2f}")
    ratio = covered.median / plain.median
    judge(f"{title}, guarded, at least {_AIM:.0%} of native", ratio, is_met=ratio >= _AIM)


def _clients(
    program: str, ports: tuple[str, str], arguments: Sequence[str], worker: psutil.Process, stack: contextlib.ExitStack
) -> list[Contender]:
    """Start a native client for each server, called after the server."""
    plain, covered = ([program, HOST, port, *arguments] for port in ports)
    return [native(plain, stack), native(covered, stack, name="guarded", worker=worker)]


def main() -> None:
    """Run the bench and print its table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.accept", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=7, help="how many turns each server has")
    parser.add_argument("--count", type=int, default=5000, help="how many connections a turn")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="greenwall-bench-") as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        programs = Programs(directory)
        store = guarded_store(directory / "store", stack, rules=_RULES, exit_point="*ACCEPT")
        guard, worker, load = store.arguments("run", "--"), worker_of(store), programs.get("load")
        print(f"{'':34} {'connections':>12} {'ratio':>8}")
        ports = _loop(programs, [], stack), _loop(programs, guard, stack)
        _contest("accept and close", _clients(load, ports, [], worker, stack), options.rounds, options.count)
        if not has_nginx():
            print("nginx is not installed")
            return
        ports = start_nginx(directory / "native", [], stack), start_nginx(directory / "guarded", guard, stack)
        _contest("nginx", _clients(load, ports, [_REQUEST], worker, stack), options.rounds, options.count)


if __name__ == "__main__":
    main()
