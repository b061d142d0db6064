"""The matrix does not depend on how the customers are dealt out to shards."""

import hashlib
from datetime import date

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from models.dataset.examples import Examples
from pipelines.config.run import Run
from pipelines.config.settings import load_settings
from pipelines.matrices.build import (
    MatrixJob,
    build_matrix,
    catalog_of,
    make_matrix,
    sample_share,
)
from pipelines.matrices.files import AFTERWARDS, MatrixPart, read_matrix
from pipelines.matrices.gates import feature_columns
from pipelines.matrices.shard import label_as_ofs
from pipelines.runtime.run_record import RunRecord
from pipelines.snapshots.snapshot import take_snapshot
from pipelines.training.examples import prepare_examples

DAYS = (date(2023, 6, 1), date(2023, 11, 1))
KNOWN = date(2024, 3, 1)


def built(demo, folder, *, shard_size, threads):
    folder.mkdir()
    engine = {"shard_size": shard_size, "threads": threads}
    settings = load_settings(demo.config_in(folder, engine=engine))
    snapshot = take_snapshot(settings, folder / "snapshot")
    catalog = catalog_of(settings.sources, snapshot)
    told = []
    parts = build_matrix(
        settings, snapshot, MatrixJob(catalog, DAYS, KNOWN), folder / "m", lambda: told.append(1)
    )
    assert len(told) == len(parts) == snapshot.shards * len(DAYS)
    return catalog, snapshot, parts


@pytest.fixture(scope="module")
def memory():
    return {}


@pytest.fixture
def both(demo, tmp_path, memory):
    """The same two as-of dates from one shard and from many, as (catalog, snapshot, parts)."""
    if not memory:
        memory["whole"] = built(demo, tmp_path / "whole", shard_size=50_000, threads=2)
        memory["parts"] = built(demo, tmp_path / "parts", shard_size=450, threads=1)
    return memory["whole"], memory["parts"]


def rows_of(part):
    names = pq.read_schema(part.features).names
    return read_matrix([part], names)


def frame(parts):
    rows = pd.concat(map(rows_of, parts), ignore_index=True)
    return rows.sort_values(["as_of", "customer_id"], ignore_index=True)


@pytest.mark.promise("bounded")
def test_shards_do_not_change_a_cell(both):
    (_, one, whole), (_, many, parts) = both
    assert one.shards == 1
    assert many.shards > 5
    assert all(len(rows_of(part)) for part in parts)
    pd.testing.assert_frame_equal(frame(whole), frame(parts), check_exact=True)


def test_rows_are_the_cohort_of_each_day_with_its_outcome(both):
    (catalog, _, whole), _ = both
    rows = frame(whole)
    assert not rows.duplicated(["customer_id", "as_of"]).any()
    assert [day.date() for day in pd.to_datetime(rows["as_of"].unique())] == list(DAYS)
    names = [feature.name for feature in catalog.features]
    keys = {"customer_id", "as_of", "product_line", *AFTERWARDS}
    assert set(rows.columns) == keys.union(names)
    by_outcome = rows.groupby("outcome")["label"]
    assert set(rows["outcome"]) >= {"voluntary", "stayed", "left_before_window", "moved"}
    assert by_outcome.get_group("voluntary").eq(1).all()
    assert by_outcome.get_group("stayed").eq(0).all()
    assert by_outcome.get_group("moved").isna().all()


def test_without_labels_there_is_no_outcome(demo, both, tmp_path):
    (catalog, snapshot, _), _ = both
    settings = load_settings(demo.config_in(tmp_path))
    job = MatrixJob(catalog, DAYS[:1])
    parts = build_matrix(settings, snapshot, job, tmp_path / "plain", lambda: None)
    assert not set(AFTERWARDS) & set(frame(parts).columns)


def test_examples_are_the_labelled_rows_in_order(both):
    (catalog, _, whole), (_, _, parts) = both
    one, many = (prepare_examples(frame(each), catalog) for each in (whole, parts))
    rows = frame(whole)
    labelled = rows[rows["label"].notna()].sort_values(["customer_id", "as_of"])
    assert isinstance(one.examples, Examples)
    assert one.examples.customer_id.tolist() == labelled["customer_id"].tolist()
    assert one.examples.y.tolist() == labelled["label"].astype(int).tolist()
    assert one.outcomes == rows["outcome"].value_counts().to_dict()
    np.testing.assert_array_equal(one.examples.x, many.examples.x)
    assert one.examples.spec == many.examples.spec
    every = {column.name for column in feature_columns(catalog)}
    assert set(one.examples.spec.names) | set(one.silent) == every
    assert all(labelled[name].nunique(dropna=False) < 2 for name in one.silent)


