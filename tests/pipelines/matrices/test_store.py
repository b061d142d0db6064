"""Kept matrices save work and never change a cell."""

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.config.settings import load_settings
from pipelines.matrices import shard
from pipelines.matrices.build import MatrixJob, build_matrix, catalog_of
from pipelines.matrices.store import MatrixStore
from pipelines.snapshots.snapshot import take_snapshot

OTHER_DISK = Path("/dev/shm")  # noqa: S108  (names in it are drawn)
AS_OFS = (date(2023, 6, 1), date(2023, 7, 1))


@pytest.fixture
def company_of(demo, tmp_path):
    """A company's settings with its own var, its snapshot and its catalog."""
    (tmp_path / "own").mkdir()
    settings = load_settings(demo.config_in(tmp_path / "own"))
    return settings, take_snapshot(settings, tmp_path / "snapshot")


def built(settings, snapshot, job, folder):
    parts = build_matrix(settings, snapshot, job, folder, lambda: None)
    return [pq.read_table(part.features) for part in parts]


@pytest.fixture
def derived(monkeypatch):
    """The names of the features whose streams were derived, call by call."""
    calls, real = [], shard.derive
    monkeypatch.setattr(
        shard,
        "derive",
        lambda con, catalog: (calls.append({f.name for f in catalog.features}), real(con, catalog)),
    )
    return calls


def test_two_runs_may_keep_the_same_matrix_at_once(tmp_path):
    store, [day, _] = MatrixStore(tmp_path / "store"), AS_OFS
    rows = [pa.table({"a": [float(n)] * 5_000}) for n in (1, 2)]

    def keep(number):
        written = tmp_path / f"{number}.parquet"
        pq.write_table(rows[number], written)
        for turn in range(20):
            store.keep(day, 0, written)
            lent = tmp_path / f"lent-{number}-{turn}.parquet"
            store.lend(day, 0, lent)
            assert pq.read_table(lent) in rows

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(keep, (0, 1)))
    kept = {path.suffix for path in store.root.rglob("*") if path.is_file()}
    assert kept == {".parquet"}


def test_a_run_that_is_killed_while_it_keeps_a_matrix_leaves_nothing_in_the_store(
    tmp_path, monkeypatch
):
    store, written = MatrixStore(tmp_path / "store"), tmp_path / "run" / "shard=0000.parquet"
    written.parent.mkdir()
    written.write_bytes(b"rows")
    monkeypatch.setattr(Path, "replace", lambda *_: sys.exit())
    with pytest.raises(SystemExit):
        store.keep(AS_OFS[0], 0, written)
    assert not [path for path in store.root.rglob("*") if path.is_file()]


@pytest.mark.skipif(not OTHER_DISK.is_dir(), reason="no other disk is known here")
def test_a_run_may_build_on_another_disk_than_the_stores(tmp_path):
    store = MatrixStore(tmp_path / "store")
    with tempfile.TemporaryDirectory(dir=OTHER_DISK) as other:
        written = Path(other, "shard=0000.parquet")
        written.write_bytes(b"rows")
        for _ in range(2):
            store.keep(AS_OFS[0], 0, written)
    kept = [path for path in store.root.rglob("*") if path.is_file()]
    assert [(path.name, path.read_bytes()) for path in kept] == [(written.name, b"rows")]


def test_only_new_features_are_computed_for_dates_that_were_kept(company_of, tmp_path, derived):
    settings, snapshot = company_of
    catalog = catalog_of(settings.sources, snapshot)
    names = [feature.name for feature in catalog.model_features]
    old = catalog.only([name for name in names if not name.startswith("wait_")])
    built(settings, snapshot, MatrixJob(old, AS_OFS), tmp_path / "a")
    derived.clear()
    both = built(settings, snapshot, MatrixJob(catalog.only(names), AS_OFS), tmp_path / "b")
    checked, new = derived
    assert all(name.startswith("wait_") for name in new)
    assert checked == {feature.name for feature in old.features}
    fresh = settings.model_copy(
        update={"paths": settings.paths.model_copy(update={"var": tmp_path / "fresh"})}
    )
    alone = built(fresh, snapshot, MatrixJob(catalog.only(names), AS_OFS), tmp_path / "c")
    assert [rows.equals(other) for rows, other in zip(both, alone, strict=True)] == [True, True]


def test_kept_dates_are_read_again_after_one_of_them_was_checked(company_of, tmp_path, derived):
    settings, snapshot = company_of
    job = MatrixJob(catalog_of(settings.sources, snapshot), AS_OFS)
    first = built(settings, snapshot, job, tmp_path / "a")
    derived.clear()
    again = built(settings, snapshot, job, tmp_path / "b")
    assert len(derived) == 1
    assert all(rows.equals(other) for rows, other in zip(first, again, strict=True))


@pytest.mark.promise("stores")
def test_a_rewritten_history_is_noticed_and_nothing_kept_is_believed(company_of, tmp_path):
    settings, snapshot = company_of
    job = MatrixJob(catalog_of(settings.sources, snapshot), AS_OFS)
    built(settings, snapshot, job, tmp_path / "a")
    path = snapshot.path("contacts", 0)
    contacts = pq.ParquetFile(path).read()
    position = contacts.column_names.index("wait_seconds")
    longer = [None if wait is None else wait + 60 for wait in contacts["wait_seconds"].to_pylist()]
    pq.write_table(contacts.set_column(position, "wait_seconds", [longer]), path)
    changed = built(settings, snapshot, job, tmp_path / "b")
    fresh = settings.model_copy(
        update={"paths": settings.paths.model_copy(update={"var": tmp_path / "fresh"})}
    )
    alone = built(fresh, snapshot, job, tmp_path / "c")
    assert all(rows.equals(other) for rows, other in zip(changed, alone, strict=True))
    waits = [rows["wait_max_365d"].to_pylist() for rows in (changed[0], alone[0])]
    assert waits[0] == waits[1]


@pytest.mark.promise("stores")
def test_a_damaged_file_is_computed_again(company_of, tmp_path):
    settings, snapshot = company_of
    job = MatrixJob(catalog_of(settings.sources, snapshot), AS_OFS)
    first = built(settings, snapshot, job, tmp_path / "a")
    for path in (settings.paths.var / "matrices").rglob("*.parquet"):
        content = bytearray(path.read_bytes())
        content[200:260] = bytes(60)
        path.write_bytes(bytes(content))
    again = built(settings, snapshot, job, tmp_path / "b")
    assert all(rows.equals(other) for rows, other in zip(first, again, strict=True))
