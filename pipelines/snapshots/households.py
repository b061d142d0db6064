"""Notices given by other members of a household, for the spread of churn within one.

``household_notices`` has a row for each member and each notice of another. Two customers count as
one household when both were members on the day of the notice, as known at one moment, from which
the row is known. A membership that later proves wrong takes no row back: the company acted on it.
"""

from collections.abc import Collection
from pathlib import Path

from pipelines.snapshots.facts import shards_of

NOTICES = "household_notices"
SOURCES = ("households", "terminations")


def derivable(tables: Collection[str]) -> bool:
    """Whether the tables that ``household_notices`` is made from are there."""
    return set(SOURCES).issubset(tables)


def notices(root: Path) -> str:
    """SQL of ``household_notices``, from the tables written under ``root``.

    It has the contract's columns, ``event_at``, ``known_at`` and ``_shard``, ``_rule``, ``_file``,
    ``_row`` like a loaded table; ``customer_shards`` must be there.
    """
    return f"""
        with member as (
            select customer_id, household_id, valid_from, known_at
            from {shards_of(root, "households")}
        ),
        notice as (
            select contract_id, customer_id, notified_on, outcome, event_at, known_at
            from {shards_of(root, "terminations")}
        ),
        met as (
            select n.*, a.customer_id as other_id, a.valid_from as other_from,
                b.valid_from as own_from,
                greatest(n.known_at, a.known_at, b.known_at) as met_at
            from notice n
            join member b on b.customer_id = n.customer_id and b.valid_from <= n.notified_on
            join member a on a.household_id = b.household_id
                and a.customer_id <> b.customer_id and a.valid_from <= n.notified_on
        ),
        in_force as (
            select m.* from met m
            where not exists (
                select 1 from member later where later.customer_id = m.other_id
                and later.valid_from > m.other_from and later.valid_from <= m.notified_on
                and later.known_at <= m.met_at)
            and not exists (
                select 1 from member later where later.customer_id = m.customer_id
                and later.valid_from > m.own_from and later.valid_from <= m.notified_on
                and later.known_at <= m.met_at)
        )
        select concat_ws('|', contract_id, other_id) as notice_id, other_id as customer_id,
            notified_on, outcome, event_at, min(met_at) as known_at,
            _shard, cast(null as VARCHAR) as _rule, 0 as _file, 0 as _row
        from in_force join customer_shards on customer_shards.customer_id = other_id
        group by all"""
