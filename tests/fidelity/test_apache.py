"""Apache httpd: prefork takes turns at one listener under a lock, event hands connections to threads."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.end_to_end.command import until
from tests.end_to_end.peer import free_port
from tests.enforcement.kernel.jobs import PATIENCE_S, is_root
from tests.fidelity.peers import ALLOWED, DATA, NO_LISTENER, REFUSED, ask, counted, expect, find, needs, run_job, server
from tests.fidelity.web import check_served, fetch
from tests.loopback import answer_http, serving

pytestmark = needs("apache2")

_MODULES = Path("/usr/lib/apache2/modules")
_CONFIGURATION = """
ServerRoot {directory}
ServerName localhost
PidFile {directory}/pid
ErrorLog {directory}/error.log
DefaultRuntimeDir {directory}
Mutex file:{directory}
LoadModule mpm_{model}_module {modules}/mod_mpm_{model}.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_http_module {modules}/mod_proxy_http.so
DocumentRoot {directory}/www
{user}
{listen}
StartServers 3
GracefulShutdownTimeout 5
ProxyPass /allowed/ http://127.0.0.1:{upstream}/
ProxyPass /refused/ http://127.0.0.2:{upstream}/
"""
_MODELS = ("prefork", "worker", "event")


@pytest.fixture
def configured(public):
    """Return a function that writes a configuration and returns the command line with it."""
    (public / "www").mkdir()
    (public / "www" / "data").write_bytes(DATA)
    user = "User www-data\nGroup www-data" if is_root() else ""

    def configure(model, *addresses, upstream=1):
        listen = "\n".join(f"Listen {address}" for address in addresses)
        values = {"model": model, "listen": listen, "upstream": upstream, "directory": public, "user": user}
        (public / "apache.conf").write_text(_CONFIGURATION.format(modules=_MODULES, **values))
        return find("apache2"), "-f", str(public / "apache.conf"), "-DFOREGROUND"

    return configure


@pytest.mark.parametrize("model", _MODELS)
def test_apache_serves_the_allowed_and_never_sees_the_refused(house, configured, model):
    port = free_port()
    with server(house, port, *configured(model, f"{ALLOWED}:{port}")) as job:
        check_served(house, job, port)
        job.process.send_signal(signal.SIGTERM)
        assert job.status() == 0


@pytest.mark.parametrize("model", _MODELS)
def test_apache_with_two_listeners_serves_both(house, configured, model):
    ports = free_port(), free_port()
    with server(house, ports[1], *configured(model, *(f"{ALLOWED}:{port}" for port in ports))):
        for _ in range(5):
            assert [fetch(port) == DATA for port in ports] == [True, True]


@pytest.mark.parametrize("model", _MODELS)
def test_apache_started_anew_gracefully_loses_no_connection(house, configured, public, model):
    port = free_port()
    with server(house, port, *configured(model, f"{ALLOWED}:{port}")) as job:
        log = public / "error.log"
        for turn in range(1, 3):
            job.process.send_signal(signal.SIGUSR1)
            assert [fetch(port) == DATA for _ in range(10)] == [True] * 10
            until(lambda turn=turn: log.read_text().count("resuming normal") > turn, "the next generation", PATIENCE_S)


def test_apache_connects_to_what_is_allowed_and_says_what_refused_it(house, configured, public):
    port = free_port()
    with (
        serving(answer_http) as upstream,
        server(house, port, *configured("event", f"{ALLOWED}:{port}", upstream=upstream)) as job,
    ):
        assert b"200 OK" in ask(port, b"GET /allowed/ HTTP/1.0\r\n\r\n")
        assert b"503 Service Unavailable" in ask(port, b"GET /refused/ HTTP/1.0\r\n\r\n")
        assert (
            f"(1)Operation not permitted: AH00957: http: attempt to connect to {REFUSED}:{upstream}"
            in (public / "error.log").read_text()
        )
        expect(house, job, "*CONNECT", {("*ALLOWED", ALLOWED): 1, ("*REJECTED", REFUSED): 1})


def test_apache_says_that_it_may_not_listen(house, configured):
    port = free_port()
    done, entries = run_job(house, *configured("event", f"{NO_LISTENER}:{port}"))
    assert done.returncode == 1
    assert b"(1)Operation not permitted: AH00073: make_sock: unable to listen for connections" in done.stderr
    assert counted(entries, "*LISTEN") == {("*REJECTED", NO_LISTENER): 1}
