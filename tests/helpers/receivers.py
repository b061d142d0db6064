"""Receivers of notifications on loopback: a web server, a mail server, and one that never ends."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Web(ThreadingHTTPServer):
    """Keeps every request; answers with ``status``."""

    daemon_threads = True

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), _Requests)
        self.status, self.requests = status, []

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(body) for method, _, body in self.requests if method == "POST"]


class _Requests(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append((self.command, self.path, body))
        self.send_response(self.server.status)
        self.end_headers()

    do_GET = do_POST  # noqa: N815  (as http.server names it)

    def log_message(self, *_: object) -> None:
        pass


class _Mail(socketserver.StreamRequestHandler):
    """As much of SMTP as one message without a password needs."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.letters.append(b"".join(lines).decode())
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 good\r\n")


class _Silence(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.server.ended.wait(60)


@contextmanager
def running(server: socketserver.BaseServer) -> Iterator[Any]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def web(status: int = 200) -> Iterator[Web]:
    with running(Web(status)) as server:
        yield server


@contextmanager
def mail() -> Iterator[Any]:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Mail)
    server.daemon_threads, server.letters = True, []
    with running(server):
        yield server


@contextmanager
def silence() -> Iterator[str]:
    """The place of a server that takes a connection and never says a word."""
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Silence)
    server.daemon_threads, server.ended = True, threading.Event()
    with running(server):
        yield f"127.0.0.1:{server.server_address[1]}"
        server.ended.set()
