"""Treatments and treatment assignments: the label's side of the causal questions.

Never a feature: all of it happened after the as-of date, or after the assignment.
"""

from collections.abc import Sequence
from datetime import date

import duckdb
import pyarrow as pa

from features.timeline import midnight_utc

ASSIGNMENT = (
    "customer_id",
    "assigned_on",
    "arm",
    "lane",
    "action",
    "channel",
    "product_line",
    "risk_band",
    "probability",
)


def recorded_treatments(con: duckdb.DuckDBPyConnection, *, today: date, zone: str) -> pa.Table:
    """Days on which the CRM reports customers treated or spared, as known before ``today``.

    Columns customer_id, day (local), treated and by_lot, sorted by the first two. Treated is who
    was drawn for treatment or reached, also when drawn for the holdout; the others were spared.
    """
    return con.sql(
        f"""
        select customer_id, day, coalesce(arm = 'treat', false) or coalesce(contacted, false)
            as treated, arm is not null as by_lot
        from ({_known_treatments(today, zone)}) where treated or by_lot
        order by customer_id, day, treatment_id
        """
    ).to_arrow_table()


def reported_outreaches(con: duckdb.DuckDBPyConnection, *, today: date, zone: str) -> pa.Table:
    """Outreaches that the CRM reports, as known before ``today``: reached (``contacted``) or not.

    Columns customer_id, treatment_id, day (local) and contacted. No outreach is what was withheld,
    and neither is a repair or service information.
    """
    return con.sql(
        f"""
        select customer_id, treatment_id, day, coalesce(contacted, false) as contacted
        from ({_known_treatments(today, zone)})
        where (contacted or arm is distinct from 'holdout')
            and coalesce(lane, 'call') not in ('fix', 'service')
        """
    ).to_arrow_table()


def reported_assignments(con: duckdb.DuckDBPyConnection, *, today: date, zone: str) -> pa.Table:
    """Assignments that the CRM reports in ``treatments``, as known before ``today``.

    Columns ``ASSIGNMENT``, sorted: an assignment is of the list's as-of date, or of its own local
    day where no list is named. Product line and risk are null: the CRM does not tell.
    """
    return con.sql(
        f"""
        select customer_id, assigned_on, arm, lane, action, channel,
            cast(null as varchar) as product_line, cast(null as varchar) as risk_band,
            cast(null as double) as probability
        from ({_known_treatments(today, zone)}) where arm is not null
        order by customer_id, assigned_on, treatment_id
        """
    ).to_arrow_table()


def assignment_outcomes(
    con: duckdb.DuckDBPyConnection, assignments: pa.Table, *, end_days: int, today: date, zone: str
) -> pa.Table:
    """``assignments`` (columns ``ASSIGNMENT``) with what came of each within ``end_days``.

    ``left``: a voluntary notice of any contract from the assignment's day on; ``reached``: the CRM
    reports a contact from that day on, also of who was held out. Only what was known before
    ``today`` counts; the caller sees to it that the days are over by then.
    """
    con.register("assignments", assignments)
    within = f"n.assigned_on and n.assigned_on + {end_days - 1}"
    outcomes = con.sql(
        f"""
        with known as ({_known_treatments(today, zone)}),
        numbered as (select row_number() over () as place, * from assignments),
        gone as (
            select distinct place from numbered n join terminations t using (customer_id)
            where t.outcome = 'voluntary' and t.known_at < timestamp '{midnight_utc(today, zone)}'
                and t.notified_on between {within}
        ),
        reached as (
            select distinct place from numbered n join known using (customer_id)
            where known.contacted and known.day between {within}
        )
        select {", ".join(ASSIGNMENT)},
            place in (select place from gone) as "left",
            place in (select place from reached) as reached
        from numbered order by place
        """
    ).to_arrow_table()
    con.unregister("assignments")
    return outcomes


def calls_that_tell(
    con: duckdb.DuckDBPyConnection, actions: Sequence[str], *, today: date, zone: str
) -> tuple[tuple[int, float], tuple[int, float]]:
    """Answers to the offers of ``actions`` and the share of calls taken; phone calls and reached.

    As known before ``today``; whoever was held out was not called. The share taken is that of the
    reached among the calls that tell, by that of yes among the answers; a call that does not say
    whether it reached anybody, or what was answered, tells nothing of that. The share reached is of
    the calls by phone that tell. 0 of either give a share of 0.
    """
    asked, met, yes, calls, reached = con.execute(
        f"""
        select count(answer) filter (offered), avg(contacted::int) filter (offered),
            avg((answer = 'yes')::int) filter (offered), count(contacted) filter (phoned),
            avg(contacted::int) filter (phoned)
        from (
            select *, list_contains($actions, action) as offered, channel = 'phone' as phoned
            from ({_known_treatments(today, zone)})
        ) where coalesce(arm <> 'holdout' or contacted, true)
        """,
        {"actions": list(actions)},
    ).fetchall()[0]
    return (asked, (1.0 if met is None else met) * (yes or 0.0)), (calls, reached or 0.0)


def _known_treatments(today: date, zone: str) -> str:
    """The latest version of each treatment that was known before ``today``."""
    now = f"timestamp '{midnight_utc(today, zone)}'"
    return f"""
        select treatment_id, customer_id, arm, lane, action, channel, contacted, answer,
            local_day(treated_at) as day,
            coalesce(published_on, local_day(treated_at)) as assigned_on
        from versions_treatments()
        where treated_at < {now} and known_at < {now} and coalesce(replaced_at >= {now}, true)
    """
