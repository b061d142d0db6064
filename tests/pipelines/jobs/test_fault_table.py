"""Every fault of the data that may happen, by its number: the exit code, and the list that stays.

Each runs a whole night of the trained company with default settings and, unless it says
otherwise, without an earlier snapshot.
"""

import logging
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from trees import records, tree

from pipelines.jobs.entry import NIGHTLY
from pipelines.publication.reader import current
from pipelines.snapshots import snapshot as snapshots
from pipelines.sources import database_reader

Sources = dict[str, Any]
CUSTOMERS = {"customers": {"path": "tables/customers.csv", "known_delay_days": 0, "static": True}}
NEWEST = "date '2024-02-01'"


def rewrite(tables: Path, name: str, select: str, into: str = "", options: str = "") -> Path:
    source, target = tables / f"{name}.parquet", tables / (into or f"{name}.parquet")
    rows = duckdb.sql(select.format(rows=f"'{source}'")).to_arrow_table()
    assert rows.num_columns
    duckdb.sql(f"copy (from rows) to '{target}' {options}")
    return target


def written(name: str, select: str) -> Callable[[Path], Sources]:
    def fault(tables: Path) -> Sources:
        rewrite(tables, name, select)
        return {}

    return fault


def replaced(name: str, columns: str) -> Callable[[Path], Sources]:
    return written(name, f"select * replace ({columns}) from {{rows}}")


def as_text(change: Callable[[bytes], bytes]) -> Callable[[Path], Sources]:
    def fault(tables: Path) -> Sources:
        path = rewrite(tables, "customers", "from {rows}", "customers.csv", "(header)")
        path.write_bytes(change(path.read_bytes()))
        return CUSTOMERS

    return fault


def missing(tables: Path) -> Sources:
    (tables / "invoices.parquet").unlink()
    return {}


def truncated(tables: Path) -> Sources:
    path = tables / "contracts.parquet"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return {}


def flipped(tables: Path) -> Sources:
    path = rewrite(tables, "customers", "from {rows}", "whole.parquet")
    given = pd.read_parquet(path)
    path = tables / "customers.parquet"
    given.to_parquet(path, write_page_checksum=True, compression=None)
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 4
    path.write_bytes(content)
    return {}


def without_zone(tables: Path) -> Sources:
    with duckdb.connect(str(tables / "crm.duckdb")) as crm:
        crm.execute(f"create table c as from '{tables / 'contacts.parquet'}'")
    return {"contacts": {"path": "tables/crm.duckdb", "table": "c", "known_delay_days": 0}}


def away(_: Path) -> Sources:
    database = {"uri": "${STILLE_NOWHERE}", "table": "crm.reminders"}
    return {"reminders": {"database": database, "known_delay_days": 0}}


TEN_TIMES = (
    "select * exclude n replace (contact_id || '-' || n as contact_id) from {rows}, range(10) t(n) "
    "where n = 0 or started_at::date = date '2024-02-27'"
)
TWO_UNITS = "if(issued_on >= '2024-02-01' and hash(invoice_id) % 5 < 2, 100, 1) * amount as amount"
LATER = "started_at + interval 10 year as started_at"

fault = pytest.mark.fault
FAULTS = [
    (fault(1), "a needed table is gone", missing, 3),
    (fault(2), "an optional table that the champion needs", lambda _: {"reminders": None}, 3),
    (fault(3), "no byte", as_text(lambda _: b""), 3),
    (fault(3), "only a header", as_text(lambda text: text[: text.index(b"\n") + 1]), 3),
    (fault(3), "Parquet without rows", written("reminders", "from {rows} limit 0"), 3),
    (fault(4), "half a Parquet file", truncated, 3),
    (fault(5), "a flipped bit", flipped, 3),
    (fault(6), "half a row", as_text(lambda text: text + b"C9"), 3),
    (fault(6), "an open quote", as_text(lambda text: text + b'"C9,'), 3),
    (
        fault(7),
        "another encoding",
        as_text(lambda text: text.replace(b"private", b"priv\xe9", 1)),
        3,
    ),
    (fault(8), "a NUL byte", as_text(lambda text: text.replace(b"C", b"\0", 1)), 3),
    (fault(9), "a field without end", as_text(lambda text: text + b"x" * 3_000_000), 3),
    (
        fault(10),
        "a column twice",
        as_text(lambda text: text.replace(b"joined_on", b"segment", 1)),
        3,
    ),
    (
        fault(11),
        "a customer twice",
        written("customers", "from {rows} union all (from {rows} limit 1)"),
        3,
    ),
    (
        fault(13),
        "a renamed column",
        written("contracts", "select * rename (product_line as p) from {rows}"),
        3,
    ),
    (
        fault(13),
        "a dropped column",
        written("contacts", "select * exclude wait_seconds from {rows}"),
        3,
    ),
    (fault(14), "other dates", as_text(lambda text: text.replace(b"-0", b".0")), 3),
    (fault(15), "the future", replaced("contacts", LATER), 3),
    (fault(17), "times without a zone", without_zone, 3),
    (fault(19), "a column without values", replaced("contacts", "null as wait_seconds"), 6),
    (fault(20), "words without end", replaced("contacts", "contact_id as topic"), 6),
    (fault(21), "every amount negative", replaced("invoices", "-amount as amount"), 3),
    (fault(22), "another unit", replaced("invoices", "amount * 100 as amount"), 6),
    (fault(22), "two units in a month", replaced("invoices", TWO_UNITS), 6),
    (
        fault(23),
        "15 days are missing",
        written("contacts", "from {rows} where started_at < '2024-02-15'"),
        6,
    ),
    (fault(23), "a day ten times", written("contacts", TEN_TIMES), 6),
    (
        fault(23),
        "half the rows",
        written("contacts", "from {rows} where hash(contact_id) % 2 = 0"),
        6,
    ),
    (fault(24), "unknown customers", replaced("invoices", "'X' || customer_id as customer_id"), 3),
    (fault(24), "unknown cases", replaced("contacts", "'X' || case_id as case_id"), 6),
    (fault(26), "a database is away", away, 75),
]


