"""Joins of the written tables: keys that no row answers, notices within a household."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import duckdb

from features.contract import TABLES
from pipelines.runtime.duckdb_connection import literal
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
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, TableFacts], root: Path
) -> dict[str, TableFacts]:
    """Count, in the written tables under ``root``, references that no row answers."""
    found = {}
    for name, facts in tables.items():
        orphans: dict[str, int] = {}
        for column, (target, key) in _POINTS_TO.items():
            itself = (name, column) == (target, key)
            if itself or column not in facts.columns or target not in tables:
                continue
            [(count,)] = connection.execute(
                f"select count(*) from (select {column} as k from {shards_of(root, name)}) "
                f"anti join (select {key} as k from {shards_of(root, target)}) using (k) "
                "where k is not null"
            ).fetchall()
            if count:
                orphans[f"{column} not in {target}"] = int(count)
        found[name] = replace(facts, profile=replace(facts.profile, orphans=orphans))
    return found


def shards_of(root: Path, table: str) -> str:
    """SQL for a table of a snapshot that is being written, over all its shards."""
    files = "shard=*/part.parquet" if TABLES[table].per_customer else "all.parquet"
    return f"read_parquet({literal(root / table / files)}, hive_partitioning=false)"


NOTICES = "household_notices"
SOURCES = ("households", "terminations")


def derivable(tables: Collection[str]) -> bool:
    """Whether the tables that ``household_notices`` is made from are there."""
    return set(SOURCES).issubset(tables)


def load_notices(connection: duckdb.DuckDBPyConnection, root: Path) -> None:
    """Make ``household_notices`` from the tables written under ``root``.

    It has the contract's columns, ``event_at``, ``known_at`` and ``_shard``, ``_rule``, ``_file``,
    ``_row`` like a loaded table; ``customer_shards`` must be there.
    """
    connection.execute(
        f"""create or replace temp table {NOTICES} as
        with member as (
            select customer_id, household_id, valid_from, known_at
            from {shards_of(root, "households")}
        ),
        notice as (
            select contract_id, customer_id, notified_on, outcome, event_at, known_at
            from {shards_of(root, "terminations")}
        ),
        met as (
            select n.*, a.customer_id as other_id, a.valid_from as other_from,
                b.valid_from as own_from,
                greatest(n.known_at, a.known_at, b.known_at) as met_at
            from notice n
            join member b on b.customer_id = n.customer_id and b.valid_from <= n.notified_on
            join member a on a.household_id = b.household_id
                and a.customer_id <> b.customer_id and a.valid_from <= n.notified_on
        ),
        in_force as (
            select m.* from met m
            where not exists (
                select 1 from member later where later.customer_id = m.other_id
                and later.valid_from > m.other_from and later.valid_from <= m.notified_on
                and later.known_at <= m.met_at)
            and not exists (
                select 1 from member later where later.customer_id = m.customer_id
                and later.valid_from > m.own_from and later.valid_from <= m.notified_on
                and later.known_at <= m.met_at)
        )
        select concat_ws('|', contract_id, other_id) as notice_id, other_id as customer_id,
            notified_on, outcome, event_at, min(met_at) as known_at,
            _shard, cast(null as VARCHAR) as _rule, 0 as _file, 0 as _row
        from in_force join customer_shards on customer_shards.customer_id = other_id
        group by all"""
    )
