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
from pipelines.runtime.duckdb_connection import Connection, connect, identifier
from pipelines.snapshots import households
from pipelines.snapshots.date_order import count_orders
from pipelines.snapshots.facts import TableFacts
from pipelines.snapshots.loading import Loaded, load_table
from pipelines.snapshots.orphan_keys import with_orphans
from pipelines.snapshots.quarantine import set_aside
from pipelines.snapshots.shards import facts_of, levels_to_changes, make_shards, write_shards
from pipelines.sources.binding import Binding, Bound
from pipelines.sources.files import Input


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
) -> WrittenTables:
    """Write every configured table, and what is derived from them, under ``staging``.

    Refused tables are in what is returned; their messages name ``refused``, where the quarantine
    can be found then. Without customers nobody's id is looked up, and nothing is derived.
    """
    limit = None
    if as_of is not None:
        limit = midnight_utc(as_of + timedelta(days=1), settings.company.timezone)
    scratch = staging / "scratch"
    with connect(settings.engine, scratch) as connection:
        taking = _Taking(connection, settings, staging, refused, limit)
        for name, parts in inputs.items():
            on_table(name)
            taking.take(name, parts)
        taking.derive()
        tables = with_orphans(connection, taking.tables, staging)
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
    shards: int = 0
    tables: dict[str, TableFacts] = field(default_factory=dict)
    refusals: dict[str, ContractError] = field(default_factory=dict)

    def take(self, name: str, inputs: Sequence[Input]) -> None:
        """Load one table, set rows aside and write the rest, or note why it is refused."""
        connection, settings = self.connection, self.settings
        scratch, known = self.staging / "scratch", self.shards > 0
        try:
            loaded = load_table(
                *(connection, settings, TABLES[name], inputs, scratch, self.limit),
                customers_known=known,
            )
        except ContractError as error:
            self.refusals[name] = error
            connection.execute(f"drop table if exists {identifier(name)}")
            return
        messages = [] if loaded.refusal is None else [str(loaded.refusal)]
        forms: Mapping[str, str] = {}
        try:
            quarantine = self.staging / "quarantine"
            forms = set_aside(connection, settings, loaded, quarantine, self.refused)
            if name == "customers":
                self.shards = make_shards(connection, settings.engine.shard_size)
            if settings.sources[name].levels:
                levels_to_changes(connection)
        except ContractError as error:
            messages.append(str(error))
        if messages:
            self.refusals[name] = ContractError("\n".join(messages))
        self._finish(loaded, forms)

    def derive(self) -> None:
        """Make and write each table that others are enough to make."""
        if self.shards and households.derivable(self.tables):
            households.load_notices(self.connection, self.staging)
            self._finish(_load_derived(self.connection, TABLES[households.NOTICES]), {})

    def _finish(self, loaded: Loaded, forms: Mapping[str, str]) -> None:
        """Write a loaded table by shard, measure it, and let go of it."""
        write_shards(self.connection, loaded, self.staging / loaded.name, self.shards or 1)
        facts = facts_of(self.connection, self.settings, loaded)
        written = {name: table.columns for name, table in self.tables.items()}
        zone = self.settings.company.timezone
        orders = count_orders(self.connection, loaded, zone, written, self.staging)
        profile = replace(facts.profile, orders=orders)
        self.tables[loaded.name] = replace(facts, profile=profile, lost_forms=forms)
        self.connection.execute(f"drop table {identifier(loaded.name)}")


def _load_derived(connection: Connection, table: Table) -> Loaded:
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
