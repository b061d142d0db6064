"""How much of a list is new each month, and its lift, with and without hysteresis."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.lists.company import CUSTOMER, PROBABILITY
from benchmarks.lists.nights import placed
from models.arrays import Floats, Mask
from models.profit import Economics

Choose = Callable[[pd.DataFrame, Mask, int], Mask]
_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Turnover:
    """Means over the months after the first: share of the list that is new, the true chance of
    leaving alone over the cohort's (``lift``), the share of the list before that is no customer
    any more, and the list's length.
    """

    name: str
    new: float
    lift: float
    gone: float
    called: float


def turnover(
    nights: list[pd.DataFrame],
    truths: list[pd.DataFrame],
    values: list[Floats],
    economics: Economics,
) -> list[Turnover]:
    """Each list month after month, once remembering whom it called, once not."""

    def called(night: pd.DataFrame, was: Mask, month: int) -> Mask:
        lanes = placed(night.assign(was_called=was), values[month], economics)["lane"]
        return np.asarray(lanes.eq("call").to_numpy(dtype=bool))

    return [
        _followed(f"{name}, {how}", nights, truths, choose, remembers=remembers)
        for name, choose in (("call list", called), ("riskiest 5 %", _riskiest))
        for how, remembers in (("with hysteresis", True), ("without", False))
    ]


def _riskiest(night: pd.DataFrame, was: Mask, month: int) -> Mask:
    """The riskiest of the cohort; who was on the list stays until below half of the cut."""
    p = night[PROBABILITY].to_numpy(dtype=np.float64)
    size = round(_SHARE * len(p))
    cut = np.sort(p)[-size]
    stays = was & (p >= cut / 2)
    chosen = np.zeros(len(p), dtype=bool)
    chosen[np.lexsort((-p, ~stays))[:size]] = True
    return chosen


def _followed(
    name: str,
    nights: list[pd.DataFrame],
    truths: list[pd.DataFrame],
    choose: Choose,
    *,
    remembers: bool,
) -> Turnover:
    before: set[str] = set()
    rows = []
    for month, (night, truth) in enumerate(zip(nights, truths, strict=True)):
        was = (night[CUSTOMER].isin(before) & remembers).to_numpy(dtype=bool)
        called = choose(night, was, month)
        now = set(night.loc[called, CUSTOMER])
        stay = before & set(night[CUSTOMER])
        alone = truth["alone"].to_numpy(dtype=np.float64)
        lift = float(alone[called].mean() / alone.mean())
        gone = 1 - len(stay) / max(len(before), 1)
        rows.append((1 - len(now & stay) / max(len(now), 1), lift, gone, len(now)))
        before = now
    return Turnover(name, *np.mean(rows[1:], axis=0).tolist())
