"""Fit of the competing-risks model on person-periods, with early stopping on newer months."""

from collections.abc import Callable
from datetime import date

import lightgbm as lgb
import numpy as np

from features.contract import OUTCOMES
from features.errors import GateError
from models.boosters.hyperparameters import Recipe
from models.boosters.text_format import plain_booster
from models.competing_risks.model import OTHER, PERIOD, Incidence, with_period
from models.competing_risks.person_periods import STILL, Periods, count_outcomes, expand
from models.dataset.array_types import Floats, Index, rows_of
from models.dataset.histories import Histories
from models.dataset.splits import customer_share

FEWEST = 50
"""Customers that an outcome must have ended to be a class of its own."""
_STILL_PER_END = 4
_INNER_MONTHS, _INNER_SHARE = 3, 0.2
_PRIOR_ENDS = 20.0
_RATE, _MAX_ROUNDS, _PATIENCE = 0.1, 300, 15


def group_causes(
    histories: Histories, lead_days: int, periods: int, known_before: date
) -> dict[str, tuple[str, ...]]:
    """The classes after "still a customer", and the outcomes that each stands for.

    An outcome that ended at least ``FEWEST`` customers is a class, the others are ``other``.
    Counted are customers whose end lies in a period at risk that was complete by
    ``known_before``. Raises ``GateError`` when fewer gave voluntary notice.
    """
    single = tuple((name,) for name in OUTCOMES)
    person_periods = expand(
        histories, single, lead_days=lead_days, periods=periods, known_before=known_before
    )
    ended = histories.customer_id[person_periods.row].astype(str)
    customers = {
        name: len(np.unique(ended[person_periods.outcome == STILL + 1 + i]))
        for i, name in enumerate(OUTCOMES)
    }
    if customers["voluntary"] < FEWEST:
        raise GateError(
            f"{customers['voluntary']} customers who gave voluntary notice are too few to learn "
            f"outcomes by horizon from: {FEWEST} are needed. Take in a longer history, or remove "
            "label.horizons from the configuration."
        )
    own = {name: (name,) for name in OUTCOMES if customers[name] >= FEWEST}
    rest = tuple(name for name in OUTCOMES if name not in own)
    return {**own, **({OTHER: rest} if rest else {})}


def fit_incidence(
    histories: Histories,
    *,
    lead_days: int,
    periods: int,
    known_before: date,
    recipe: Recipe,
    on_step: Callable[[str], None] = lambda _: None,
) -> Incidence:
    """Learn the chance of each cause, period by period, from what was known before a day.

    The newest as-of months (or a fifth of the customers) stop one booster on log loss and show
    by how much each cause's level is off. Each seed is then trained on everything for
    ``recipe.refit`` times as many rounds. Boosters see every end, and four of those still there
    per end; the share left out is put back on the log-chance of "still a customer".
    Raises ``GateError`` when too few gave voluntary notice.
    """
    causes = group_causes(histories, lead_days, periods, known_before)

    def observable(rows: Histories, before: date) -> Periods:
        return expand(
            rows, tuple(causes.values()), lead_days=lead_days, periods=periods, known_before=before
        )

    every = observable(histories, known_before)
    base = baseline(count_outcomes(every, periods, len(causes)))
    train, judge = _inner(histories, every, observable, recipe.min_positives)
    on_step("outcomes by horizon: early stopping")
    core = _boost(histories, base, recipe, recipe.seeds[0], train, judge)
    rounds = max(1, round(recipe.refit * core.best_iteration))
    boosters = []
    for seed in recipe.seeds:
        on_step(f"outcomes by horizon: final fit, seed {seed}, {rounds} rounds")
        boosters.append(plain_booster(_boost(histories, base, recipe, seed, every, rounds=rounds)))
    level = np.zeros(base.shape[1])
    parts = (tuple(causes), causes.get(OTHER, ()), base, level, lead_days, histories.spec)
    early_stopped = Incidence((core,), *parts)
    level += _level(early_stopped, histories, judge, recipe.threads)
    return Incidence(tuple(boosters), *parts)


