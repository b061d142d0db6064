"""Rows that break the contract on purpose, and the list of them."""

from collections.abc import Mapping
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.contract import Table
from pipelines.simulator.clock import Bools, Clock, Rng
from pipelines.simulator.record import key_texts

CLEAN = frozenset({"customers"})
"""Left alone: a customer's absence would make orphans of all rows of that customer."""
NULL, DATE, DUPLICATE, ORPHAN, NEGATIVE = "null", "date", "duplicate", "orphan", "negative"
LOG = pa.schema([("table", pa.string()), ("fault", pa.string()), ("key", pa.string())])
_FEEDS = ("contacts", "self_service", "notifications", "surveys", "orders")
_UNITS = (("contacts", "wait_seconds", 21), ("self_service", "seconds", 21))
_DEAD_DAYS = 14
_NOBODY = 9_000_000
_CENTURY = pa.scalar(timedelta(days=36_525))


def soil(rng: Rng, table: Table, data: pa.Table, share: float) -> tuple[pa.Table, pa.Table]:
    """Break about ``share`` of a table's rows, each in one way that fits the table.

    A required value that is no key is missing, the event is dated a century ahead, the row is
    given twice, the customer is nobody, or an amount is below zero. Returns the rows and the
    list of what was broken (``LOG``).
    """
    dirty = rng.random(data.num_rows) < share
    spoils = _faults(table)
    pick = rng.integers(0, len(spoils), data.num_rows)
    chosen = {fault: dirty & (pick == number) for number, fault in enumerate(spoils)}
    keys = data[table.key[0]].cast(pa.string())
    for fault, mask in chosen.items():
        if fault != DUPLICATE:
            data = _broken(table, data, fault, spoils[fault], mask)
    data = data.take(np.repeat(np.arange(data.num_rows), 1 + chosen[DUPLICATE]))
    return data, _log(table, keys, chosen)


def _faults(table: Table) -> dict[str, str]:
    """The faults that fit a table, each with the column that it spoils."""
    needed = (c.name for c in table.columns if c.required and c.name not in table.key)
    bounded = (c.name for c in table.columns if c.minimum is not None)
    spoils = {
        DUPLICATE: table.key[0],
        NULL: next((name for name in needed if name != "customer_id"), None),
        DATE: None if table.planned else table.event_at[0],
        ORPHAN: "customer_id" if table.per_customer else None,
        NEGATIVE: "amount" if table.name == "invoices" else next(bounded, None),
    }
    return {fault: column for fault, column in spoils.items() if column is not None}


def _broken(table: Table, data: pa.Table, fault: str, column: str, mask: Bools) -> pa.Table:
    spoilt = {column: pa.scalar(-1 if fault == NEGATIVE else None, data.schema.field(column).type)}
    if fault == ORPHAN:
        spoilt = {column: key_texts("C", _NOBODY + np.arange(data.num_rows))}
    elif fault == DATE:
        moments = data[column].cast(pa.timestamp("us"))
        spoilt = {column: pc.add(moments, _CENTURY).cast(data[column].type)}
    elif fault == NEGATIVE and table.name == "invoices":
        spoilt["corrects_invoice_id"] = pa.scalar(None, pa.string())
    for name, values in spoilt.items():
        index = data.column_names.index(name)
        changed = pc.if_else(pa.array(mask), values, data[name])
        data = data.set_column(index, data.schema.field(name), changed)
    return data


def _log(table: Table, keys: pa.ChunkedArray, chosen: Mapping[str, Bools]) -> pa.Table:
    parts = [keys.filter(pa.array(mask)) for mask in chosen.values()]
    faults = np.repeat(list(chosen), [len(part) for part in parts])
    key = pa.chunked_array([chunk for part in parts for chunk in part.chunks], pa.string())
    names = pa.array([table.name] * len(faults), pa.string())
    return pa.table([names, pa.array(faults, pa.string()), key], schema=LOG)


def draw_bursts(seed: int, clock: Clock, chance: float) -> list[tuple[str, str, int, int]]:
    """When feeds fail: table, the column that comes in minutes ("" where rows are lost), UTC µs.

    ``chance``: of each feed and failure in a month.
    """
    kinds = [*((name, "", _DEAD_DAYS) for name in _FEEDS), *_UNITS]
    found = []
    for month in range(clock.months):
        rng = np.random.default_rng([seed, month + 1, *b"bursts"])
        starts = clock.first(month) + rng.integers(0, 28, len(kinds))
        for place in np.nonzero(rng.random(len(kinds)) < chance)[0]:
            table, column, days = kinds[place]
            ends = clock.midnight(starts[place] + np.array([0, days]))
            found.append((table, column, int(ends[0]), int(ends[1])))
    return found
