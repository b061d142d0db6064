"""Snapshot writer: every table loaded, checked and written by shard, one after the other.

A refused table does not end the reading: a person wants to know all that is wrong.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from features.contract import TABLES, Table
from features.errors import ContractError
from features.timeline import midnight_utc
from pipelines.config.settings import Settings
from pipelines.config.sources import ColumnMap
from pipelines.runtime.duckdb_connection import Connection, connect, identifier, literal
from pipelines.snapshots import households
from pipelines.snapshots.contradictions import count_orders, with_orphans
from pipelines.snapshots.facts import TableFacts, table_file
from pipelines.snapshots.loading import CUSTOMERS, Loaded, load_table
from pipelines.snapshots.profiling import has_days, profile_table
from pipelines.snapshots.quarantine import set_aside
from pipelines.snapshots.typed_rows import shard_of
from pipelines.snapshots.typed_store import TypedStore
from pipelines.sources.binding import Binding, Bound
from pipelines.sources.files import Input, InputDigests
from pipelines.sources.partitions import DICTIONARY, partition
from pipelines.sources.readable_part import Part
from pipelines.sources.type_casting import ALWAYS


@dataclass(frozen=True, slots=True)
class WrittenTables:
    """What was written: facts by table, the number of shards, and why tables are refused.

    A refused table has facts too when it could be read. Unless ``customers_known`` nobody's id was
    looked up.
    """

    tables: Mapping[str, TableFacts]
    shards: int
    refusals: Mapping[str, ContractError] = field(default_factory=dict)
    customers_known: bool = True


def write_tables(
    settings: Settings,
    inputs: Mapping[str, Sequence[Input]],
    staging: Path,
    refused: Path,
    on_table: Callable[[str], None],
    as_of: date | None,
    digests: InputDigests,
) -> WrittenTables:
    """Write every configured table, and what is derived from them, under ``staging``.

    Inputs whose typed rows are kept, by ``digests``, are not read. Refused tables are in what is
    returned; their messages name ``refused``, where the quarantine can be found then. Without
    customers nobody's id is looked up, and nothing is derived.
    """
    limit = None
    if as_of is not None:
        limit = midnight_utc(as_of + timedelta(days=1), settings.company.timezone)
    scratch = staging / "scratch"
    store = TypedStore(settings.paths.typed, digests)
    with connect(settings.engine, scratch) as connection:
        taking = _Taking(connection, settings, staging, refused, limit, store)
        for name, parts in inputs.items():
            on_table(name)
            taking.take(name, parts)
        if taking.shards and households.derivable(taking.tables):
            notices = households.notices(staging)
            partition(connection, households.NOTICES, notices, scratch / households.NOTICES)
            taking.finish(_load_derived(connection, TABLES[households.NOTICES]), {})
        tables = with_orphans(connection, taking.tables, staging, taking.shards or 1)
    shutil.rmtree(scratch)
    return WrittenTables(tables, taking.shards or 1, taking.refusals, taking.shards > 0)


@dataclass(slots=True)
class _Taking:
    """What was taken so far; ``shards`` is 0 until the customers are dealt to them."""

    connection: Connection
    settings: Settings
    staging: Path
    refused: Path
    limit: datetime | None
    store: TypedStore
    shards: int = 0
    tables: dict[str, TableFacts] = field(default_factory=dict)
    refusals: dict[str, ContractError] = field(default_factory=dict)

    def take(self, name: str, inputs: Sequence[Input]) -> None:
        """Load one table, set rows aside and write the rest, or note why it is refused."""
        connection, settings = self.connection, self.settings
        scratch = self.staging / "scratch"
        try:
            loaded = load_table(
                *(connection, settings, TABLES[name], inputs, scratch, self.limit, self.store),
                shards=self.shards or 1,
                customers_known=self.shards > 0,
            )
        except ContractError as error:
            # A new one, as the traceback would keep the store from being cleared.
            self.refusals[name] = ContractError(str(error))
            return
        messages = [] if loaded.refusal is None else [str(loaded.refusal)]
        forms: Mapping[str, str] = {}
        try:
            quarantine = self.staging / "quarantine"
            forms = set_aside(connection, settings, loaded, quarantine, self.refused)
            if name == "customers":
                self.shards = make_shards(connection, settings.engine.shard_size)
                shard = shard_of("customer_id", self.shards)
                by_shard = f"select * replace ({shard} as _shard) from customers"
                partition(connection, name, by_shard, scratch / "by_shard")
            if settings.sources[name].levels:
                partition(connection, name, LEVELS_AS_CHANGES, scratch / "changes")
        except ContractError as error:
            messages.append(str(error))
        if messages:
            self.refusals[name] = ContractError("\n".join(messages))
        self.finish(loaded, forms)

    def finish(self, loaded: Loaded, forms: Mapping[str, str]) -> None:
        """Write a loaded table by shard, and measure it."""
        shards = self.shards or 1
        write_shards(self.connection, loaded, self.staging, shards)
        facts = facts_of(self.connection, self.settings, loaded)
        written = {name: table.columns for name, table in self.tables.items()}
        zone = self.settings.company.timezone
        orders = count_orders(self.connection, loaded, zone, written, self.staging, shards)
        profile = replace(facts.profile, orders=orders)
        self.tables[loaded.name] = replace(facts, profile=profile, lost_forms=forms)


def _load_derived(connection: Connection, table: Table) -> Loaded:
    bindings = tuple(Binding(column, ColumnMap(value="")) for column in table.columns)
    [(rows,)] = connection.execute(f"select count(*) from {identifier(table.name)}").fetchall()
    return Loaded(
        name=table.name,
        table=table,
        files=(),
        open=dict[int, Part]().__getitem__,
        bound=Bound(bindings, absent=(), unread=(), forbidden=()),
        columns=tuple(column.name for column in table.columns),
        rules={},
        source_rows=int(rows),
    )


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
        f"create or replace temp table {CUSTOMERS} as select customer_id, "
        f"{shard_of('customer_id', shards)} as _shard "
        "from customers where _rule is null"
    )
    return shards


LEVELS_AS_CHANGES = """
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
"""Price levels as changes: each level that differs from the one before it, within a customer and
contract, by ``effective_on``."""


def write_shards(connection: Connection, loaded: Loaded, root: Path, shards: int) -> None:
    """Write a loaded table's accepted rows under ``root``, in an order that never varies."""
    table = loaded.table
    columns = ", ".join(map(identifier, (*loaded.columns, "event_at", "known_at")))
    first = ["customer_id"] if table.per_customer else []
    order = ", ".join([*first, "event_at", "known_at", *map(identifier, table.key)])
    selected = f"select {columns} from {identifier(table.name)} where _rule is null"
    for shard in range(shards if table.per_customer else 1):
        path = table_file(root, table.name, shard)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = f"{selected} and _shard = {shard}" if table.per_customer else selected
        connection.execute(
            f"copy ({part} order by {order}, _file, _row) "
            f"to {literal(path)} (format parquet, compression zstd, {DICTIONARY})"
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
