"""Referential integrity: keys that no row of their table answers."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from features.contract import TABLES
from pipelines.runtime.duckdb_connection import Connection, literal
from pipelines.snapshots.facts import TableFacts

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
    connection: Connection, tables: Mapping[str, TableFacts], root: Path
) -> dict[str, TableFacts]:
    """Count, in the written tables under ``root``, references that no row answers.

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
            whose = ", customer_id" if own else ""
            answers = f"(select {key} as k{whose} from {shards_of(root, target)})"
            connection.execute(
                "create or replace temp table unanswered as select k from "
                f"(select {column} as k{whose} from {shards_of(root, name)}) "
                f"anti join {answers} using (k{whose}) where k is not null"
            )
            [(count, elsewhere)] = connection.execute(
                f"select count(*), count(*) filter (k in (select k from {answers} "
                "semi join unanswered using (k))) from unanswered"
            ).fetchall()
            if count > elsewhere:
                orphans[f"{column} not in {target}"] = int(count - elsewhere)
            if elsewhere:
                orphans[f"{column} of another customer in {target}"] = int(elsewhere)
        found[name] = replace(facts, profile=replace(facts.profile, orphans=orphans))
    return found


def shards_of(root: Path, table: str) -> str:
    """SQL for a table of a snapshot that is being written, over all its shards."""
    files = "shard=*/part.parquet" if TABLES[table].per_customer else "all.parquet"
    return f"read_parquet({literal(root / table / files)}, hive_partitioning=false)"