@pytest.fixture
def refused(demo, copied, stille):
    """Run a night that must not publish; returns how it ended."""

    def run(code: int, sources: Sources | None = None, as_of: date = demo.as_of) -> Any:
        config = demo.config_in(copied, copied / "data", sources=sources or {})
        before = tree(copied / "out")
        ended = stille("nightly", "--plain", "--config", config, "--as-of", as_of)
        assert ended.code == code, ended.err
        assert "Traceback" not in ended.err
        assert tree(copied / "out") == before
        record = records(copied / "var", "nightly")[-1]
        assert (record["status"], record["exit_code"]) == ("failed", code)
        assert record["publication"] is None
        return ended

    return run


@pytest.mark.promise("closed")
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        pytest.param(change, code, id=f"{mark.args[0]} {what}", marks=mark)
        for mark, what, change, code in FAULTS
    ],
)
def test_a_fault_ends_with_its_code_and_the_last_list_stays(
    copied, refused, monkeypatch, fault: Callable[[Path], Sources], code: int
):
    monkeypatch.setattr(database_reader, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(logging, "raiseExceptions", False)
    monkeypatch.setenv("STILLE_NOWHERE", "postgresql://a:b@127.0.0.1:1/c")
    refused(code, fault(copied / "data" / "tables"))


@pytest.mark.promise("closed")
@pytest.mark.fault(18)
def test_18_an_older_date(demo, refused):
    assert "--backfill" in refused(2, as_of=demo.as_of - timedelta(days=1)).err


@pytest.mark.promise("features")
@pytest.mark.fault(19)
def test_19_a_column_that_empties_step_by_step(demo, copied, refused, stille):
    tables = copied / "data" / "tables"
    emptied = "if(hash(customer_id) % 100 < {percent}, null, segment) as segment"
    replaced("customers", emptied.format(percent=18))(tables)
    config = demo.config_in(copied, copied / "data")
    assert stille("check", "--config", config, "--as-of", demo.as_of).code == 0
    replaced("customers", emptied.format(percent=36))(tables)
    assert "features are not filled as in the champion's training" in refused(6).err


@pytest.mark.promise("closed")
@pytest.mark.fault(23)
def test_23_a_night_60_days_after_the_newest_rows(demo, copied, refused):
    shutil.copytree(demo.var / "snapshots", copied / "var" / "snapshots")
    late = demo.as_of + timedelta(days=60)
    said = refused(6, as_of=late).err
    newest, expected = demo.as_of - timedelta(days=1), late - timedelta(days=3)
    assert (
        f"contacts: days since the newest event: 61 (at most 3); newest {newest}, "
        f"expected {expected} or later" in said
    )


@pytest.mark.promise("closed")
@pytest.mark.fault(25)
def test_25_a_file_that_is_replaced_while_it_is_read(copied, refused, monkeypatch):
    path = copied / "data" / "tables" / "surveys.parquet"
    reading = snapshots.write_tables

    def replaced_meanwhile(*given: Any) -> Any:
        rewrite(path.parent, "surveys", "from {rows} offset 1")
        return reading(*given)

    monkeypatch.setattr(snapshots, "write_tables", replaced_meanwhile)
    assert str(path) in refused(75).err


@pytest.mark.fault(8, 12, 13, 15, 16, 21)
def test_8_12_13_15_16_21_what_does_no_harm_changes_no_score(demo, published, copied, stille):
    tables = copied / "data" / "tables"
    path = rewrite(
        tables, "customers", "select *, 1 as added from {rows}", "customers.csv", "(header)"
    )
    lines = path.read_text("utf-8").splitlines()
    newcomer = dict.fromkeys(lines[0].split(","), "") | {"customer_id": "007", "added": "1"}
    text = "\r\n".join([*lines, ",".join(newcomer.values()), ""])
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    moments = ("timestamp '2024-02-29 23:00'", "timestamp '2024-03-05 10:00'", "now()::timestamp")
    events = "".join(
        f" union all (select * replace ({moment} + interval {days} day as started_at, "
        f"'x{n}' as contact_id) from {{rows}} limit 1)"
        for n, (moment, days) in enumerate(zip(moments, (0, 0, 9), strict=True))
    )
    rewrite(tables, "contacts", "from {rows}" + events)
    wrong = "select * replace ('x' as invoice_id, -1 as amount) from {rows} limit 1"
    rewrite(tables, "invoices", f"from {{rows}} union all ({wrong})")
    config = demo.config_in(copied, copied / "data", sources=CUSTOMERS)
    night = NIGHTLY.start(config, demo.as_of)
    assert night.written
    assert current(copied / "out") == night.publication
    now, then = (
        pd.read_parquet(
            each.publication.folder / "risk_list.parquet",
            columns=["customer_id", "churn_probability"],
        )
        for each in (night, published)
    )
    pd.testing.assert_frame_equal(now, then)
    (record,) = records(copied / "var", "nightly")
    assert record["quarantined"]["invoices"] == {"amount: negative without a corrected invoice": 1}
    assert sum(record["quarantined"]["contacts"].values()) == 1
    written_ids = f"{copied}/var/snapshots/*/customers/*/*.parquet"
    assert duckdb.sql(f"from '{written_ids}' where customer_id = '007'").fetchall()
