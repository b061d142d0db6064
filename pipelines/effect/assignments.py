"""Treatment assignments with complete horizons, from publications or the treatments table.

The first assignment of a household counts, as later ones depend on what it did.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.errors import ContractError
from features.matrix import prepare
from features.treatments import ASSIGNMENT, assignment_outcomes, reported_assignments
from models.causal.treatment_effect import RandomisedAssignments, first_assignments
from pipelines.config.settings import Settings
from pipelines.config.sources import tables_with_versions
from pipelines.matrices.shard import parquet
from pipelines.publication.reader import Publication, newest_publications
from pipelines.runtime.duckdb_connection import connect, identifier
from pipelines.snapshots.snapshot import Snapshot

_LIST, _CALLED, _HELD_OUT = "risk_list.parquet", "call", "holdout"
_TABLES = ("terminations", "treatments", "households")
_TYPES = dict.fromkeys(ASSIGNMENT, pa.string()) | {
    "assigned_on": pa.date32(),
    "probability": pa.float64(),
}
_SOURCE_COLUMNS = {
    **{name: name for name in ("customer_id", "product_line", "risk_band")},
    **{"suggested_action": "action", "churn_probability": "probability"},
}


@dataclass(frozen=True, slots=True)
class Arms:
    """Assignments that can be evaluated by a day, and where they were found.

    ``source``: ``publications``, or ``treatments`` while no list had arms; ``waiting`` is how many
    households' first assignments there a horizon that is not complete.
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
        there = [name for name in _TABLES if name in snapshot.tables]
        for name in there:
            paths = [snapshot.path(name, shard) for shard in range(snapshot.shards)]
            con.execute(f"create temp view {identifier(name)} as select * from {parquet(paths)}")
        prepare(con, there, zone, settings.delays(), tables_with_versions(settings.sources))
        if len(found) == 0:
            found, source = reported_assignments(con, today=today, zone=zone), "treatments"
        first = first_assignments(_with_households(con, found))
        window = settings.label_window()
        over = [window.complete(day, today) for day in first["assigned_on"]]
        judged = pa.Table.from_pandas(first[over], pa.schema(_TYPES), preserve_index=False)
        days = window.lead_days + window.horizon_days
        rows = assignment_outcomes(con, judged, end_days=days, today=today, zone=zone).to_pandas()
    rows = rows.assign(household_id=first.loc[over, "household_id"].to_numpy())
    return Arms(RandomisedAssignments.build(rows), source, len(first) - len(judged))


def _with_households(con: duckdb.DuckDBPyConnection, assignments: pa.Table) -> pd.DataFrame:
    """``assignments`` with ``household_id`` as known on their day, as the lot was drawn by it.

    Null for who is in none.
    """
    con.register("assignments", assignments)
    query = """
        with numbered as (select row_number() over () as place, * from assignments),
        members as (
            select place, arg_max(coalesce(household_id, ''), valid_from) as household
            from numbered join households using (customer_id)
            where local_day(known_at) <= assigned_on group by place
        )
        select numbered.* exclude (place), nullif(household, '') as household_id
        from numbered left join members using (place) order by place
    """
    rows: pd.DataFrame = con.sql(query).to_arrow_table().to_pandas()
    return rows


def assignments_of(out: Path, today: date) -> pa.Table:
    """Assignments of the publications before ``today``, columns ``ASSIGNMENT``.

    Treated is who was on the call list, held out who would there been but for the lot.
    """
    parts = [_of_publication(each) for each in newest_publications(out) if each.as_of < today]
    return pa.concat_tables([pa.schema(_TYPES).empty_table(), *(p for p in parts if p is not None)])


def _of_publication(publication: Publication) -> pa.Table | None:
    path = publication.folder / _LIST
    there = set(pq.read_schema(path).names)
    if not {"lane", "lane_rule"} <= there:
        return None
    names = [name for name in (*_SOURCE_COLUMNS, "lane", "lane_rule") if name in there]
    rows = pq.read_table(path, columns=names)
    called, held_out = pc.equal(rows["lane"], _CALLED), pc.equal(rows["lane_rule"], _HELD_OUT)
    rows = rows.filter(pc.or_kleene(called, held_out))
    columns = {
        ours: rows[name] if name in there else pa.nulls(len(rows), _TYPES[ours])
        for name, ours in _SOURCE_COLUMNS.items()
    } | {
        "assigned_on": pa.repeat(pa.scalar(publication.as_of, pa.date32()), len(rows)),
        "arm": pc.if_else(pc.equal(rows["lane"], _CALLED), "treat", "holdout"),
        "lane": pa.repeat(_CALLED, len(rows)),
    }
    return pa.table({name: columns[name] for name in ASSIGNMENT}, schema=pa.schema(_TYPES))
