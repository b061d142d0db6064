"""Nothing that happened, was known or was revealed later can change a byte of the matrix."""

import io
import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from companies import AT_ONCE, FULL, ZONE, Company, Delays, Row, connect, customers, matrices
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from random_companies import DELAYS, STEPS, grid_day, random_company

from features import matrix
from features.contract import TABLES, Table
from features.labels import make_cohort, outcomes
from features.timeline import LabelWindow, midnight_utc
from features.treatments import recorded_treatments

_CUSTOMERS = 30
_SEEDS = st.integers(0, 10**6)
_STEPS = st.integers(STEPS // 3, STEPS)
_few = settings(
    max_examples=3,
    derandomize=True,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.promise("backfill")
@pytest.mark.parametrize("delays", [AT_ONCE, DELAYS], ids=["at once", "delayed"])
@_few
@given(seed=_SEEDS, step=_STEPS)
def test_the_future_changes_no_byte_of_the_matrix(delays: Delays, seed: int, step: int) -> None:
    rows = random_company(seed, _CUSTOMERS, late=0.3, delays=delays, versions=0.4)
    as_of = grid_day(step)
    later = _later_rows(rows, seed + 1, step)
    now = _parquet(rows, as_of, delays)

    absent = {name: [row for row in table if _known(row, as_of)] for name, table in rows.items()}
    longer = {name: [*table, *later[name]] for name, table in rows.items()}
    redrawn = _redrawn(rows, as_of, random.Random(seed), delays)  # noqa: S311  (seeded, no secret)

    assert absent != rows
    assert all(later.values())
    assert _changed(rows, redrawn)
    assert _parquet(absent, as_of, delays) == now, "rows not yet known were seen"
    assert _parquet(longer, as_of, delays) == now, "later rows changed the matrix"
    assert _parquet(redrawn, as_of, delays) == now, "values not yet revealed were seen"


def test_every_column_that_is_revealed_gets_redrawn() -> None:
    changed = set()
    for seed in range(8):
        rows = random_company(seed, _CUSTOMERS)
        changed |= _changed(rows, _redrawn(rows, grid_day(STEPS // 2), random.Random(seed)))  # noqa: S311  (seeded, no secret)
    assert changed == {
        (table.name, column.name)
        for table in TABLES.values()
        for column in table.columns
        if column.revealed_by is not None
    }


@_few
@given(seed=_SEEDS, step=_STEPS)
def test_what_becomes_known_after_today_leaves_outcomes_unchanged(seed: int, step: int) -> None:
    rows, as_of = random_company(seed, 50), grid_day(step)
    window = LabelWindow(lead_days=10, horizon_days=90)
    today = window.end(as_of)

    later = _later_rows(rows, seed + 1, step + 20)
    longer = {name: [*table, *later[name]] for name, table in rows.items()}
    known = {name: [row for row in table if _known(row, today)] for name, table in rows.items()}

    found = _outcomes(rows, as_of, window, today)
    assert grid_day(step + 20) == today
    assert found.num_rows
    assert found == _outcomes(longer, as_of, window, today)
    assert found == _outcomes(known, as_of, window, today)


def test_outcomes_do_change_while_the_window_is_open() -> None:
    as_of, window = grid_day(STEPS // 2), LabelWindow(lead_days=10, horizon_days=90)
    rows = random_company(7, 200)
    early = {name: [row for row in table if _known(row, as_of)] for name, table in rows.items()}
    today = window.end(as_of)

    labels = _outcomes(rows, as_of, window, today)["label"].to_pylist()
    assert {0, 1, None} == set(labels)
    assert set(_outcomes(early, as_of, window, today)["label"].to_pylist()) == {0}


def test_customers_without_events_stay_with_what_no_row_means() -> None:
    rows = random_company(5, _CUSTOMERS)
    silent = {name: rows[name] if name in ("customers", "contracts") else [] for name in rows}
    [table] = matrices(silent, [grid_day(STEPS)])
    facts = {"customers", "contracts", "own_prices"}
    quiet = [
        feature
        for feature in FULL.features
        if feature.stream not in facts
        and feature.name not in ("no_benefit_at_tenure_over_24m", "segment")
    ]

    assert table.num_rows >= 5
    for feature in quiet:
        assert set(table[feature.name].to_pylist()) == {feature.fill}, feature.name


@pytest.mark.promise("deterministic")
@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_rows_is_nothing(seed: int) -> None:
    rows = random_company(seed, 20)
    rng = random.Random(seed)  # noqa: S311  (seeded, no secret)
    shuffled = {name: rng.sample(table, len(table)) for name, table in rows.items()}
    assert _parquet(rows, grid_day(STEPS)) == _parquet(shuffled, grid_day(STEPS))


def test_shards_give_the_same_rows() -> None:
    rows, as_of = random_company(1, 20), grid_day(STEPS)
    ids = sorted(customers(rows))

    parts = [_only(rows, set(ids[part::3])) for part in range(3)]
    tables = [matrices(part, [as_of])[0] for part in parts]

    together = pa.concat_tables(tables).sort_by("customer_id")
    assert _bytes(together) == _parquet(rows, as_of)


@pytest.mark.parametrize("seed", [1, 2])
def test_what_no_as_of_date_sees_changes_nothing(seed: int) -> None:
    rows = random_company(seed, _CUSTOMERS, late=0.3)
    as_ofs = [grid_day(STEPS // 2), grid_day(STEPS)]
    assert matrices(rows, as_ofs, first=as_ofs[0]) == matrices(rows, as_ofs)


@pytest.mark.promise("deterministic")
def test_threads_and_size_change_nothing() -> None:
    """Enough rows for two threads, in a scattered order: every copy equals its original."""
    rows, as_of, copies = random_company(7, 12), grid_day(STEPS), 500
    [small] = matrices(rows, [as_of], threads=1)

    large = _copied(rows, as_of, copies, threads=2)

    original = np.repeat(np.arange(small.num_rows), copies)
    assert large.drop(["customer_id"]) == small.take(original).drop(["customer_id"])


def _known(row: Row, as_of: date) -> bool:
    now = midnight_utc(as_of, ZONE)
    return row["event_at"] is None or (row["event_at"] < now and row["known_at"] < now)


def _later_rows(rows: Company, seed: int, step: int) -> Company:
    """Fresh rows of every table: some happen later, some happened before and are known later.

    Their keys may be those that known rows refer to in vain.
    """
    rng = random.Random(seed)  # noqa: S311  (seeded, no secret)
    now = midnight_utc(grid_day(step), ZONE)
    happen = random_company(seed, _CUSTOMERS, prefix="new-", first=step)
    surface = random_company(seed + 1, _CUSTOMERS)
    for row in (row for table in surface.values() for row in table):
        delay = timedelta(days=rng.choice((0, 0, 1, 30)))
        row["known_at"] = max(row["known_at"] or now, now + delay)
    taken = {name: {_key(name, row) for row in table} for name, table in rows.items()}
    return {
        name: [
            row
            for row in (*happen[name], *surface[name])
            if row["event_at"] is not None and _key(name, row) not in taken[name]
        ]
        for name in rows
    }


def _key(table: str, row: Row) -> tuple[Any, ...]:
    return tuple(row[column] for column in TABLES[table].key)


def _redrawn(rows: Company, as_of: date, rng: random.Random, delays: Delays = AT_ONCE) -> Company:
    """The same rows, with other values where the as-of date's midnight hides them."""
    return {
        name: [_redraw(name, row, as_of, rng, delays.get(name, 0)) for row in table]
        for name, table in rows.items()
    }


def _changed(rows: Company, other: Company) -> set[tuple[str, str]]:
    return {
        (name, column)
        for name, table in rows.items()
        for row, again in zip(table, other[name], strict=True)
        for column in row
        if row[column] != again[column]
    }


_BEFORE: dict[str, tuple[Any, ...]] = {
    "failed": (None, False),
    "case_id": (None,),
    "status": (None, "missing"),
}
_SETTLED = {
    "failed": (True, False),
    "case_id": ("c1-cases0", "c1-cases1", "elsewhere"),
    "status": ("read", "missing", "estimated"),
}


def _redraw(table: str, row: Row, as_of: date, rng: random.Random, delay: int) -> Row:
    soon = min(0, 1 - delay)
    limits: dict[str, Callable[[], Any]] = {
        "date": lambda: as_of + timedelta(days=rng.choice((soon, 1, 40))),
        "instant": lambda: midnight_utc(as_of, ZONE) + timedelta(days=rng.choice((-delay, 0, 9))),
        "boolean": lambda: rng.choice((True, False)),
        "money": lambda: rng.choice((0, 5000)),
    }
    again = dict(row)
    hidden = [
        column
        for column in TABLES[table].columns
        if column.revealed_by is not None
        and _known(row, as_of)
        and _hidden(row, column.revealed_by, TABLES[table], as_of, delay)
    ]
    for column in hidden:
        if not column.at_once:
            again[column.name] = rng.choice((None, limits[column.type]()))
    for column in hidden:
        if column.at_once:
            settled = again[column.revealed_by or ""] is not None
            again[column.name] = rng.choice(_SETTLED[column.name]) if settled else None
    return again


def _hidden(row: Row, by: str, table: Table, as_of: date, delay: int) -> bool:
    """Whether the moment is still to come; one without it is settled if its value is."""
    moment = row[by]
    if moment is None:
        settled = [c.name for c in table.columns if c.revealed_by == by and c.at_once]
        return all(row[name] in _BEFORE[name] for name in settled)
    instant = moment if isinstance(moment, datetime) else midnight_utc(moment, ZONE)
    return instant + timedelta(days=delay) >= midnight_utc(as_of, ZONE)


def _only(rows: Company, ids: set[str]) -> Company:
    return {
        name: [row for row in table if row.get("customer_id", "") in {"", *ids}]
        for name, table in rows.items()
    }


def _copied(rows: Company, as_of: date, copies: int, threads: int) -> pa.Table:
    with connect(rows, threads=threads) as con:
        for name in (name for name in rows if TABLES[name].per_customer):
            con.execute(
                f"create or replace temp table {name} as "
                "select * replace (customer_id || '/' || lpad(n::varchar, 4, '0') as customer_id) "
                f"from {name}, range({copies}) copy(n) order by hash(n, customer_id, known_at)"
            )
        matrix.derive(con, FULL)
        make_cohort(con, tuple(rows), as_of, ZONE)
        return matrix.cut(con, FULL, as_of, ZONE)


def _outcomes(rows: Company, as_of: date, window: LabelWindow, today: date) -> pa.Table:
    with connect(rows) as con:
        make_cohort(con, tuple(rows), as_of, ZONE)
        known: dict[str, Any] = {"today": today, "zone": ZONE}
        found = outcomes(con, tables=tuple(rows), as_of=as_of, window=window, **known)
        con.register("treated", recorded_treatments(con, **known))
        con.register("found", found)
        return con.sql(
            "select * from found left join treated using (customer_id) order by all"
        ).to_arrow_table()


def _parquet(rows: Company, as_of: date, delays: Delays = AT_ONCE) -> bytes:
    [table] = matrices(rows, [as_of], delays=delays)
    assert table.num_rows
    return _bytes(table)


def _bytes(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table.combine_chunks(), sink)
    return sink.getvalue()
