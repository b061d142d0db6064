"""Runs the feature code shard by shard: a shard is the unit of memory and of progress."""

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from features.catalog import Catalog, build_catalog
from features.labels import ever_in_cohort, make_cohort, outcomes
from features.matrix import cut, derive, prepare
from features.relationship import Attribute
from features.tables import TABLES
from pipelines.database import connect, identifier, literal
from pipelines.matrixstore import MatrixStore, definition_digests, joined, open_store
from pipelines.settings import Settings
from pipelines.snapshots.facts import TableFacts
from pipelines.snapshots.snapshot import Snapshot

MATRICES = "matrix"


@dataclass(frozen=True, slots=True)
class MatrixJob:
    """What to build: the as-of dates, and up to which day outcomes are known (None: no labels)."""

    catalog: Catalog
    as_ofs: tuple[date, ...]
    labels_known_before: date | None = None


def attributes_of(settings: Settings) -> list[Attribute]:
    """The columns of the customer table that the configuration makes features."""
    mapped = settings.sources["customers"].attributes
    return [
        Attribute(f"attr_{name}", a.type, a.family, a.driver, a.unit, a.sign, a.doc or name)
        for name, a in mapped.items()
    ]


def catalog_of(settings: Settings, snapshot: Snapshot) -> Catalog:
    """The features that this company's tables can carry, its own attributes among them."""
    absent = absent_columns(snapshot.tables)
    return build_catalog(tuple(snapshot.tables), attributes_of(settings), absent)


def absent_columns(tables: Mapping[str, TableFacts]) -> list[str]:
    """The contract's columns (``table.column``) that a company's tables lack."""
    return [f"{name}.{column}" for name, facts in tables.items() for column in facts.absent]


@contextmanager
def scratch(settings: Settings, run_id: str) -> Iterator[Path]:
    """Where a run's matrix goes, under ``paths.var``; gone when the block ends, however it ends."""
    folder = settings.paths.var / MATRICES / run_id
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def build_matrix(
    settings: Settings,
    snapshot: Snapshot,
    job: MatrixJob,
    into: Path,
    advance: Callable[[], None],
) -> list[Path]:
    """Write ``into/as_of=…/shard=….parquet``: customer_id, as_of, product_line, features.

    With ``labels_known_before`` each row also carries ``outcome`` and ``label``. What the matrix
    store has is read, the rest is computed and kept there. ``advance`` is called after every
    shard and as-of date. Returns the files, in order.
    """
    paths = []
    for shard in range(snapshot.shards):
        for as_of, rows in _shard_rows(settings, snapshot, job, shard):
            path = into / f"as_of={as_of}" / f"shard={shard:04d}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(rows, path, compression="zstd", write_page_checksum=True)
            paths.append(path)
            advance()
    return paths


def _shard_rows(
    settings: Settings, snapshot: Snapshot, job: MatrixJob, shard: int
) -> Iterator[tuple[date, pa.Table]]:
    store, wanted = open_store(settings, snapshot.shards), definition_digests(job.catalog)
    with connect(settings.engine, settings.paths.var / "spill") as con:
        _open_shard(con, settings, snapshot, shard, min(job.as_ofs))
        cutter = _Cutter(con, job.catalog, tuple(snapshot.tables), settings.company.timezone)
        missing = {
            as_of: {n for n, d in wanted.items() if store.kept(as_of, shard).get(n) != d}
            for as_of in job.as_ofs
        }
        if not _history_stands(cutter, store, shard, missing, wanted):
            missing = {as_of: set(wanted) for as_of in job.as_ofs}
        for as_of in job.as_ofs:
            rows = _completed(cutter, store, shard, as_of, missing[as_of], wanted)
            yield as_of, _labelled(con, settings, snapshot, job, as_of, rows)


@dataclass(slots=True)
class _Cutter:
    """One shard's connection, and which features' streams are derived in it."""

    con: duckdb.DuckDBPyConnection
    catalog: Catalog
    tables: tuple[str, ...]
    zone: str
    derived: set[str] = field(default_factory=set)

    def cohort(self, as_of: date) -> None:
        make_cohort(self.con, self.tables, as_of, self.zone)

    def customers(self) -> pa.Table:
        return self.con.sql("select customer_id from cohort order by customer_id").to_arrow_table()

    def cut(self, as_of: date, names: Collection[str]) -> pa.Table:
        if not self.derived.issuperset(names):
            derive(self.con, self.catalog.only(set(names) - self.derived))
            self.derived.update(names)
        return cut(self.con, self.catalog.only(names), as_of, self.zone)


