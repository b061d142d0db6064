"""Uplift model: individual treatment effect of contact, learned from two arms; sleeping dogs.

Two models share a baseline: the risk of those left alone is the churn model's, moved to the level
of the held out; from there boosting learns what differs among the treated, and starts at what
differs on average. Learning the baseline anew from a tenth of the customers would add more variance
than it removes bias. Its ranking is evaluated on customers that it has not seen.
"""

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from models.boosters.text_format import plain_booster
from models.causal.qini import qini, qini_gain
from models.dataset.array_types import Floats, Mask, Matrix, Texts, rows_of, take_rows
from models.dataset.splits import customer_folds, customer_share
from models.metrics.bootstrap import Interval
from models.metrics.logistic import fit_intercept, logit

_FOLDS = 5
_MAX_ROUNDS, _PATIENCE, _VALIDATION_SHARE = 300, 25, 0.25
_PARAMS = {
    "objective": "binary",
    "learning_rate": 0.03,
    "num_leaves": 4,
    "min_data_in_leaf": 200,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 20.0,
    "max_bin": 31,
    "deterministic": True,
    "force_col_wise": True,
    "seed": 1,
    "verbosity": -1,
}


@dataclass(frozen=True, slots=True)
class UpliftData:
    """Customers with an arm: encoded matrix ``x`` (n, f), the churn model's ``p`` and what came.

    ``treat`` and ``left`` as in ``models.causal.treatment_effect.RandomisedAssignments``;
    ``categories`` are positions of ``x``'s category columns. All other arrays have shape (n,).
    """

    customer_id: Texts
    x: Matrix
    names: tuple[str, ...]
    categories: tuple[int, ...]
    p: Floats
    treat: Mask
    left: Mask

    def take(self, rows: Mask) -> "UpliftData":
        """The selected rows."""
        return take_rows(self, rows)


@dataclass(frozen=True, slots=True)
class UpliftModel:
    """``alone`` moves the churn model's log-odds to those left alone, ``contacted`` and the
    booster to those contacted.
    """

    booster: lgb.Booster
    alone: float
    contacted: float

    def effect(self, x: Matrix, p: Floats, threads: int = 2) -> Floats:
        """Chance of leaving alone minus that of leaving contacted, (n,); below 0 it does harm."""
        risk = logit(p)
        effect = self.booster.predict(x, raw_score=True, num_threads=threads)
        return _chance(risk + self.alone) - _chance(risk + self.contacted + effect)


@dataclass(frozen=True, slots=True)
class UpliftEvaluation:
    """Qini of ranking by effect and by risk, on customers unseen, and the difference."""

    by_effect: Interval
    by_risk: Interval
    gain: Interval

    @property
    def accepted(self) -> bool:
        """Whether ranking by effect keeps more leavers than by risk beyond doubt."""
        return self.gain.low > 0


def fit_uplift(trial: UpliftData, threads: int = 2) -> UpliftModel:
    """Learn from all rows; a quarter of the customers decides for how many rounds, at least one.

    The same bytes for the same rows in the same order.
    """
    risk = logit(trial.p)
    alone = _level(risk, trial.left, ~trial.treat)
    contacted = _level(risk, trial.left, trial.treat)
    treated = trial.take(trial.treat)
    judge = customer_share(treated.customer_id, "uplift rounds") < _VALIDATION_SHARE
    early_stopped = lgb.train(
        _PARAMS | {"num_threads": threads},
        _data(treated.take(~judge), contacted),
        _MAX_ROUNDS,
        valid_sets=[_data(treated.take(judge), contacted)],
        callbacks=[lgb.early_stopping(_PATIENCE, verbose=False)],
    )
    rounds = max(early_stopped.best_iteration, 1)
    booster = lgb.train(_PARAMS | {"num_threads": threads}, _data(treated, contacted), rounds)
    return UpliftModel(plain_booster(booster), alone, contacted)


def unseen_effects(trial: UpliftData, threads: int = 2) -> Floats:
    """``UpliftModel.effect`` of each row by a model that has not seen its customer, (n,)."""
    out = np.empty(len(trial.p))
    for fold in customer_folds(trial.customer_id, _FOLDS):
        model = fit_uplift(trial.take(fold.train), threads)
        out[fold.test] = model.effect(rows_of(trial.x, fold.test), trial.p[fold.test], threads)
    return out


def evaluate_uplift(trial: UpliftData, effects: Floats, replicates: int = 200) -> UpliftEvaluation:
    """Hold the ranking by ``effects`` (of customers unseen) against that by risk."""
    arms = (trial.left, trial.treat)
    return UpliftEvaluation(
        by_effect=qini(*arms, effects, trial.customer_id, replicates),
        by_risk=qini(*arms, trial.p, trial.customer_id, replicates),
        gain=qini_gain(*arms, effects, trial.p, trial.customer_id, replicates),
    )


def _level(risk: Floats, left: Mask, arm: Mask) -> float:
    """What moves the log-odds ``risk`` to the arm's own leaving; half a leaver more either way."""
    outcomes = left[arm].astype(np.float64)
    share = (outcomes.sum() + 0.5) / (len(outcomes) + 1)
    return fit_intercept(risk[arm], np.array([share]))


def _data(rows: UpliftData, level: float) -> lgb.Dataset:
    return lgb.Dataset(
        rows.x,
        label=rows.left.astype(np.float32),
        init_score=logit(rows.p) + level,
        feature_name=list(rows.names),
        categorical_feature=list(rows.categories),
        free_raw_data=False,
    )


def _chance(log_odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-log_odds)), dtype=np.float64)


def woken_shares(p: Floats, asleep: Mask, woken_share: float) -> Floats:
    """Each one's ω, (n,): chance that contact makes them leave who would have stayed.

    A retention contact made customers leave who stayed out of inertia: it lowered the inertia and
    made usage salient (Ascarza, Iyengar and Schleicher 2016, J. Marketing Research 53). Who has
    dealt with the company lately has no inertia to lose, so the sleepers bear it. That nobody else
    is woken is an assumption; a company's own holdout shows who is.

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
