"""threads|forks|asyncio|plain HOST PORT FILE: serves the file. fetch SOURCE URL...: says what came, or why not."""

from __future__ import annotations

import asyncio
import http.client
import http.server
import os
import signal
import socketserver
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

DATA = b""
HEAD = b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(DATA)))
        self.end_headers()
        self.wfile.write(DATA)

    def log_message(self, *_words):
        pass


class Forking(socketserver.ForkingMixIn, http.server.HTTPServer):
    pass


def serve(kind, host, port):
    with kind((host, port), Handler) as server:
        # shutdown waits for the loop, so it cannot be called from within it.
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        server.serve_forever()


async def serve_asyncio(host, port):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD % len(DATA) + DATA)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, host, port)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, os._exit, 0)
    async with server:
        await server.serve_forever()


def fetch(source, url):
    parts = urlsplit(url)
    client = http.client.HTTPConnection(parts.hostname, parts.port, source_address=(source, 0))
    try:
        client.request("GET", parts.path)
        return str(len(client.getresponse().read()))
    except OSError as error:
        return str(error)


def main(what, host, *words):
    global DATA
    if what == "fetch":
        print("\n".join(fetch(host, url) for url in words))
        return
    DATA = Path(words[1]).read_bytes()
    port = int(words[0])
    try:
        if what == "asyncio":
            asyncio.run(serve_asyncio(host, port))
        else:
            kinds = {"plain": http.server.HTTPServer, "threads": http.server.ThreadingHTTPServer, "forks": Forking}
            serve(kinds[what], host, port)
    except OSError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(*sys.argv[1:])
