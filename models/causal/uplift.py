"""Uplift model: by how much contact lowers each one's chance of leaving, learned from two arms.

An R-learner (Nie and Wager 2021, Biometrika 108). It compares what came with what the churn model
expected of both arms together, before anything came. As the lot is known, an error of the churn
model only costs precision and is never taken for an effect. Boosting learns where contact does
more or less than the rule of the nights assumes; the best linear predictor of the effect
(Chernozhukov, Demirer, Duflo and Fernández-Val 2025, Econometrica 93) says how far that is proven.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
from scipy.special import expit

from models.boosters.hyperparameters import STEADY
from models.boosters.text_format import plain_booster
from models.dataset.array_types import Days, Floats, Index, Mask, Matrix, RowTable, Texts
from models.dataset.splits import customer_share
from models.metrics.logistic import fit_line, logit
from models.metrics.profit import Economics

_PARTS, _ROUNDS = 8, 100
_PARAMS = {
    "objective": "regression",
    "learning_rate": 0.05,
    "num_leaves": 2,
    "min_sum_hessian_in_leaf": 40.0,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 100.0,
    **STEADY,
    "seed": 1,
}
_PRIOR_SPREAD, _DOUBT = 0.5, 4.0
_FEWEST, _TAILS = 20, (0.01, 0.99)


@dataclass(frozen=True, slots=True)
class UpliftData(RowTable):
    """Customers with an arm: encoded matrix ``x`` (n, f), the churn model's ``p`` and what came.

    ``treat``, ``left`` and ``assigned_on`` as in ``treatment_effect.randomised_assignments``;
    ``share`` is each one's chance of ``treat`` by the lot, ``value`` what they are worth (major
    units), ``offers`` whether the action of the list makes an offer, ``categories`` positions of
    ``x``'s category columns. Other arrays have shape (n,).
    """

    customer_id: Texts
    product_line: Texts
    assigned_on: Days
    x: Matrix
    names: tuple[str, ...]
    categories: tuple[int, ...]
    p: Floats
    value: Floats
    treat: Mask
    left: Mask
    share: Floats
    offers: Mask


@dataclass(frozen=True, slots=True)
class UpliftModel:
    """Reduction p·(saved + weight·own) − (1 − p)·woken, of which the booster gives ``own``.

    So ``saved`` is the measured share of leavers kept (γ), and ``own`` what each has of their own.
    ``ranges`` are the chances of leaving, from and to, that a product line had in both arms: beyond
    them there is no overlap (Crump, Hotz, Imbens and Mitnik 2009, Biometrika 96) and no effect.
    Whoever had been silent for ``asleep_days`` was left out of the trial; None: nobody was.
    """

    booster: lgb.Booster
    saved: float
    woken: float
    weight: float
    ranges: Mapping[str, tuple[float, float]]
    asleep_days: int | None = None

    def effect(self, x: Matrix, p: Floats, product_line: Texts, threads: int = 2) -> Floats:
        """Chance of leaving alone minus that of leaving contacted, (n,); below 0 it does harm.

        NaN for who is not alike to anybody in the trial.
        """
        own = np.asarray(self.booster.predict(x, num_threads=threads), dtype=np.float64)
        effect = np.clip(p * (self.saved + self.weight * own) - (1 - p) * self.woken, p - 1, p)
        ranges = [self.ranges.get(line, (np.inf, -np.inf)) for line in product_line]
        low, high = np.array(ranges).reshape(-1, 2).T
        return np.where((low <= p) & (p <= high), effect, np.nan)


@dataclass(frozen=True, slots=True)
class UpliftFit:
    """A model, and what was expected of each row, (n,), before it was known what came.

    ``leaving`` is the chance of leaving whatever the arm. ``effect`` is that of a model of the
    customers assigned before; NaN for the first two parts of eight, who only taught.
    """

    model: UpliftModel
    leaving: Floats
    effect: Floats


def fit_uplift(trial: UpliftData, economics: Economics, threads: int = 2) -> UpliftFit:
    """Learn from all rows, given what ``economics`` assumes of them (``saved_share``, ω).

    Effects are learned forward, those of each part by the parts before it, as a sum over customers
    who teach each other has no valid variance (Luedtke and van der Laan 2016, Annals of Statistics
    44). The same bytes for the same rows in the same order.
    """
    z = logit(trial.p)
    level, slope = fit_line(z, trial.left.astype(np.float64))
    leaving = expit(level + slope * z) if np.isfinite(slope) else np.full(len(z), trial.left.mean())
    kept, lot = leaving - trial.left, trial.treat - trial.share
    rule = trial.p * economics.saved_share - (1 - trial.p) * economics.woken_share
    columns = kept, lot, rule
    part, (own, effect) = _parts(trial), np.full((2, len(z)), np.nan)
    for number in range(1, _PARTS):
        now, past = part == number, part < number
        own[now] = trial.p[now] * _fit_own(trial, past, *columns, threads).predict(
            trial.take(now).x, num_threads=threads
        )
        if number > 1:
            scale, weight = blend(*(each[past & (part > 0)] for each in (*columns, own)))
            effect[now] = np.clip(scale * rule + weight * own, trial.p - 1, trial.p)[now]
    scale, weight = blend(*(each[part > 0] for each in (*columns, own)))
    booster = plain_booster(_fit_own(trial, part >= 0, *columns, threads))
    saved, woken = scale * economics.saved_share, scale * economics.woken_share
    return UpliftFit(UpliftModel(booster, saved, woken, weight, _ranges(trial)), leaving, effect)


def blend(kept: Floats, lot: Floats, rule: Floats, own: Floats) -> tuple[float, float]:
    """Weights of ``rule`` and of ``own`` in the effect, from rows that ``own`` has not seen, (n,).

    Least squares of ``kept``, expected minus actual leaving, on ``lot`` (arm minus its chance)
    times each. That of the rule is measured over assumed, and drawn to 1 as to a prior of standard
    deviation 0.5. That of ``own`` is drawn to 0 by the positive part of James and Stein's rule
    (1961) with four times the variance: nothing is left of what lies within two standard errors,
    as a ranking that is not proven may do harm.
    """
    z = np.stack([rule, own]) * lot
    inverse = np.linalg.pinv(z @ z.T, hermitian=True)
    found = inverse @ (z @ kept)
    noise = z * (kept - found @ z)
    spread = inverse @ (noise @ noise.T) @ inverse
    gain = spread[0] / (spread[0, 0] + _PRIOR_SPREAD**2)
    found, spread = found + gain * (1 - found[0]), spread - np.outer(gain, spread[0])
    doubt = _DOUBT * spread[1, 1]
    weight = float(found[1] - doubt / found[1]) if 0 < doubt < found[1] * abs(found[1]) else 0.0
    moved = (weight - found[1]) * spread[0, 1] / spread[1, 1] if doubt > 0 else 0.0
    return float(found[0] + moved), weight


def _ranges(trial: UpliftData) -> dict[str, tuple[float, float]]:
    """The range that both arms have, less a hundredth at either end; of lines with 20 in each."""
    found = {}
    for line in sorted(set(trial.product_line.tolist())):
        rows = trial.product_line == line
        arms = trial.p[rows & trial.treat], trial.p[rows & ~trial.treat]
        if min(map(len, arms)) >= _FEWEST:
            low, high = np.array([np.quantile(arm, _TAILS) for arm in arms]).T
            found[line] = float(low.max()), float(high.min())
    return found


def _parts(trial: UpliftData) -> Index:
    """Each row's part (n,), 0 to 7: by day of assignment, on one day fixed by the ids."""
    order = np.lexsort((customer_share(trial.customer_id, "uplift parts"), trial.assigned_on))
    return np.argsort(order) * _PARTS // max(len(order), 1)


