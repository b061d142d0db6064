"""Whatever way a company writes its tables, they are read as meant, or refused by name.

Every table of the contract with random values of its columns' types is written in a random
dialect, without some of its optional columns, and with rows that repeat a key. What the snapshot
holds must be what was written, row by row and column by column; nothing but an error of ours ends
a run.
"""

import csv
import io
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.contract import TABLES, Column, Table
from features.errors import StilleError
from pipelines.snapshots.snapshot import take_snapshot

ROWS = 8
GIVEN = [table for table in TABLES.values() if not table.derived]
PER_CUSTOMER = [t for t in GIVEN if t.per_customer and t.name not in ("customers", "labels")]
# Their rows have meanings of their own (a scale, an attribute's words, a day that must be there).
OTHER = {"surveys", "master_data", "consents", "households", "contact_bars", "reservations"}
FUZZED = [table for table in PER_CUSTOMER if table.name not in OTHER]

DATES = ("%Y-%m-%d", "%d.%m.%Y", "%Y%m%d", "%d/%m/%Y", "%d %b %Y")
INSTANTS = ("%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%Y-%m-%dT%H:%M:%S%z", "%Y%m%d%H%M%S")
MINUS = ("-", "\u2212", "\u2013")
WORDS = (("true", "false"), ("J", "N"), ("1", "0"), ("TRUE", "FALSE"))


