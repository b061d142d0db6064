"""Runs the feature code shard by shard: a shard is the unit of memory and of progress."""

import hashlib
import json
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.catalog import Catalog, build_catalog
from features.feature import attribute
from pipelines.config.run import Run
from pipelines.config.settings import Settings
from pipelines.config.sources import Source, tables_with_versions
from pipelines.matrices import files
from pipelines.matrices.files import KEYS, MatrixPart, scratch
from pipelines.matrices.shard import Shard, open_shard
from pipelines.matrices.shard_task import read_task, shard_tasks
from pipelines.matrices.store import MatrixStore, definition_digests
from pipelines.runtime.duckdb_connection import connect
from pipelines.runtime.engine import each
from pipelines.runtime.progress import bar
from pipelines.snapshots.snapshot import Snapshot

_CELLS = 250_000_000


@dataclass(frozen=True, slots=True)
class MatrixJob:
    """What to build: the as-of dates, and up to which day outcomes are known (None: no labels).

    ``share`` of the customers, drawn by a hash of their ids: who is drawn is so on every date.
    """

    catalog: Catalog
    as_ofs: tuple[date, ...]
    labels_known_before: date | None = None
    share: float = 1.0


def catalog_of(sources: Mapping[str, Source], snapshot: Snapshot) -> Catalog:
    """The features that this company's tables can carry, its own attributes among them."""
    return catalog_from(sources, tables_of(snapshot))


def catalog_from(sources: Mapping[str, Source], tables: Mapping[str, Sequence[str]]) -> Catalog:
    """As ``catalog_of``, from the names of the tables and the columns that each lacks."""
    attributes = [
        attribute(f"attr_{name}", a.type, a.family, a.driver, a.unit, a.sign, a.doc or name)
        for name, a in sources["customers"].attributes.items()
    ]
    absent = [f"{name}.{column}" for name, columns in tables.items() for column in columns]
    return build_catalog(tuple(tables), attributes, absent, tables_with_versions(sources))


def tables_of(snapshot: Snapshot) -> dict[str, list[str]]:
    """The snapshot's tables, each with the columns that it lacks."""
    return {name: list(facts.absent) for name, facts in snapshot.tables.items()}


def make_matrix(run: Run, snapshot: Snapshot, job: MatrixJob, names: Sequence[str]) -> pd.DataFrame:
    """Build a matrix in a scratch folder and read its keys, ``names`` and any outcomes.

    Of as many customers as memory holds, by ``sample_share``, which the record tells.
    """
    share = sample_share(run.settings, snapshot, len(job.as_ofs), len(names))
    if share < 1:
        run.record.notes.append(
            f"read 1 of {1 / share:.0f} customers, drawn by a hash of their ids, all months of "
            "each: more rows would not fit (training.max_rows)"
        )
    with built_matrix(run, snapshot, replace(job, share=share)) as parts:
        return files.read_matrix(parts, [*KEYS, *names])


def sample_share(settings: Settings, snapshot: Snapshot, dates: int, features: int) -> float:
    """The share of customers, a power of a half, whose rows of so many dates fit in memory.

    At most ``training.max_rows``, by default ``_CELLS`` values of features, which takes about
    3 GB from reading to the last fit. Whole customers at random keep levels, months and
    intervals as they are, without weights. The customers of all times are counted, so there may
    be half as many rows.
    """
    most = settings.training.max_rows or _CELLS / max(features, 1)
    rows, share = snapshot.tables["customers"].rows * dates, 1.0
    while rows * share > most:
        share /= 2
    return share


@contextmanager
def built_matrix(run: Run, snapshot: Snapshot, job: MatrixJob) -> Iterator[list[MatrixPart]]:
    """The parts of a matrix, in a scratch folder that is gone when the block ends."""
    steps = len(job.as_ofs) * snapshot.shards
    with scratch(run.settings.paths.scratch, run.record.run_id) as folder:
        with bar("building features", steps) as advance:
            parts = build_matrix(run.settings, snapshot, job, folder, lambda: advance(""))
        yield parts


def build_matrix(
    settings: Settings, snapshot: Snapshot, job: MatrixJob, into: Path, advance: Callable[[], None]
) -> list[MatrixPart]:
    """Write the features, and with ``labels_known_before`` the outcomes, below ``into``.

    Outcomes have the columns of ``Shard.outcomes``. What the matrix store has is shared, the rest
    is computed and kept there. ``advance`` is called after every shard for each as-of date.
    Returns the parts, in order.
    """
    names = [feature.name for feature in job.catalog.features]
    known_before = job.labels_known_before
    tasks = shard_tasks(settings, snapshot, into, job.as_ofs, known_before, names, job.share)
    built = {}
    for number, text in each(settings.engine, build_shard, tasks):
        built[number] = [MatrixPart(*map(Path, paths)) for paths in json.loads(text)]
        for _ in built[number]:
            advance()
    return [part for number in sorted(built) for part in built[number]]


