"""How much of a list is new each month, who fell off it, and what remembering it costs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from benchmarks.lists.company import CUSTOMER, PROBABILITY
from benchmarks.lists.nights import called, placed
from models.dataset.array_types import Floats, Mask
from models.metrics.bootstrap import Interval, draws, interval
from pipelines.config.settings import Settings
from pipelines.lists.lanes import Capacity

FORGETS = np.inf
STAYS = (FORGETS, 0.5, 0.4, 0.35, 0.3, 0.2)
_SHARES, _REPLICATES = (0.05, 0.1), 200

Choose = Callable[[pd.DataFrame, Mask, float], Mask]


@dataclass(frozen=True, slots=True)
class Nights:
    """Months one after the other: rows, chances of leaving alone, and what contact would bring."""

    rows: list[pd.DataFrame]
    alone: list[Floats]
    brought: list[Floats]

    def ranked_by(self, probability: Sequence[Floats]) -> "Nights":
        """The same months with other probabilities of leaving in place of the model's."""
        rows = [
            night.assign(**{PROBABILITY: p})
            for night, p in zip(self.rows, probability, strict=True)
        ]
        return Nights(rows, self.alone, self.brought)


@dataclass(frozen=True, slots=True)
class Turnover:
    """Means over companies and the months after the first, of a list that remembers to ``stays``.

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


def turnover(
    settings: Settings,
    companies: Sequence[Nights],
    minutes: Sequence[float],
    tried: Sequence[float] = STAYS,
) -> list[Turnover]:
    """The call lists of so many minutes and the riskiest, at each of ``tried``."""
    found = []
    for name, choose in _lists(settings, minutes).items():
        plain = [_followed(nights, choose, FORGETS) for nights in companies]
        for stays in tried:
            ours = [_followed(nights, choose, stays) for nights in companies]
            found.append(_summed(name, stays, companies, ours, plain))
    return found


def _lists(settings: Settings, minutes: Sequence[float]) -> dict[str, Choose]:
    calls: dict[str, Choose] = {
        f"call list, {m:,.0f} minutes": partial(_calling, settings, m) for m in minutes
    }
    return calls | {f"riskiest {share:.0%}": partial(_riskiest, share) for share in _SHARES}


def _calling(
    settings: Settings, capacity: float, night: pd.DataFrame, was: Mask, stays: float
) -> Mask:
    lanes = placed(settings, night, Capacity(capacity, stays), was)
    return np.isin(np.arange(len(night)), called(lanes))


def _riskiest(share: float, night: pd.DataFrame, was: Mask, stays: float) -> Mask:
    """Of the whole cohort, with the memory of the call list."""
    p = night[PROBABILITY].to_numpy(dtype=np.float64)
    size = round(share * len(p))
    stay = was & (p >= stays * np.median(np.sort(p)[-size:]))
    return np.isin(np.arange(len(p)), np.lexsort((-p, ~stay))[:size])


def _followed(nights: Nights, choose: Choose, stays: float) -> list[Mask]:
    lists: list[Mask] = []
    before: set[str] = set()
    for night in nights.rows:
        was = night[CUSTOMER].isin(before).to_numpy(dtype=bool)
        lists.append(choose(night, was, stays))
        before = set(night.loc[lists[-1], CUSTOMER])
    return lists


def _summed(
    name: str,
    stays: float,
    companies: Sequence[Nights],
    ours: Sequence[list[Mask]],
    plain: Sequence[list[Mask]],
) -> Turnover:
    moves, judged, changes = [], [], []
    for nights, remembered, forgotten in zip(companies, ours, plain, strict=True):
        moves.append(_moves(nights, remembered))
        truth = _Judged(nights)
        weights = [np.ones((1, len(truth.ids))), *draws(truth.ids, _REPLICATES)]
        found = np.concatenate([truth.of(remembered, each) for each in weights], axis=1)
        other = np.concatenate([truth.of(forgotten, each) for each in weights], axis=1)
        judged.append(found[:, 0])
        changes.append(found - other)
    figures = [*np.mean(moves, axis=0).tolist(), *np.mean(judged, axis=0).tolist()]
    gaps = (interval(float(gap[0]), gap[1:]) for gap in np.mean(changes, axis=0))
    return Turnover(name, stays, *figures, *gaps)


def _moves(nights: Nights, lists: list[Mask]) -> Floats:
    """Length, and shares new, left and fallen off, means over the months after the first (4,)."""
    members = [set(n.loc[c, CUSTOMER]) for n, c in zip(nights.rows, lists, strict=True)]
    found = []
    for before, now, night in zip(members, members[1:], nights.rows[1:], strict=False):
        here = before & set(night[CUSTOMER])
        new, left = 1 - len(now & before) / len(now), 1 - len(here) / len(before)
        found.append((len(now), new, left, 1 - len(now & here) / len(here)))
    return np.asarray(np.mean(found, axis=0), dtype=np.float64)


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
