"""Treatment assignment under a capacity: each scored customer gets an arm, a lane and its rule.

The call list is filled by expected value per minute of an agent's time, as minutes are what a team
runs out of. Who was called for last night stays until the risk is far below what is usual on the
list, so that a list is not new every morning. Arms are drawn by a keyed hash of the household's or
customer's id: an arm belongs to the household, as a call to one member moves the others, and not to
the night, so that effects add up over nights.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from models.dataset.array_types import Floats, Index, Mask
from pipelines.publication.manifest import DECLARED

RULES = {name: (says, source) for name, (says, source) in DECLARED["rules"].items()}
"""Each rule as people read it, and its source."""

LANES = ("call", "fix", "service", "leave_in_peace", "suppressed", "none")
SILENT_LANES = ("fix", "service")


@dataclass(frozen=True, slots=True)
class Capacity:
    """Minutes of agents' time for outreach, of one night; ``teams`` have their own beside them.

    Who was on the last call list ``stays`` until the risk falls below that share of the median risk
    of a list that remembers nobody; at infinity nobody is remembered.
    """

    minutes: float
    stays: float = 0.35
    teams: Mapping[str, float] = field(default_factory=dict)


def place(scored: pd.DataFrame, capacity: Capacity) -> pd.DataFrame:
    """``lane`` (one of ``LANES``), ``lane_rule`` (rule or null) and ``call_rank`` by customer.

    ``scored`` has one row per customer: ``customer_id``, ``churn_probability``,
    ``expected_value`` (null where nothing is known of value: then risk ranks), ``action_lane``
    and ``minutes`` of the suggested action (null without one), ``contact_block_reason`` (null
    where some channel is open), ``arm``, ``household_id`` (null for none) and, where known,
    ``team``, ``satisfied_silent``, ``asleep`` and ``was_called`` (bools; the last: on the last
    call list).

    Rules in order. The company's own faults are repaired and service information is sent
    whoever the customer is, as neither is an outreach. Nobody is called without an action that
    would help. Then: a bar on contact; who is satisfied and silent is left in peace, and who is
    asleep unless waking them is known to be worth it; a contact that would lose more than it
    saves, which is peace for those whom a list ranked by risk would have called, and nothing for
    the others; one call a household, to the member of highest value; and the team's minutes. The
    holdout is taken from those who would have been called, of a household one likewise, so that
    both arms were chosen by the same rules. Equal values go by customer id.
    """
    lanes, by = np.full((2, len(scored)), "", dtype=object)
    action = _texts(scored["action_lane"])
    barred = _texts(scored["contact_block_reason"])
    value = scored["expected_value"].to_numpy(dtype="float64", na_value=np.nan)
    risk = scored["churn_probability"].to_numpy(dtype="float64")
    worth, pays = value if np.isfinite(value).any() else risk, value > 0
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
    minutes = _minutes(scored)
    by_risk = _in_order(scored, risk)
    everybody = capacity.minutes + sum(capacity.teams.values())
    lanes[(by == "not_worth_it") & _affordable(by_risk, minutes, everybody)] = "leave_in_peace"
    _fill(scored, lanes, by, worth / minutes, capacity)
    called = _in_order(scored, worth, lanes == "call")
    rank = np.full(len(scored), np.nan)
    rank[called] = np.arange(1, len(called) + 1)
    out = pd.DataFrame({"lane": lanes, "lane_rule": by}, index=scored.index).astype("str")
    out["lane_rule"] = out["lane_rule"].mask(out["lane_rule"].eq(""))
    return out.assign(call_rank=pd.Series(rank, index=scored.index).astype("Int64"))


def _fill(
    scored: pd.DataFrame, lanes: np.ndarray, by: np.ndarray, rate: Floats, capacity: Capacity
) -> None:
    """Place everybody who has no lane yet, by ``rate``, the worth of a minute."""
    minutes, held_out = _minutes(scored), scored["arm"].eq("holdout").to_numpy(dtype=bool)
    free = lanes == ""
    could, waiting = (_eligible(scored, free & arm, rate) for arm in (~held_out, held_out))
    called, compared = np.zeros((2, len(scored)), dtype=bool)
    teams = _texts(scored["team"]) if capacity.teams else np.full(len(scored), "")
    teams[~np.isin(teams, [*capacity.teams])] = ""
    for team in np.unique(teams):
        given = capacity.teams.get(team, capacity.minutes)
        order, others = (rows[teams[rows] == team] for rows in (could, waiting))
        chosen = _select(scored, order, minutes, given, capacity.stays)
        best = _affordable(order, minutes, given)
        new = chosen & ~_flags(scored, "was_called")
        compared |= _mark_holdout(others, rate, order, best, new)
        called |= chosen
    households, first = scored["household_id"], called | compared
    mates = households.isin(households[first]) & households.notna() & ~first
    lanes[free], by[free] = "none", "capacity"
    lanes[called], by[called] = "call", ""
    lanes[free & mates], by[free & mates] = "suppressed", "household"
    lanes[compared], by[compared] = "suppressed", "holdout"


def _texts(values: pd.Series) -> np.ndarray:
    return values.astype("str").fillna("").to_numpy(dtype=object)


def _flags(scored: pd.DataFrame, name: str) -> Mask:
    flags = scored.reindex(columns=[name])[name]
    return flags.astype("boolean").fillna(value=False).to_numpy(dtype=bool)


def _in_order(scored: pd.DataFrame, worth: Floats, rows: Mask | None = None) -> Index:
    """Positions of ``rows``, by default of all, most worth first, equal ones by customer id."""
    at = np.arange(len(scored)) if rows is None else np.flatnonzero(rows)
    ids = scored["customer_id"].iloc[at].to_numpy(dtype=str)
    return at[np.lexsort((ids, -worth[at]))]


def _minutes(scored: pd.DataFrame) -> Floats:
    """Minutes of each customer's action; the usual call's where it takes none."""
    given = scored["minutes"].to_numpy(dtype="float64", na_value=np.nan)
    calls = given > 0
    return np.where(calls, given, np.median(given[calls]) if calls.any() else 1.0)


def _affordable(order: Index, minutes: Floats, capacity: float) -> Mask:
    """The first (n,) of ``order`` whose ``minutes`` fit within the capacity."""
    within = np.zeros(len(minutes), dtype=bool)
    within[order] = np.cumsum(minutes[order]) <= capacity
    return within


def _eligible(scored: pd.DataFrame, rows: Mask, rate: Floats) -> Index:
    """Positions of ``rows``, highest ``rate`` first: of each household its first."""
    order = _in_order(scored, rate, rows)
    households = scored["household_id"].iloc[order]
    return order[~(households.duplicated() & households.notna()).to_numpy(dtype=bool)]


def _select(
    scored: pd.DataFrame, order: Index, minutes: Floats, capacity: float, stays: float
) -> Mask:
    """Who (n,) fills the minutes: last night's first while they are at risk enough."""
    best = _affordable(order, minutes, capacity)
    if not 0 < best.sum() < len(order):
        return best
    risk = scored["churn_probability"].to_numpy(dtype="float64")
    enough = risk[order] >= stays * float(np.median(risk[best]))
    keeps = _flags(scored, "was_called")[order] & enough
    return _affordable(np.concatenate([order[keeps], order[~keeps]]), minutes, capacity)


