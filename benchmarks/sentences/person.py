"""One customer's source rows as they were known at midnight of the as-of date, in plain Python."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pyarrow import parquet

Row = dict[str, Any]
HAPPENED: Mapping[str, tuple[str, ...]] = {
    "customers": ("joined_on",),
    "contracts": ("started_on",),
    "terminations": ("notified_on",),
    "invoices": ("issued_on",),
    "payments": ("paid_on",),
    "usage": ("ended_on",),
    "reminders": ("sent_on",),
    "payment_method_events": ("occurred_at",),
    "price_changes": ("notified_on", "effective_on"),
    "price_list": ("valid_from",),
    "contacts": ("started_at",),
    "cases": ("opened_at",),
    "incidents": ("started_at",),
    "notifications": ("sent_at",),
    "surveys": ("answered_at",),
    "orders": ("ordered_on",),
    "complaints": ("opened_at",),
    "meter_readings": ("due_on",),
    "self_service": ("started_at",),
    "offers": ("sent_at",),
    "consents": ("changed_at",),
    "benefits": ("granted_on",),
    "market_price": ("month",),
    "treatments": ("treated_at",),
    "claims": ("claimed_on",),
    "master_data": ("valid_from",),
}
"""The columns that say when a row happened: the earliest of them counts."""
DELAYS: Mapping[str, timedelta] = {"usage": timedelta(days=1)}
"""How long after it happened a row is known, where that is not at once."""


@dataclass
class Clock:
    """The as-of date and the company's zone; instants are naive UTC."""

    as_of: date
    zone: str

    def midnight(self, day: date) -> datetime:
        """The instant at which a day of the company's begins."""
        return _midnight(day, self.zone)

    def day(self, moment: datetime) -> date:
        """The company's own day of an instant."""
        return moment.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(self.zone)).date()

    def hour(self, moment: datetime) -> int:
        """The hour of an instant on the company's own clock."""
        return moment.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(self.zone)).hour

    def instant(self, value: date | datetime) -> datetime:
        """An instant as it is, a day as its midnight."""
        return value if isinstance(value, datetime) else self.midnight(value)

    @property
    def now(self) -> datetime:
        """Midnight of the as-of date."""
        return self.midnight(self.as_of)


@cache
def _midnight(day: date, zone: str) -> datetime:
    there = datetime.combine(day, time(), ZoneInfo(zone))
    return there.astimezone(ZoneInfo("UTC")).replace(tzinfo=None)


class Person:
    """The rows of one customer, and of nobody, such as price lists, that were known."""

    def __init__(self, clock: Clock, tables: Mapping[str, list[Row]]) -> None:
        self.clock, self._tables = clock, tables

    def rows(
        self,
        table: str,
        days: int | None = None,
        where: Callable[[Row], Any] = lambda row: True,
    ) -> list[Row]:
        """Known rows of the last ``days`` days, in the order in which they came to be known."""
        first = None if days is None else self.clock.midnight(self.clock.as_of - timedelta(days))
        found = self._tables.get(table, [])
        return [r for r in found if (first is None or r["_at"] >= first) and where(r)]

    def by_now(self, value: date | datetime | None) -> Any:
        """The value if it had happened by the as-of date, else None."""
        return value if value is not None and self.clock.instant(value) < self.clock.now else None

    def ago(self, day: date) -> int:
        """Whole days from a day to the as-of date."""
        return (self.clock.as_of - day).days

    def day(self, row: Row) -> date:
        """The company's day on which a row happened."""
        return self.clock.day(row["_at"])


def load(files: Iterable[Path], clock: Clock) -> dict[str, dict[str, list[Row]]]:
    """By customer ('' for tables of nobody), then by table: what had happened and was known."""
    found: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for path in files:
        if path.stem in HAPPENED:
            keep(found, path.stem, parquet.read_table(path).to_pylist(), clock)
    return found


def keep(
    found: dict[str, dict[str, list[Row]]], table: str, rows: Iterable[Row], clock: Clock
) -> None:
    """Add the rows of a table that had happened and were known, in the order they were known."""
    kept = []
    for row in rows:
        at = min(clock.instant(row[name]) for name in HAPPENED[table] if row[name] is not None)
        known = max(row.get("known_at") or at, at) + DELAYS.get(table, timedelta())
        if at < clock.now and known < clock.now:
            kept.append(row | {"_at": at, "_known": known})
    names = kept[0] if kept else ()
    key = next((n for n in names if n.endswith("_id") and n != "customer_id"), "_at")
    for row in sorted(kept, key=lambda row: (row["_known"], row["_at"], str(row[key]))):
        found[row.get("customer_id", "")][table].append(row)
