"""Runs the feature code shard by shard: a shard is the unit of memory and of progress."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa

from features.catalog import Catalog, build_catalog
from features.families.relationship import attribute
from features.feature import Feature
from pipelines.config.settings import Settings
from pipelines.matrices.backfill import history_stands
from pipelines.matrices.files import (
    MatrixPart,
    digests_in,
    joined,
    read_features,
    write_features,
    write_table,
)
from pipelines.matrices.shard import Shard, open_shard
from pipelines.matrices.store import MatrixStore, definition_digests, open_store
from pipelines.runtime.duckdb_connection import connect
from pipelines.snapshots.facts import TableFacts
from pipelines.snapshots.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class MatrixJob:
    """What to build: the as-of dates, and up to which day outcomes are known (None: no labels)."""

    catalog: Catalog
    as_ofs: tuple[date, ...]
    labels_known_before: date | None = None


def attributes_of(settings: Settings) -> list[Feature]:
    """The columns of the customer table that the configuration makes features."""
    mapped = settings.sources["customers"].attributes
    return [
        attribute(f"attr_{name}", a.type, a.family, a.driver, a.unit, a.sign, a.doc or name)
        for name, a in mapped.items()
    ]


def catalog_of(settings: Settings, snapshot: Snapshot) -> Catalog:
    """The features that this company's tables can carry, its own attributes among them."""
    return catalog_from(settings, tables_of(snapshot))


def catalog_from(settings: Settings, tables: Mapping[str, Sequence[str]]) -> Catalog:
    """As ``catalog_of``, from the names of the tables and the columns that each lacks."""
    absent = [f"{name}.{column}" for name, columns in tables.items() for column in columns]
    return build_catalog(tuple(tables), attributes_of(settings), absent)


def tables_of(snapshot: Snapshot) -> dict[str, list[str]]:
    """The snapshot's tables, each with the columns that it lacks."""
    return {name: list(facts.absent) for name, facts in snapshot.tables.items()}


def absent_columns(tables: Mapping[str, TableFacts]) -> list[str]:
    """The contract's columns (``table.column``) that a company's tables lack."""
    return [f"{name}.{column}" for name, facts in tables.items() for column in facts.absent]


def build_matrix(
    settings: Settings,
    snapshot: Snapshot,
    job: MatrixJob,
    into: Path,
    advance: Callable[[], None],
) -> list[MatrixPart]:
    """Write the features, and with ``labels_known_before`` the outcomes, below ``into``.

    With ``labels_known_before`` each row also carries ``outcome`` and ``label`` (null while the
    label window is open), ``ended_on`` and ``cause``, ``treated_on`` and ``held_out_on``. What the
    matrix store has is shared, the rest is computed and kept there. ``advance`` is called after
    every shard and as-of date. Returns the parts, in order.
    """
    store, wanted = open_store(settings, snapshot.shards), definition_digests(job.catalog)
    parts = []
    for number in range(snapshot.shards):
        with connect(settings.engine, settings.paths.spill) as con:
            shard = open_shard(con, settings, snapshot, job.catalog, number, min(job.as_ofs))
            place = _Place(store, number, into)
            for as_of, features in _features(shard, place, job.as_ofs, wanted):
                ended = None
                if job.labels_known_before is not None:
                    ended = place.of(as_of, "outcomes")
                    write_table(ended, shard.outcomes(as_of, job.labels_known_before))
                parts.append(MatrixPart(features, ended))
                advance()
    return parts


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a shard's files are: kept ones in the store, this run's below ``into``."""

    store: MatrixStore
    number: int
    into: Path

    def of(self, as_of: date, what: str) -> Path:
        return self.into / what / f"as_of={as_of}" / f"shard={self.number:04d}.parquet"

    def borrow(self, as_of: date) -> Path:
        path = self.of(as_of, "features")
        self.store.lend(as_of, self.number, path)
        return path


def _features(
    shard: Shard, place: _Place, as_ofs: Collection[date], wanted: Mapping[str, str]
) -> Iterator[tuple[date, Path]]:
    """Each date's file, complete, while the cohort of that date is the shard's."""
    paths = {as_of: place.borrow(as_of) for as_of in as_ofs}
    found = {as_of: digests_in(path) for as_of, path in paths.items()}
    missing = {
        as_of: {name for name, digest in wanted.items() if found[as_of].get(name) != digest}
        for as_of in as_ofs
    }
    if not history_stands(shard, paths, missing, wanted):
        missing = {as_of: set(wanted) for as_of in as_ofs}
    for as_of, path in paths.items():
        if _complete(shard, path, as_of, missing[as_of], wanted):
            place.store.keep(as_of, place.number, path)
        yield as_of, path


def _complete(
    shard: Shard, path: Path, as_of: date, missing: Collection[str], wanted: Mapping[str, str]
) -> bool:
    """Make the file hold every wanted feature; whether it had to be written."""
    customers = shard.cohort(as_of)
    kept = None
    if len(missing) < len(wanted):
        kept = read_features(path, [name for name in wanted if name not in missing])
    if kept is None or not kept["customer_id"].equals(customers):
        rows = shard.cut(as_of, wanted)
    elif missing:
        rows = joined(kept, shard.cut(as_of, missing), list(wanted))
    else:
        return False
    write_features(path, rows, wanted)
    return True


def outcomes_at(
    settings: Settings, snapshot: Snapshot, as_ofs: Sequence[date], today: date
) -> pa.Table:
    """What had happened before ``today`` to the cohort of each as-of date, whose windows are over.

    Columns customer_id, as_of, outcome and label, as ``features.labels.outcomes`` gives them.
    """
    catalog, parts = catalog_of(settings, snapshot), []
    for number in range(snapshot.shards):
        with connect(settings.engine, settings.paths.spill) as con:
            shard = open_shard(con, settings, snapshot, catalog, number, min(as_ofs))
            for as_of in as_ofs:
                shard.cohort(as_of)
                ended = shard.ended(as_of, today)
                dates = pa.repeat(pa.scalar(as_of, pa.date32()), len(ended))
                parts.append(ended.append_column("as_of", dates))
    return pa.concat_tables(parts)
