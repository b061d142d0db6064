"""The registry does not answer: a night goes on with the champion it named last, or stops."""

import json
import random
import shutil
import sqlite3
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta

import mlflow
import pytest
from broken_servers import BEHAVIOURS, server
from trees import records

from features.errors import ModelError
from models.churn.serialization import digest
from pipelines.config.run import Run, plain
from pipelines.config.settings import load_settings
from pipelines.jobs.entry import NIGHTLY
from pipelines.jobs.read_tables import read_tables
from pipelines.runtime.environment import now
from pipelines.runtime.run_record import RunRecord
from pipelines.tracking import champion as resolving
from pipelines.tracking import files, registry, runs

LOCAL = ("locked", "corrupt", "cut", "empty", "gone")


@contextmanager
def broken_file(path, how):
    """The address of a copy of a store in one file, which is broken while the block runs."""
    content = path.read_bytes()
    holder = sqlite3.connect(path)
    if how == "locked":
        holder.execute("begin exclusive")
    elif how == "corrupt":
        path.write_bytes(random.Random(3).randbytes(len(content)))  # noqa: S311  (no secret)
    elif how == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif how == "empty":
        path.write_bytes(b"")
    else:
        path.unlink()
    try:
        yield f"sqlite:///{path}"
    finally:
        holder.close()


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
    monkeypatch.setattr(registry, "_SECONDS", 1.5)
    with server(behaviour) as address:
        found, record = resolve(nights(address, **days_ago(6.9)))
    assert record.degraded
    assert "degraded: the registry did not answer" in record.notes[0]
    assert found.registered == registry.champion_version(load_settings(demo.config))
    assert record.model_digest == found.registered.digest


@pytest.mark.fault(32, 49)
@pytest.mark.parametrize("how", LOCAL)
@pytest.mark.parametrize("kept", [True, False])
def test_a_broken_file_is_as_a_server_that_is_away(demo, nights, tmp_path, how, kept):
    store = tmp_path / "mlflow.db"
    shutil.copy(demo.var / "mlflow.db", store)
    with broken_file(store, how) as address:
        config = nights(address)
        if kept:
            assert resolve(config)[1].degraded
            return
        shutil.rmtree(tmp_path / "var" / "champion")
        with pytest.raises(ModelError, match=r"stille (doctor|train)") as refused:
            NIGHTLY.start(config, demo.as_of)
    assert "\n" not in str(refused.value)
    (record,) = records(tmp_path / "var", "nightly")
    assert (record["exit_code"], record["stages"]) == (4, [])


@pytest.mark.fault(49)
def test_files_that_are_deleted_leave_the_kept_champion(demo, nights, tmp_path, monkeypatch):
    """The registry answers and names a version whose files are no longer there."""
    config = nights(f"sqlite:///{demo.var / 'mlflow.db'}")
    settings, absent = load_settings(config), tmp_path / "absent"
    found = registry.champion_version(settings)
    monkeypatch.setattr(
        mlflow.MlflowClient, "get_model_version_download_uri", lambda *_: absent.as_uri()
    )
    assert not resolve(config)[1].degraded  # the same digest: nothing is fetched
    other = replace(found, digest="0" * 64)
    monkeypatch.setattr(resolving, "champion_version", lambda _: other)
    assert resolve(config)[1].degraded
    shutil.rmtree(tmp_path / "var" / "champion")
    with pytest.raises(ModelError, match=r"cannot be fetched: .*Nothing was scored: no champion"):
        resolve(config)


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
    config = demo.config_in(tmp_path)
    settings = load_settings(config)
    first = registry.champion_version(settings)
    moved = []

    def step(work, *arguments):
        done = plain(work, *arguments)
        if work is read_tables:
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