def test_the_dates_of_a_labels_table_are_used_as_they_stand(company, tmp_path):
    labels = (
        "customer_id,as_of,churned\n1,2023-05-01,true\n2,2023-04-01,false\n1,2023-04-01,false\n"
    )
    settings = company({"labels.csv": labels}, {"labels": {"path": "labels.csv"}})
    snapshot = take_snapshot(settings, tmp_path / "snapshot")
    assert label_as_ofs(settings, snapshot) == (date(2023, 4, 1), date(2023, 5, 1))
    without = company()
    assert label_as_ofs(without, take_snapshot(without, tmp_path / "other")) == ()


def test_read_matrix_refuses_outcomes_in_another_order(tmp_path):
    keys = {"customer_id": ["a", "b", "c"], "as_of": [DAYS[0]] * 3}
    afterwards = pd.DataFrame(keys | {name: [1, 2, 3] for name in AFTERWARDS})
    part = MatrixPart(tmp_path / "features.parquet", tmp_path / "outcomes.parquet")
    pd.DataFrame(keys | {"wait": [3.0, 2.0, 1.0]}).to_parquet(part.features)
    afterwards.to_parquet(part.outcomes)
    assert read_matrix([part], ["customer_id", "wait"])["label"].tolist() == [1, 2, 3]
    for rows in (afterwards.iloc[[1, 0, 2]], afterwards.iloc[:2], afterwards.assign(as_of=KNOWN)):
        rows.to_parquet(part.outcomes)
        with pytest.raises(ValueError, match="same order"):
            read_matrix([part], ["customer_id", "wait"])


def drawn(ids, share):
    """Who is drawn, by another reading of the rule."""
    halves = [int.from_bytes(hashlib.md5(i.encode()).digest()[:8], "little") for i in ids]  # noqa: S324  (no secret: a fair deal)
    return np.array(halves) < share * 2**64


def test_a_share_of_the_customers_is_theirs_on_every_date_in_any_shards(both, demo, tmp_path):
    (catalog, one, whole), (_, many, _) = both
    everybody = frame(whole)
    settings = load_settings(demo.config_in(tmp_path, engine={"shard_size": 450}))
    for share in (0.5, 0.25):
        wanted = everybody[drawn(everybody["customer_id"], share)].reset_index(drop=True)
        assert 0.7 * share < len(wanted) / len(everybody) < 1.3 * share
        job = MatrixJob(catalog, DAYS, KNOWN, share)
        for snapshot in (one, many):
            folder = tmp_path / f"{share}-{snapshot.shards}"
            parts = build_matrix(settings, snapshot, job, folder, lambda: None)
            pd.testing.assert_frame_equal(frame(parts), wanted, check_exact=True)


@pytest.mark.promise("bounded")
def test_as_many_customers_are_read_as_fit(both, demo, tmp_path):
    (catalog, snapshot, whole), _ = both
    most = len(frame(whole)) // 3
    config = demo.config_in(tmp_path, training={"max_rows": most})
    run = Run(load_settings(config), KNOWN, RunRecord("m", "train", ""))
    found = make_matrix(run, snapshot, MatrixJob(catalog, DAYS, KNOWN), ["tenure_days"])
    assert most / 4 < len(found) <= most
    assert found.groupby("customer_id").size().max() == len(DAYS)
    [note] = run.record.notes
    assert "training.max_rows" in note


@pytest.mark.promise("bounded")
def test_memory_bounds_rows_times_features(both, demo, tmp_path):
    (_, snapshot, _), _ = both
    settings, customers = load_settings(demo.config_in(tmp_path)), snapshot.tables["customers"].rows
    dates = 250_000_000 // (customers * 100)
    assert sample_share(settings, snapshot, dates, 100) == 1
    assert sample_share(settings, snapshot, dates + 1, 100) == 0.5
    assert sample_share(settings, snapshot, dates, 800) == 0.125
