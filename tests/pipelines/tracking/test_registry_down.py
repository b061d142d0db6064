"""The registry does not answer: a night goes on with the champion it named last, or stops."""

import json
import shutil
import socket
import threading
import time
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from trees import records

from features.errors import ModelError
from models.churn.serialization import digest
from pipelines.config.run import Run, plain
from pipelines.config.settings import load_settings
from pipelines.runtime.environment import now
from pipelines.runtime.run_record import RunRecord
from pipelines.tracking import champion as resolving
from pipelines.tracking import files, registry, runs

ERROR = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
BEHAVIOURS = ("dead", "errors", "silent", "drips")


@contextmanager
def server(behaviour):
    """A port on this machine on which no registry answers; yields its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    stop = threading.Event()

    def answer(client):
        with client:
            if behaviour == "errors":
                client.recv(65_536)
                client.sendall(ERROR)
            elif behaviour == "drips":
                client.recv(65_536)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                while not stop.wait(0.2):
                    client.sendall(b" ")
            else:
                stop.wait()

    def listen():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(client,), daemon=True).start()

    if behaviour == "dead":
        listener.close()
    else:
        threading.Thread(target=listen, daemon=True).start()
    try:
        yield address
    finally:
        stop.set()
        listener.close()


@pytest.fixture
def nights(demo, published, tmp_path):
    """Configurations whose kept champion is the demo's, on a registry of the test's choice."""
    shutil.copytree(demo.var / "champion", tmp_path / "var" / "champion")

    def at(address, **kept):
        config = demo.config_in(tmp_path)
        old = load_settings(config).tracking.uri
        config.write_text(config.read_text().replace(old, address))
        path = tmp_path / "var" / "champion" / "champion.json"
        described = json.loads(path.read_text()) | {"registry": address} | kept
        path.write_text(json.dumps(described))
        return config

    return at


def days_ago(days):
    return {"seen_at": (now() - timedelta(days=days)).isoformat()}


def resolve(config):
    record = RunRecord("a-run", "nightly", "now")
    return resolving.resolve_champion(Run(load_settings(config), date(2024, 1, 1), record)), record


def test_a_night_keeps_the_champion_that_it_fetched(demo, published):
    kept = resolving.read_cache(load_settings(demo.config))
    found = registry.champion_version(load_settings(demo.config))
    assert kept.registered == found
    assert digest(kept.files) == found.digest
    assert kept.usable


@pytest.mark.promise("registry_down")
@pytest.mark.fault(32)
@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_no_answer_leaves_the_kept_champion(demo, nights, monkeypatch, behaviour):
    monkeypatch.setattr(resolving, "_SECONDS", 1.5)
    with server(behaviour) as address:
        found, record = resolve(nights(address, **days_ago(6.9)))
    assert record.degraded
    assert "degraded: the registry did not answer" in record.notes[0]
    assert found.registered == registry.champion_version(load_settings(demo.config))
    assert record.model_digest == found.registered.digest


@pytest.mark.promise("registry_down")
@pytest.mark.fault(32)
@pytest.mark.proof
@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_a_night_decides_within_half_a_minute(nights, behaviour):
    with server(behaviour) as address:
        config = nights(address)
        begun = time.monotonic()
        assert resolve(config)[1].degraded
        assert time.monotonic() - begun < 30


@pytest.mark.promise("registry_down")
@pytest.mark.fault(32)
@pytest.mark.parametrize("kept", [days_ago(7.1), days_ago(-1), {"registry": "http://other"}])
def test_an_old_champion_or_another_registrys_does_not_score(nights, kept):
    with server("dead") as address, pytest.raises(ModelError) as refused:
        resolve(nights(address, **kept))
    assert refused.value.exit_code == 4
    assert "at most 7 days are allowed" in str(refused.value)
    assert "stille nightly" in str(refused.value)


@pytest.mark.promise("whole_model", "registry_down")
def test_a_damaged_kept_champion_does_not_score(nights, tmp_path):
    with server("dead") as address:
        config = nights(address)
        (booster,) = (tmp_path / "var" / "champion").glob("*/booster_0.txt")
        booster.write_bytes(
            booster.read_bytes().replace(b"leaf_value=0", b"leaf_value=1", 1) + b" "
        )
        with pytest.raises(ModelError, match="at most 7 days are allowed"):
            resolve(config)


@pytest.mark.promise("registry_down")
@pytest.mark.fault(32)
def test_a_degraded_night_says_so_in_record_and_manifest(demo, nights, stille, tmp_path):
    with server("dead") as address:
        config = nights(address)
        ended = stille("nightly", "--plain", "--config", config, "--as-of", demo.as_of, "--json")
    assert ended.code == 0
    (record,) = records(tmp_path / "var", "nightly")
    assert record["degraded"] is True
    manifest = json.loads((tmp_path / "out" / "current" / "datapackage.json").read_text())
    assert manifest["stille"]["degraded"] is True
    assert manifest["stille"]["model_digest"] == record["model_digest"]


@pytest.mark.fault(35)
def test_an_alias_that_moves_during_a_night_changes_nothing(demo, tmp_path):
    """The version is resolved once, so list, record and manifest name one model."""
    from pipelines.jobs.entry import NIGHTLY

    config = demo.config_in(tmp_path)
    settings = load_settings(config)
    first = registry.champion_version(settings)
    moved = []

    def step(work, *arguments):
        done = plain(work, *arguments)
        if work is resolving.resolve_champion:
            moved.append(registered_again(settings, first))
            registry.promote(settings, moved[0], "a test")
        return done

    try:
        night = NIGHTLY.start(config, demo.as_of, step)
        assert registry.champion_version(settings).version == moved[0].version != first.version
    finally:
        registry.promote(settings, first, "as it was")
    manifest = json.loads((night.publication.folder / "datapackage.json").read_text())
    (record,) = records(tmp_path / "var", "nightly")
    assert manifest["stille"]["model_version"] == record["model_version"] == first.label
    assert record["degraded"] is False


def registered_again(settings, found):
    training = runs.Training(
        name="another",
        params={},
        metrics={},
        tags={key: value for key, value in found.tags.items() if key != "digest"},
        files={},
        model_files=dict(files.fetch(settings, found)),
    )
    return runs.log_training(settings, training)
