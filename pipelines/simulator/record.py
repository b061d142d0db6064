"""From numbers to the contract's tables: keys, types, what came late, what was never seen."""

from collections.abc import Mapping
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.contract import CHANNELS, LINKS, PAYMENT_METHODS, Column, Table
from pipelines.simulator.clock import Clock, Ints

KEYS = (
    {"customer_id": "C", "household_id": "H", "contract_id": "K", "plan_id": "P", "bundle_id": "B"}
    | {"invoice_id": "I", "corrects_invoice_id": "I", "payment_id": "Y", "reminder_id": "R"}
    | {"event_id": "E", "change_id": "X", "contact_id": "T", "case_id": "S", "incident_id": "O"}
    | {"notification_id": "N", "template_id": "Q", "site_id": "W", "survey_id": "U"}
    | {"order_id": "D", "claim_id": "J", "complaint_id": "L", "reading_id": "M"}
    | {"session_id": "V", "offer_id": "F", "consent_id": "Z", "bar_id": "J", "benefit_id": "G"}
    | {"treatment_id": "A", "usage_id": "U"}
)
"""The letter before the numbers of each key."""
_MISSING = {
    *(("invoices", "contract_id"), ("customers", "team"), ("treatments", "solved")),
    *(("notifications", f"{each}_id") for each in LINKS),
}
NONE = -1
TOPICS = ("billing", "price", "fault", "move", "payment", "other")
NOTICES = ("outage", "price", "reminder", "marketing", "survey")
COMPLAINT_TOPICS = (*TOPICS, "delivery")
ORDERS = ("connection", "move", "equipment", "repair")
TASKS = ("see_bill", "change_payment", "meter_reading", "move", "change_plan")
OFFERS = ("newer_plan", "second_product", "discount", "upgrade")
ACTIONS = ("A4", "A9", "A13", "A3", "A6", "A8", "A11", "A15", "A16")
"""Actions of calls; past outreaches were of the first three."""
PAST_ACTIONS = 3
FORMATS = ("paper", "email", "einvoice", "app")
MASTER_WORDS = (*CHANNELS, *PAYMENT_METHODS, *FORMATS)
FIRST_METHOD = len(CHANNELS)
FIRST_FORMAT = FIRST_METHOD + len(PAYMENT_METHODS)
FIRST_PLAN = FIRST_FORMAT + len(FORMATS)
WORDS = {
    ("customers", "segment"): ("private", "young", "senior"),
    ("customers", "age_band"): ("30-66", "18-29", "67-"),
    ("customers", "language"): ("nb", "en"),
    ("price_changes", "reason_code"): ("wholesale_cost", "indexation", "campaign_end"),
    ("contacts", "topic"): TOPICS,
    ("cases", "topic"): TOPICS,
    ("incidents", "kind"): ("outage", "degraded", "equipment"),
    ("notifications", "kind"): NOTICES,
    ("complaints", "topic"): COMPLAINT_TOPICS,
    ("orders", "kind"): ORDERS,
    ("self_service", "task"): TASKS,
    ("offers", "kind"): OFFERS,
    ("treatments", "action"): ACTIONS,
    ("treatments", "lane"): ("call",),
    ("master_data", "value"): MASTER_WORDS,
}
LATE_TABLES = frozenset(
    {"invoices", "payments", "reminders", "payment_method_events", "contacts", "cases"}
    | {"incidents", "notifications", "surveys", "orders", "complaints", "meter_readings"}
    | {"self_service", "offers", "treatments", "claims"}
)
UNTIL_SETTLED = {"failed": 0, "status": 1}
"""What a row says until its moment has come: paid, missing. Other values are null until then."""
_FEEDS = ("contacts", "self_service", "notifications", "surveys", "orders")
_UNITS = (("contacts", "wait_seconds", 21), ("self_service", "seconds", 21))
_DEAD_DAYS = 14
_ARROW = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "money": pa.int64(),
    "price": pa.decimal128(18, 6),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "instant": pa.timestamp("us"),
}


def columns_of(table: Table) -> list[Column]:
    """The columns that the company keeps: bills name no contract, messages a fault at most."""
    return [c for c in table.columns if (table.name, c.name) not in _MISSING]


def schema_of(table: Table) -> pa.Schema:
    """The Arrow schema of a contract table, with ``known_at`` where rows may come late."""
    columns = [(column.name, _ARROW[column.type]) for column in columns_of(table)]
    if table.name in LATE_TABLES:
        columns.append(("known_at", pa.timestamp("us")))
    return pa.schema(columns)


def key_texts(letter: str, numbers: Ints) -> pa.Array:
    """Keys such as C0000123 from numbers below 10⁹; negative numbers give null."""
    digits = pa.array(numbers, mask=numbers < 0).cast(pa.string())
    width = 7 if letter == "C" else 9
    return pc.binary_join_element_wise(letter, pc.utf8_lpad(digits, width, "0"), "")


def instants(micros: Ints) -> pa.Array:
    """Moments to the whole second from UTC µs; negative ones are null."""
    whole = micros // 1_000_000 * 1_000_000
    return pa.array(whole, pa.int64(), mask=micros < 0).cast(pa.timestamp("us"))


def encode(table: Table, column: Column, values: Ints) -> pa.Array:
    """One contract column from numbers: codes, days, µs, øre; null below zero, if not signed."""
    if column.name in KEYS:
        return key_texts(KEYS[column.name], values)
    if column.type == "price":
        whole = pa.array(values, mask=values < 0).cast(pa.decimal128(19))
        return pc.multiply(whole, Decimal("0.010000")).cast(_ARROW["price"])
    if column.type == "instant":
        return instants(values)
    signed = column.type == "money" and column.minimum is None
    null = np.zeros(len(values), dtype=bool) if signed else values < 0
    if column.type == "text":
        words = WORDS.get((table.name, column.name), column.allowed or column.vocabulary)
        return _texts(words, values)
    if column.type == "date":
        return pa.array(values.astype(np.int32), pa.date32(), mask=null)
    return pa.array(values > 0 if column.type == "boolean" else values, mask=null)


def _texts(words: tuple[str, ...], values: Ints) -> pa.Array:
    """Words by number; numbers past ``MASTER_WORDS`` are plans."""
    plans = values >= len(words)
    codes = pa.array(np.where(plans, 0, np.maximum(values, 0)), mask=values < 0)
    texts = pa.array(words, pa.string()).take(codes)
    if words is not MASTER_WORDS or not plans.any():
        return texts
    return pc.if_else(pa.array(plans), key_texts(KEYS["plan_id"], values - len(words)), texts)


def happened(table: Table, columns: Mapping[str, Ints], clock: Clock) -> Ints:
    """When each row happened: the earliest of the table's ``event_at`` columns, UTC µs."""
    never = np.iinfo(np.int64).max
    moments = []
    for name in table.event_at:
        values = columns[name]
        at = values if table.column(name).type == "instant" else clock.midnight(values)
        moments.append(np.where(values < 0, never, at))
    earliest: Ints = np.minimum.reduce(moments)
    return earliest


def hide_unseen(table: Table, columns: dict[str, Ints], seen_until: Ints, clock: Clock) -> None:
    """Take away what a row reveals only after ``seen_until`` (UTC µs a row)."""
    moments = dict(columns)
    for column in table.columns:
        if column.revealed_by not in moments:
            continue
        revealed = moments[column.revealed_by]
        if table.column(column.revealed_by).type == "date":
            revealed = clock.midnight(revealed)
        unseen = UNTIL_SETTLED.get(column.name, -1)
        columns[column.name] = np.where(revealed < seen_until, columns[column.name], unseen)


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
