"""How much of a list is new each month, who fell off it, and what remembering it costs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.lists.company import CUSTOMER, PROBABILITY
from benchmarks.lists.nights import called, placed
from models.arrays import Floats, Mask
from models.bootstrap import Interval, draws, interval
from pipelines.lists.lanes import Capacity
from pipelines.settings import Settings

FORGETS = 1.0
STAYS = (FORGETS, 0.8, 0.6, 0.5, 0.4, 0.25)
_SHARE, _REPLICATES = 0.05, 200

Choose = Callable[[pd.DataFrame, Mask, float], Mask]


@dataclass(frozen=True, slots=True)
class Nights:
    """Months one after the other: rows, chances of leaving alone, and what contact would bring."""

    rows: list[pd.DataFrame]
    alone: list[Floats]
    brought: list[Floats]


@dataclass(frozen=True, slots=True)
class Turnover:
    """Means over the months after the first, of a list whose members stay to ``stays`` of the cut.

    ``new`` is the share of the list that was not on it a month before; of those who were, ``left``
    are no customers any more, and of the others ``fell`` off. ``lift`` is the true chance of
    leaving alone over the cohort's, ``value`` what contacting the list brings; the changes are
    against the same list without a memory, with an interval over customers.
    """

    name: str
    stays: float
    length: float
    new: float
    left: float
    fell: float
    lift: float
    value: float
    lift_change: Interval
    value_change: Interval


def turnover(settings: Settings, nights: Nights, minutes: Sequence[float]) -> list[Turnover]:
    """The call lists of so many minutes and the riskiest, at each of ``STAYS``."""

    def listing(capacity: float) -> Choose:
        def choose(night: pd.DataFrame, was: Mask, stays: float) -> Mask:
            lanes = placed(settings, night, Capacity(capacity, stays), was)
            return np.isin(np.arange(len(night)), called(lanes))

        return choose

    lists = {f"call list, {each:,.0f} minutes": listing(each) for each in minutes}
    lists[f"riskiest {_SHARE:.0%}"] = _riskiest
    found = []
    for name, choose in lists.items():
        plain = _followed(nights, choose, FORGETS)
        for stays in STAYS:
            ours = plain if stays == FORGETS else _followed(nights, choose, stays)
            found.append(_summed(name, stays, nights, ours, plain))
    return found


def _riskiest(night: pd.DataFrame, was: Mask, stays: float) -> Mask:
    """The riskiest of the cohort; who was on the list stays until below ``stays`` of the cut."""
    p = night[PROBABILITY].to_numpy(dtype=np.float64)
    size = round(_SHARE * len(p))
    stay = was & (p >= stays * np.sort(p)[-size])
    chosen = np.zeros(len(p), dtype=bool)
    chosen[np.lexsort((-p, ~stay))[:size]] = True
    return chosen


def _followed(nights: Nights, choose: Choose, stays: float) -> list[Mask]:
    lists: list[Mask] = []
    before: set[str] = set()
    for night in nights.rows:
        was = night[CUSTOMER].isin(before).to_numpy(dtype=bool) & (stays < FORGETS)
        lists.append(choose(night, was, stays))
        before = set(night.loc[lists[-1], CUSTOMER])
    return lists


def _summed(
    name: str, stays: float, nights: Nights, ours: list[Mask], plain: list[Mask]
) -> Turnover:
    members = [set(n.loc[c, CUSTOMER]) for n, c in zip(nights.rows, ours, strict=True)]
    moved = [
        _moved(before, now, set(night[CUSTOMER]))
        for before, now, night in zip(members, members[1:], nights.rows[1:], strict=False)
    ]
    new, left, fell = np.mean(moved, axis=0).tolist()
    judged = _Judged(nights)
    one = np.ones((1, len(judged.ids)))
    (lift, value), (plain_lift, plain_value) = (judged.of(each, one) for each in (ours, plain))
    drawn = [
        np.subtract(judged.of(ours, weights), judged.of(plain, weights))
        for weights in draws(judged.ids, _REPLICATES)
    ]
    lifts, values = np.concatenate(drawn, axis=1)
    return Turnover(
        name,
        stays,
        float(np.mean([len(each) for each in members[1:]])),
        new,
        left,
        fell,
        float(lift[0]),
        float(value[0]),
        interval(float(lift[0] - plain_lift[0]), lifts),
        interval(float(value[0] - plain_value[0]), values),
    )


def _moved(before: set[str], now: set[str], customers: set[str]) -> tuple[float, float, float]:
    here = before & customers
    new, left = 1 - len(now & before) / len(now), 1 - len(here) / len(before)
    return new, left, 1 - len(now & here) / len(here)


class _Judged:
    """The months after the first, for lists weighted by customer."""

    def __init__(self, nights: Nights) -> None:
        self.ids = np.concatenate([n[CUSTOMER].to_numpy(dtype=object) for n in nights.rows[1:]])
        self.alone, self.brought = nights.alone[1:], nights.brought[1:]

    def of(self, lists: list[Mask], weights: Floats) -> tuple[Floats, Floats]:
        """Lift and value a month, (r,) each, of ``weights`` (r, n)."""
        lifts, values, start = [], [], 0
        for chosen, alone, brought in zip(lists[1:], self.alone, self.brought, strict=True):
            w = weights[:, start : start + len(alone)]
            start += len(alone)
            rate = w[:, chosen] @ alone[chosen] / w[:, chosen].sum(axis=1)
            lifts.append(rate / (w @ alone / w.sum(axis=1)))
            values.append(w[:, chosen] @ brought[chosen])
        return np.mean(lifts, axis=0), np.mean(values, axis=0)