@st.composite
def dialects(draw: st.DrawFn) -> dict[str, Any]:
    decimal = draw(st.sampled_from(".,"))
    delimiter = draw(st.sampled_from(",;\t|"))
    yes, no = draw(st.sampled_from(WORDS))
    return {
        "delimiter": delimiter,
        "quote": draw(st.sampled_from("\"'")),
        "encoding": draw(st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"])),
        "decimal": decimal,
        "thousands": draw(st.sampled_from(["", " ", {".": ",", ",": "."}[decimal]])),
        "date": draw(st.sampled_from(DATES)),
        "instant": draw(st.sampled_from(INSTANTS)),
        "true_values": [yes],
        "false_values": [no],
    }


def value_of(column: Column, random: Random) -> Any:
    """A value that the contract allows; None now and then for an optional column."""
    if not column.required and random.random() < 0.2:
        return None
    day = date(2020, 1, 1) + timedelta(days=random.randrange(1400))
    low = 0 if column.minimum is None else column.minimum
    makers: dict[str, Callable[[], Any]] = {
        "text": lambda: random.choice(
            column.allowed or ("x", "a;b,c", 'say "hi"', "it's", "kålrot", "two\nlines", "\u00a0é")
        ),
        "integer": lambda: int(low) + random.choice((0, 1, 2, 3)),
        "number": lambda: low + random.choice((0, 0.5, 1234.25)),
        "money": lambda: random.choice((0, 1, 99, 123456789)),
        "price": lambda: Decimal(random.choice(("0", "0.5", "99.95", "1234.5"))),
        "boolean": lambda: random.random() < 0.5,
        "date": lambda: day,
        "instant": lambda: (
            datetime.combine(day, datetime.min.time())
            + timedelta(seconds=random.randrange(5 * 3600, 20 * 3600))
        ),
    }
    return makers[column.type]()


def table_rows(table: Table, random: Random) -> list[dict[str, Any]]:
    rows = []
    for number in range(ROWS):
        row = {column.name: value_of(column, random) for column in table.columns}
        row |= {name: f"{table.name}{number}" for name in table.key if name != "customer_id"}
        rows.append(row | {"customer_id": f"c{number % 3}"})
    return rows


def written(value: Any, column: Column, dialect: dict[str, Any], random: Random) -> str:
    if value is None:
        return ""
    if column.type == "boolean":
        return dialect["true_values" if value else "false_values"][0]
    if column.type == "date":
        return value.strftime(dialect["date"])
    if column.type == "instant":
        text = value.strftime(dialect["instant"])
        return text + "+0000" if "%z" in dialect["instant"] else text
    if column.type == "text":
        return str(value)
    number = Decimal(value) / (100 if column.type == "money" else 1)
    whole, _, rest = f"{abs(number):,f}".partition(".")
    text = whole.replace(",", dialect["thousands"])
    rest = rest.rstrip("0")
    if column.type == "money" and rest:
        rest = rest.ljust(2, "0")
    text += f"{dialect['decimal']}{rest}" if rest else ""
    # cp1252 has no U+2212, so no export in it writes one.
    minus = random.choice(MINUS[:1] if dialect["encoding"] == "cp1252" else MINUS)
    return f"{minus}{text}" if number < 0 else text


def file_of(
    rows: list[dict[str, Any]], columns: list[Column], dialect: dict[str, Any], random: Random
) -> bytes:
    text = io.StringIO()
    writer = csv.writer(
        text, delimiter=dialect["delimiter"], quotechar=dialect["quote"], lineterminator="\r\n"
    )
    writer.writerow([column.name for column in columns])
    for row in rows:
        writer.writerow([written(row[c.name], c, dialect, random) for c in columns])
    return text.getvalue().encode(dialect["encoding"])


def meant(rows: list[dict[str, Any]], table: Table, columns: list[Column]) -> set[Any]:
    names = {column.name for column in columns}
    return {
        tuple(row[column.name] if column.name in names else None for column in table.columns)
        for row in rows
    }


def fuzz(company: Callable[..., Any], tmp_path_factory: Any, table: Table, dialect: Any, seed: int):
    """Read one table; "read" or "refused", and an assertion error where it was read otherwise."""
    random = Random(seed)  # noqa: S311
    rows = table_rows(table, random)
    if table.name == "invoices":
        for row in rows:
            row["corrects_invoice_id"] = None
    if table.name == "payments":
        rows[0]["amount"] = -5000
    columns = [c for c in table.columns if c.required or random.random() < 0.7]
    repeated = random.random() < 0.3
    given = [*rows, rows[0]] if repeated else rows
    # An instant without a zone is in UTC here, as what is meant is.
    source = {"path": "t.csv", "dialect": dialect, "timezone": "UTC", "money_unit": "major"}
    source |= {"duplicates": "first"} if repeated else {}
    contents = {
        "customers.csv": "customer_id,joined_on\nc0,2019-01-01\nc1,2019-01-01\nc2,2019-01-01\n",
        "t.csv": file_of(given, columns, dialect, random),
    }
    try:
        read = company(contents, {table.name: source})
        snapshot = take_snapshot(read, tmp_path_factory.mktemp("fuzz") / "s")
    except StilleError:
        return "refused"
    names = [column.name for column in table.columns]
    found = [
        tuple(row[name] for name in names)
        for shard in range(snapshot.shards)
        for row in pq.read_table(snapshot.path(table.name, shard)).to_pylist()
    ]
    assert len(found) == ROWS, f"{ROWS - len(found)} rows are gone"
    assert set(found) == meant(rows, table, columns)
    return "read"


any_way = given(dialect=dialects(), seed=st.integers(0, 2**32))
every_table = pytest.mark.parametrize("table", FUZZED, ids=lambda table: table.name)
checks = [HealthCheck.function_scoped_fixture]


@every_table
@settings(max_examples=3, deadline=None, suppress_health_check=checks)
@any_way
def test_a_table_is_read_as_it_was_meant(company, tmp_path_factory, table, dialect, seed):
    assert fuzz(company, tmp_path_factory, table, dialect, seed) == "read"


@pytest.mark.proof
@every_table
@settings(max_examples=30, deadline=None, suppress_health_check=checks)
@any_way
def test_many_tables_are_read_as_they_were_meant(company, tmp_path_factory, table, dialect, seed):
    assert fuzz(company, tmp_path_factory, table, dialect, seed) == "read"