def _mark_holdout(held_out: Index, rate: Floats, order: Index, best: Mask, new: Mask) -> Mask:
    """Who (n,) at ``held_out`` would have been called: ``rate`` is at least the lowest called.

    ``order`` are the positions of who may be called; ``best`` fill the minutes without last
    night's list, ``new`` are the called who were not on it. Who stays from last night makes it
    harder to be called anew, and so for the holdout.
    """
    lowest = 0.0 if best.sum() == len(order) else rate[best].min(initial=np.inf)
    if lowest > 0:
        lowest = 0.0 if new.sum() == len(order) else rate[new].min(initial=np.inf)
    compared = np.zeros(len(rate), dtype=bool)
    compared[held_out] = rate[held_out] >= lowest
    return compared


ARMS = ("treat", "holdout")
_DRAW = b"stille arm\x00"


def arms(
    customer_id: "pd.Series[str]", household_id: "pd.Series[str]", key: bytes, holdout_share: float
) -> "pd.Series[str]":
    """``treat`` or ``holdout`` for each customer, from the keyed hash of one id alone.

    The id is the household's, the customer's where that is null. Who has it is held out when
    HMAC-SHA-256(key, id), read as a number in [0, 1), lies below ``holdout_share``. Whoever does
    not have the key cannot tell or choose an arm, and no other household, night, order or risk
    enters, so the arm stays for as long as the key does; a larger share only adds to the holdout.

    The same share is drawn in every risk band, but for chance. Exact quotas would need an arm to
    depend on who else is in the band that night, and the arm of a customer who moves to another
    band would jump. The manifest counts the arms by band: an analysis compares within bands.
    """
    ids = household_id.fillna(customer_id).astype("str")
    draws = (hmac.digest(key, _DRAW + id_.encode(), "sha256") for id_ in ids)
    lots = np.array([int.from_bytes(draw[:8], "big") / 2.0**64 for draw in draws])
    arm = np.where(lots < holdout_share, "holdout", "treat")
    return pd.Series(arm, index=customer_id.index, dtype="str")
