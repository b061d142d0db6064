"""Ports of this machine on which no server answers as it should."""

import socket
import threading
from contextlib import contextmanager

HTML = b"<html>It works!</html>"
ANSWERS = {
    "errors": (b"500 Internal Server Error", b"application/json", b"{}"),
    "busy": (b"503 Service Unavailable", b"application/json", b"{}"),
    "absent": (b"404 Not Found", b"text/html", HTML),
    "pages": (b"200 OK", b"text/html", HTML),
}
HEALTH = (b"200 OK", b"application/json", b"true")
BEHAVIOURS = ("dead", *ANSWERS, "silent", "drips")


def _http(status, kind, body):
    head = b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
    return head % (status, kind, len(body)) + body


@contextmanager
def server(behaviour):
    """Yields an address; ``/health`` is well where anything is answered."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    stop = threading.Event()

    def answer(client):
        with client:
            if behaviour == "silent":
                stop.wait()
            elif behaviour == "drips":
                client.recv(65_536)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                while not stop.wait(0.2):
                    client.sendall(b" ")
            else:
                healthy = b"/health " in client.recv(65_536)
                client.sendall(_http(*(HEALTH if healthy else ANSWERS[behaviour])))

    def listen():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_until_gone, args=(answer, client), daemon=True).start()

    if behaviour == "dead":
        listener.close()
    else:
        threading.Thread(target=listen, daemon=True).start()
    try:
        yield address
    finally:
        stop.set()
        listener.close()


def _until_gone(answer, client):
    try:
        answer(client)
    except OSError:
        return
