"""Referential integrity: keys that no row of their table answers."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from features.contract import TABLES
from pipelines.runtime.duckdb_connection import Connection
from pipelines.snapshots.facts import TableFacts, shards_of

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
