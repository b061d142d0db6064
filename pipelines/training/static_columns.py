"""Probe of columns declared static: their values held against the tables that were read before."""

from collections.abc import Iterator

from features.errors import ContractError
from models.leaks.rows import Leak
from models.leaks.static_columns import Edits, judge_edits
from pipelines.config.mapping import SEGMENT
from pipelines.config.settings import Settings
from pipelines.matrices.shard import parquet
from pipelines.runtime.duckdb_connection import connect, identifier
from pipelines.snapshots.facts import read_snapshot
from pipelines.snapshots.snapshot import Snapshot
from pipelines.snapshots.store import newest_first

_COUNTS = """
select count(*), count_if(edited and known), count_if(edited and not known),
    count_if(edited and gone), count_if(gone)
from (
    select before.{0} is not null as known, now.{0} is distinct from before.{0} as edited,
        customer_id in (from ends) as gone
    from now join before using (customer_id))
"""

_ENDS = (("terminations", "true"), ("labels", "churned"))
_NOBODY = ("customers", "false")


def changed_columns(settings: Settings, snapshot: Snapshot) -> list[Leak]:
    """Findings on static columns, from the customers of ``snapshot`` and of the one before it.

    Only tables that were read with the same mapping say whether a value changed. Without ones
    there is nothing to find.
    """
    before, columns = _other_tables(settings, snapshot), dict(_static(settings))
    if before is None or not columns:
        return []
    found = []
    with connect(settings.engine, settings.paths.spill) as connection:
        for name, of in (("now", snapshot), ("before", before)):
            connection.execute(f"create temp view {name} as from {_files(of, 'customers')}")
        ended, rows = next((each for each in _ENDS if each[0] in snapshot.tables), _NOBODY)
        connection.execute(
            f"create temp view ends as select customer_id from {_files(snapshot, ended)} "
            f"where {rows}"
        )
        for column, declaration in columns.items():
            counts = connection.execute(_COUNTS.format(identifier(column))).fetchone()
            edits = Edits(*(counts or (0, 0, 0, 0, 0)))
            found.append(judge_edits(column, declaration, edits))
    return [finding for finding in found if finding is not None]


def _static(settings: Settings) -> Iterator[tuple[str, str]]:
    """(column of the snapshot, the configuration's key that declares it)."""
    customers = settings.sources["customers"]
    place = "sources.customers"
    for name, attribute in customers.attributes.items():
        if not attribute.mutable:
            yield f"attr_{name}", f"{place}.attributes.{name}"
    segment = customers.columns.get(SEGMENT)
    if segment is not None and not segment.mutable:
        yield SEGMENT, f"{place}.columns.{SEGMENT}"


def _files(snapshot: Snapshot, table: str) -> str:
    return parquet([snapshot.path(table, shard) for shard in range(snapshot.shards)])


def _other_tables(settings: Settings, snapshot: Snapshot) -> Snapshot | None:
    """The newest other snapshot whose customers were mapped alike, held while it is read."""
    for folder in newest_first(settings.paths.snapshots):
        try:
            found = read_snapshot(folder)
        except ContractError:
            continue
        if found.digest != snapshot.digest and found.mapping == snapshot.mapping:
            return found
    return None
