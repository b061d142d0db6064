"""The SQL of `stille unload`: run in DuckDB and PostgreSQL, parsed where neither can run it."""

import hashlib
import subprocess
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
import simulated
import yaml
from adbc_driver_postgresql import dbapi
from postgres_server import cluster

from features.contract import TABLES
from pipelines.config.settings import load_settings
from pipelines.snapshots.snapshot import take_snapshot
from pipelines.sources.unload import WAREHOUSES, unload

TINY = {"customers": 60, "months": 8}


@pytest.fixture(scope="module")
def simulation(tmp_path_factory):
    return simulated.run(tmp_path_factory.mktemp("simulation"), **TINY)


@pytest.fixture
def demo(tmp_path, root):
    """The demo's configuration with its tables below ``data``, each source changed by ``change``."""

    def make(data, change=lambda name: {}):
        document = yaml.safe_load((root / "configs/demo.yaml").read_text("utf-8"))
        document["paths"] = {"data": str(data), "var": str(tmp_path / "var")}
        for name, source in document["sources"].items():
            source |= change(name)
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        return load_settings(path)

    return make


def contents(settings, folder):
    """Every table's rows, sorted, and the columns that were left unread."""
    snapshot = take_snapshot(settings, folder)
    rows = {}
    for name in snapshot.tables:
        relation = duckdb.read_parquet(str(snapshot.path(name, 0)))
        rows[name] = (relation.columns, sorted(map(repr, relation.fetchall())))
    return rows, {name: table.unread for name, table in snapshot.tables.items()}


def lacking(simulation):
    """What a configuration says of the contract's columns that a simulated table lacks."""

    def change(name):
        has = pq.read_schema(simulation / "tables" / f"{name}.parquet").names
        lacks = [c.name for c in TABLES[name].columns if c.name not in has]
        return {"dropped": dict.fromkeys(lacks, "not there")}

    return change


def test_duckdb(demo, simulation, tmp_path):
    original = demo(simulation, lacking(simulation))
    wanted, _ = contents(original, tmp_path / "a")
    (tmp_path / "out").mkdir()
    with duckdb.connect() as connection:
        for name in original.sources:
            connection.execute(f"create table {name} as from '{simulation}/tables/{name}.parquet'")
        connection.execute(unload(original, "duckdb", str(tmp_path / "out")))
    found, unread = contents(demo(tmp_path, lambda name: {"path": f"out/{name}/"}), tmp_path / "b")
    assert found == wanted
    print(unread)
