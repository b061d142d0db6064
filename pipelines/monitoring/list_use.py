"""Use of the published lists: overrides of them, and parity between groups of customers.

An override is a contact with whom a list spares, or none with whom it calls.
"""

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.treatments import reported_outreaches
from models.metrics.by_subgroup import parity
from pipelines.config.run import Run
from pipelines.matrices.treatment_record import reported_treatments
from pipelines.publication.reader import days_of, newest_of
from pipelines.runtime.escaping import escape
from pipelines.snapshots.snapshot import Snapshot

_LIST, _NEEDED = "risk_list.parquet", {"lane", "lane_rule", "is_new"}
_MONTH_DAYS = 31
_OF_LIST, _OF_CUSTOMERS = ("segment", "preferred_channel"), ("age_band", "language")
REGISTER = ["customer_id", "treatment_id", "as_of_date", "day", "kind", "reason"]
"""Columns of the register of overrides: ids, days, and how which rule was not kept."""


@dataclass(frozen=True, slots=True)
class ListUse:
    """Data of docs/monitoring.md, None without any to tell of; ``register`` is the rows as CSV."""

    parity: dict[str, Any] | None = None
    overrides: dict[str, Any] | None = None
    register: bytes | None = None


def measure_list_use(run: Run, snapshot: Snapshot) -> ListUse:
    """Overrides of the last ``monitoring.months`` months' lists, and parity in the newest.

    Overrides need the table treatments. Writes nothing.
    """
    out, today = run.settings.paths.out, run.as_of
    since = today - timedelta(days=_MONTH_DAYS * run.settings.monitoring.months)
    days = sorted(day for day in days_of(out) if since <= day <= today)
    paths = [night.folder / _LIST for day in days if (night := newest_of(out, day))]
    paths = [path for path in paths if set(pq.read_schema(path).names) >= _NEEDED]
    if not paths:
        return ListUse()
    shares = _parity(snapshot, paths[-1])
    if "treatments" not in snapshot.tables:
        return ListUse(shares)
    uses = _judgements(run, snapshot, paths)
    against = uses[uses["reason"].notna()]
    counts = against.groupby(["kind", "reason"])["customer_id"].nunique().reset_index(name="n")
    told = {
        "since": paths[0].parts[-3],
        "nights": len(paths),
        **{kind: int(uses["kind"].eq(kind).sum()) for kind in ("contacted", "listed")},
        "counts": counts.sort_values(["kind", "n"], ascending=[True, False]).to_dict("records"),
    }
    ids = {name: escape(against[name].astype("str")) for name in REGISTER[:2]}
    return ListUse(shares, told, against.assign(**ids).to_csv(index=False).encode())


def _parity(snapshot: Snapshot, path: Path) -> dict[str, Any]:
    names = [name for name in _OF_LIST if name in pq.read_schema(path).names]
    rows = pd.read_parquet(path, columns=["customer_id", "lane", "lane_rule", *names])
    files = [snapshot.path("customers", shard) for shard in range(snapshot.shards)]
    given = [name for name in _OF_CUSTOMERS if name in pq.read_schema(files[0]).names]
    customers = pq.read_table(files, columns=["customer_id", *given], partitioning=None)
    rows = rows.merge(customers.to_pandas(), on="customer_id", how="left")
    outcomes = {
        "called": rows["lane"].eq("call"),
        "left_in_peace": rows["lane"].eq("leave_in_peace"),
        "held_out": rows["lane_rule"].eq("holdout"),
    }
    groups = rows[[name for name in (*names, *given) if rows[name].notna().any()]]
    found = [asdict(each) for each in parity(groups, pd.DataFrame(outcomes))]
    return {"as_of_date": path.parts[-3], "groups": found}


def _judgements(run: Run, snapshot: Snapshot, paths: list[Path]) -> pd.DataFrame:
    reported = reported_treatments(run.settings, snapshot, run.as_of, reported_outreaches)
    spared = pc.field("lane").isin(["suppressed", "leave_in_peace"])
    known = pc.field("customer_id").isin(reported["customer_id"])
    asked = (pc.field("lane") == "call") & pc.field("is_new") | spared & known
    names = ["customer_id", "as_of_date", "lane", "lane_rule"]
    listed = pq.read_table(paths, columns=names, filters=asked, partitioning=None)
    nights = pd.DatetimeIndex([path.parts[-3] for path in paths])
    act_days = max(run.settings.label.lead_days, 1)
    return judge_use(listed.to_pandas(), nights, reported.to_pandas(), run.as_of, act_days)


def judge_use(
    listed: pd.DataFrame,
    nights: pd.DatetimeIndex,
    outreaches: pd.DataFrame,
    today: date,
    act_days: int,
) -> pd.DataFrame:
    """Outreaches under a list, and listings for a call; ``reason`` is null where it was followed.

    Columns ``REGISTER``. ``listed`` has customer_id, as_of_date, lane and lane_rule of who was new
    on the call lists of ``nights``, and of whom they suppress or leave in peace; ``outreaches``
    the columns of ``reported_outreaches``. An outreach (``contacted``) is held against the newest
    list of its day, at most ``act_days`` old: the reason is the rule that spared the customer. A
    listing (``listed``) is followed when the customer is reached within ``act_days``, and counts
    once these are over before ``today``: not_reached, or not_tried.
    """
    keys, within = ["customer_id", "as_of_date"], pd.Timedelta(days=act_days - 1)
    outreaches = outreaches.astype({"day": "datetime64[s]"}).sort_values("day")
    listed = listed.astype({"as_of_date": "datetime64[s]"})
    lists = pd.DataFrame({"as_of_date": nights.astype("datetime64[s]")})
    under = pd.merge_asof(
        outreaches, lists, left_on="day", right_on="as_of_date", tolerance=within
    ).dropna(subset="as_of_date")
    called = listed["lane"].eq("call")
    contacted = under.merge(listed, on=keys, how="left").assign(kind="contacted")
    due = listed.loc[called, keys]
    due = due[due["as_of_date"] <= pd.Timestamp(today) - pd.Timedelta(days=act_days)]
    tried = due.merge(outreaches, on="customer_id")
    tried = tried[tried["day"].between(tried["as_of_date"], tried["as_of_date"] + within)]
    reached = tried.groupby(keys)["contacted"].any().map({True: "", False: "not_reached"})
    due = due.join(reached.rename("lane_rule"), on=keys).fillna({"lane_rule": "not_tried"})
    found = pd.concat([contacted, due.assign(kind="listed")])
    found["reason"] = found["lane_rule"].mask(found["lane_rule"].eq(""))
    return found[REGISTER].sort_values(["kind", *keys], ignore_index=True)
