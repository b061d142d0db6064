"""Cohort, outcome and censoring.

The cohort of an as-of date are the customers with a contract that had started and whose
notice was not known before it. A notice counts by the day it was given. Only a voluntary
notice inside the label window is a positive; other outcomes compete, and are neither
positive nor negative.
"""

from collections.abc import Collection
from datetime import date

import duckdb
import pyarrow as pa

from features.timeline import LabelWindow, midnight_utc


def make_cohort(
    con: duckdb.DuckDBPyConnection, tables: Collection[str], as_of: date, zone: str
) -> int:
    """Create the temp tables ``held`` and ``cohort`` for one as-of date; return the cohort's size.

    ``held`` (customer_id, contract_id) are the contracts in force; ``cohort`` (customer_id,
    product_line) has one row per customer, with the line of the contract held longest. A
    company without contracts has every customer who had joined in its cohort.
    """
    now = f"timestamp '{midnight_utc(as_of, zone)}'"
    known = f"event_at < {now} and known_at < {now}"
    con.execute(
        f"""
        create or replace temp table held as
        select customer_id, contract_id, product_line, started_on
        from (select * from contracts where {known})
        anti join (select * from terminations where {known}) using (customer_id, contract_id)
        """
    )
    contracts = """
        select customer_id, arg_min(product_line, started_on || contract_id) as product_line
        from held group by customer_id
    """
    flat = f"""
        select customer_id, cast(null as varchar) as product_line from customers
        where event_at is null or ({known})
    """
    con.execute(
        "create or replace temp table cohort as " + (contracts if "contracts" in tables else flat)
    )
    [(size,)] = con.execute("select count(*) from cohort").fetchall()
    return int(size)


def ever_in_cohort(tables: Collection[str], first: date, zone: str) -> str:
    """SQL for the customers (customer_id) who can be in the cohort of ``first`` or a later date.

    Everybody but those whose every contract had a notice known before ``first``; a company
    without contracts has all its customers here.
    """
    if "contracts" not in tables:
        return "select customer_id from customers"
    before = f"timestamp '{midnight_utc(first, zone)}'"
    return f"""
        select distinct customer_id from contracts
        anti join (
            select * from terminations where event_at < {before} and known_at < {before}
        ) using (customer_id, contract_id)
    """


def outcomes(
    con: duckdb.DuckDBPyConnection,
    *,
    tables: Collection[str],
    as_of: date,
    window: LabelWindow,
    today: date,
    zone: str,
) -> pa.Table:
    """What happened to the cohort of ``make_cohort``: customer_id, outcome, label (int8 or null).

    ``outcome`` is ``voluntary``, ``stayed``, ``left_before_window`` (notice already given, or
    given in the lead), or the competing outcome that ended the last contract before the
    window's end. The label is 1, 0 or, for the other two, null. Only what was known before
    ``today`` counts. With a ``labels`` table, its rows of this as-of date are used instead.

    Raises ``ValueError`` when the window is not complete by ``today``: such rows are censored.
    """
    if "labels" in tables:
        return con.sql(
            f"""
            select customer_id, case when churned then 'voluntary' else 'stayed' end as outcome,
                cast(churned as tinyint) as label
            from cohort join labels using (customer_id)
            where labels.as_of = date '{as_of}' order by customer_id
            """
        ).to_arrow_table()
    if not window.complete(as_of, today):
        raise ValueError(f"the label window of {as_of} is not complete on {today}")
    start, end = window.start(as_of), window.end(as_of)
    return con.sql(
        f"""
        with ended as (
            select customer_id, contract_id, t.notified_on, t.outcome
            from held join terminations t using (customer_id, contract_id)
            where t.known_at < timestamp '{midnight_utc(today, zone)}'
                and t.notified_on < date '{end}'
        ),
        per_customer as (
            select customer_id,
                min(notified_on) filter (where outcome = 'voluntary') as left_on,
                count(*) filter (where outcome <> 'voluntary') as n_competing,
                max(notified_on) filter (where outcome <> 'voluntary') as competed_on,
                arg_max(outcome, notified_on || outcome) filter (where outcome <> 'voluntary')
                    as competing
            from ended group by customer_id
        ),
        counted as (
            select *, (select count(*) from held where held.customer_id = c.customer_id) as n_held
            from cohort c left join per_customer using (customer_id)
        ),
        judged as (
            select customer_id, case
                when left_on < date '{start}' then 'left_before_window'
                when n_competing = n_held and (left_on is null or competed_on <= left_on)
                    then competing
                when left_on is not null then 'voluntary'
                else 'stayed' end as outcome
            from counted
        )
        select customer_id, outcome,
            cast(case outcome when 'voluntary' then 1 when 'stayed' then 0 end as tinyint) as label
        from judged order by customer_id
        """
    ).to_arrow_table()
