"""Change log between two nights: who entered, left or moved, and the cause.

A list that differs every morning is not trusted unless it says why. Events are rows of a snapshot
that became known, by ``known_at`` and not by file, as a row may reveal more at a later moment.
"""

from collections.abc import Mapping
from datetime import datetime
from itertools import compress

import numpy as np
import pandas as pd

from features.contract import TABLES, Table
from features.timeline import days_later_sql, midnight_utc
from pipelines.config.run import Run
from pipelines.config.settings import Settings
from pipelines.lists.contact import BLOCK_REASONS
from pipelines.lists.lanes import LANES
from pipelines.lists.previous_nights import Before, PublishedNight
from pipelines.matrices.files import scratch
from pipelines.publication.manifest import Stamp, columns
from pipelines.runtime.duckdb_connection import connect, identifier, literal, local_to_utc
from pipelines.snapshots.facts import shards_of
from pipelines.snapshots.snapshot import Snapshot

KINDS = ("entered", "left", "moved")
_DECIDES = {
    "model": "model_digest",
    "configuration": "config_digest",
    "holdout_key": "holdout_key",
    "effect": "effect_digest",
}
CAUSES = ("event", "permission", *_DECIDES, "others", "time")
_OF_OTHERS = ("capacity", "household", "holdout")
# Derived tables repeat what others tell; a look-up in a register and a month's usage tell nothing.
_NO_NEWS = ("household_notices", "reservations", "usage")

CHANGE_FIELDS = columns("changes", change=KINDS, lane_before=LANES, lane_now=LANES)


def changes(
    now: pd.DataFrame, before: PublishedNight, events: pd.DataFrame, stamp: Stamp
) -> pd.DataFrame:
    """One row for each customer who entered, left or moved, in the order of customer ids.

    Who is not scored counts as in lane ``none``: to enter or to leave that is no change.
    ``now`` and ``before.rows`` have ``churn_probability``, ``lane`` and ``lane_rule`` by
    customer id. ``events`` has, by customer id, ``events`` (text) and ``last_known_on`` of the
    rows that became known between the two nights; customers without any are not in it.
    """
    texts = dict.fromkeys(("lane", "lane_rule"), "str")
    was, is_now = before.rows.add_suffix("_before"), now.astype(texts).add_suffix("_now")
    both = was.join(is_now, how="outer").sort_index()
    lanes = both[["lane_before", "lane_now"]].astype("str").fillna("none")
    moves = both[lanes["lane_before"].ne(lanes["lane_now"])].join(events)
    new, gone = moves["lane_before"].isna(), moves["lane_now"].isna()
    rows = moves.rename(columns={f"lane_rule_{at}": f"rule_{at}" for at in ("before", "now")})
    rows = rows.assign(
        run_id=stamp.run_id,
        as_of_date=pd.Timestamp(stamp.as_of),
        before_date=pd.Timestamp(before.as_of),
        customer_id=moves.index.astype("str"),
        change=np.select([new, gone], KINDS[:2], KINDS[2]),
        risk_change=moves["churn_probability_now"] - moves["churn_probability_before"],
        cause=_causes(moves, before.described, stamp),
        last_known_on=pd.to_datetime(moves["last_known_on"]),
    )
    return rows[[field.name for field in CHANGE_FIELDS]].reset_index(drop=True)


def _causes(moves: pd.DataFrame, before: Mapping[str, object], stamp: Stamp) -> list[str]:
    """What moved each customer; what decides over everybody counts where it is not what it was."""
    rules = moves[["lane_rule_before", "lane_rule_now"]]
    differ = rules["lane_rule_before"].fillna("").ne(rules["lane_rule_now"].fillna(""))
    hits = pd.DataFrame(
        {
            "event": moves["events"].notna(),
            "permission": rules.isin(BLOCK_REASONS).any(axis=1) & differ,
            **{cause: before.get(n, "") != stamp.identity[n] for cause, n in _DECIDES.items()},
            "others": rules.isin(_OF_OTHERS).any(axis=1),
        },
        moves.index,
    )
    hits["time"] = ~hits.any(axis=1)
    return [";".join(compress(CAUSES, row)) for row in hits[[*CAUSES]].to_numpy(dtype=bool)]


def new_events_since(run: Run, snapshot: Snapshot, before: Before) -> pd.DataFrame:
    """``events`` ("cases 1;contacts 2") and ``last_known_on`` (local day) by customer id.

    A row counts when it became known from midnight of the night before to midnight of the run's
    day, and so does one of which a later moment, such as a closing, could be known first in that
    time. Nobody's without a night before.
    """
    settings, zone = run.settings, run.settings.company.timezone
    names = [n for n in snapshot.tables if TABLES[n].per_customer and n not in _NO_NEWS]
    with run.record.stage("changes"):
        if before.last is None:
            return pd.DataFrame({"events": [], "last_known_on": []}, dtype="str")
        first, last = (midnight_utc(day, zone) for day in (before.last.as_of, run.as_of))
        parts = " union all ".join(
            f"""select customer_id, {literal(name)} as name, count(*) as rows, max(moment) as moment
            from (select customer_id, {_newest(settings, TABLES[name], first, last)} as moment
                  from {shards_of(snapshot.root, name)})
            where moment is not null group by customer_id"""
            for name in names
        )
        folder = scratch(settings.paths.scratch, run.record.run_id)
        with folder as spill, connect(settings.engine, spill) as con:
            found = con.execute(
                f"""select customer_id, string_agg(name || ' ' || rows, ';' order by name) events,
                cast(timezone({literal(zone)}, timezone('UTC', max(moment))) as date)
                    as last_known_on
                from ({parts}) group by customer_id"""
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
