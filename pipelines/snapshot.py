"""The checked input tables of one run, as Parquet by shard, written once and then only read."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb

from features.errors import BusyError, ConfigError, ContractError, StilleError
from features.tables import TABLES
from features.timeline import midnight_utc
from pipelines.database import connect, identifier, literal
from pipelines.facts import (
    FACTS_NAME,
    Snapshot,
    TableFacts,
    check_report,
    read_snapshot,
    verify_snapshot,
)
from pipelines.quarantine import set_aside
from pipelines.reading import Loaded, levels_to_changes, load_table, make_shards
from pipelines.settings import Settings
from pipelines.sources import file_digest, find_files
from pipelines.staging import fresh_staging, keep_quarantine, refused_folder, swap

FORMAT = 1

__all__ = [
    "Snapshot",
    "TableFacts",
    "check_report",
    "read_snapshot",
    "take_snapshot",
    "verify_snapshot",
]


def take_snapshot(
    settings: Settings,
    into: Path,
    on_table: Callable[[str], None] = lambda _: None,
    as_of: date | None = None,
) -> Snapshot:
    """Read, check and write every configured table to ``into``; reuse it when nothing changed.

    ``as_of`` is the night's date: events more than a day after it are set aside. ``on_table``
    is told each table's name before it is read. Either all of ``into`` is replaced or nothing.

    Raises ``ContractError`` when a table breaks the contract, ``BusyError`` when an input
    changed while it was read, ``ConfigError`` when the memory limit is too small.
    """
    files = {name: find_files(settings, name) for name in TABLES if name in settings.sources}
    inputs = _digests(files)
    digest = _digest(settings, inputs, as_of)
    ready = _reusable(into, digest)
    if ready is not None:
        return ready
    staging = fresh_staging(into)
    try:
        taken = _take(settings, files, staging, into, on_table, as_of)
        _refuse_changed(files, inputs)
        _write_facts(staging, taken, digest, inputs)
        swap(staging, into)
    except duckdb.OutOfMemoryException as error:
        limit = settings.engine.memory_limit
        raise ConfigError(
            f"engine.memory_limit {limit} is too small; raise it ({error})"
        ) from error
    except StilleError:
        keep_quarantine(staging, into)
        _refuse_changed(files, inputs)
        raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return read_snapshot(into)


@dataclass(frozen=True, slots=True)
class _Taken:
    tables: Mapping[str, TableFacts]
    shards: int


def _take(
    settings: Settings,
    files: Mapping[str, tuple[Path, ...]],
    staging: Path,
    into: Path,
    on_table: Callable[[str], None],
    as_of: date | None,
) -> _Taken:
    limit = None
    if as_of is not None:
        limit = midnight_utc(as_of + timedelta(days=1), settings.company.timezone)
    scratch = staging / "scratch"
    tables: dict[str, TableFacts] = {}
    shards = 1
    with connect(settings.engine, scratch) as connection:
        for name, paths in files.items():
            on_table(name)
            loaded = load_table(connection, settings, TABLES[name], paths, scratch, limit)
            set_aside(connection, settings, loaded, staging / "quarantine", refused_folder(into))
            if name == "customers":
                shards = make_shards(connection, settings.engine.shard_size)
            if settings.sources[name].levels:
                levels_to_changes(connection)
            _write_table(connection, loaded, staging, shards)
            tables[name] = _facts(connection, loaded)
            connection.execute(f"drop table {identifier(name)}")
    shutil.rmtree(scratch)
    return _Taken(tables, shards)


def _write_table(
    connection: duckdb.DuckDBPyConnection, loaded: Loaded, staging: Path, shards: int
) -> None:
    table = loaded.table
    folder = staging / table.name
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


def _facts(connection: duckdb.DuckDBPyConnection, loaded: Loaded) -> TableFacts:
    found = connection.execute(
        f"select count(*), min(event_at), max(event_at) from {identifier(loaded.name)} "
        "where _rule is null"
    ).fetchone()
    rows, first, last = found if found is not None else (0, None, None)
    bound = loaded.bound
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
    )


def _write_facts(staging: Path, taken: _Taken, digest: str, inputs: Mapping[str, str]) -> None:
    written = sorted(path for path in staging.rglob("*") if path.is_file())
    facts = {
        "digest": digest,
        "shards": taken.shards,
        "inputs": inputs,
        "tables": {name: asdict(table) for name, table in taken.tables.items()},
        "files": {path.relative_to(staging).as_posix(): file_digest(path) for path in written},
    }
    text = json.dumps(facts, indent=2, ensure_ascii=False, default=datetime.isoformat)
    (staging / FACTS_NAME).write_text(text + "\n", encoding="utf-8")


def _digests(files: Mapping[str, tuple[Path, ...]]) -> dict[str, str]:
    unique = sorted({path for paths in files.values() for path in paths})
    return {path.as_posix(): file_digest(path) for path in unique}


def _digest(settings: Settings, inputs: Mapping[str, str], as_of: date | None) -> str:
    """SHA-256 over inputs and everything in the config that decides what the tables become."""
    deciding = settings.model_dump(
        mode="json", include={"company", "dialect", "sources", "quality", "engine"}
    )
    deciding["engine"] = deciding["engine"]["shard_size"]
    text = json.dumps([FORMAT, deciding, inputs, str(as_of)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _reusable(into: Path, digest: str) -> Snapshot | None:
    if not (into / FACTS_NAME).is_file():
        return None
    try:
        found = read_snapshot(into)
    except (ContractError, KeyError, TypeError):
        return None
    whole = all((into / name).is_file() for name in found.files)
    return found if found.digest == digest and whole else None


def _refuse_changed(files: Mapping[str, tuple[Path, ...]], inputs: Mapping[str, str]) -> None:
    for paths in files.values():
        for path in paths:
            if not path.is_file() or file_digest(path) != inputs[path.as_posix()]:
                raise BusyError(f"{path}: changed while it was read; run again when it is complete")
