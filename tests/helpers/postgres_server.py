"""A PostgreSQL cluster of its own for a test run, and a wire to it that can be cut."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from adbc_driver_postgresql import dbapi

INSTALLED = Path("/usr/lib/postgresql")
SECRET = "p@ss/word%7"  # noqa: S105  (of a cluster that lives for one test run)


def binaries() -> Path | None:
    """The folder of ``initdb`` and ``pg_ctl``, newest version first; None when not installed."""
    folders = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    folders += sorted(INSTALLED.glob("*/bin"), key=_version, reverse=True)
    return next((f for f in folders if (f / "initdb").is_file() and (f / "pg_ctl").is_file()), None)


def _version(folder: Path) -> tuple[int, str]:
    name = folder.parent.name
    return int(name) if name.isdigit() else 0, name


@dataclass(frozen=True, slots=True)
class Server:
    """A running cluster on this machine."""

    port: int

    def uri(self, secret: str = SECRET, *, user: str = "stille", port: int | None = None) -> str:
        place = f"127.0.0.1:{port or self.port}/postgres"
        return f"postgresql://{user}:{quote(secret, safe='')}@{place}"

    def run(self, *statements: str) -> None:
        with dbapi.connect(self.uri(), autocommit=True) as connection:
            for statement in statements:
                with connection.cursor() as cursor:
                    cursor.execute(statement)


@contextmanager
def cluster(programs: Path) -> Iterator[Server]:
    """Make, start and in the end remove a cluster; root hands it to another user."""
    folder = Path(tempfile.mkdtemp(prefix="stille-postgres-"))
    user = _servant()
    try:
        secret = folder / "password"
        secret.write_text(SECRET)
        if user is not None:
            for path in (folder, secret):
                shutil.chown(path, user)
        port = _free_port()
        data, log = folder / "data", folder / "log"
        made = ["-U", "stille", "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8"]
        _as(user, folder, programs / "initdb", "-D", data, "--no-sync", *made)
        options = f"-F -p {port} -c listen_addresses=127.0.0.1 -k {folder}"
        _as(user, folder, programs / "pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "start")
        try:
            yield Server(port)
        finally:
            _as(user, folder, programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _servant() -> str | None:
    """The user that runs the cluster when this process is root, which PostgreSQL refuses."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


def _as(user: str | None, folder: Path, *command: object) -> None:
    words = [str(word) for word in command]
    drop = {} if user is None else {"user": user, "group": pwd.getpwnam(user).pw_gid}
    subprocess.run(
        words,
        check=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"},
        extra_groups=None if user is None else [],
        **drop,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def wire(target: int, cuts: int, after: int) -> Iterator[int]:
    """A port that leads to ``target`` and breaks ``cuts`` times, each ``after`` so many bytes."""
    listening = socket.create_server(("127.0.0.1", 0))
    left = [cuts]

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                server = socket.create_connection(("127.0.0.1", target))
                for ends in ((client, server, [0]), (server, client, left)):
                    threading.Thread(target=_pump, args=(*ends, after), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield int(listening.getsockname()[1])
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)


def _pump(source: socket.socket, sink: socket.socket, cuts: list[int], after: int) -> None:
    passed = 0
    with suppress(OSError):
        while data := source.recv(1 << 16):
            passed += len(data)
            if passed > after and cuts[0] > 0:
                cuts[0] -= 1
                break
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
