"""One shard's tables in one connection, and what is cut from them at each as-of date.

Customers go by a number there, their place among the shard's customers sorted by text, which is
cheaper to group and sort by.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa

from features.catalog import Catalog
from features.contract import TABLES
from features.labels import COHORT_TABLES, endings, ever_in_cohort, make_cohort, outcomes
from features.matrix import cut, derive, prepare
from pipelines.config.settings import Settings
from pipelines.config.sources import tables_with_versions
from pipelines.runtime.duckdb_connection import Connection, connect, identifier
from pipelines.snapshots.daily_volume import days_before, history_begins, short_histories
from pipelines.snapshots.facts import shards_of
from pipelines.snapshots.snapshot import Snapshot


@dataclass(slots=True)
class Shard:
    """An open shard, and which features' streams are derived in it.

    ``customers`` is a table of one column, ``customer_id``: the texts by number. ``days`` counts
    the whole company's rows of what happened by table and local day.
    """

    con: Connection
    settings: Settings
    catalog: Catalog
    tables: tuple[str, ...]
    customers: pa.Table
    days: Mapping[str, Mapping[str, int]]
    derived: set[str] = field(default_factory=set)

    @property
    def _zone(self) -> str:
        return self.settings.company.timezone

    def cohort(self, as_of: date) -> pa.ChunkedArray:
        """Make the cohort of ``as_of``, which ``cut`` and ``outcomes`` need; its customers."""
        make_cohort(self.con, self.tables, as_of, self._zone)
        rows = self.con.sql("select customer_id from cohort order by customer_id")
        return self.customers["customer_id"].take(rows.to_arrow_table()["customer_id"])

    def cut(self, as_of: date, names: Collection[str]) -> pa.Table:
        """The named features of the cohort, a row per customer, sorted by text."""
        if not self.derived.issuperset(names):
            derive(self.con, self.catalog.only(set(names) - self.derived))
            self.derived.update(names)
        # Treatments began with the lists themselves.
        counted = {name: days for name, days in self.days.items() if days and name != "treatments"}
        first = {n: history_begins(days_before(d, as_of), as_of) for n, d in counted.items()}
        begins = {name: day for name, day in first.items() if day is not None}
        rows = cut(self.con, self.catalog.only(names), as_of, self._zone, begins)
        texts = self.customers["customer_id"].take(rows["customer_id"])
        return rows.set_column(0, "customer_id", texts)

    def outcomes(self, as_of: date, known_before: date) -> pa.Table:
        """What came of each row that ``cut`` gives, null where that is not known.

        Columns customer_id, as_of, outcome and label (null for one that is no example, or while
        the label window is open), ended_on and cause.
        """
        rows = outcomes(
            self.con,
            tables=self.tables,
            as_of=as_of,
            window=self.settings.label_window(),
            today=known_before,
            zone=self._zone,
        )
        texts = self.customers["customer_id"].take(rows["customer_id"])
        dates = pa.repeat(pa.scalar(as_of, pa.date32()), len(rows))
        return rows.set_column(0, "customer_id", texts).add_column(1, "as_of", dates)

    def endings(self, known_before: date) -> pa.Table:
        """When and why the cohort ended, as ``features.labels.endings`` gives it."""
        return endings(self.con, today=known_before, zone=self._zone)


def open_shard(
    con: Connection,
    settings: Settings,
    snapshot: Snapshot,
    catalog: Catalog,
    shard: int,
    first: date,
    share: float = 1.0,
) -> Shard:
    """Name the shard's tables, without the rows of customers in no cohort since ``first``.

    ``share`` of its customers are there, those with the lowest upper halves of the MD5 of their
    ids.
    """
    names, zone = tuple(snapshot.tables), settings.company.timezone
    for name in names:
        source = shards_of(snapshot.root, name, shard)
        con.execute(f"create temp view {identifier(name)} as select * from {source}")
    versioned, histories = tables_with_versions(settings.sources), short_histories(snapshot.tables)
    notice = settings.company.price_notice
    prepare(con, names, zone, settings.delays(), versioned, histories, first, notice)
    con.execute(
        "create temp table numbered as select customer_id as text, "
        "cast(row_number() over (order by customer_id) - 1 as integer) as number "
        f"from ({ever_in_cohort(names, first, zone)}) "
        f"where md5_number_upper(customer_id) < {int(share * 2**64)}"
    )
    for name in names:
        if TABLES[name].per_customer:
            source = shards_of(snapshot.root, name, shard)
            kind = "table" if name in COHORT_TABLES else "view"
            con.execute(
                f"drop view {identifier(name)}; create temp {kind} {identifier(name)} as "
                "select * exclude (text, number) replace (number as customer_id) "
                f"from {source} join numbered on customer_id = text"
            )
    customers = con.sql("select text as customer_id from numbered order by number")
    days = {name: facts.profile.days for name, facts in snapshot.tables.items()}
    numbered = customers.to_arrow_table().combine_chunks()
    return Shard(con, settings, catalog, names, numbered, days)


def label_as_ofs(settings: Settings, snapshot: Snapshot) -> tuple[date, ...]:
    """The as-of dates of a ``labels`` table, sorted; empty without one."""
    if "labels" not in snapshot.tables:
        return ()
    with connect(settings.engine, settings.paths.spill) as con:
        labels = shards_of(snapshot.root, "labels")
        rows = con.execute(f"select distinct as_of from {labels} order by 1").fetchall()
    return tuple(row[0] for row in rows)


@contextmanager
def prepared_tables(
    settings: Settings, snapshot: Snapshot, names: Sequence[str]
) -> Iterator[Connection]:
    """A connection to those of the tables that are there, of all shards, after ``prepare``."""
    there = [name for name in names if name in snapshot.tables]
    with connect(settings.engine, settings.paths.spill) as con:
        for name in there:
            rows = shards_of(snapshot.root, name)
            con.execute(f"create temp view {identifier(name)} as select * from {rows}")
        versioned = tables_with_versions(settings.sources)
        prepare(con, there, settings.company.timezone, settings.delays(), versioned)
        yield con
