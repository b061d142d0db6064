"""How much of a list is new each month, and its lift, with and without hysteresis."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.lists.company import CUSTOMER
from benchmarks.lists.nights import placed
from models.arrays import Floats
from models.profit import Economics


@dataclass(frozen=True, slots=True)
class Turnover:
    """Means over the months after the first: share of the list that is new, share of those who
    left that would leave alone over the cohort's (``lift``), and its length.
    """

    name: str
    new: float
    lift: float
    called: float


def turnover(
    nights: list[pd.DataFrame],
    truths: list[pd.DataFrame],
    values: list[Floats],
    economics: Economics,
) -> list[Turnover]:
    """The call list month after month, once remembering whom it called, once not."""
    return [
        _followed(name, nights, truths, values, economics, remembers=remembers)
        for name, remembers in (("with hysteresis", True), ("without", False))
    ]


def _followed(
    name: str,
    nights: list[pd.DataFrame],
    truths: list[pd.DataFrame],
    values: list[Floats],
    economics: Economics,
    *,
    remembers: bool,
) -> Turnover:
    before: set[str] = set()
    rows = []
    for night, truth, value in zip(nights, truths, values, strict=True):
        was = night[CUSTOMER].isin(before) & remembers
        lanes = placed(night.assign(was_called=was), value, economics)["lane"]
        called = lanes.eq("call").to_numpy(dtype=bool)
        now = set(night.loc[called, CUSTOMER])
        stay = before & set(night[CUSTOMER])
        alone = truth["alone"].to_numpy(dtype=np.float64)
        lift = float(alone[called].mean() / alone.mean())
        rows.append((1 - len(now & stay) / max(len(now), 1), lift, len(now)))
        before = now
    return Turnover(name, *np.mean(rows[1:], axis=0).tolist())
