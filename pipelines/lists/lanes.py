"""Who goes where: called, repaired silently, informed, left in peace, or left out by a rule.

Every scored customer is placed once. The call list is filled by expected value per minute of an
agent's time, as minutes are what a team runs out of; who was called for last night stays until
the risk is far below what is usual on the list, so that a list is not new every morning.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.arrays import Floats, Mask

LANES = ("call", "fix", "service", "leave_in_peace", "suppressed", "none")
SILENT_LANES = ("fix", "service")


@dataclass(frozen=True, slots=True)
class Capacity:
    """Minutes of agents' time for the call list, of one night.

    Who was on the last call list ``stays`` until the risk falls below that share of the median risk
    of a list that remembers nobody; at infinity nobody is remembered.
    """

    minutes: float
    stays: float = 0.35


def place(scored: pd.DataFrame, capacity: Capacity) -> pd.DataFrame:
    """``lane`` (one of ``LANES``), ``lane_rule`` (rule or null) and ``call_rank`` by customer.

    ``scored`` has one row per customer: ``customer_id``, ``churn_probability``,
    ``expected_value`` (null where nothing is known of value: then risk ranks), ``action_lane``
    and ``minutes`` of the suggested action (null without one), ``contact_block_reason`` (null
    where some channel is open), ``arm`` and, where known, ``satisfied_silent`` and ``asleep``
    (bool), ``household_id`` and ``was_called`` (bool: on the last call list).

    Rules in order. The company's own faults are repaired and service information is sent
    whoever the customer is, as neither is an outreach. Nobody is called without an action that
    would help. Then: a bar on contact; who is satisfied and silent is left in peace, and who is
    asleep unless waking them is known to be worth it; a contact that would lose more than it
    saves, which is peace for those whom a list ranked by risk would have called, and nothing for
    the others; one call a household, to the member of highest value; and the team's minutes. The
    holdout is taken from those who would have been called, so that both arms were chosen by the
    same rules. Equal values go by customer id.
    """
    lanes, by = np.full((2, len(scored)), "", dtype=object)
    action = _texts(scored["action_lane"])
    barred = _texts(scored["contact_block_reason"])
    worth = _worth(scored)
    pays = (worth > 0) & scored["expected_value"].notna().to_numpy(dtype=bool)
    for silent in SILENT_LANES:
        lanes[action == silent] = silent
    for where, rule, hit in (
        ("none", "no_action", action != "call"),
        ("suppressed", barred, barred != ""),
        ("leave_in_peace", "satisfied_silent", _flags(scored, "satisfied_silent")),
        ("leave_in_peace", "asleep", _flags(scored, "asleep") & ~pays),
        ("none", "not_worth_it", worth <= 0),
    ):
        rows = hit & (lanes == "")
        lanes[rows] = where
        by[rows] = rule[rows] if isinstance(rule, np.ndarray) else rule
    lanes[(by == "not_worth_it") & _called_by_risk(scored, capacity)] = "leave_in_peace"
    _fill(scored, lanes, by, worth, capacity)
    called = _in_order(scored, worth, lanes == "call")
    rank = np.full(len(scored), np.nan)
    rank[called] = np.arange(1, len(called) + 1)
    out = pd.DataFrame({"lane": lanes, "lane_rule": by}, index=scored.index).astype("str")
    out["lane_rule"] = out["lane_rule"].mask(out["lane_rule"].eq(""))
    return out.assign(call_rank=pd.Series(rank, index=scored.index).astype("Int64"))


def _texts(values: pd.Series) -> np.ndarray:
    return values.astype("str").fillna("").to_numpy(dtype=object)


def _flags(scored: pd.DataFrame, name: str) -> Mask:
    if name not in scored.columns:
        return np.zeros(len(scored), dtype=bool)
    return scored[name].astype("boolean").fillna(value=False).to_numpy(dtype=bool)


def _worth(scored: pd.DataFrame) -> Floats:
    """What a contact is worth; the risk itself where the company gives no values."""
    value = scored["expected_value"].to_numpy(dtype="float64", na_value=np.nan)
    risk = scored["churn_probability"].to_numpy(dtype="float64")
    return value if np.isfinite(value).any() else risk


def _in_order(scored: pd.DataFrame, worth: Floats, rows: Mask) -> np.ndarray:
    """Positions of ``rows``, most worth first, equal ones by customer id."""
    ids = scored["customer_id"].astype("str").to_numpy(dtype=object)
    found = np.flatnonzero(rows)
    return found[np.lexsort((ids[found].astype(str), -worth[found]))]


def _minutes(scored: pd.DataFrame) -> Floats:
    """Minutes of each customer's action; the usual call's where it takes none."""
    given = scored["minutes"].to_numpy(dtype="float64", na_value=np.nan)
    calls = given > 0
    return np.where(calls, given, np.median(given[calls]) if calls.any() else 1.0)


def _called_by_risk(scored: pd.DataFrame, capacity: Capacity) -> Mask:
    """Whom a list ranked by risk alone would call with the same minutes."""
    risk = scored["churn_probability"].to_numpy(dtype="float64")
    order = _in_order(scored, risk, np.ones(len(scored), dtype=bool))
    within = np.zeros(len(scored), dtype=bool)
    within[order] = np.cumsum(_minutes(scored)[order]) <= capacity.minutes
    return within


def _fill(
    scored: pd.DataFrame, lanes: np.ndarray, by: np.ndarray, worth: Floats, capacity: Capacity
) -> None:
    """Fill the minutes: last night's first while they are at risk enough, then the best."""
    minutes = _minutes(scored)
    rate = worth / minutes
    held_out = scored["arm"].eq("holdout").to_numpy(dtype=bool) & (lanes == "")
    order = _in_order(scored, rate, (lanes == "") & ~held_out)
    again = _others_of_a_household(scored, order)
    order, others = order[~again], order[again]
    taken = order[np.cumsum(minutes[order]) <= capacity.minutes]
    cut = _cut(rate, order, taken)
    if 0 < len(taken) < len(order):
        risk = scored["churn_probability"].to_numpy(dtype="float64")
        usual = float(np.median(risk[taken]))
        stays = _flags(scored, "was_called")[order] & (risk[order] >= capacity.stays * usual)
        order = np.concatenate([order[stays], order[~stays]])
        taken = order[np.cumsum(minutes[order]) <= capacity.minutes]
    lanes[order], by[order] = "none", "capacity"
    lanes[others], by[others] = "none", "capacity"
    lanes[taken], by[taken] = "call", ""
    if len(others):
        called = scored["household_id"].iloc[taken]
        others = others[scored["household_id"].iloc[others].isin(called).to_numpy(dtype=bool)]
        lanes[others], by[others] = "suppressed", "household"
    lanes[held_out], by[held_out] = "none", "capacity"
    # Who stays from last night makes it harder to be called anew, and so for the holdout.
    new = taken[~_flags(scored, "was_called")[taken]]
    compared = held_out & (rate >= (_cut(rate, order, new) if cut > 0 else cut))
    lanes[compared], by[compared] = "suppressed", "holdout"


def _cut(rate: Floats, order: np.ndarray, taken: np.ndarray) -> float:
    """Lowest value per minute that is called for: 0 when all are, infinite when nobody is."""
    if len(taken) == len(order):
        return 0.0
    return float(rate[taken[-1]]) if len(taken) else np.inf


def _others_of_a_household(scored: pd.DataFrame, order: np.ndarray) -> Mask:
    """Who of ``order`` comes after another member of the household."""
    if "household_id" not in scored.columns:
        return np.zeros(len(order), dtype=bool)
    households = scored["household_id"].iloc[order]
    again: Mask = (households.duplicated() & households.notna()).to_numpy(dtype=bool)
    return again
