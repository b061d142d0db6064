"""Random companies that meet every table, tie, boundary and late-known row of the contract.

Days lie on a grid of five days, so that rows often fall exactly on the edges of windows that
are counted from an as-of date of the same grid, and half of a customer's rows crowd into three
of its days. References point anywhere within the company, also to rows that are known later, or
to none.
"""

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from companies import AT_ONCE, VERSIONED, ZONE, Company, Delays, Row, complete

from features.contract import TABLES, Column
from features.timeline import days_later, midnight_utc

FIRST = date(2022, 9, 2)
GRID_DAYS = 5
STEPS = 130
_OLD_DAYS = 600
_ROWS_PER_CUSTOMER = {
    "contracts": 2,
    "invoices": 16,
    "payments": 14,
    "usage": 8,
    "reminders": 4,
    "payment_method_events": 6,
    "price_changes": 4,
    "contacts": 24,
    "cases": 5,
    "incidents": 4,
    "claims": 3,
    "notifications": 14,
    "surveys": 6,
    "orders": 4,
    "complaints": 4,
    "meter_readings": 6,
    "self_service": 8,
    "offers": 6,
    "consents": 6,
    "benefits": 3,
    "households": 2,
    "household_notices": 2,
    "treatments": 4,
    "master_data": 8,
    "contact_bars": 3,
    "reservations": 2,
}
DELAYS: Delays = {
    "benefits": 2,
    "cases": 3,
    "claims": 2,
    "complaints": 5,
    "contacts": 2,
    "incidents": 1,
    "invoices": 1,
    "meter_readings": 4,
    "notifications": 1,
    "offers": 3,
    "orders": 5,
    "payments": 2,
    "price_changes": 3,
    "price_list": 5,
    "terminations": 3,
}
"""Days after which a slow company's rows, and the moments in them, come to be known."""

_DIMENSIONS = {"price_list": 24, "market_price": 16}
_REFERENCES = {
    "invoice_id": "invoices",
    "contract_id": "contracts",
    "case_id": "cases",
    "incident_id": "incidents",
    "order_id": "orders",
}
_CHOICES: dict[str, tuple[Any, ...]] = {
    "plan_id": ("p0", "p1", "p2", "p3"),
    "product_line": ("electricity", "alarm"),
    "topic": ("billing", "fault"),
    "kind": ("outage", "marketing", "survey", "price"),
    "attribute": (
        *("preferred_channel", "preferred_channel", "invoice_format", "plan", "plan"),
        *("payment_method", "segment"),
    ),
    "value": ("phone", "email", "chat", "paper"),
    "purpose": ("marketing", "marketing", "service"),
    "score": (1.0, 2.0, 4.0, 4.5, 5.0, 7.0),
    "stated_price": ("95", "100", "100.9", "200"),
    "direction": ("inbound", "inbound", "inbound", "outbound"),
    "channel": ("phone", "email", "chat"),
    "handled_by": ("bot", "human"),
    "method": ("autopay", "manual", "card"),
    "abandoned": (True, False, False, False),
    "failed": (True, False, False, False),
    "stage": (1, 2, 3),
    "term_months": (1, 5, 12),
    "price": ("95", "100", "105", "200", "300"),
    "old_price": ("0", "100", "120", "300"),
    "new_price": ("95", "110", "120.5", "200"),
    "amount": (0, 10000, 12500, 30000),
    "usage": (0, 1, 4.5),
    "usage.amount": (0, 1, 2, 9),
    "payments.amount": (0, 1, 9999, 10000, 12500, 12500, 30000, 30000, -10000),
    "fee": (0, 0, 3500),
    "outcome": ("voluntary", "voluntary", "moved", "deceased"),
}
_BY_TYPE: dict[str, tuple[Any, ...]] = {
    "text": ("x", "y"),
    "integer": (0, 1, 2, 3, 40, 300),
    "number": (1.0, 4.5),
    "money": (0, 4900, 100000),
    "boolean": (True, False),
}


_NULL = {"linked_at": 0.7, "failed_on": 0.5, "settled_on": 0.5}


_ON_FILE = {
    "plan": {"phone": "p0", "email": "p1", "chat": "p2", "paper": "elsewhere"},
    "payment_method": {"phone": "autopay", "email": "manual", "chat": "card", "paper": "mobile"},
}


def grid_day(step: int) -> date:
    """A day of the grid that rows happen on."""
    return FIRST + timedelta(GRID_DAYS * step)


