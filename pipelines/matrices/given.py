"""As-of dates that the company gives with its labels."""

from datetime import date

from pipelines.database import connect
from pipelines.matrices.shard import parquet
from pipelines.settings import Settings
from pipelines.snapshots.snapshot import Snapshot


def given_as_ofs(settings: Settings, snapshot: Snapshot) -> tuple[date, ...]:
    """The as-of dates of a ``labels`` table, sorted; empty without one."""
    if "labels" not in snapshot.tables:
        return ()
    with connect(settings.engine, settings.paths.spill) as con:
        files = [snapshot.path("labels", shard) for shard in range(snapshot.shards)]
        rows = con.execute(f"select distinct as_of from {parquet(files)} order by 1").fetchall()
    return tuple(row[0] for row in rows)
