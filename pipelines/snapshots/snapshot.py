"""Input snapshot of one run: Parquet by shard, written once and then only read."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from itertools import chain
from pathlib import Path

import duckdb

from features.contract import TABLES
from features.errors import ConfigError, ContractError, StilleError
from pipelines.config.settings import Settings
from pipelines.publication.reader import published_inputs
from pipelines.runtime.atomic_files import file_digest
from pipelines.runtime.run_record import Gate
from pipelines.runtime.secret_keys import PSEUDONYM, key_fingerprint, key_of
from pipelines.snapshots import store as folders
from pipelines.snapshots import typed_store
from pipelines.snapshots.facts import Snapshot, read_facts, write_facts
from pipelines.snapshots.folder_lock import place
from pipelines.snapshots.gates import Judge, decide
from pipelines.snapshots.writing_tables import write_tables
from pipelines.sources.database_reader import fetch_tables
from pipelines.sources.files import Input, InputDigests, find_files, reported_files

FORMAT = 4
_NAME_LENGTH = 16

__all__ = ["Snapshot", "find_inputs", "take_snapshot"]


def take_snapshot(
    settings: Settings,
    store: Path,
    on_table: Callable[[str], None] = lambda _: None,
    as_of: date | None = None,
    judge: Judge = lambda _: (),
    again: Callable[[Snapshot], tuple[Gate, ...]] = lambda ready: ready.gates,
) -> Snapshot:
    """Read, check and write every configured table under ``store``; reuse one of these inputs.

    ``as_of`` is the night's date: events more than a day after it are set aside. ``on_table`` is
    told each table's name before it is read; ``judge`` sees what was read, refused tables among it,
    and may refuse it; ``again`` evaluates a snapshot that is reused, which may be too old for
    another night. The snapshot is there whole or not at all, and stays as it is for as long as the
    returned value lives.

    Raises ``ContractError`` that tells of every table that breaks the contract, ``BusyError`` when
    an input changed while it was read or a database does not answer, ``ConfigError`` when the
    memory limit is too small, and what ``judge`` raises.
    """
    staging, _lock = folders.fresh_staging(store)
    inputs: dict[str, tuple[Input, ...]] = {}
    digests: InputDigests | None = None
    try:
        inputs, missing = find_inputs(settings, staging / "extracts")
        digests = InputDigests(settings.paths.digests, inputs)
        digest = _digest(settings, digests.found, as_of)
        into = store / digest[:_NAME_LENGTH]
        ready = None if missing else folders.read_reusable(into, digest)
        if ready is None:
            refused = folders.refused_folder(store)
            try:
                written = write_tables(settings, inputs, staging, refused, on_table, as_of, digests)
            except duckdb.OutOfMemoryException as error:
                limit = settings.engine.memory_limit
                raise ConfigError(
                    f"engine.memory_limit {limit} is too small; raise it ({error})"
                ) from error
            digests.refuse_changed(chain(*inputs.values()))
            shutil.rmtree(staging / "extracts", ignore_errors=True)
            gates = decide(judge, replace(written, refusals={**missing, **written.refusals}))
            files = sorted(path for path in staging.rglob("*") if path.is_file())
            facts = {
                "digest": digest,
                "mapping": _mapping(settings),
                "shards": written.shards,
                "inputs": digests.found,
                "gates": gates,
                "tables": written.tables,
                "files": {
                    path.relative_to(staging).as_posix(): file_digest(path) for path in files
                },
            }
            write_facts(staging, facts)
            ready = place(staging, into, partial(folders.read_reusable, into, digest))
            folders.forget_refused(store)
        else:
            ready = _with_gates(ready, again(ready))
        folders.mark_newest(into)
    except StilleError:
        folders.keep_quarantine(staging, store)
        if digests is not None:
            digests.refuse_changed(chain(*inputs.values()))
        raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        typed_store.prune(settings.paths.typed)
    folders.prune(store, published_inputs(settings.paths.out))
    return ready


def find_inputs(
    settings: Settings, extracts: Path
) -> tuple[dict[str, tuple[Input, ...]], dict[str, ContractError]]:
    """What to read, by table in the contract's order, and why tables have nothing to read.

    Databases are fetched into ``extracts``.
    """
    found: dict[str, tuple[Input, ...]] = {}
    missing: dict[str, ContractError] = {}
    for name in (name for name in TABLES if name in settings.sources):
        if settings.sources[name].database is None:
            try:
                found[name] = find_files(settings, name)
            except ContractError as error:
                missing[name] = error
    fetched = fetch_tables(settings.sources, extracts)
    found |= {name: (extract,) for name, extract in fetched.items()}
    names = [name for name in TABLES if name in found]
    return {n: (*found[n], *reported_files(settings, n)) for n in names}, missing


def _with_gates(ready: Snapshot, gates: tuple[Gate, ...]) -> Snapshot:
    """A reused snapshot with tonight's gates, written down when a person let one through."""
    named = {gate.name for gate in gates}
    both = (*gates, *(gate for gate in ready.gates if gate.name not in named))
    again = replace(ready, gates=both)
    if both != ready.gates and not all(gate.passed for gate in gates):
        write_facts(ready.root, read_facts(ready.root) | {"gates": both})
    return again


def _digest(settings: Settings, inputs: Mapping[str, str], as_of: date | None) -> str:
    """SHA-256 over inputs, contract and what in the config decides what the tables become."""
    deciding = settings.model_dump(
        mode="json", include={"company", "dialect", "sources", "quality", "engine"}
    )
    deciding["engine"] = deciding["engine"]["shard_size"]
    if settings.company.pseudonyms:
        deciding["pseudonyms"] = key_fingerprint(key_of(PSEUDONYM, settings.paths.var))
    contract = repr(list(TABLES.values()))
    text = json.dumps([FORMAT, contract, deciding, inputs, str(as_of)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _mapping(settings: Settings) -> str:
    """SHA-256 (hex) over what decides the meaning of the customers' columns."""
    deciding = settings.model_dump(mode="json", include={"company", "dialect"})
    customers = settings.sources["customers"].model_dump(mode="json")
    return hashlib.sha256(json.dumps([FORMAT, deciding, customers]).encode()).hexdigest()