def _fit_own(
    trial: UpliftData, taught: Mask, kept: Floats, lot: Floats, rule: Floats, threads: int
) -> lgb.Booster:
    """The share of leavers that contact keeps beyond the multiple of ``rule`` that fits all.

    Rows count by the inverse of their variance: outcomes of those at little risk vary little, but
    as shares of that risk much.
    """
    rows, kept, lot, rule = trial.take(taught), kept[taught], lot[taught], rule[taught]
    ruled, risk = lot * rule, np.clip(rows.p, 1e-6, 1 - 1e-6)
    odds = risk / (1 - risk)
    data = lgb.Dataset(
        rows.x,
        label=kept / (lot * risk),
        weight=lot**2 * odds / odds.mean(),
        init_score=rule / risk * float(ruled @ kept) / max(float(ruled @ ruled), 1e-12),
        feature_name=list(rows.names),
        categorical_feature=list(rows.categories),
        free_raw_data=False,
    )
    return lgb.train(_PARAMS | {"num_threads": threads}, data, _ROUNDS)


def woken_shares(p: Floats, asleep: Mask, woken_share: float) -> Floats:
    """Each one's ω, (n,): chance that contact makes them leave who would have stayed.

    Who has dealt with the company lately has no inertia to lose (``models.causal.sleeping_dogs``),
    so the sleepers bear it. That nobody else is woken is an assumption; a company's own holdout
    shows who is.

    ``p`` (n,) are the chances of leaving alone, so of contacting all of them as many stayers are
    woken as with the same ``woken_share`` for each. The sleepers wake them all; what is more than
    every one of them is borne by the others, and by all where nobody sleeps.

    >>> woken_shares(np.array([0.5, 0.5]), np.array([True, False]), 0.1).tolist()
    [0.2, 0.0]
    """
    stay = 1 - p
    share = float(stay[asleep].sum() / stay.sum()) if stay.sum() > 0 else 0.0
    if share in (0.0, 1.0):
        return np.full(len(p), woken_share)
    of_sleepers = min(woken_share / share, 1.0)
    of_others = max(woken_share - share * of_sleepers, 0.0) / (1 - share)
    return np.where(asleep, of_sleepers, of_others)
