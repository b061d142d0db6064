"""Treatment assignments with complete horizons, from publications or the treatments table.

The first assignment of a customer counts, as later ones depend on what it did.
"""

from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from features.errors import ContractError
from features.matrix import prepare
from features.treatments import assignment_outcomes, reported_assignments
from models.causal.treatment_effect import RandomisedAssignments
from pipelines.config.settings import Settings
from pipelines.config.sources import tables_with_versions
from pipelines.matrices.shard import parquet
from pipelines.publication.assignments import TYPES, assignments_of
from pipelines.runtime.duckdb_connection import connect, identifier
from pipelines.snapshots.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Arms:
    """Assignments that can be evaluated by a day, and where they were found.

    ``source``: ``publications``, or ``treatments`` while no list had arms; ``waiting`` is how many
    customers' first assignments there a horizon that is not complete.
    """

    assigned: RandomisedAssignments
    source: str
    waiting: int


def arms_until(settings: Settings, snapshot: Snapshot, today: date) -> Arms:
    """First assignments before ``today`` whose horizon is complete, and what came of them.

    Raises ``ContractError`` for a company without dated terminations.
    """
    if "terminations" not in snapshot.tables:
        raise ContractError(
            "whether contacting helps cannot be told without the table terminations: it has the "
            "day of each notice. Map it under sources in the configuration, then: stille check."
        )
    found, source = assignments_of(settings.paths.out, today), "publications"
    zone = settings.company.timezone
    with connect(settings.engine, settings.paths.spill) as con:
        there = [name for name in ("terminations", "treatments") if name in snapshot.tables]
        for name in there:
            paths = [snapshot.path(name, shard) for shard in range(snapshot.shards)]
            con.execute(f"create temp view {identifier(name)} as select * from {parquet(paths)}")
        prepare(con, there, zone, settings.delays(), tables_with_versions(settings.sources))
        if len(found) == 0:
            found, source = reported_assignments(con, today=today, zone=zone), "treatments"
        ordered = found.to_pandas().sort_values(["customer_id", "assigned_on"], kind="stable")
        first = ordered.drop_duplicates("customer_id")
        window = settings.label_window()
        over = [window.complete(day, today) for day in first["assigned_on"]]
        judged = pa.Table.from_pandas(first[over], pa.schema(TYPES), preserve_index=False)
        days = window.lead_days + window.horizon_days
        rows = assignment_outcomes(con, judged, end_days=days, today=today, zone=zone).to_pandas()
    return Arms(RandomisedAssignments.build(rows), source, len(first) - len(judged))
