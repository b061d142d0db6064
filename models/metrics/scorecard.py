"""Scorecard: ranking and calibration metrics with cluster-bootstrap intervals."""

from collections.abc import Callable

import numpy as np

from features.errors import GateError
from models.dataset.array_types import Floats, Index, Labels
from models.metrics import logistic
from models.metrics.bootstrap import Interval, Rows, draws, interval
from models.metrics.ranking import Ranked, auc, average_precision, count, recall_at

SHARES = (0.01, 0.05, 0.10)
_BINS = 10
_STEPS = 2
_ERROR = "calibration_error"
AIMS = {"calibration_slope": 1.0, "calibration_intercept": 0.0}
"""Metrics that are best at a value, and neither high nor low."""


def scorecard(rows: Rows, p: Floats) -> dict[str, Interval]:
    """Metrics of probabilities ``p`` (n,) against the labels of ``rows``.

    Keys: auc, average_precision, log_loss, brier, calibration_slope (joint fit with an
    intercept; NaN when all ``p`` are equal), calibration_intercept (slope held at 1: the level
    error in log-odds), calibration_error (root mean square of predicted − observed over ten
    quantile bins, less what chance gives), lift@1%, lift@5%, lift@10%, recall@1%, recall@5%,
    recall@10% (ties split fractionally).

    Each replicate draws every customer Poisson(1) times with all its rows, and the ``shocks`` of
    their months; the interval is the 2.5th to 97.5th percentile, for calibration_error that of
    ``_error_behind``. Slope and intercept take two Newton steps from the sample's fit. Raises
    ``GateError`` when only one class is present or a probability is not in [0, 1].
    """
    value, drawn = _replicates(rows, p)
    return {
        name: _error_behind(at, drawn[name]) if name == _ERROR else interval(float(at), drawn[name])
        for name, at in value.items()
    }


def differences(rows: Rows, a: Floats, b: Floats) -> dict[str, Interval]:
    """The scorecard of ``b`` less that of ``a``, probabilities (n,) of the same ``rows``.

    Paired: both are measured in every replicate of ``scorecard``. Of ``AIMS`` it is the difference
    of the distances from the aim. Without calibration_error, whose chance is taken off each by
    itself. Raises as ``scorecard`` does.
    """
    both = [_replicates(rows, p) for p in (a, b)]
    found = {}
    for name in both[0][0].keys() - {_ERROR}:
        pairs = ((value[name], drawn[name]) for value, drawn in both)
        if name in AIMS:
            pairs = ((abs(value - AIMS[name]), abs(drawn - AIMS[name])) for value, drawn in pairs)
        (value_a, drawn_a), (value_b, drawn_b) = pairs
        found[name] = interval(float(value_b - value_a), drawn_b - drawn_a)
    return found


def _replicates(rows: Rows, p: Floats) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Each metric of ``p`` (n,) on ``rows``, and in every replicate of them, (replicates, …)."""
    order, metrics = _metrics_of(rows.y, p)
    ranked, value = rows.take(order), metrics(np.ones((1, len(rows))))
    batches = draws(ranked.customer_id, ranked.replicates, ranked.shocks)
    drawn = [metrics(weights) for weights in batches]
    return {name: at[0] for name, at in value.items()}, {
        name: np.concatenate([value[name][:0], *(draw[name] for draw in drawn)]) for name in value
    }


def measure(y: Labels, p: Floats) -> dict[str, float]:
    """The scorecard's values without intervals, and without calibration_error, which needs them."""
    one = _metrics_of(y, p)[1](np.ones((1, len(y))))
    return {name: float(value[0]) for name, value in one.items() if name != _ERROR}


