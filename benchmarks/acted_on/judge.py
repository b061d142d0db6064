"""Lists of the same nights, judged by the truth: what they bring in money, and whom they wake.

Every list chooses among the same customers: those whom the permissions, the lot and the rules for
faults and service leave to a call, with the call's action and its minutes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd

from benchmarks.acted_on.expected_effect import expected_effect
from models.dataset.array_types import Floats, Matrix
from models.metrics.profit import Economics
from pipelines.config.text_files import ACTIONS as RULE_TABLE
from pipelines.lists.actions import load_actions
from pipelines.simulator.record import ACTIONS

OURS, BY_RISK, BY_TABLES, BEST = "ours", "by risk", "best by the tables", "best by the truth"
BY_MEAN = "by our risk and the true mean effect"
BY_RISK_OF_TABLES = "by the best risk by the tables and the true mean effect"
_PARAMS = {
    "objective": "regression",
    "learning_rate": 0.05,
    "num_leaves": 31,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 63,
    "num_threads": 1,
    "seed": 1,
    "verbosity": -1,
}
_ROUNDS = 400


@dataclass(frozen=True, slots=True)
class Worth:
    """A list over all nights: customers called, money by the truth, leavers kept and woken."""

    called: int
    money: float
    kept: float
    woken: float


def true_effects(truth: Path, rows: pd.DataFrame, days: int, spill: float) -> pd.DataFrame:
    """``expected_effect`` of calling each row with its action; the first of all where it has none.

    ``rows``: customer_id, as_of, suggested_action.
    """
    action = rows["suggested_action"].where(rows["suggested_action"].isin(ACTIONS), ACTIONS[0])
    calls = pd.DataFrame(
        {"customer_id": rows["customer_id"], "published_on": rows["as_of"], "action": action}
    )
    return expected_effect(truth, calls.reset_index(drop=True), days, spill)


def money(effect: pd.DataFrame, value: Floats, economics: Economics) -> Floats:
    """What a call of each row brings, (n,): leavers kept in money, less offers and the call."""
    kept = effect["reduction"].to_numpy(dtype=np.float64)
    spread = kept + effect["mates"].to_numpy(dtype=np.float64)
    offers = np.maximum(kept, 0) + effect["offer"].to_numpy(dtype=np.float64)
    return np.asarray(spread * value - offers * economics.offer_cost - economics.contact_cost)


def fit_by_tables(x: Matrix, action: Floats, target: Floats) -> lgb.Booster:
    """What can be expected of a call from what the tables show: ``target`` (n,) learned from the
    features ``x`` (n, f) and the action's number (n,).
    """
    data = lgb.Dataset(with_action(x, action), label=target, categorical_feature=[x.shape[1]])
    return lgb.train(_PARAMS, data, _ROUNDS)


def with_action(x: Matrix, action: Floats) -> Matrix:
    """``x`` (n, f) with the action's number as its last column."""
    return np.column_stack([x, action]).astype(np.float32)


def candidates(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that any list may call, with ``minutes`` of their action."""
    rules = load_actions(RULE_TABLE).actions
    minutes = {name: rule.minutes for name, rule in rules.items() if rule.lane == "call"}
    own = rows["suggested_action"].map(minutes)
    allowed = own.notna() & rows["contact_allowed_phone"] & rows["arm"].eq("treat")
    return rows.assign(minutes=own)[allowed]


def chosen(rows: pd.DataFrame, worth: Floats, capacity: float, *, least: float) -> pd.Index:
    """One night's list: highest ``worth`` (n,) a minute first, above ``least``, one a household."""
    order = rows.assign(worth=worth, rate=worth / rows["minutes"].to_numpy(dtype=np.float64))
    order = order[order["worth"] > least].sort_values("rate", ascending=False, kind="stable")
    shared = order["household_id"].notna() & order["household_id"].duplicated()
    order = order[~shared]
    return order.index[order["minutes"].cumsum() <= capacity]


def compare(rows: pd.DataFrame, scores: Mapping[str, Floats], capacity: float) -> dict[str, Worth]:
    """Ours and each list by one of ``scores`` (rows,), over all nights.

    ``rows`` has, beside the published columns, household_id, ``brought`` (money by the truth),
    ``reduction`` and ``alone``.
    """
    lists = {OURS: rows.index[rows["lane"].eq("call") & rows["use_channel"].eq("phone")]}
    open_ = candidates(rows)
    for name, score in scores.items():
        least = -np.inf if name == BY_RISK else 0.0
        own = pd.Series(score, rows.index)
        nights = [
            chosen(night, np.asarray(own[night.index], dtype=np.float64), capacity, least=least)
            for _, night in open_.groupby("as_of")
        ]
        lists[name] = nights[0].append(list(nights[1:]))
    return {name: worth(rows.loc[index]) for name, index in lists.items()}


def worth(called: pd.DataFrame) -> Worth:
    """The sums of a list."""
    reduction = called["reduction"].to_numpy(dtype=np.float64)
    return Worth(
        called=len(called),
        money=float(called["brought"].sum()),
        kept=float(np.maximum(reduction, 0).sum()),
        woken=float(np.maximum(-reduction, 0).sum()),
    )
