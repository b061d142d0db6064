"""Questions of the articles to the company's own data: shares of customers, and two groups apart.

Of each customer the first row of a question's time counts, so that rows are independent and none is
chosen by what came after. A difference, Mantel and Haenszel's over strata, is an association.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import numpy as np

from features.contract import TABLES
from features.matrix import prepare
from features.timeline import midnight_utc
from models.causal.risk_difference import Strata, risk_difference
from models.metrics.by_subgroup import wilson
from pipelines.config.run import Run
from pipelines.config.sources import tables_with_versions
from pipelines.runtime.duckdb_connection import Connection, connect, identifier
from pipelines.snapshots.facts import shards_of
from pipelines.snapshots.snapshot import Snapshot

_FAULTS = """
    select i.customer_id, i.incident_id, i.event_at as day, count(c.complaint_id) > 0 as happened,
        count(*) filter (n.event_at <= ended_at) > 0 as informed
    from incidents i left join notifications n on n.customer_id = i.customer_id
        and n.incident_id = i.incident_id and n.kind <> 'marketing'
    left join complaints c on c.customer_id = i.customer_id
        and c.event_at between i.event_at and i.event_at + to_days(30)
    where i.event_at between $now - to_days(395) and $now - to_days(30) group by all
"""
_CASES = """
    select c.customer_id, case_id, closed_at as day, count(t.contract_id) > 0 as happened,
        resolved and reopened_at is null as solved, closed_at < opened_at + to_days(3) as fast
    from cases c left join terminations t on t.customer_id = c.customer_id
        and outcome = 'voluntary' and t.event_at between closed_at and closed_at + to_days(90)
    where closed_at between $now - to_days(455) and $now - to_days(90) group by all
"""
_REQUESTS = """
    select c.customer_id, c.contact_id, c.event_at as day, count(p.contact_id) > 0 as happened
    from contacts c left join contacts p on p.customer_id = c.customer_id
        and p.handled_by = 'human' and p.event_at between c.event_at and c.event_at + to_days(2)
    where c.human_requested and c.event_at between $now - to_days(367) and $now - to_days(2)
    group by all
"""
_RISES = """
    select p.customer_id, p.event_at as day,
        coalesce(effective_on - notified_on, 0) < days as happened
    from price_changes p join contracts c using (customer_id, contract_id)
    join price_notice using (product_line)
    where new_price > old_price and p.event_at between $now - to_days(365) and $now
"""
_OF_FAULTS = ("incidents.ended_at", "notifications.incident_id", "complaints.opened_at")
_OF_CASES = ("cases.closed_at", "cases.resolved", "cases.reopened_at", "terminations.outcome")
_ALL = ("true", "true")
# The rows of each, their group and stratum, and the columns without which it is not asked.
QUESTIONS = {
    "informed_complaints": (_FAULTS, "informed", "true", (*_OF_FAULTS, "notifications.kind")),
    "solved_leaving": (_CASES, "solved", "fast", _OF_CASES),
    "fast_leaving": (_CASES, "fast", "solved", _OF_CASES),
    "person_reached": (_REQUESTS, *_ALL, ("contacts.human_requested", "contacts.handled_by")),
    "short_notice": (_RISES, *_ALL, ("price_changes.contract_id", "price_changes.notified_on")),
}


def answer(con: Connection, question: str, now: datetime) -> dict[str, Any]:
    """To what share of the ``customers`` of a group, and of the ``others``, it happened.

    From the tables in ``con``, all known before ``now``. Shares have Wilson's interval, the
    ``difference`` that of ``models.causal.risk_difference``; None where there is nobody.
    """
    rows, group, stratum, _ = QUESTIONS[question]
    asked = f"""
        select count_if({group}), count_if({group} and happened), count_if(not {group}),
            count_if(not {group} and happened)
        from (
            from ({rows})
            qualify row_number() over (partition by customer_id order by day, happened) = 1
        ) group by {stratum}
    """
    counts = np.array(con.execute(asked, {"now": now}).fetchall(), dtype=np.float64).reshape(-1, 4)
    strata = Strata(*counts.T)
    customers, yes, others, other_yes = counts.sum(axis=0).astype(int).tolist()
    return {
        "question": question,
        "customers": customers,
        "share": asdict(wilson(yes, customers)) if customers else None,
        "others": others,
        "other_share": asdict(wilson(other_yes, others)) if others else None,
        "difference": asdict(risk_difference(strata)) if strata.weight else None,
    }


def answers_of(run: Run, snapshot: Snapshot) -> list[dict[str, Any]]:
    """An answer to each question for which the company has the columns, and customers."""
    settings, now = run.settings, midnight_utc(run.as_of, run.settings.company.timezone)
    with connect(settings.engine, settings.paths.spill) as con:
        for name in snapshot.tables:
            known = f"from {shards_of(snapshot.root, name)} where known_at < timestamp '{now}'"
            if name in tables_with_versions(settings.sources):
                newest = f"partition by {', '.join(TABLES[name].key)} order by known_at desc"
                known += f" qualify row_number() over ({newest}) = 1"
            con.execute(f"create temp view {identifier(name)} as {known}")
        company = settings.company
        prepare(con, tuple(snapshot.tables), company.timezone, notice=company.price_notice)
        given = {f"{name}.{c}" for name, facts in snapshot.tables.items() for c in facts.columns}
        found = [answer(con, q, now) for q, (*_, needs) in QUESTIONS.items() if given >= set(needs)]
    return [each for each in found if each["customers"]]
