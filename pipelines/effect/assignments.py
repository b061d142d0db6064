"""Treatment assignments with complete horizons, from publications or the treatments table.

The first assignment of a household counts, as later ones depend on what it did.
"""

from dataclasses import dataclass
from datetime import date

import duckdb
import pandas as pd
import pyarrow as pa

from features.errors import ContractError
from features.treatments import (
    assignment_outcomes,
    calls_reached,
    offers_taken,
    reported_assignments,
)
from models.causal.treatment_effect import first_assignments, randomised_assignments
from pipelines.config.economics import actions_with_offer
from pipelines.config.settings import Settings
from pipelines.matrices.shard import prepared_tables
from pipelines.publication.assignments import TYPES, assignments_of
from pipelines.snapshots.snapshot import Snapshot

_TABLES = ("terminations", "treatments", "households")


@dataclass(frozen=True, slots=True)
class Arms:
    """Assignments that can be evaluated by a day, and where they were found.

    ``source``: ``publications``, or ``treatments`` while no list had arms; ``waiting`` is how many
    households' first assignments there a horizon that is not complete. ``offers_taken``: answers
    to offers, and the share of the calls with an offer in which it is taken; ``calls_reached``:
    reported calls, and the share that reached somebody; ``channel_reach``: how many outreaches by
    phone one to the treated counts as, on average.
    """

    assigned: pd.DataFrame
    source: str
    waiting: int
    offers_taken: tuple[int, float]
    calls_reached: tuple[int, float]
    channel_reach: float


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
    with prepared_tables(settings, snapshot, _TABLES) as con:
        if len(found) == 0:
            found, source = reported_assignments(con, today=today, zone=zone), "treatments"
        first = first_assignments(_with_households(con, found))
        window = settings.label_window()
        over = [window.complete(day, today) for day in first["assigned_on"]]
        judged = pa.Table.from_pandas(first[over], pa.schema(TYPES), preserve_index=False)
        days = window.lead_days + window.horizon_days
        rows = assignment_outcomes(con, judged, end_days=days, today=today, zone=zone).to_pandas()
        taken = offers_taken(con, actions_with_offer(), today=today, zone=zone)
        reached = calls_reached(con, today=today, zone=zone)
    rows = rows.assign(household_id=first.loc[over, "household_id"].to_numpy())
    channels = rows.loc[rows["arm"].eq("treat") & rows["channel"].notna(), "channel"]
    reaches = [settings.contact.use(channel).reach for channel in channels]
    channel_reach = sum(reaches) / len(reaches) if reaches else 1.0
    waiting = len(first) - len(judged)
    return Arms(randomised_assignments(rows), source, waiting, taken, reached, channel_reach)


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
