"""nginx: several processes that wait with epoll on one listener, or on one each, and a proxy that connects."""

from __future__ import annotations

import signal
import subprocess

import pytest

from tests.end_to_end.peer import free_port
from tests.fidelity.peers import ALLOWED, DATA, NO_LISTENER, REFUSED, ask, counted, expect, find, needs, run_job, server
from tests.fidelity.web import check_served, fetch
from tests.loopback import answer_http, serving

pytestmark = needs("nginx")

_CONFIGURATION = """
daemon off;
worker_processes 3;
pid {directory}/pid;
error_log {directory}/error.log;
events {{ worker_connections 128; {events} }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen {listen};
        root {directory}/www;
        location /allowed/ {{ proxy_pass http://127.0.0.1:{upstream}/; }}
        location /refused/ {{ proxy_pass http://127.0.0.2:{upstream}/; }}
    }}
}}
"""


@pytest.fixture
def configured(public):
    """Return a function that writes a configuration and returns the command line with it."""
    (public / "www").mkdir()
    (public / "www" / "data").write_bytes(DATA)

    def configure(listen, events="", upstream=1):
        text = _CONFIGURATION.format(directory=public, listen=listen, events=events, upstream=upstream)
        (public / "nginx.conf").write_text(text)
        return find("nginx"), "-e", str(public / "error.log"), "-c", str(public / "nginx.conf")

    return configure


@pytest.mark.parametrize(
    ("how", "events"),
    [("", ""), ("reuseport", ""), ("", "accept_mutex on;"), ("", "multi_accept on;")],
    ids=["shared", "reuseport", "accept-mutex", "multi-accept"],
)
def test_nginx_serves_the_allowed_and_never_sees_the_refused(house, configured, how, events):
    port = free_port()
    with server(house, port, *configured(f"{ALLOWED}:{port} {how}", events)) as job:
        check_served(house, job, port)
        job.process.send_signal(signal.SIGQUIT)
        assert job.status() == 0


def test_nginx_connects_to_what_is_allowed_and_says_what_refused_it(house, configured, public):
    port = free_port()
    with serving(answer_http) as upstream, server(house, port, *configured(f"{ALLOWED}:{port}", "", upstream)) as job:
        assert b"200 OK" in ask(port, b"GET /allowed/ HTTP/1.0\r\n\r\n")
        assert b"502 Bad Gateway" in ask(port, b"GET /refused/ HTTP/1.0\r\n\r\n")
        assert "(1: Operation not permitted) while connecting to upstream" in (public / "error.log").read_text()
        expect(house, job, "*CONNECT", {("*ALLOWED", ALLOWED): 1, ("*REJECTED", REFUSED): 1})


def test_nginx_that_reads_its_configuration_anew_loses_no_connection(house, configured, public):
    port = free_port()
    with server(house, port, *configured(f"{ALLOWED}:{port}")):
        for _ in range(3):
            subprocess.run(["kill", "-HUP", (public / "pid").read_text().strip()], check=True)
            assert [fetch(port) == DATA for _ in range(10)] == [True] * 10


def test_nginx_says_that_it_may_not_listen(house, configured):
    port = free_port()
    done, entries = run_job(house, *configured(f"{NO_LISTENER}:{port}"))
    assert done.returncode == 1
    assert f"listen() to {NO_LISTENER}:{port}, backlog 511 failed (1: Operation not permitted)" in done.stderr.decode()
    assert counted(entries, "*LISTEN") == {("*REJECTED", NO_LISTENER): 1}
