"""Treatment assignments with complete horizons, from publications or the treatments table.

The first assignment of a household counts, as later ones depend on what it did.
"""

from dataclasses import dataclass
from datetime import date
from statistics import fmean

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.errors import ContractError
from features.treatments import assignment_outcomes, calls_that_tell, reported_assignments
from models.causal.treatment_effect import first_assignments, randomised_assignments
from pipelines.config.economics import actions_with_offer
from pipelines.config.settings import Settings
from pipelines.matrices.shard import prepared_tables
from pipelines.matrices.treatment_record import TYPES, assignments_of
from pipelines.runtime.duckdb_connection import Connection
from pipelines.snapshots.snapshot import Snapshot

_TABLES = ("terminations", "treatments", "households")


@dataclass(frozen=True, slots=True)
class Lot:
    """Assignments of one ``source``, ``publications`` or ``treatments``, that can be evaluated.

    ``waiting`` is how many households' first assignments there a horizon that is not complete;
    ``channel_reach`` how many outreaches by phone one to the treated counts as, on average.
    """

    source: str
    assigned: pd.DataFrame
    waiting: int
    channel_reach: float


@dataclass(frozen=True, slots=True)
class Arms:
    """The lot of the lists, then what the CRM reports of days before the first list with arms.

    Without such a list the CRM's come alone. ``offers_taken``: answers to offers, and the share of
    the calls with an offer in which it is taken; ``calls_reached``: reported calls, and the share
    that reached somebody.
    """

    lots: tuple[Lot, ...]
    offers_taken: tuple[int, float]
    calls_reached: tuple[int, float]


def arms_until(settings: Settings, snapshot: Snapshot, today: date) -> Arms:
    """First assignments before ``today`` whose horizon is complete, and what came of them.

    Raises ``ContractError`` for a company without dated terminations.
    """
    if "terminations" not in snapshot.tables:
        raise ContractError(
            "whether contacting helps cannot be told without the table terminations: it has the "
            "day of each notice. Map it under sources in the configuration, then: stille check."
        )
    published, zone = assignments_of(settings.paths.out, today), settings.company.timezone
    begun = pc.min(published["assigned_on"]).as_py() or today
    with prepared_tables(settings, snapshot, _TABLES) as con:
        reported = reported_assignments(con, today=today, zone=zone)
        reported = reported.filter(pc.less(reported["assigned_on"], begun))
        lots = [_lot(con, settings, "treatments", reported, today)]
        if len(published):
            lots.insert(0, _lot(con, settings, "publications", published, today))
        told = calls_that_tell(con, actions_with_offer(), today=today, zone=zone)
    return Arms(tuple(lots), *told)


def _lot(
    con: Connection, settings: Settings, source: str, assignments: pa.Table, today: date
) -> Lot:
    """What came of the first of each household's ``assignments``."""
    first = first_assignments(_with_households(con, assignments))
    window = settings.label_window()
    over = np.array([window.complete(day, today) for day in first["assigned_on"]], dtype=bool)
    judged = pa.Table.from_pandas(first[over], pa.schema(TYPES), preserve_index=False)
    end_days, zone = window.lead_days + window.horizon_days, settings.company.timezone
    outcomes = assignment_outcomes(con, judged, end_days=end_days, today=today, zone=zone)
    rows = outcomes.to_pandas().assign(household_id=first.loc[over, "household_id"].to_numpy())
    channels = rows.loc[rows["arm"].eq("treat"), "channel"].dropna()
    reaches = [settings.contact.use(channel).reach for channel in channels]
    waiting = len(first) - len(judged)
    return Lot(source, randomised_assignments(rows), waiting, fmean(reaches or [1.0]))


def _with_households(con: Connection, assignments: pa.Table) -> pd.DataFrame:
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