def build_shard(text: str) -> str:
    """Do a shard's task: by as-of date the files of any features and of any outcomes."""
    task, snapshot = read_task(text)
    settings, store, parts = task.settings, MatrixStore(task.store), []
    catalog = catalog_of(settings.sources, snapshot).only(task.names)
    definitions, first = definition_digests(catalog), min(task.as_ofs)
    with connect(settings.engine, task.into / "spill") as con:
        shard = open_shard(con, settings, snapshot, catalog, task.shard, first, task.share)
        made, results = (MatrixStore(task.into / each) for each in ("features", "outcomes"))
        paths = {as_of: made.path(as_of, task.shard) for as_of in task.as_ofs}
        for as_of, path in paths.items():
            store.lend(as_of, task.shard, path)
        missing = _missing(shard, paths, definitions)
        for as_of, features in paths.items():
            parts.append([str(features)] if definitions else [])
            if not definitions:
                shard.cohort(as_of)
            elif _complete(shard, features, as_of, missing[as_of], definitions):
                store.keep(as_of, task.shard, features)
            if task.known_before is not None:
                ended = results.path(as_of, task.shard)
                files.write_table(ended, shard.outcomes(as_of, task.known_before))
                parts[-1].append(str(ended))
    return json.dumps(parts)


def _missing(
    shard: Shard, paths: Mapping[date, Path], definitions: Mapping[str, str]
) -> dict[date, set[str]]:
    """The wanted features that each date's file lacks: all of them after a rewritten history."""
    missing = {}
    for as_of, path in paths.items():
        found = files.digests_in(path)
        missing[as_of] = {name for name, digest in definitions.items() if found.get(name) != digest}
    if history_stands(shard, paths, missing, definitions):
        return missing
    return {as_of: set(definitions) for as_of in paths}


def _complete(
    shard: Shard, path: Path, as_of: date, missing: Collection[str], definitions: Mapping[str, str]
) -> bool:
    """Make the file hold every wanted feature, and the date's cohort the shard's.

    Returns whether the file had to be written.
    """
    customers = shard.cohort(as_of)
    stored = None
    if len(missing) < len(definitions):
        stored = files.read_features(path, [name for name in definitions if name not in missing])
    if stored is None or not stored["customer_id"].equals(customers):
        rows = shard.cut(as_of, definitions)
    elif missing:
        fresh, names = shard.cut(as_of, missing), (*KEYS, *definitions)
        rows = pa.table({n: (fresh if n in fresh.column_names else stored)[n] for n in names})
    else:
        return False
    files.write_features(path, rows, definitions)
    return True


def history_stands(
    shard: Shard,
    paths: Mapping[date, Path],
    missing: Mapping[date, Collection[str]],
    definitions: Collection[str],
) -> bool:
    """Whether the dates checked come out the same today; a rewritten history does not.

    ``paths`` are the files by as-of date, ``missing`` the ``definitions`` features that each lacks.
    """
    stored = [as_of for as_of, lacking in missing.items() if len(lacking) < len(definitions)]
    for as_of in dates_to_check(stored, max(missing)):
        shard.cohort(as_of)
        names = [name for name in definitions if name not in missing[as_of]]
        before = files.read_features(paths[as_of], names)
        if before is None or not shard.cut(as_of, names).equals(before):
            return False
    return True


def dates_to_check(stored: Collection[date], newest: date) -> tuple[date, ...]:
    """The newest of the ``stored`` dates, and an older one that another ``newest`` date changes.

    It is drawn by the hash of ``newest``: nights and months that follow each other come to
    every date, however far apart they are, and the same run checks the same date again.
    """
    if not stored:
        return ()
    *older, last = sorted(stored)
    drawn = int.from_bytes(hashlib.sha256(str(newest).encode()).digest()[:8])
    return (last, older[drawn % len(older)]) if older else (last,)


def outcomes_at(
    settings: Settings, snapshot: Snapshot, as_ofs: Sequence[date], today: date
) -> pa.Table:
    """What had happened before ``today`` to the cohort of each as-of date, whose windows are over.

    Columns customer_id, as_of, outcome and label, as ``features.labels.outcomes`` gives them, and
    ended_on, as ``endings`` does.
    """
    with scratch(settings.paths.scratch, f"outcomes-{secrets.token_hex(8)}") as folder:
        tasks = shard_tasks(settings, snapshot, folder, as_ofs, today)
        written = dict(each(settings.engine, build_shard, tasks))
        paths = [path for number in sorted(written) for [path] in json.loads(written[number])]
        # A dataset would take a folder named name=value for a column.
        return pa.concat_tables(pq.ParquetFile(path).read() for path in paths)
