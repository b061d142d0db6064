"""Treatments after an as-of date: what the company did that may have changed an outcome.

This belongs to the label's side and is never a feature: it happened after the as-of date.
"""

from collections.abc import Collection
from datetime import date

import duckdb
import pyarrow as pa

from features.timeline import midnight_utc


def treatments(
    con: duckdb.DuckDBPyConnection,
    *,
    tables: Collection[str],
    as_of: date,
    today: date,
    zone: str,
) -> pa.Table:
    """First treatment and first holdout since the as-of date of the cohort of ``make_cohort``.

    Columns customer_id, treated_on, held_out_on (local days, null for none). Treated is who was
    drawn for treatment or reached, also when drawn for the holdout. Only what was known before
    ``today`` counts.
    """
    if "treatments" not in tables:
        return con.sql(
            "select customer_id, cast(null as date) as treated_on, "
            "cast(null as date) as held_out_on from cohort order by customer_id"
        ).to_arrow_table()
    return con.sql(
        f"""
        with since as (
            select customer_id, local_day(treated_at) as day,
                coalesce(arm = 'treat', false) or coalesce(contacted, false) as treated,
                coalesce(arm = 'holdout', false) as held_out
            from treatments
            where treated_at >= timestamp '{midnight_utc(as_of, zone)}'
                and known_at < timestamp '{midnight_utc(today, zone)}'
        ),
        first_days as (
            select customer_id, min(day) filter (where treated) as treated_on,
                min(day) filter (where held_out and not treated) as held_out_on
            from since group by customer_id
        )
        select customer_id, treated_on, held_out_on
        from cohort left join first_days using (customer_id) order by customer_id
        """
    ).to_arrow_table()
