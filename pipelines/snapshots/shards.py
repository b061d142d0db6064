"""Sharding: customers dealt to shards by hash, and a loaded table written as Parquet by shard."""

from pathlib import Path

from features.errors import ContractError
from pipelines.config.settings import Settings
from pipelines.runtime.duckdb_connection import Connection, identifier, literal
from pipelines.snapshots.facts import TableFacts
from pipelines.snapshots.loading import CUSTOMERS, Loaded
from pipelines.snapshots.profiling import has_days, profile_table
from pipelines.sources.type_casting import ALWAYS


def make_shards(connection: Connection, shard_size: int) -> int:
    """Number every accepted customer's shard in ``CUSTOMERS``; return the number of shards.

    Raises ``ContractError`` when no customer is left.
    """
    [(customers,)] = connection.execute(
        "select count(*) from customers where _rule is null"
    ).fetchall()
    if customers == 0:
        raise ContractError("customers: no row keeps the contract; see the quarantine")
    shards = max(1, -(-int(customers) // shard_size))
    connection.execute(
        f"update customers set _shard = cast(md5_number_lower(customer_id) % {shards} as INTEGER) "
        f"where _rule is null; create or replace temp table {CUSTOMERS} as "
        "select customer_id, _shard from customers where _rule is null"
    )
    return shards


def levels_to_changes(connection: Connection) -> None:
    """Replace price levels by changes: each level that differs from the one before it.

    Levels follow one another by ``effective_on`` within a customer and contract.
    """
    connection.execute(
        """create or replace temp table price_changes as
        select * exclude (_before) replace (
            concat_ws('|', customer_id, contract_id, effective_on) as change_id,
            cast(_before as DECIMAL(18,6)) as old_price)
        from (
            select *, lag(new_price) over (
                partition by customer_id, contract_id order by effective_on) as _before
            from price_changes where _rule is null)
        where _before <> new_price
        union all by name
        select * from price_changes where _rule is not null"""
    )


def write_shards(connection: Connection, loaded: Loaded, folder: Path, shards: int) -> None:
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


def facts_of(connection: Connection, settings: Settings, loaded: Loaded) -> TableFacts:
    """Measure a loaded table; that a customer has always been there is no event."""
    [(rows, first, last)] = connection.execute(
        f"select count(*), min(day), max(day) from (select nullif(event_at, {ALWAYS}) as day "
        f"from {identifier(loaded.name)} where _rule is null)"
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
        null_dates=loaded.null_dates,
    )
