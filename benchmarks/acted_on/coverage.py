"""How often published intervals hold the truth while months swing together.

Customers have a true chance of leaving; the score is a little too low and too sure, so that each
figure has a truth that is not the end of what it can be. Calendar months share shocks; the label
window of an as-of month is the three months after it.
"""

import numpy as np
from scipy.special import expit, logit

from benchmarks.models.keeping import Row
from models.metrics.bootstrap import MonthShocks, Rows
from models.metrics.observed_expected import outcome
from models.metrics.scorecard import scorecard

COMPANIES, REPLICATES = 2_000, 200
_WINDOW, _HORIZON_DAYS = 3, 90
_TRUTH_CUSTOMERS, _TRUTHS, _FEW = 200_000, 4, 20
_SHIFT, _SLOPE = 0.1, 1.1


def coverage(customers: int, months: int, swing: float, seed: int) -> Row:
    """Share of companies whose interval holds the truth, with and without the months' shocks.

    Keys are ``figure`` and ``figure without``; the truth is that of large companies without shocks.
    """
    rng = np.random.default_rng(seed)
    large = [_company(_TRUTH_CUSTOMERS, months, 0.0, rng) for _ in range(_TRUTHS)]
    figures = [
        {name: found.value for name, found in scorecard(Rows(who, y, _FEW), p).items()}
        | {"observed_over_expected": y.sum() / p.sum()}
        for y, p, who, _ in large
    ]
    truth = {name: float(np.mean([each[name] for each in figures])) for name in figures[0]}
    felt = _swing_of_labels(swing, rng)
    hits: dict[str, list[bool]] = {}
    for _ in range(COMPANIES):
        y, p, who, as_of = _company(customers, months, swing, rng)
        for name, shocks in (("", MonthShocks(as_of, y, felt, _HORIZON_DAYS)), (" without", None)):
            card = scorecard(Rows(who, y, REPLICATES, shocks), p)
            ratio = {"observed_over_expected": outcome("all", Rows(who, y, shocks=shocks), p).ratio}
            for figure, found in {**card, **ratio}.items():
                held = found.low <= truth[figure] <= found.high
                hits.setdefault(figure + name, []).append(held)
    return {name: float(np.mean(each)) for name, each in hits.items()}


def _swing_of_labels(swing: float, rng: np.random.Generator) -> float:
    """Standard deviation (log-odds) of the labels' level when that of the hazards is ``swing``.

    It is a little more: of two customers whose hazards are multiplied alike the riskier one moves
    further in log-odds of leaving within the window.
    """
    eta = rng.normal(-3.9, 0.9, 2_000)
    hazards = expit(eta + rng.normal(0, swing * np.sqrt(_WINDOW), (1_000, _WINDOW, 1)))
    chance, shocked = 1 - (1 - expit(eta)) ** _WINDOW, 1 - (1 - hazards).prod(axis=1)
    level = np.zeros((len(shocked), 1))
    for _ in range(5):
        expected = expit(logit(chance) + level)
        slope = (expected * (1 - expected)).mean(axis=1, keepdims=True)
        level += (shocked - expected).mean(axis=1, keepdims=True) / slope
    return float(level.std())


def _company(
    customers: int, months: int, swing: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Labels, scores, ids and as-of dates of all rows; a month's shock has mean-one odds."""
    spread = swing * np.sqrt(_WINDOW)
    shock = rng.normal(0, spread, months + _WINDOW + 1) - _WINDOW * swing**2 / 2
    eta = rng.normal(-3.9, 0.9, customers)
    leaves = np.full(customers, np.iinfo(np.int64).max)
    for month in range(1, months + _WINDOW + 1):
        goes = (leaves > month) & (rng.random(customers) < expit(eta + shock[month]))
        leaves[goes] = month
    who, when = np.nonzero(leaves[:, np.newaxis] > np.arange(months))
    order = np.lexsort((who, when))
    who, when = who[order], when[order]
    y = (leaves[who] <= when + _WINDOW).astype(np.int8)
    chance = (1 - (1 - expit(eta)) ** _WINDOW)[who]
    p = expit(_SHIFT + _SLOPE * logit(chance))
    ids = np.array([f"c{number:06d}" for number in range(customers)], dtype=object)[who]
    return y, p, ids, (np.datetime64("2022-01", "M") + when).astype("datetime64[D]")
