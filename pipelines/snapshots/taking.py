"""Every table of a snapshot, loaded, checked and written by shard, one after the other."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb

from features.tables import TABLES, Table
from features.timeline import midnight_utc
from pipelines.database import connect, identifier, literal
from pipelines.settings import ColumnMap, Settings
from pipelines.snapshots import households
from pipelines.snapshots.facts import TableFacts
from pipelines.snapshots.measuring import profile_table
from pipelines.snapshots.quarantine import set_aside
from pipelines.snapshots.reading import Loaded, load_table
from pipelines.snapshots.references import with_orphans
from pipelines.snapshots.shards import levels_to_changes, make_shards
from pipelines.sources.binding import Bound
from pipelines.sources.bindingrules import Binding
from pipelines.sources.files import Input


@dataclass(frozen=True, slots=True)
class Taken:
    """What was written: facts by table, and the number of shards."""

    tables: Mapping[str, TableFacts]
    shards: int


def write_tables(
    settings: Settings,
    inputs: Mapping[str, Sequence[Input]],
    staging: Path,
    refused: Path,
    on_table: Callable[[str], None],
    as_of: date | None,
) -> Taken:
    """Write every configured table, and what is derived from them, under ``staging``.

    Raises ``ContractError`` when a table breaks the contract; its message names ``refused``,
    where the quarantine can be found then.
    """
    limit = None
    if as_of is not None:
        limit = midnight_utc(as_of + timedelta(days=1), settings.company.timezone)
    scratch = staging / "scratch"
    tables: dict[str, TableFacts] = {}
    shards = 1
    with connect(settings.engine, scratch) as connection:
        for name, given in inputs.items():
            on_table(name)
            loaded = load_table(connection, settings, TABLES[name], given, scratch, limit)
            set_aside(connection, settings, loaded, staging / "quarantine", refused)
            if name == "customers":
                shards = make_shards(connection, settings.engine.shard_size)
            if settings.sources[name].levels:
                levels_to_changes(connection)
            tables[name] = _finish(connection, settings, loaded, staging, shards)
        for derived in _derived(connection, tables, staging):
            tables[derived.name] = _finish(connection, settings, derived, staging, shards)
        tables = with_orphans(connection, tables, staging)
    shutil.rmtree(scratch)
    return Taken(tables, shards)


def _finish(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    loaded: Loaded,
    staging: Path,
    shards: int,
) -> TableFacts:
    """Write a loaded table by shard, measure it, and let go of it."""
    _write(connection, loaded, staging / loaded.name, shards)
    facts = _facts(connection, settings, loaded)
    connection.execute(f"drop table {identifier(loaded.name)}")
    return facts


def _derived(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, TableFacts], staging: Path
) -> Iterator[Loaded]:
    """Load each table that others are enough to make."""
    if households.derivable(tables):
        households.load_notices(connection, staging)
        yield _made(connection, TABLES[households.NOTICES])


def _made(connection: duckdb.DuckDBPyConnection, table: Table) -> Loaded:
    bindings = tuple(Binding(column, ColumnMap(value="")) for column in table.columns)
    [(rows,)] = connection.execute(f"select count(*) from {identifier(table.name)}").fetchall()
    return Loaded(
        name=table.name,
        table=table,
        parts=(),
        bound=Bound(bindings, absent=(), unread=(), forbidden=()),
        columns=tuple(column.name for column in table.columns),
        rules={},
        source_rows=int(rows),
    )


def _write(
    connection: duckdb.DuckDBPyConnection, loaded: Loaded, folder: Path, shards: int
) -> None:
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


def _facts(connection: duckdb.DuckDBPyConnection, settings: Settings, loaded: Loaded) -> TableFacts:
    [(rows, first, last)] = connection.execute(
        f"select count(*), min(event_at), max(event_at) from {identifier(loaded.name)} "
        "where _rule is null"
    ).fetchall()
    bound = loaded.bound
    zone = settings.company.timezone if loaded.name in settings.quality.day_rows else None
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
