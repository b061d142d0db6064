"""Parquet writer of one loaded table, by shard, and its metadata."""

from pathlib import Path

import duckdb

from pipelines.config.settings import Settings
from pipelines.runtime.duckdb_connection import identifier, literal
from pipelines.snapshots.facts import TableFacts
from pipelines.snapshots.loading import Loaded
from pipelines.snapshots.profiling import has_days, profile_table


def write_shards(
    connection: duckdb.DuckDBPyConnection, loaded: Loaded, folder: Path, shards: int
) -> None:
    """Write a loaded table's accepted rows under ``folder``, in an order that never varies."""
    table = loaded.table
    columns = ", ".join(map(identifier, (*loaded.columns, "event_at", "known_at")))
    first = ["customer_id"] if table.per_customer else []
    order = ", ".join([*first, "event_at", "known_at", *map(identifier, table.key)])
    selected = f"select {columns} from {identifier(table.name)} where _rule is null"
    targets = [("all.parquet", "true")]
    if table.per_customer:
        targets = [(f"shard={n}/part.parquet", f"_shard = {n}") for n in range(shards)]
    for target, condition in targets:
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        connection.execute(
            f"copy ({selected} and {condition} order by {order}, _file, _row) "
            f"to {literal(path)} (format parquet, compression zstd)"
        )


def facts_of(
    connection: duckdb.DuckDBPyConnection, settings: Settings, loaded: Loaded
) -> TableFacts:
    """Measure a loaded table."""
    [(rows, first, last)] = connection.execute(
        f"select count(*), min(event_at), max(event_at) from {identifier(loaded.name)} "
        "where _rule is null"
    ).fetchall()
    bound = loaded.bound
    counted = has_days(loaded.table) or loaded.name in settings.quality.day_rows
    zone = settings.company.timezone if counted else None
    return TableFacts(
        rows=int(rows),
        source_rows=loaded.source_rows,
        quarantined=loaded.rules,
        columns=tuple(name for name in loaded.columns if name not in bound.absent),
        absent=bound.absent,
        unread=bound.unread,
        forbidden=bound.forbidden,
        first_event=first,
        last_event=last,
        profile=profile_table(connection, loaded.table, bound.bindings, zone),
    )