def baseline(counts: Index) -> Floats:
    """Log-chances of each outcome (period, outcome) from ``counts``, which have that shape.

    Each period is joined by one customer-period of the average one, and no outcome is counted
    less than half, so that a cause never seen in a period is unlikely and not impossible.
    """
    total = np.maximum(counts.sum(axis=0), 0.5)
    smoothed = counts + total / total.sum()
    return np.asarray(np.log(smoothed / smoothed.sum(axis=1, keepdims=True)), dtype=np.float64)


def _inner(
    histories: Histories,
    every: Periods,
    observable: Callable[[Histories, date], Periods],
    least: int,
) -> tuple[Periods, Periods]:
    """Older as-of dates as they were known then, and the newest; else parts of the customers."""
    months = histories.as_of.astype("datetime64[M]")
    newest = np.unique(months[every.row])[-_INNER_MONTHS:]
    first = histories.as_of[months >= newest[0]].min()
    train = observable(histories, first.item())
    judge = every.take(histories.as_of[every.row] >= first)
    if min((part.outcome == 1).sum() for part in (train, judge)) >= least:
        return train, judge
    inner = (customer_share(histories.customer_id, "inner") < _INNER_SHARE)[every.row]
    return every.take(~inner), every.take(inner)


def _sampled(periods: Periods, seed: int) -> tuple[Periods, float]:
    """Person-periods that a booster sees, and the share of those still there that it keeps."""
    still = np.flatnonzero(periods.outcome == STILL)
    wanted = _STILL_PER_END * (len(periods) - len(still))
    if wanted >= len(still):
        return periods, 1.0
    chosen = periods.outcome != STILL
    chosen[np.random.default_rng(seed).permutation(still)[:wanted]] = True
    return periods.take(chosen), wanted / len(still)


def _boost(
    histories: Histories,
    base: Floats,
    recipe: Recipe,
    seed: int,
    train: Periods,
    judge: Periods | None = None,
    rounds: int = _MAX_ROUNDS,
) -> lgb.Booster:
    params = recipe.params(seed) | {
        "objective": "multiclass",
        "metric": "multi_logloss",
        "num_class": base.shape[1],
        "learning_rate": _RATE,
    }

    def binned(part: Periods, reference: lgb.Dataset | None = None) -> lgb.Dataset:
        periods, keep = _sampled(part, seed)
        start = base[periods.number]
        start[:, STILL] += np.log(keep)
        return lgb.Dataset(
            with_period(rows_of(histories.x, periods.row), periods.number),
            label=periods.outcome,
            init_score=start.ravel(order="F"),
            feature_name=[*histories.spec.names, PERIOD],
            categorical_feature=list(histories.spec.categories),
            params=params,
            reference=reference,
        )

    data = binned(train)
    if judge is None:
        return lgb.train(params, data, rounds)
    stop = lgb.early_stopping(_PATIENCE, verbose=False)
    return lgb.train(params, data, rounds, valid_sets=[binned(judge, data)], callbacks=[stop])


def _level(model: Incidence, histories: Histories, judge: Periods, threads: int) -> Floats:
    """Log of observed over expected ends by cause, drawn towards 0 as 20 more of each would."""
    (periods, keep), size = _sampled(judge, 0), model.baseline.shape[1]
    weight = np.where(periods.outcome == STILL, 1 / keep, 1.0)
    chances = model.hazards(rows_of(histories.x, periods.row), periods.number, threads)
    expected = weight @ chances
    observed = np.bincount(periods.outcome, minlength=size)
    level = np.log((observed + _PRIOR_ENDS) / (expected + _PRIOR_ENDS))
    level[STILL] = 0.0
    return np.asarray(level, dtype=np.float64)
