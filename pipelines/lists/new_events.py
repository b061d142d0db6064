"""Change data between two nights: rows of a snapshot that became known, by customer.

By ``known_at`` and not by file, as a row may reveal more at a later moment.
"""

from datetime import date, datetime

import pandas as pd

from features.contract import TABLES, Table
from features.timeline import days_later_sql, midnight_utc
from pipelines.config.run import Run
from pipelines.config.settings import Settings
from pipelines.lists.previous_nights import Before
from pipelines.matrices.scratch_folder import scratch
from pipelines.runtime.duckdb_connection import connect, identifier, literal, local_to_utc
from pipelines.snapshots.facts import shards_of
from pipelines.snapshots.snapshot import Snapshot

# Derived tables repeat what others tell; a look-up in a register and a month's usage tell nothing.
_NO_NEWS = ("household_notices", "reservations", "usage")


def new_events_since(run: Run, snapshot: Snapshot, before: Before) -> pd.DataFrame:
    """``news`` since the night before; nobody's without one."""
    with run.record.stage("changes"):
        if before.last is None:
            return pd.DataFrame({"events": [], "last_known_on": []}, dtype="str")
        return new_events(run.settings, snapshot, before.last.as_of, run.as_of, run.record.run_id)


def new_events(
    settings: Settings, snapshot: Snapshot, since: date, until: date, run_id: str
) -> pd.DataFrame:
    """``events`` ("cases 1;contacts 2") and ``last_known_on`` (local day) by customer id.

    A row counts when it became known from midnight of ``since`` to midnight of ``until``, and so
    does one of which a later moment, such as a closing, could be known first in that time.
    """
    zone = settings.company.timezone
    first, last = midnight_utc(since, zone), midnight_utc(until, zone)
    names = [n for n in snapshot.tables if TABLES[n].per_customer and n not in _NO_NEWS]
    queries = [
        f"""select customer_id, {literal(name)} as name, count(*) as rows, max(moment) as moment
        from (select customer_id, {_newest(settings, TABLES[name], first, last)} as moment
              from {shards_of(snapshot.root, name)})
        where moment is not null group by customer_id"""
        for name in names
    ]
    with scratch(settings.paths.scratch, run_id) as folder, connect(settings.engine, folder) as con:
        found = con.execute(
            f"""select customer_id, string_agg(name || ' ' || rows, ';' order by name) as events,
                cast(timezone({literal(zone)}, timezone('UTC', max(moment))) as date)
                    as last_known_on
            from ({" union all ".join(queries)}) group by customer_id"""
        ).df()
    return found.set_index("customer_id")


def _newest(settings: Settings, table: Table, first: datetime, last: datetime) -> str:
    """SQL for the newest moment within ``[first, last)`` at which the row told something."""
    zone, delay = settings.company.timezone, settings.delays().get(table.name, 0)
    revealing = {column.revealed_by for column in table.columns} - {None, *table.event_at}
    moments = ["known_at"]
    for column in (column for column in table.columns if column.name in revealing):
        at = identifier(column.name)
        if column.type == "date":
            at = local_to_utc(f"cast({at} as timestamp)", zone)
        moments.append(days_later_sql(at, delay, zone))
    within = f">= timestamp {literal(first)} and {{0}} < timestamp {literal(last)}"
    cases = (f"case when {at} {within.format(at)} then {at} end" for at in moments)
    return f"greatest({', '.join(cases)}, null)"
