"""Real receivers on loopback: a mail server (aiosmtpd), a web server, a syslog server."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

DEADLINE_S = 30


class Mailbox:
    """A mail server that keeps what it is sent."""

    def __init__(self):
        self.envelopes = []
        self.answer = "250 kept"
        self.logins = []
        self.came = threading.Event()

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's name
        if address.startswith("nobody@"):
            return "550 no such user\there"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        if self.answer.startswith("250"):
            self.envelopes.append(envelope)
        self.came.set()
        return self.answer

    def authenticate(self, server, session, envelope, mechanism, data):
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password == b"right", handled=False)


@contextmanager
def mail_server(mailbox, **options):
    """Serve while the block lasts; give the port."""
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


class Posts:
    """What a web server was posted."""

    def __init__(self):
        self.found = []
        self.status = 200
        self.headers = {}
        self.came = threading.Semaphore(0)

    def bodies(self):
        return [json.loads(body) for _, _, body in self.found]


@contextmanager
def web_server(posts, port=0):
    """Serve while the block lasts; give the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posts.found.append((self.path, dict(self.headers), body))
            self.send_response(posts.status)
            for name, value in posts.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()
            posts.came.release()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


@contextmanager
def datagram_server():
    """Give a bound UDP socket."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as endpoint:
        endpoint.bind(("127.0.0.1", 0))
        endpoint.settimeout(DEADLINE_S)
        yield endpoint


def free_port():
    """Return a port that is free now."""
    with socket.socket() as endpoint:
        endpoint.bind(("127.0.0.1", 0))
        return endpoint.getsockname()[1]
