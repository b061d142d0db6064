"""Source row as it was known at the as-of date (bitemporal view).

A value that was revealed later would explain the score by what nobody could know.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from features.contract import Column, Table
from features.timeline import days_later, local_day, midnight_utc


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row of a table as it was known: ``key`` and ``values`` by column, nulls left out.

    ``happened_on`` is the company's own day; ``event_at`` and ``known_at`` are naive UTC.
    """

    table: str
    key: Mapping[str, Any]
    happened_on: date | None
    event_at: datetime | None
    known_at: datetime | None
    values: Mapping[str, Any]


def as_known(
    table: Table, row: Mapping[str, Any], now: datetime, zone: str, delay_days: int
) -> SourceRow:
    """The ``row`` (every column, ``event_at``, ``known_at``) as it was known before ``now`` (UTC).

    A value is left out until the moment that reveals it, and ``delay_days`` more, are over: a
    later one would explain the score by what nobody could know.
    """

    def revealed(column: Column) -> bool:
        if column.revealed_by is None:
            return True
        moment = row[column.revealed_by]
        if moment is None:
            return column.at_once
        if not isinstance(moment, datetime):
            moment = midnight_utc(moment, zone)
        return bool(days_later(moment, delay_days, zone) < now)

    key = [name for name in table.key if name != "customer_id"]
    shown = {column.name for column in table.columns if revealed(column)}
    shown |= {name for name in row if name.startswith("attr_")}
    shown -= {"customer_id", *key}
    return SourceRow(
        table.name,
        {name: row[name] for name in key},
        row["event_at"] and local_day(row["event_at"], zone),
        row["event_at"],
        row["known_at"],
        {n: v for n, v in row.items() if n in shown and v is not None},
    )