def _error_behind(gaps: Floats, draws: Floats) -> Interval:
    """The calibration error behind the bins' ``gaps`` (bins,), by those of the ``draws`` (r, bins).

    Its square is that of the gaps less chance: the mean square by which draws move them (Kumar,
    Liang and Ma 2019). The truth lies a move from what was seen, so that true gaps λ u, u a
    direction, would have been seen as λ u - move. Its square is that of the gaps seen at the error

        λ = u·move + √((u·move)² + |gaps|² - |move|²), and 0 where there is none,

    whose percentiles invert the test of every λ (Carpenter 1999). The u of the truth is not known:
    each test takes that of gaps + 2 moves of another draw, as far as the truth can lie (hybrid
    resampling, Chuang and Lai 2000). The u of the gaps seen leaves out what chance hid of them.

    >>> f"{_error_behind(np.array([3.0, 4.0]), np.array([[3.0, 4.0], [6.0, 8.0]])):.1f}"
    '3.5 (3.5 to 10.0)'
    """
    moves = draws - gaps
    square, chance = float(gaps @ gaps), (moves**2).sum(axis=1)
    value = max(square - float(chance.sum()) / max(len(chance), 1), 0) ** 0.5
    behind = gaps + 2 * np.roll(moves, 1, axis=0)
    length = np.maximum(np.linalg.norm(behind, axis=1), np.finfo(float).tiny)
    along = (behind * moves).sum(axis=1) / length
    inside = along**2 + square - chance
    error = np.maximum(along + np.sqrt(np.maximum(inside, 0)), 0) * (inside >= 0)
    return interval(value, error)


def _metrics_of(y: Labels, p: Floats) -> tuple[Index, Callable[[Floats], dict[str, Floats]]]:
    """The ranked order (n,), and each metric by row weights (r, n), which are in that order."""
    if int(y.sum()) in (0, len(y)):
        raise GateError(
            f"All {len(y)} rows to judge have the same label: nothing can be measured. Choose a "
            "longer training.test_months or check the outcomes: stille check."
        )
    if not ((p >= 0) & (p <= 1)).all():
        raise GateError("A score to judge is not a probability between 0 and 1.")
    ranked = Ranked.of(y, p)
    sorted_p, target = p[ranked.order].astype(np.float64), ranked.y
    errors = np.column_stack([logistic.log_losses(target, sorted_p), (sorted_p - target) ** 2])
    edges = np.unique(np.quantile(sorted_p, np.linspace(0, 1, _BINS + 1)[1:-1], method="lower"))
    bins = np.searchsorted(-edges[::-1], -sorted_p, side="left")
    starts = np.flatnonzero(np.diff(bins, prepend=-1))
    z = logistic.logit(sorted_p)
    line = np.array(logistic.fit_line(z, target))
    level = np.array(logistic.ridge_line(z, target, 0.0, np.inf)[:1])
    one = np.ones((len(z), 1))
    lined, none = np.column_stack([one, z]), np.zeros(len(z))
    gap = 1 / (1 + np.exp(-z)) - target
    lengths = np.diff(starts, append=len(z))
    seen, share = np.add.reduceat(gap, starts) / lengths, lengths / len(z)

    def metrics(weights: Floats) -> dict[str, Floats]:
        counts = count(ranked, weights)
        recall = recall_at(counts, SHARES).T
        gaps, rows = (np.add.reduceat(w, starts, axis=1) for w in (weights * gap, weights))
        gaps = np.where(rows > 0, gaps / np.where(rows > 0, rows, 1), seen)
        with np.errstate(invalid="ignore", divide="ignore"):
            means = (weights @ errors) / weights.sum(axis=1, keepdims=True)
        return {
            "auc": auc(counts),
            "average_precision": average_precision(counts),
            "log_loss": means[:, 0],
            "brier": means[:, 1],
            "calibration_slope": logistic.newton(lined, none, target, weights, line, _STEPS)[:, 1],
            "calibration_intercept": logistic.newton(one, z, target, weights, level, _STEPS)[:, 0],
            _ERROR: gaps * share**0.5,
            **{f"lift@{s:.0%}": found / s for s, found in zip(SHARES, recall, strict=True)},
            **{f"recall@{s:.0%}": found for s, found in zip(SHARES, recall, strict=True)},
        }

    return ranked.order, metrics
