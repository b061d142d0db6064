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

# Small, and read anew for each as-of date.
COHORT_TABLES = frozenset({"contracts", "terminations"})


def make_cohort(
    con: duckdb.DuckDBPyConnection, tables: Collection[str], as_of: date, zone: str
) -> None:
    """Create the temp tables ``held`` and ``cohort`` for one as-of date.

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
    cohort = contracts if "contracts" in tables else flat
    con.execute(f"create or replace temp table cohort as {cohort}")


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
    """What happened to the cohort of ``make_cohort``, a row per customer, sorted by customer.

    Columns customer_id, outcome, label (int8 or null), and ended_on and cause as ``endings`` has
    them. ``outcome`` is ``voluntary``, ``stayed``, ``left_before_window`` (notice already given, or
    given in the lead), or the competing outcome that ended the last contract before the
    window's end. The label is 1, 0 or, for the other two, null. Only what was known before
    ``today`` counts, and a window that is not complete by then leaves both null: such rows are
    censored. With a ``labels`` table, its rows of this as-of date are used instead.
    """
    start, end, given = window.start(as_of), window.end(as_of), ""
    outcome = f"""
        case when ended_on is null or ended_on >= date '{end}' then 'stayed'
            when cause = 'voluntary' and ended_on < date '{start}' then 'left_before_window'
            else cause end
    """
    if "labels" in tables:
        outcome = "case churned when true then 'voluntary' when false then 'stayed' end"
        own = f"select customer_id, churned from labels where as_of = date '{as_of}'"
        given = f"left join ({own}) using (customer_id)"
    elif not window.complete(as_of, today):
        outcome = "cast(null as varchar)"
    return con.sql(
        f"""
        with judged as (select *, {outcome} as outcome from ({_endings(today, zone)}) {given})
        select customer_id, outcome,
            cast(case outcome when 'voluntary' then 1 when 'stayed' then 0 end as tinyint) as label,
            ended_on, cause
        from judged order by customer_id
        """
    ).to_arrow_table()


def endings(con: duckdb.DuckDBPyConnection, *, today: date, zone: str) -> pa.Table:
    """When and why the cohort of ``make_cohort`` ended: customer_id, ended_on (date), cause.

    A customer ends with the first voluntary notice of any contract, or with the notice, for
    another outcome, of the last contract held. ``ended_on`` may lie before the as-of date when
    the notice was known only after it. Both are null for who is still a customer, as far as was
    known before ``today``; nothing needs to be complete.
    """
    return con.sql(f"{_endings(today, zone)} order by customer_id").to_arrow_table()


def _endings(today: date, zone: str) -> str:
    return f"""
        with ended as (
            select customer_id, t.notified_on, t.outcome
            from held join terminations t using (customer_id, contract_id)
            where t.known_at < timestamp '{midnight_utc(today, zone)}'
        ),
        per_customer as (
            select customer_id,
                min(notified_on) filter (where outcome = 'voluntary') as left_on,
                count(*) filter (where outcome <> 'voluntary') as n_competing,
                max(notified_on) as last_on,
                arg_max(outcome, notified_on || outcome) as last_outcome
            from ended group by customer_id
        ),
        counts as (select customer_id, count(*) as n_held from held group by customer_id)
        select customer_id,
            coalesce(left_on, case when n_competing = n_held then last_on end) as ended_on,
            case when left_on is not null then 'voluntary'
                when n_competing = n_held then last_outcome end as cause
        from cohort left join counts using (customer_id) left join per_customer using (customer_id)
    """
