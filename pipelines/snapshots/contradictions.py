"""Contradictions between rows: dates out of order, and keys that no row of their table answers.

Dates are compared within a row, and with the customer's, contract's or invoice's own. Each pair can
come in the other order honestly now and then, so rows are counted, and a gate holds their share.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from features.contract import TABLES
from pipelines.runtime.duckdb_connection import Connection, identifier, local_to_utc
from pipelines.snapshots.facts import TableFacts, shards_of
from pipelines.snapshots.loading import Loaded
from pipelines.snapshots.profiling import OrderCount

_EXAMPLES = 3
# Pairs of a row's columns of which the second cannot come first.
_WITHIN: Mapping[str, tuple[tuple[str, str], ...]] = {
    "contracts": (("started_on", "binding_until"),),
    "terminations": (("notified_on", "effective_on"),),
    "invoices": (("issued_on", "due_on"),),
    "price_changes": (("notified_on", "effective_on"),),
    "price_list": (("valid_from", "valid_to"),),
    "contacts": (("started_at", "replied_at"), ("started_at", "linked_at")),
    "payments": (("paid_on", "failed_on"),),
    "meter_readings": (("due_on", "settled_on"),),
    "cases": tuple(pairwise(("opened_at", "closed_at", "reopened_at", "reclosed_at"))),
    "incidents": (("started_at", "ended_at"),),
    "notifications": (("sent_at", "opened_at"),),
    "claims": (("claimed_on", "settled_on"),),
    "orders": (("ordered_on", "promised_on"), ("ordered_on", "delivered_on")),
    "complaints": (("opened_at", "closed_at"),),
    "offers": (("sent_at", "opened_at"), ("sent_at", "answered_at")),
    "benefits": (("granted_on", "ends_on"),),
}
# A contract is ended from an earlier day when the holder has died, moved out or did not pay.
_ONLY_WHERE = {("terminations", "notified_on"): "outcome = 'voluntary'"}
# A row's date, and the key and date of the row it points to, which comes first.
_OF_ANOTHER: Mapping[str, tuple[str, str, str, str]] = {
    "terminations": ("effective_on", "contracts", "contract_id", "started_on"),
    "payments": ("paid_on", "invoices", "invoice_id", "issued_on"),
    "reminders": ("sent_on", "invoices", "invoice_id", "issued_on"),
}
# What only a customer has. Orders, offers, consents and the like may come before one is.
_AFTER_JOINING = (
    *("contracts", "terminations", "invoices", "payments", "reminders", "contacts", "cases"),
    *("incidents", "surveys", "claims", "complaints", "meter_readings", "self_service"),
    "benefits",
)
# What only a contract in force has. Bills, payments and contacts go on for a while.
_BEFORE_THE_END = ("incidents", "claims", "meter_readings")


def count_orders(
    connection: Connection,
    loaded: Loaded,
    zone: str,
    written: Mapping[str, Collection[str]],
    root: Path,
    shards: int,
) -> dict[str, OrderCount]:
    """Count the accepted rows of a loaded table whose dates are out of order, by what is wrong.

    ``written`` names the columns of the tables that are under ``root`` already, in ``shards``; days
    are those of ``zone``. Orders that no row has both dates of are left out.
    """
    rows: Counter[str] = Counter()
    out_of_order: Counter[str] = Counter()
    first: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for shard in range(shards if loaded.table.per_customer else 1):
        for what, early, late, join, where in _orders(loaded, zone, written, root, shard):
            compared = (
                f"(select _file, _row, {late} < {early} as wrong from {identifier(loaded.name)} t "
                f"{join} where _shard = {shard} and _rule is null and {where} "
                f"and {late} is not null and {early} is not null)"
            )
            counted = f"select count(*), count(*) filter (wrong) from {compared}"
            [(of, wrong)] = connection.execute(counted).fetchall()
            rows[what] += of
            out_of_order[what] += wrong
            if wrong:
                examples = f"select _file, _row from {compared} where wrong order by all"
                found = connection.execute(f"{examples} limit {_EXAMPLES}").fetchall()
                first[what] += found
    return {
        what: OrderCount(out_of_order[what], of, _named(loaded, sorted(first[what])[:_EXAMPLES]))
        for what, of in rows.items()
        if of
    }


def _named(loaded: Loaded, rows: Sequence[tuple[int, int]]) -> str:
    """The rows of the first file among these; nothing without rows."""
    if not rows:
        return ""
    file = rows[0][0]
    numbers = ", ".join(str(row) for index, row in rows if index == file)
    return f"{Path(loaded.files[file].name).name} rows {numbers}"


def _orders(
    loaded: Loaded, zone: str, written: Mapping[str, Collection[str]], root: Path, shard: int
) -> Iterator[tuple[str, str, str, str, str]]:
    """What is wrong, SQL of two dates of a row, of its join and of the rows that are meant."""
    table, name = loaded.table, loaded.name
    columns = {binding.column.name for binding in loaded.bound.bindings}
    for early, late in _WITHIN.get(name, ()):
        if {early, late} <= columns:
            where = _ONLY_WHERE.get((name, early), "true")
            yield f"{late} before {early}", f"t.{early}", f"t.{late}", "", where
    if name in _OF_ANOTHER:
        late, other, key, early = _OF_ANOTHER[name]
        if key in columns and other in written:
            others = shards_of(root, other, shard)
            rows = f"select {key} as k, min({early}) as v from {others} group by 1"
            join = f"join ({rows}) o on o.k = t.{key}"
            yield f"{late} before {other}.{early}", "o.v", f"t.{late}", join, "true"
    # Days become instants on the side with fewer rows.
    moment, by_customer = table.event_at[0], "on o.k = t.customer_id"
    if name in _AFTER_JOINING and "joined_on" in written.get("customers", ()):
        start = local_to_utc("cast(joined_on as timestamp)", zone)
        rows = f"select customer_id as k, {start} as v from {shards_of(root, 'customers', shard)}"
        what = f"{moment} before customers.joined_on"
        yield what, "o.v", "t.event_at", f"join ({rows}) o {by_customer}", "true"
    if name in _BEFORE_THE_END and {"contracts", "terminations"} <= written.keys():
        over = local_to_utc("cast(max(effective_on) + 1 as timestamp)", zone)
        rows = (
            f"select c.customer_id as k, case when count(*) = count(effective_on) then {over} "
            "- interval 1 microsecond else timestamp '9999-12-31' end as v "
            f"from {shards_of(root, 'contracts', shard)} c "
            f"left join {shards_of(root, 'terminations', shard)} e "
            "using (contract_id) group by 1"
        )
        what = f"{moment} after the customer's last contract ended"
        yield what, "t.event_at", "o.v", f"join ({rows}) o {by_customer}", "true"


# Column → table and key that it points to; a table does not point to itself.
_POINTS_TO: Mapping[str, tuple[str, str]] = {
    "invoice_id": ("invoices", "invoice_id"),
    "corrects_invoice_id": ("invoices", "invoice_id"),
    "contract_id": ("contracts", "contract_id"),
    "case_id": ("cases", "case_id"),
    "incident_id": ("incidents", "incident_id"),
    "plan_id": ("price_list", "plan_id"),
}


def with_orphans(
    connection: Connection, tables: Mapping[str, TableFacts], root: Path, shards: int
) -> dict[str, TableFacts]:
    """Count, in the tables written under ``root`` in ``shards``, references that no row answers.

    A row of another customer answers none: no feature looks beyond the customer's own rows.
    """
    found = {}
    for name, facts in tables.items():
        orphans: dict[str, int] = {}
        for column, (target, key) in _POINTS_TO.items():
            itself = (name, column) == (target, key)
            if itself or column not in facts.columns or target not in tables:
                continue
            # An incident has a row for each customer hit, and others may be told of it.
            own = TABLES[name].per_customer and TABLES[target].key == (key,)
            parts = range(shards) if own else (None,)
            unanswered = " union all ".join(
                _unanswered(root, name, column, target, key, part) for part in parts
            )
            connection.execute(f"create or replace temp table unanswered as {unanswered}")
            [(count, elsewhere)] = connection.execute(
                "select count(*), count(*) filter (k in (select k from "
                f"(select {key} as k from {shards_of(root, target)}) semi join unanswered using (k)"
                ")) from unanswered"
            ).fetchall()
            if count > elsewhere:
                orphans[f"{column} not in {target}"] = int(count - elsewhere)
            if elsewhere:
                orphans[f"{column} of another customer in {target}"] = int(elsewhere)
        found[name] = replace(facts, profile=replace(facts.profile, orphans=orphans))
    return found


def _unanswered(
    root: Path, name: str, column: str, target: str, key: str, shard: int | None
) -> str:
    """SQL of the references of one shard, as ``k``, that no row of its own customer answers.

    Without ``shard``: of all of them, that no row at all answers.
    """
    whose = "" if shard is None else ", customer_id"
    return (
        f"select k from (select {column} as k{whose} from {shards_of(root, name, shard)}) "
        "anti join "
        f"(select {key} as k{whose} from {shards_of(root, target, shard)}) using (k{whose}) "
        "where k is not null"
    )
