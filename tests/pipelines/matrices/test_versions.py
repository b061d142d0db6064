"""Sources whose rows of one key are versions: what is accepted, refused and built."""

from datetime import date

import duckdb
import pandas as pd
import pytest

from features.errors import ConfigError, ContractError
from pipelines.matrices.build import MatrixJob, build_matrix, catalog_of
from pipelines.snapshots.snapshot import take_snapshot

HEADER = "benefit_id,customer_id,granted_on,ends_on,known_at\n"
SOURCE = {"path": "b.csv", "duplicates": "versions"}
FIRST = "b,1,2024-01-01,2024-06-30,2024-01-01 12:00:00\n"
SECOND = "b,1,2024-01-01,2024-12-31,2024-03-05 12:00:00\n"


@pytest.fixture
def refused(company, tmp_path):
    def message(rows, header=HEADER, table="benefits", **source):
        settings = company({"b.csv": header + rows}, {table: SOURCE | source})
        with pytest.raises(ContractError) as caught:
            take_snapshot(settings, tmp_path / "snapshot")
        return str(caught.value)

    return message


def test_versions_all_stay_and_each_day_sees_its_own(company, tmp_path):
    settings = company({"b.csv": HEADER + SECOND + FIRST}, {"benefits": SOURCE})
    snapshot = take_snapshot(settings, tmp_path / "snapshot")
    assert snapshot.tables["benefits"].rows == 2
    job = MatrixJob(catalog_of(settings.sources, snapshot), (date(2024, 3, 5), date(2024, 3, 6)))
    parts = build_matrix(settings, snapshot, job, tmp_path / "matrix", lambda: None)
    rows = pd.concat(pd.read_parquet(part.features) for part in parts)
    held = rows[rows["customer_id"] == "1"]
    assert held["loyalty_benefit"].tolist() == [1, 1]
    assert held["benefit_days_left"].tolist() == [117, 300]


def test_a_version_that_breaks_the_contract_replaces_nothing(company, tmp_path):
    broken = "b,1,2024-01-01,2024-13-31,2024-03-05 12:00:00\n"
    source = SOURCE | {"max_quarantine_share": 0.6}
    settings = company({"b.csv": HEADER + FIRST + broken}, {"benefits": source})
    snapshot = take_snapshot(settings, tmp_path / "snapshot")
    kept = duckdb.execute(f"select ends_on from '{snapshot.path('benefits', 0)}'").fetchall()
    assert kept == [(date(2024, 6, 30),)]


def test_versions_without_a_moment_of_their_own_are_refused(refused):
    message = refused("b,1,2024-01-01\n", "benefit_id,customer_id,granted_on\n")
    assert "replace each other (duplicates: versions), and no known_at says when" in message
    last = refused("b,1,2024-01-01\n", "benefit_id,customer_id,granted_on\n", duplicates="last")
    assert "replace each other (duplicates: last), and no known_at says when" in last


def test_versions_known_at_the_same_instant_or_of_two_customers_are_refused(refused):
    again = refused(FIRST + SECOND + SECOND)
    assert "known at the same instant, or of two customers: rows 2, 3, 4 of" in again
    assert "of two customers: rows 2, 3 of" in refused(FIRST + SECOND.replace("b,1", "b,2"))


def test_versions_of_a_row_number_are_refused(refused):
    columns = {"benefit_id": {"row_number": True}}
    assert "its key is a row number" in refused(FIRST + SECOND, columns=columns)


@pytest.mark.parametrize("table", ["contracts", "customers", "consents", "price_list"])
def test_versions_are_refused_where_a_table_is_read_as_a_whole(company, table):
    with pytest.raises(ConfigError) as caught:
        company(sources={table: {"path": "c.csv", "duplicates": "versions"}})
    assert f"sources.{table}.duplicates" in str(caught.value)
    assert "tables that may have versions: invoices, payments," in str(caught.value)


INBOUND = {"direction": {"value": "inbound"}}
LOG = "contact_id,customer_id,started_at,transfers,known_at\n" + (
    "t,1,2024-03-01 09:00:00,1,2024-03-01 09:00:00\n"
    "t,1,2024-03-01 09:00:00,3,2024-03-09 09:00:00\n"
    "t,1,2024-03-01 09:00:00,2,2024-03-05 09:00:00\n"
    "u,1,2024-03-04 09:00:00,4,2024-03-04 09:00:00\n"
)


@pytest.mark.parametrize(
    ("duplicates", "seen"),
    [
        ("first", [(1, 1), (5, 2), (5, 2), (5, 2)]),
        ("last", [(0, 0), (4, 1), (4, 1), (7, 2)]),
        ("versions", [(1, 1), (5, 2), (6, 2), (7, 2)]),
    ],
)
def test_a_log_with_a_row_per_change_is_read_as_declared(company, tmp_path, duplicates, seen):
    source = {"path": "k.csv", "duplicates": duplicates, "columns": INBOUND}
    settings = company({"k.csv": LOG}, {"contacts": source})
    snapshot = take_snapshot(settings, tmp_path / "snapshot")
    assert snapshot.tables["contacts"].quarantined == {}
    days = tuple(date(2024, 3, day) for day in (2, 5, 6, 10))
    job = MatrixJob(catalog_of(settings.sources, snapshot), days)
    parts = build_matrix(settings, snapshot, job, tmp_path / "matrix", lambda: None)
    rows = pd.concat(pd.read_parquet(part.features) for part in parts)
    mine = rows[rows["customer_id"] == "1"]
    assert list(zip(mine["transfers_90d"], mine["contacts_90d"], strict=True)) == seen


def test_the_last_row_of_a_key_is_the_one_known_last_wherever_it_stands(company, tmp_path):
    settings = company({"k.csv": LOG}, {"contacts": {"path": "k.csv", "duplicates": "last"}})
    snapshot = take_snapshot(settings, tmp_path / "snapshot")
    kept = duckdb.execute(f"select transfers from '{snapshot.path('contacts', 0)}' order by 1")
    assert kept.fetchall() == [(3,), (4,)]
