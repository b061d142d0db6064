"""Sleepers and money once a model of who responds is in use, in a simulated cohort.

Two in five sleep and are woken by a call (``_WOKEN`` of them leave); a rule keeps them off the
lists, so no trial has had one. Some of the others respond far better than the rest.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from benchmarks.models.keeping import Row
from models.causal.uplift import UpliftData, fit_uplift, woken_shares
from models.dataset.array_types import Floats, Mask, Matrix
from models.metrics.profit import Economics, expected_value, uplift_value

ECONOMICS = Economics(3_000.0, 1.0, 30.0, 300.0, 0.3, 0.0385)
_AWAKE = Economics(3_000.0, 1.0, 30.0, 300.0, 0.3, 0.0)
_VALUE, _SLEEPERS, _WOKEN, _FEATURES = 4_320.0, 0.4, 0.10, 10
_COHORT, _DEPTH, _HELD_OUT = 30_000, 1 / 12, 0.1


@dataclass(frozen=True, slots=True)
class _Cohort:
    x: Matrix
    p: Floats
    reduction: Floats
    value: Floats
    asleep: Mask

    def take(self, rows: np.ndarray) -> "_Cohort":
        return _Cohort(*(getattr(self, name)[rows] for name in self.__slots__))


def after_a_trial(assigned: int, seed: int) -> Row:
    """Money of the rule and of the model's night as shares of the best list by what is observed,
    and by each the share of sleepers on the list and the leavers woken."""
    rng = np.random.default_rng([seed, assigned])
    past = _cohort(rng, 6 * assigned)
    first = np.argsort(-_by_rule(past))[:assigned]
    past = past.take(rng.permutation(first))
    treat = rng.random(assigned) >= _HELD_OUT
    left = rng.random(assigned) < np.where(treat, past.p - past.reduction, past.p)
    trial = UpliftData(
        np.array([f"c{number:06d}" for number in range(assigned)], dtype=object),
        np.full(assigned, "power", dtype=object),
        np.repeat(np.datetime64("2024-01-01"), assigned),
        past.x,
        tuple(f"f{number}" for number in range(_FEATURES)),
        (),
        past.p,
        past.value,
        treat,
        left,
        np.full(assigned, treat.mean()),
        np.ones(assigned, dtype=bool),
    ).take(~past.asleep)
    model = fit_uplift(trial, _AWAKE, 1).model
    night = _cohort(rng, _COHORT)
    line = np.full(_COHORT, "power", dtype=object)
    effect = model.effect(night.x, night.p, line, 1)
    told = ~night.asleep & np.isfinite(effect)
    rule = _by_rule(night)
    ours = np.where(told, uplift_value(np.nan_to_num(effect), night.value, ECONOMICS), rule)
    brought = uplift_value(night.reduction, night.value, ECONOMICS)
    found: Row = {}
    best = _listed(night, brought, brought)["money"]
    for name, score in (("rule", rule), ("model", ours)):
        figures = _listed(night, score, brought)
        found |= {f"{name}_{key}": each for key, each in figures.items()}
        found[f"{name}_money"] /= best
    return found


def _cohort(rng: np.random.Generator, size: int) -> _Cohort:
    x = rng.normal(size=(size, _FEATURES)).astype(np.float32)
    asleep = rng.random(size) < _SLEEPERS
    x[:, 9] = asleep
    odds = -2.9 + 0.7 * x[:, 0] + 0.5 * x[:, 1] + 0.4 * x[:, 2] - 0.6 * asleep
    p = expit(odds).astype(np.float64)
    reduction = np.where(x[:, 4] > 0, 0.7 * p, 0.1 * p)
    reduction = np.where((x[:, 4] <= 0) & (x[:, 5] > 1), p - expit(odds + 0.8), reduction)
    reduction = np.where(asleep, 0.3 * p - (1 - p) * _WOKEN, reduction)
    value = _VALUE * np.exp(rng.normal(0, 0.4, size) - 0.08)
    return _Cohort(np.asfortranarray(x), p, reduction, value, asleep)


def _by_rule(cohort: _Cohort) -> Floats:
    woken = woken_shares(cohort.p, cohort.asleep, ECONOMICS.woken_share)
    return expected_value(cohort.p, cohort.value, ECONOMICS, woken)


def _listed(night: _Cohort, score: Floats, brought: Floats) -> Row:
    rows = np.argsort(-score)[: int(_COHORT * _DEPTH)]
    rows = rows[score[rows] > 0]
    woken = np.maximum(-night.reduction[rows], 0).sum()
    return {
        "money": float(brought[rows].sum()),
        "sleepers": float(night.asleep[rows].mean()),
        "woken": float(woken),
    }
