"""Instants in two columns, rows left out by a value, and customers read from their calls."""

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import ConfigError, ContractError
from pipelines.snapshots.snapshot import take_snapshot

CALLS = "line,no,who,day,time,outcome\n"
DIALECT = {"instant": "%d.%m.%Y %H:%M", "nulls": ["", "none"]}
COLUMNS = {
    "contact_id": {"columns": ["line", "no"], "join": "/"},
    "customer_id": "who",
    "started_at": {"columns": ["day", "time"]},
}


def contacts(**more):
    return {"contacts": {"path": "calls.csv", "dialect": DIALECT, "columns": COLUMNS, **more}}


@pytest.fixture
def take(company, tmp_path):
    def run(rows, sources, header=CALLS):
        files = {"calls.csv": header + rows} if isinstance(rows, str) else rows
        return take_snapshot(company(files, sources), tmp_path / "snapshot")

    return run


def rows_of(snapshot, table, columns):
    path = snapshot.path(table, 0)
    return duckdb.execute(f"select {columns} from '{path}' order by all").fetchall()


def test_a_day_and_a_time_make_one_instant_and_two_numbers_one_key(take):
    found = take("A,1,1,02.07.2026,9:05,x\nB,1,2,31.12.2026,23:59,x\n", contacts())
    written = rows_of(found, "contacts", "contact_id, strftime(started_at, '%m-%d %H:%M')")
    assert written == [("A/1", "07-02 07:05"), ("B/1", "12-31 22:59")]
    assert found.tables["contacts"].unread == ("outcome",)


def test_an_instant_without_its_time_is_missing_and_the_quarantine_shows_both(take):
    good = "".join(f"A,{n},1,02.07.2026,9:05,x\n" for n in range(40))
    found = take(good + "B,1,1,02.07.2026,none,x\n", contacts())
    assert found.tables["contacts"].quarantined == {"started_at: missing": 1}
    aside = pd.read_csv(found.root / "quarantine" / "contacts.csv", dtype=str)
    assert aside.loc[0, ["day", "time", "line", "no"]].tolist() == ["02.07.2026", "none", "B", "1"]


def test_a_refusal_shows_the_columns_of_an_instant_together(take):
    with pytest.raises(ContractError) as caught:
        take("A,1,1,02.07.2026,noon,x\n", contacts())
    assert "'day' with 'time', written like '99.99.9999 aaaa'" in str(caught.value)


def test_joined_columns_are_typed_ones_too(take, company, tmp_path):
    columns = {"line": ["A"], "no": pa.array([7], pa.int32()), "who": ["1"]}
    table = pa.table({**columns, "day": ["02.07.2026"], "time": ["10:00"]})
    company()
    pq.write_table(table, tmp_path / "data" / "calls.parquet")
    found = take({}, contacts(path="calls.parquet", timezone="UTC"))
    assert rows_of(found, "contacts", "contact_id") == [("A/7",)]


def test_a_joined_key_of_floats_is_refused(take, company, tmp_path):
    columns = {"line": ["A"], "no": [7.0], "who": ["1"], "day": ["02.07.2026"], "time": ["10:00"]}
    company()
    pq.write_table(pa.table(columns), tmp_path / "data" / "calls.parquet")
    with pytest.raises(ContractError, match=r"'no' \(for contact_id\) is stored as DOUBLE"):
        take({}, contacts(path="calls.parquet"))


def test_a_joined_instant_in_a_database_needs_a_zone(take, company, tmp_path):
    company()
    with duckdb.connect(str(tmp_path / "data" / "calls.duckdb")) as con:
        con.execute(
            "create table calls as select 'A' as line, '1' as no, '1' as who, "
            "'02.07.2026' as day, '10:00' as time"
        )
    with pytest.raises(
        ContractError, match=r"'day' with 'time' \(for started_at\) has no time zone"
    ):
        take({}, contacts(path="calls.duckdb", table="calls"))


def test_one_origin_only(take):
    columns = {**COLUMNS, "topic": {"column": "line", "columns": ["no"]}}
    with pytest.raises(ConfigError, match="exactly one of column, columns, value and row_number"):
        take("", contacts(columns=columns))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"columns": {**COLUMNS, "topic": {"columns": ["line", "nr"]}}},
            r"'nr' \(for contacts.topic\)",
        ),
        ({"rows_without": {"outcom": ["x"]}}, r"'outcom' \(for contacts.rows_without\)"),
    ],
)
def test_every_named_column_must_be_there(take, more, message):
    with pytest.raises(ContractError, match=message):
        take("A,1,1,02.07.2026,9:05,x\n", contacts(**more))


def test_rows_with_a_named_value_are_left_out_and_a_null_is_not_one(take):
    rows = "A,1,0,02.07.2026,9:05,x\nA,2,1,02.07.2026,9:05,ghost\nA,3,1,02.07.2026,9:05,none\n"
    source = contacts(rows_without={"who": ["0"], "outcome": ["ghost", "echo"]})
    facts = take(rows, source)
    assert rows_of(facts, "contacts", "contact_id") == [("A/3",)]
    found = facts.tables["contacts"]
    assert (found.rows, found.source_rows, found.quarantined, found.unread) == (1, 1, {}, ())


def test_customers_are_the_first_calls_of_each_without_a_fault(take):
    rows = "A,1,7,02.07.2026,9:05,x\nA,2,8,02.07.2026,9:05,y\nA,3,7,02.07.2026,9:05,z\n"
    source = {"path": "calls.csv", "columns": {"customer_id": "who", "segment": "outcome"}}
    found = take(rows, {"customers": {**source, "duplicates": "first"}})
    assert rows_of(found, "customers", "customer_id, segment") == [("7", "x"), ("8", "y")]
    facts = found.tables["customers"]
    assert (facts.rows, facts.source_rows, facts.quarantined) == (2, 2, {})
    assert not (found.root / "quarantine").exists()