def _history_stands(
    cutter: _Cutter,
    store: MatrixStore,
    shard: int,
    missing: Mapping[date, Collection[str]],
    wanted: Collection[str],
) -> bool:
    """Whether the newest kept date comes out the same today; a rewritten history does not."""
    kept_dates = [as_of for as_of, lacking in missing.items() if len(lacking) < len(wanted)]
    if not kept_dates:
        return True
    as_of = max(kept_dates)
    names = [name for name in wanted if name not in missing[as_of]]
    cutter.cohort(as_of)
    kept = store.read(as_of, shard, names)
    return kept is not None and bool(cutter.cut(as_of, names).equals(kept))


def _completed(
    cutter: _Cutter,
    store: MatrixStore,
    shard: int,
    as_of: date,
    missing: Collection[str],
    wanted: Mapping[str, str],
) -> pa.Table:
    cutter.cohort(as_of)
    kept = None
    if len(missing) < len(wanted):
        kept = store.read(as_of, shard, [name for name in wanted if name not in missing])
    if kept is None or not kept.select(["customer_id"]).equals(cutter.customers()):
        rows = cutter.cut(as_of, wanted)
    elif missing:
        rows = joined(kept, cutter.cut(as_of, missing), list(wanted))
    else:
        return kept
    store.keep(as_of, shard, rows, wanted)
    return rows


def given_as_ofs(settings: Settings, snapshot: Snapshot) -> tuple[date, ...]:
    """The as-of dates of a ``labels`` table, sorted; empty without one."""
    if "labels" not in snapshot.tables:
        return ()
    with connect(settings.engine, settings.paths.var / "spill") as con:
        files = [snapshot.path("labels", shard) for shard in range(snapshot.shards)]
        rows = con.execute(f"select distinct as_of from {_parquet(files)} order by 1").fetchall()
    return tuple(row[0] for row in rows)


def _open_shard(
    con: duckdb.DuckDBPyConnection, settings: Settings, snapshot: Snapshot, shard: int, first: date
) -> None:
    """Name the shard's tables, without the rows of customers who can be in no cohort."""
    names, zone = tuple(snapshot.tables), settings.company.timezone
    sources = {name: f"from {_parquet([snapshot.path(name, shard)])}" for name in names}
    for name, source in sources.items():
        con.execute(f"create temp view {identifier(name)} as {source}")
    prepare(con, names, zone, settings.delays())
    con.execute(f"create temp table eligible as {ever_in_cohort(names, first, zone)}")
    for name in names:
        if TABLES[name].per_customer:
            con.execute(
                f"create or replace temp view {identifier(name)} as "
                f"{sources[name]} semi join eligible using (customer_id)"
            )


def _labelled(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    snapshot: Snapshot,
    job: MatrixJob,
    as_of: date,
    rows: pa.Table,
) -> pa.Table:
    if job.labels_known_before is None:
        return rows
    ended = _ended(con, settings, snapshot, as_of, job.labels_known_before)
    con.register("cut_rows", rows)
    con.register("ended_rows", ended)
    return con.sql(
        "select c.*, e.outcome, e.label from cut_rows c join ended_rows e using (customer_id) "
        "order by customer_id"
    ).to_arrow_table()


def _ended(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    snapshot: Snapshot,
    as_of: date,
    today: date,
) -> pa.Table:
    return outcomes(
        con,
        tables=tuple(snapshot.tables),
        as_of=as_of,
        window=settings.label_window(),
        today=today,
        zone=settings.company.timezone,
    )


def outcomes_at(
    settings: Settings, snapshot: Snapshot, as_ofs: Sequence[date], today: date
) -> pa.Table:
    """What had happened before ``today`` to the cohort of each as-of date, whose windows are over.

    Columns customer_id, as_of, outcome and label, as ``features.labels.outcomes`` gives them.
    """
    parts = []
    for shard in range(snapshot.shards):
        with connect(settings.engine, settings.paths.var / "spill") as con:
            _open_shard(con, settings, snapshot, shard, min(as_ofs))
            for as_of in as_ofs:
                make_cohort(con, tuple(snapshot.tables), as_of, settings.company.timezone)
                ended = _ended(con, settings, snapshot, as_of, today)
                dates = pa.array([as_of] * len(ended), pa.date32())
                parts.append(ended.append_column("as_of", dates))
    return pa.concat_tables(parts)


def _parquet(files: Sequence[Path]) -> str:
    return f"read_parquet([{', '.join(literal(path) for path in files)}])"
