"""Snapshot metadata: its tables, files and gates, and reading them again."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import to_json

from features.contract import TABLES
from features.errors import ContractError
from pipelines.config.measurement import opened_json, sealed_json
from pipelines.runtime.atomic_files import file_digest, replace_bytes
from pipelines.runtime.duckdb_connection import literal
from pipelines.runtime.run_record import Gate
from pipelines.snapshots.folder_lock import FolderLock, lock_folder
from pipelines.snapshots.profiling import TableProfile

FACTS_NAME = "snapshot.json"
TABLES_NAME = "tables.json"


@dataclass(frozen=True, slots=True)
class TableFacts:
    """What one table of a snapshot holds. Instants are naive UTC.

    ``quarantined`` counts set-aside rows by rule; ``columns`` are those the source gave, ``absent``
    optional columns it lacks (null in the files), ``unread`` source columns that the config neither
    uses nor drops, ``forbidden`` those that must never be read. ``null_dates`` counts rows by
    column whose date stands for none; ``lost_forms`` is by rule how its values are written, if
    nearly all alike.
    """

    rows: int
    source_rows: int
    quarantined: Mapping[str, int]
    columns: tuple[str, ...]
    absent: tuple[str, ...]
    unread: tuple[str, ...]
    forbidden: tuple[str, ...]
    first_event: datetime | None
    last_event: datetime | None
    profile: TableProfile = field(default_factory=lambda: TableProfile({}))
    null_dates: Mapping[str, int] = field(default_factory=dict)
    lost_forms: Mapping[str, str] = field(default_factory=dict)


_TABLES = TypeAdapter(dict[str, TableFacts])


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A finished snapshot under ``root``; ``digest`` names its inputs and their mapping.

    ``mapping`` names the mapping of the customers alone; ``gates`` are those it was let through by,
    or in spite of. Its files stay for as long as ``lock`` lives.
    """

    root: Path
    tables: Mapping[str, TableFacts]
    shards: int
    digest: str
    inputs: Mapping[str, str]
    files: Mapping[str, str]
    mapping: str = ""
    gates: tuple[Gate, ...] = ()
    lock: FolderLock | None = field(default=None, repr=False, compare=False)

    def path(self, table: str, shard: int) -> Path:
        """Parquet file of a table's shard; a table without customers is whole in every shard."""
        return table_file(self.root, table, shard)


def table_file(root: Path, table: str, shard: int | str) -> Path:
    """The file of ``Snapshot.path`` below ``root``; of all shards for ``*``."""
    name = f"shard={shard}/part" if TABLES[table].per_customer else "all"
    return root / table / f"{name}.parquet"


def shards_of(root: Path, table: str, shard: int | None = None) -> str:
    """SQL for the rows of ``table_file``, of one or all shards."""
    files = table_file(root, table, "*" if shard is None else shard)
    return f"read_parquet({literal(files)}, hive_partitioning=false)"


def read_snapshot(root: Path) -> Snapshot:
    """Read and lock a snapshot; raises ``ContractError`` when none of this format is there."""
    lock = lock_folder(root)
    if lock is None:
        raise ContractError(f"{root}: no snapshot here; run: stille check")
    try:
        facts = read_facts(root)
        facts["tables"] = _TABLES.validate_python(facts["tables"])
        facts["gates"] = tuple(Gate(**gate) for gate in facts["gates"])
        return Snapshot(root, **facts, lock=lock)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ContractError(f"{root}: no snapshot here ({error}); run: stille check") from error


def read_facts(root: Path) -> dict[str, Any]:
    """What ``write_facts`` wrote, as JSON has it; raises ``ValueError`` or ``OSError``."""
    facts = opened_json((root / FACTS_NAME).read_bytes())
    if not isinstance(facts, dict) or "files" not in facts:
        raise ValueError(f"{FACTS_NAME} names no files")
    return facts


def write_facts(root: Path, facts: Mapping[str, Any]) -> None:
    """Write what ``read_facts`` reads; the file is replaced whole."""
    replace_bytes(root / FACTS_NAME, sealed_json(facts))


def verify_snapshot(snapshot: Snapshot) -> None:
    """Compare every file with its digest; raises ``ContractError`` naming a damaged one."""
    for name, digest in snapshot.files.items():
        path = snapshot.root / name
        if not path.is_file() or file_digest(path) != digest:
            raise ContractError(f"{path}: damaged since it was written; delete {snapshot.root}")


def tables_to_json(tables: Mapping[str, TableFacts]) -> bytes:
    """The facts of tables without their days, for ``tables_from_json``."""
    return to_json(
        {n: replace(facts, profile=replace(facts.profile, days={})) for n, facts in tables.items()}
    )


def tables_from_json(content: bytes) -> dict[str, TableFacts]:
    return _TABLES.validate_json(content)


def rows_after(facts: TableFacts, as_of: date) -> int:
    """Events of a table on days after ``as_of``: real ones, which do not count at that date."""
    return sum(rows for day, rows in facts.profile.days.items() if day > str(as_of))


def check_report(snapshot: Snapshot, as_of: date) -> list[dict[str, Any]]:
    """One row per given table for ``stille check``: counts, quarantine, events, columns missing.

    ``out_of_order`` and ``constant`` are what its rows and columns make doubtful.
    """
    return [
        {
            "table": name,
            "rows": facts.rows,
            "quarantined": dict(facts.quarantined),
            "after_as_of": rows_after(facts, as_of),
            "first_event": facts.first_event,
            "last_event": facts.last_event,
            "absent": list(facts.absent),
            "unread": list(facts.unread),
            "never_read": list(facts.forbidden),
            "null_dates": dict(facts.null_dates),
            "lost_forms": dict(facts.lost_forms),
            "out_of_order": {
                what: asdict(found) for what, found in facts.profile.orders.items() if found.rows
            },
            "constant": {
                column: profile.constant
                for column, profile in facts.profile.columns.items()
                if profile.constant is not None
            },
        }
        for name, facts in snapshot.tables.items()
        if not TABLES[name].derived
    ]


def inputs_digest(snapshot: Snapshot) -> str:
    """SHA-256 (hex) over the digests of the input files, whatever day they were read on."""
    return hashlib.sha256(json.dumps(sorted(snapshot.inputs.items())).encode()).hexdigest()