def random_company(
    seed: int,
    customers: int = 8,
    *,
    late: float = 0.1,
    prefix: str = "",
    first: int = 0,
    delays: Delays = AT_ONCE,
    versions: float = 0,
    versioned: Sequence[str] = VERSIONED,
) -> Company:
    """A company of every table but ``labels``.

    ``late`` is the share of rows known later than their table's delay, ``prefix`` starts the
    rows' own keys, and no row happens before the grid's step ``first``. ``versions`` is the
    share of rows that another version replaces, in the ``versioned`` tables.
    """
    maker = _Maker(random.Random(seed), late, prefix, first, delays)  # noqa: S311  (seeded, no secret)
    ids = [f"c{number}" for number in range(customers)]
    rows: Company = {name: [] for name in TABLES if name != "labels"}
    rows["customers"] = [maker.row("customers", prefix + customer, 0) for customer in ids]
    for name, count in _DIMENSIONS.items():
        rows[name] = [maker.row(name, "", number) for number in range(count)]
    for name, mean in _ROWS_PER_CUSTOMER.items():
        for customer in ids:
            count = maker.random.choice((0, mean // 2, mean, 2 * mean))
            rows[name] += [maker.row(name, customer, number) for number in range(count)]
    rows["terminations"] = [
        maker.row("terminations", customer, 0, contract_id=f"{prefix}{customer}-contracts{number}")
        for customer in ids
        for number in range(6)
        if maker.chance(0.5)
    ]
    rows = {name: _unique(name, table) for name, table in rows.items()}
    for name in versioned if versions else ():
        rows[name] += [
            later
            for row in rows[name]
            if maker.chance(versions) and (later := maker.version(name, row))
        ]
    return rows


class _Maker:
    def __init__(
        self, rng: random.Random, late: float, prefix: str, first: int, delays: Delays
    ) -> None:
        self.random, self.late, self.prefix, self.first = rng, late, prefix, first
        self.delays = delays
        self.crowded: dict[str, tuple[int, ...]] = {}

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def row(self, table: str, customer: str, number: int, **given: Any) -> Row:
        contract = TABLES[table]
        day = grid_day(self._step(customer))
        if table == "customers" and not self.first:
            day -= timedelta(self.random.choice((0, _OLD_DAYS)))
        row: Row = {"customer_id": customer} if contract.per_customer else {}
        for column in contract.columns:
            if column.name not in row:
                row[column.name] = self._value(table, column, customer, number, day)
        row = complete(table, row | _consistent(table, row) | given)
        if row["event_at"] is not None:
            row["known_at"] = days_later(row["known_at"], self.delays.get(table, 0), ZONE)
            if self.chance(self.late):
                row["known_at"] += self._delay()
        return row

    def version(self, table: str, row: Row) -> Row | None:
        """Another row of the same key, unless both would be known at the same instant."""
        other = self.row(table, row["customer_id"], 0, **{n: row[n] for n in TABLES[table].key})
        return other if other["known_at"] != row["known_at"] else None

    def _step(self, customer: str) -> int:
        steps = range(self.first, self.first + STEPS)
        crowded = self.crowded.setdefault(customer, tuple(self.random.choices(steps, k=3)))
        return self.random.choice(crowded if self.chance(0.5) else steps)

    def _delay(self) -> timedelta:
        minutes = self.random.choice((0, 0, 90, 1441))
        return timedelta(days=self.random.choice((0, 5, 30, 60)), minutes=minutes)

    def _value(self, table: str, column: Column, customer: str, number: int, day: date) -> Any:
        contract = TABLES[table]
        if column.name in contract.key and column.name.endswith("_id") and contract.per_customer:
            return f"{self.prefix}{customer}-{table}{number}"
        if not column.required and self.chance(_NULL.get(column.name, 0.2)):
            return None
        if column.name in contract.event_at or column.type in ("date", "instant"):
            return self._moment(column, day, main=column.name in contract.event_at)
        if table == "invoices" and column.name in ("contract_id", "corrects_invoice_id"):
            return self._of_bill(column.name, customer)
        if column.name in _REFERENCES:
            return f"{customer}-{_REFERENCES[column.name]}{self.random.randrange(8)}"
        allowed = set(column.allowed)
        usual = tuple(column.allowed) or _BY_TYPE.get(column.type)
        choices = _CHOICES.get(f"{table}.{column.name}") or _CHOICES.get(column.name, usual)
        assert choices
        known = tuple(value for value in choices if not allowed or value in allowed)
        return self.random.choice(known or tuple(sorted(allowed)))

    def _of_bill(self, column: str, customer: str) -> str | None:
        """Some customers have bills of two contracts; one bill in five is a correction."""
        if column == "contract_id":
            apart = customer.endswith(("1", "4", "7"))
            return f"{customer}-contracts{self.random.randrange(2)}" if apart else None
        return f"{customer}-invoices{self.random.randrange(4)}" if self.chance(0.2) else None

    def _moment(self, column: Column, day: date, *, main: bool) -> date | datetime:
        if not main:
            day += timedelta(GRID_DAYS * self.random.randrange(12))
        elif column.name in ("notified_on", "effective_on"):
            day += timedelta(GRID_DAYS * self.random.randrange(8))
        if column.type == "date":
            return day
        seconds = self.random.choice((0, 0, 36000, 36061, self.random.randrange(86400)))
        return midnight_utc(day, ZONE) + timedelta(seconds=seconds)


def _consistent(table: str, row: Row) -> Row:
    """What the contract promises between the columns of one row."""
    if table == "invoices" and row["corrects_invoice_id"] is not None and not row["estimated"]:
        return {"amount": -row["amount"]}
    if table == "payments" and not row["failed"]:
        return {"failed_on": None}
    if table == "contacts" and row["case_id"] is None:
        return {"linked_at": None}
    if table == "master_data" and row["attribute"] in _ON_FILE:
        return {"value": _ON_FILE[row["attribute"]].get(row["value"])}
    if table != "cases":
        return {}
    closed, reopened, reclosed = (
        row[name] if row[name] and row[name] >= row["opened_at"] else None
        for name in ("closed_at", "reopened_at", "reclosed_at")
    )
    reopened = reopened if closed and reopened and reopened >= closed else None
    reclosed = reclosed if reopened and reclosed and reclosed >= reopened else None
    resolved = row["resolved"] if closed else None
    return {
        "closed_at": closed,
        "resolved": resolved,
        "reopened_at": reopened,
        "reclosed_at": reclosed,
    }


def _unique(table: str, rows: list[Row]) -> list[Row]:
    key = TABLES[table].key
    return list({tuple(row[column] for column in key): row for row in rows}.values())
