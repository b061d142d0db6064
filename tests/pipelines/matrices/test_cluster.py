"""Workers of a cluster build the matrix that this process builds."""

import json
import os
from datetime import date
from pathlib import Path

import engine_work
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from dask_cluster import cluster

from features.errors import ConfigError
from pipelines.config.sections import Engine
from pipelines.config.settings import load_settings
from pipelines.matrices import build, shard_task
from pipelines.matrices.build import (
    MatrixJob,
    build_matrix,
    build_shard,
    catalog_of,
    outcomes_at,
)
from pipelines.matrices.shard_task import shard_tasks
from pipelines.runtime.engine import each
from pipelines.simulator.simulate import simulate
from pipelines.snapshots.snapshot import take_snapshot

DAYS, KNOWN = (date(2023, 3, 1), date(2023, 4, 1)), date(2023, 9, 1)
CANARY = "canary-b7f0"
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """The folder of a small company, and its snapshot of several shards."""
    folder = tmp_path_factory.mktemp("company")
    simulate(folder / "data", customers=200, months=16, seed=3)
    settings = settings_in(folder, folder)
    return folder, take_snapshot(settings, folder / "snapshot")


def settings_in(folder, company, **engine):
    document = yaml.safe_load((ROOT / "configs" / "demo.yaml").read_text("utf-8"))
    folders = {"var": str(folder / "var"), "out": str(folder / "out")}
    document["paths"] = {"data": str(company / "data"), **folders}
    document["engine"] = {"threads": 1, "shard_size": 80, **engine}
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(document), encoding="utf-8")
    return load_settings(config)


def content(settings, snapshot, folder):
    """Every cell of the matrix and of its outcomes, part by part."""
    catalog = catalog_of(settings.sources, snapshot)
    few = catalog.only([feature.name for feature in catalog.features[::9]])
    parts = build_matrix(settings, snapshot, MatrixJob(few, DAYS, KNOWN), folder, lambda: None)
    return [
        pq.ParquetFile(path).read() for part in parts for path in (part.features, part.outcomes)
    ]


@pytest.fixture(scope="module")
def here(tables, tmp_path_factory):
    """What this process builds."""
    folder = tmp_path_factory.mktemp("here")
    settings = settings_in(folder, tables[0])
    found = content(settings, tables[1], folder / "matrix")
    assert tables[1].shards > 2
    assert all(isinstance(rows, pa.Table) and len(rows) for rows in found)
    return found, outcomes_at(settings, tables[1], DAYS, KNOWN)


@pytest.fixture(scope="module")
def dask(tmp_path_factory):
    with cluster(tmp_path_factory.mktemp("dask") / "one") as made:
        yield made


def test_each_task_is_done_there_and_comes_back_with_its_number(dask):
    choice, tasks = Engine(kind="dask", address=dask.address), ["a", "b", "c"]
    found = dict(each(choice, engine_work.upper, tasks))
    assert {number: text[0] for number, text in found.items()} == {0: "A", 1: "B", 2: "C"}
    assert str(os.getpid()) not in {text.split()[1] for text in found.values()}
    with pytest.raises(ConfigError, match="a cannot be used"):
        list(each(choice, engine_work.refuse, tasks[:1]))
    with pytest.raises(TimeoutError, match="a"):
        list(each(choice, engine_work.time_out, tasks[:1]))


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.proof)])
def test_workers_build_what_this_process_builds(workers, dask, tables, here, tmp_path):
    if workers > 1:
        dask.worker()
    settings = settings_in(tmp_path, tables[0], kind="dask", address=dask.address)
    found = content(settings, tables[1], tmp_path / "matrix")
    assert [rows.equals(other) for rows, other in zip(found, here[0], strict=True)].count(
        False
    ) == 0
    assert outcomes_at(settings, tables[1], DAYS, KNOWN).equals(here[1])


def test_a_worker_killed_while_it_writes_changes_nothing(dask, tables, here, tmp_path, monkeypatch):
    dask.worker()
    monkeypatch.setattr(build, "build_shard", engine_work.die_while_writing)
    settings = settings_in(tmp_path, tables[0], kind="dask", address=dask.address)
    found = content(settings, tables[1], tmp_path / "matrix")
    assert len(list((tmp_path / "matrix").rglob("*.tmp"))) == 1
    assert [rows.equals(other) for rows, other in zip(found, here[0], strict=True)].count(
        False
    ) == 0


def test_two_attempts_at_a_shard_do_not_touch_each_other(tables, here, tmp_path, monkeypatch):
    taken = []
    monkeypatch.setattr(
        "pipelines.matrices.build.each", lambda _, work, tasks: taken.extend(tasks) or ()
    )
    settings = settings_in(tmp_path, tables[0])
    content(settings, tables[1], tmp_path / "matrix")
    first, again = (json.loads(build_shard(taken[0])) for _ in range(2))
    assert not {path for part in first for path in part} & {path for part in again for path in part}
    for part in (first, again):
        rows = [pq.ParquetFile(path).read() for paths in part for path in paths]
        assert all(map(pa.Table.equals, rows, here[0][: len(rows)]))


def test_another_release_is_refused(tables, tmp_path, monkeypatch):
    settings = settings_in(tmp_path, tables[0])
    with monkeypatch.context() as driver:
        driver.setattr(shard_task, "_RELEASE", "0.0.9")
        task = shard_tasks(settings, tables[1], tmp_path, DAYS, KNOWN)[0]
    with pytest.raises(
        ConfigError, match=r"runs release .* of stille, and this run 0\.0\.9: install"
    ):
        build_shard(task)


def test_a_snapshot_that_a_worker_does_not_see_is_named(tables, tmp_path):
    settings = settings_in(tmp_path, tables[0])
    task = shard_tasks(settings, tables[1], tmp_path, DAYS, KNOWN)[0]
    for other in (str(tables[1].root), tables[1].digest):
        with pytest.raises(
            ConfigError, match=rf"does not see the snapshot .*{other[:9]}.*paths\.var"
        ):
            build_shard(task.replace(other, other[:-4] + "none"))


def test_no_secret_is_in_a_task(tables, tmp_path):
    settings = settings_in(tmp_path, tables[0])
    uri = f"postgresql://stille:{CANARY}@host/crm"
    database = {"uri": uri, "options": {"password": CANARY}, "table": "crm.cases"}
    document = settings.model_dump()
    document["sources"]["cases"] |= {"path": None, "database": database}
    document["tracking"]["uri"] = uri
    secret = type(settings)(**document)
    assert secret.sources["cases"].database.uri.get_secret_value() == uri
    tasks = shard_tasks(secret, tables[1], tmp_path, DAYS, KNOWN)
    assert len(tasks) == tables[1].shards
    assert CANARY not in "".join(tasks)
    assert "database" not in "".join(tasks)
    assert max(map(len, tasks)) < 4_000
