"""Case of one customer: the published row, with the snapshot and the model that made it.

Both are found by digest, so that another night's model never explains this one's score. The
customer's tables and matrix row are open in one connection, and the feature code of the night runs
on them, so that no second definition can differ.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from features.catalog import Catalog
from features.contract import TABLES
from features.errors import ConfigError, ContractError, ModelError, PublicationError
from features.labels import COHORT_TABLES
from features.timeline import local_day, midnight_utc
from models.churn.model import ChurnModel
from models.churn.serialization import digest, model_from_files
from pipelines.config.settings import Settings
from pipelines.matrices.build import catalog_of
from pipelines.matrices.files import KEYS
from pipelines.matrices.shard import open_shard
from pipelines.publication.reader import Publication, current, newest_of, verify
from pipelines.runtime.duckdb_connection import Connection, connect, identifier, literal
from pipelines.snapshots.facts import inputs_digest, table_file
from pipelines.snapshots.snapshot import Snapshot
from pipelines.snapshots.store import readable_snapshots
from pipelines.sources.type_casting import ALWAYS
from pipelines.tracking import files, registry
from pipelines.tracking.booster_sandbox import check_boosters
from pipelines.tracking.champion import read_cache


@dataclass(frozen=True, slots=True)
class Case:
    """One customer's published row, that of a call with what is for calls, tables and model.

    ``described`` is what the manifest says of the night.
    """

    publication: Publication
    described: Mapping[str, Any]
    listed: Mapping[str, Any]
    snapshot: Snapshot
    model: ChurnModel

    @property
    def customer(self) -> str:
        return str(self.listed["customer_id"])

    @property
    def as_of(self) -> date:
        return self.publication.as_of


def open_case(settings: Settings, customer: str, as_of: date | None) -> Case:
    """The customer's case on the newest list, or on that of ``as_of``.

    Raises ``PublicationError`` without such a list, ``ConfigError`` for a customer who is not on
    it, ``ContractError`` when the night's tables are no longer kept, and ``ModelError`` when its
    model is not.
    """
    out = settings.paths.out
    publication = current(out) if as_of is None else newest_of(out, as_of)
    if publication is None:
        night = "no list" if as_of is None else f"no list of {as_of}"
        raise PublicationError(f"{out} has {night} to explain. Publish one: stille nightly.")
    described = verify(publication.folder)["stille"]
    path, only = publication.folder / "risk_list.parquet", [("customer_id", "==", customer)]
    rows = pd.read_parquet(path, filters=only)
    if rows.empty:
        raise ConfigError(
            f"the customer is not on the list of {publication.as_of} ({path}): either the id is "
            "another, or there was no active contract on that day. --as-of takes another night."
        )
    snapshot = _snapshot(settings.paths.snapshots, publication, described["inputs_digest"])
    model = _model(settings, described["model_version"], described["model_digest"])
    calls = pd.read_parquet(path.with_name("call_list.parquet"), filters=only).to_dict("records")
    listed = dict(rows.iloc[0]) | dict(*calls)
    return Case(publication, described, listed, snapshot, model)


def _snapshot(store: Path, publication: Publication, inputs: str) -> Snapshot:
    for snapshot in readable_snapshots(store):
        if inputs_digest(snapshot) == inputs:
            return snapshot
    raise ContractError(
        f"{store} no longer keeps the tables that the list of {publication.as_of} was made from, "
        f"so no source rows can be shown. Make it again from today's tables: stille nightly "
        f"--as-of {publication.as_of} --backfill."
    )


def _model(settings: Settings, label: str, expected: str) -> ChurnModel:
    kept = read_cache(settings)
    if kept is not None and kept.registered.digest == expected == digest(kept.files):
        return model_from_files(kept.files, expected, check_boosters)
    registered = registry.version_of(settings, label.rpartition("/")[2])
    if registered.digest != expected:
        raise ModelError(
            f"model {label} of the registry is not the one that made this list. Explain a newer "
            "night, or look for it in the registry: stille ui."
        )
    return files.load(settings, registered)


@dataclass(frozen=True, slots=True)
class TableUse:
    """How many of the customer's rows of a table were known, and of which days they are.

    A table made from others' rows is named whether or not there are any.
    """

    table: str
    rows: int
    first: date | None
    last: date | None


@contextmanager
def open_customer(
    settings: Settings, case: Case
) -> Iterator[tuple[Connection, Catalog, pd.DataFrame, tuple[TableUse, ...]]]:
    """Open the case's snapshot for its customer, by the feature code of the night.

    Gives a connection with the contract's tables of the customer and ``cohort``, the night's
    catalog, the customer's row of the matrix, and what of each table is known.
    """
    snapshot, catalog = case.snapshot, catalog_of(settings.sources, case.snapshot)
    with connect(settings.engine, settings.paths.spill) as con:
        customers = literal(table_file(snapshot.root, "customers", "*"))
        [(number,)] = con.execute(
            f"select cast(shard as integer) from read_parquet({customers}, hive_partitioning=true) "
            "where customer_id = ?",
            [case.customer],
        ).fetchall()
        shard = open_shard(con, settings, snapshot, catalog, number, case.as_of)
        con.execute("delete from numbered where text <> ?", [case.customer])
        for table in COHORT_TABLES & set(snapshot.tables):
            others = "customer_id not in (select number from numbered)"
            con.execute(f"delete from {identifier(table)} where {others}")
        shard.cohort(case.as_of)
        names = [feature.name for feature in catalog.features]
        rows = shard.cut(case.as_of, names).select([*KEYS, *names])
        used = _used(con, catalog, case.as_of, settings.company.timezone)
        yield con, catalog, rows.to_pandas(date_as_object=False), tuple(used)


def _used(con: Connection, catalog: Catalog, as_of: date, zone: str) -> Iterator[TableUse]:
    read = {table for stream in catalog.streams for table in (*stream.reads, *stream.optional)}
    now, moment = midnight_utc(as_of, zone), f"nullif(event_at, {ALWAYS})"
    for table in TABLES.values():
        if table.name in read and table.per_customer:
            [(rows, *moments)] = con.execute(
                f"select count(*), min({moment}), max({moment}) from {identifier(table.name)} "
                "where coalesce(event_at < $now, true) and coalesce(known_at < $now, true)",
                {"now": now},
            ).fetchall()
            if rows or table.derived:
                yield TableUse(table.name, rows, *(m and local_day(m, zone) for m in moments))
