"""What the company knew of one customer before an as-of date."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from companies import AT_ONCE, VERSIONED, Company, Delays, Row

from features.contract import TABLES, Table


@cache
def midnight(day: date, zone: str) -> datetime:
    local = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return local.astimezone(UTC).replace(tzinfo=None)


def known_order(row: Row) -> tuple[Any, ...]:
    """The order in which the company came to know rows; the key breaks ties."""
    return (row["known_at"], row["event_at"], row["key"])


@dataclass(frozen=True)
class View:
    """The tables as seen at ``as_of``: rows that had happened and were known, in that order."""

    as_of: date
    zone: str
    tables: dict[str, list[Row]]
    delays: Delays

    @property
    def now(self) -> datetime:
        return self.midnight(self.as_of)

    def midnight(self, day: date) -> datetime:
        return midnight(day, self.zone)

    def known(self, table: str, moment: date | datetime) -> datetime:
        """When a moment written in a table's row could be known."""
        return _known(table, moment, self.zone, self.delays)

    def local_day(self, moment: datetime) -> date:
        return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(self.zone)).date()

    def rows(self, table: str, where: Callable[[Row], Any] = lambda _: True) -> list[Row]:
        return [row for row in self.tables[table] if where(row)]

    def recent(self, rows: Iterable[Row], days: int) -> list[Row]:
        edge = self.midnight(self.as_of - timedelta(days=days))
        return [row for row in rows if row["event_at"] >= edge]

    def counts(self, name: str, rows: list[Row], *windows: int) -> dict[str, Any]:
        return {f"{name}_{days}d": len(self.recent(rows, days)) for days in windows}

    def sums(self, name: str, rows: list[Row], column: str, *windows: int) -> dict[str, Any]:
        return {
            f"{name}_{days}d": sum(row[column] or 0 for row in self.recent(rows, days))
            for days in windows
        }

    def largest(
        self, name: str, rows: list[Row], column: str, *windows: int, none: Any = None
    ) -> dict[str, Any]:
        return {
            f"{name}_{days}d": top((row[column] for row in self.recent(rows, days)), none)
            for days in windows
        }

    def days_since(self, days: Iterable[date]) -> int | None:
        latest = top(days)
        return None if latest is None else (self.as_of - latest).days


def see(
    rows: Company,
    customer: str,
    as_of: date,
    zone: str,
    delays: Delays = AT_ONCE,
    versioned: Collection[str] = VERSIONED,
) -> View:
    """Keep what could be seen before the midnight of ``as_of``."""
    now = midnight(as_of, zone)
    tables = {}
    for name, table in TABLES.items():
        visible = [
            _revealed(table, row, now, zone, delays)
            for row in rows.get(name, [])
            if row.get("customer_id", customer) == customer
            and (row["event_at"] is None or row["event_at"] < now)
            and (row["known_at"] is None or row["known_at"] < now)
        ]
        if name in versioned:
            visible = _newest_versions(visible, keep_own=table.versions)
        tables[name] = sorted(visible, key=lambda row: (row["event_at"] is not None, *_key(row)))
    return View(as_of, zone, tables, delays)


def _newest_versions(rows: list[Row], *, keep_own: bool) -> list[Row]:
    """Of the rows of one key, the one that was known last.

    It keeps its own known_at, or has been known since the first of them was.
    """
    newest: dict[tuple[str, ...], Row] = {}
    for row in sorted(rows, key=lambda row: row["known_at"]):
        first = newest.get(row["key"], row)["known_at"]
        known = row["known_at"] if keep_own else max(first, row["event_at"])
        newest[row["key"]] = row | {"known_at": known}
    return list(newest.values())


def top(values: Iterable[Any], none: Any = None) -> Any:
    return max((value for value in values if value is not None), default=none)


def last(rows: Iterable[Row], column: str) -> Any:
    """The column's newest value that is not null."""
    return next((row[column] for row in reversed(list(rows)) if row[column] is not None), None)


def share(
    view: View, name: str, rows: list[Row], column: str, *windows: int
) -> dict[str, float | None]:
    """The share of rows whose column is true."""
    found = {days: [row[column] for row in view.recent(rows, days)] for days in windows}
    return {
        f"{name}_{days}d": sum(values) / len(values) if values else None
        for days, values in found.items()
    }


def in_force(master_data: list[Row], attribute: str) -> Any:
    """The attribute's value on file: that of the row which holds from latest."""
    rows = [row for row in master_data if row["attribute"] == attribute]
    return max(rows, key=lambda row: row["valid_from"])["value"] if rows else None


def flag(value: bool | None) -> int | None:
    return None if value is None else int(value)


def minutes(start: datetime, end: datetime) -> int:
    """Whole minutes on the clock from one instant to another."""
    return int((end.replace(second=0) - start.replace(second=0)).total_seconds()) // 60


def _key(row: Row) -> tuple[Any, ...]:
    return known_order(row) if row["event_at"] is not None else (0, 0, row["key"])


def _known(table: str, moment: date | datetime, zone: str, delays: Delays) -> datetime:
    instant = moment if isinstance(moment, datetime) else midnight(moment, zone)
    days = delays.get(table, 0)
    if not days:
        return instant
    local = instant.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    clock = local.replace(tzinfo=None) + timedelta(days=days)
    return clock.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)


def _revealed(table: Table, row: Row, now: datetime, zone: str, delays: Delays) -> Row:
    seen = dict(row) | {"key": tuple(str(row[column]) for column in table.key)}
    for column in table.columns:
        if column.revealed_by is not None:
            moment = row[column.revealed_by]
            if moment is None and column.at_once:
                continue
            if moment is None or _known(table.name, moment, zone, delays) >= now:
                seen[column.name] = None
    return seen
