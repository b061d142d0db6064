"""No secret of an address is printed, recorded or kept, whichever command fails and how."""

import base64
import http.server
import os
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from pipelines.cli import app
from pipelines.config.settings import load_settings
from pipelines.jobs.entry import JOBS
from pipelines.tracking.registry import answering, tracking_uri

pytestmark = pytest.mark.usefixtures("own_logging")

SECRET = "Kanari%2F17"  # noqa: S105  (made up)
PLAIN = "Kanari/17"
COMMANDS = (
    "check --as-of 2026-03-01",
    "features",
    "doctor",
    "doctor --json",
    "train --plain",
    "nightly --plain",
    "promote --dry-run",
    "rollback",
    "recalibrate --plain",
    "compare champion 2",
    "monitor --plain",
    "effect",
    "explain C1",
    "outcomes worklist.call.nb.csv",
    "forget C1 --yes",
)


class Refusing(http.server.BaseHTTPRequestHandler):
    """Answers every request with an error that repeats its address and header."""

    def do_GET(self) -> None:
        self.send_response(401)
        self.end_headers()
        self.wfile.write(f"{self.path} {self.headers['Authorization']}".encode())

    do_POST = do_GET  # noqa: N815  (as the library calls it)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def config(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> Path:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dead = free.getsockname()[1]
    monkeypatch.setenv("STORE_PASSWORD", SECRET)
    monkeypatch.setenv("CRM_URI", f"postgresql://crm:{SECRET}@127.0.0.1:{dead}/crm")
    monkeypatch.setattr("pipelines.sources.database_reader.FIRST_WAIT_SECONDS", 0.01)
    for name in ("USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    document = yaml.safe_load(Path("configs/demo.yaml").read_text("utf-8"))
    document["paths"] = {name: str(tmp_path / name) for name in ("data", "var", "out")}
    document["tracking"] = {"uri": f"http://stille:${{STORE_PASSWORD}}@127.0.0.1:{port}"}
    table = {"uri": "${CRM_URI}", "table": "public.contacts"}
    document["sources"] = {
        "customers": {"path": "customers.csv", "known_delay_days": 0},
        "contacts": {"database": table},
    }
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "customers.csv").write_text("customer_id\nC1\n")
    path = tmp_path / "company.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def secrets_in(text: bytes) -> list[bytes]:
    header = base64.b64encode(f"stille:{PLAIN}".encode())
    return [each for each in (SECRET.encode(), PLAIN.encode(), header) if each in text]


def run(command: str, config: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setattr(sys, "argv", ["stille", *command.split(), "--config", str(config)])
    with pytest.raises(SystemExit) as ended:
        app.main()
    return ended.value.code


def no_secret_below(folder: Path, config: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and path != config:
            assert not secrets_in(path.read_bytes()), path


@pytest.mark.fault(48)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_fails_shows_no_secret(command, config, monkeypatch, capfd, caplog):
    code = run(command, config, monkeypatch)
    assert code != 1
    said = "".join(capfd.readouterr())
    assert "Traceback" not in said
    assert not secrets_in((said + caplog.text).encode())
    no_secret_below(config.parent, config)


@pytest.mark.fault(48)
def test_a_bug_shows_no_secret(config, monkeypatch, capfd):
    def broken(*_: object, **__: object) -> None:
        settings = load_settings(config)
        raise RuntimeError(f"http://stille:{SECRET}@host/?token={SECRET} {settings}")

    monkeypatch.setattr(type(JOBS["effect"]), "start", broken)
    assert run("effect", config, monkeypatch) == 1
    said = "".join(capfd.readouterr())
    assert "RuntimeError: http://stille:***@host/?token=***" in said
    assert not secrets_in(said.encode())


def test_mlflow_has_the_password_in_no_address(config, port, monkeypatch):
    settings = load_settings(config)
    assert tracking_uri(settings) == f"http://127.0.0.1:{port}"
    with answering(settings):
        assert os.environ["MLFLOW_TRACKING_USERNAME"] == "stille"
        assert os.environ["MLFLOW_TRACKING_PASSWORD"] == PLAIN
