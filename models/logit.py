"""Weighted logistic fits of one score: log-odds of y = intercept + slope · z, by Newton steps.

Weights have shape (r, n), one row per bootstrap replicate, so that all replicates are fitted
at once; results have shape (r,).
"""

import numpy as np
from scipy.special import expit

from models.arrays import Floats

_FLAT = 1e-12


def logit(p: Floats) -> Floats:
    """Log-odds of probabilities, which are kept 1e-15 away from 0 and 1."""
    inside = np.clip(p, 1e-15, 1 - 1e-15)
    return np.asarray(np.log(inside) - np.log1p(-inside), dtype=np.float64)


def newton_line(
    z: Floats, target: Floats, weights: Floats, start: tuple[float, float], steps: int
) -> tuple[Floats, Floats]:
    """(intercepts, slopes) after ``steps`` Newton steps from ``start`` (intercept, slope).

    All replicates take the first step from the same place: it is one product of matrices, and
    only further ones cost an exponential for each row and replicate.
    """
    square = z * z
    p = expit(start[0] + start[1] * z)
    residual, curve = target - p, p * (1 - p)
    parts = np.column_stack([residual, residual * z, curve, curve * z, curve * square])
    intercept, slope = _moved(np.array(start), weights @ parts)
    for _ in range(steps - 1):
        p = expit(intercept[:, None] + slope[:, None] * z)
        residual, curve = weights * (target - p), weights * (p * (1 - p))
        sums = (residual.sum(axis=1), residual @ z, curve.sum(axis=1), curve @ z, curve @ square)
        intercept, slope = _moved(np.stack([intercept, slope]), np.stack(sums, axis=1))
    return intercept, slope


def _moved(at: Floats, sums: Floats) -> tuple[Floats, Floats]:
    """One step from ``at`` (2,) or (2, r), by gradient and curvature, (r, 5)."""
    g0, g1, h00, h01, h11 = sums.T
    det = h00 * h11 - h01 * h01
    safe = np.where(det > _FLAT, det, np.inf)
    return at[0] + (h11 * g0 - h01 * g1) / safe, at[1] + (h00 * g1 - h01 * g0) / safe


def newton_shift(z: Floats, target: Floats, weights: Floats, start: float, steps: int) -> Floats:
    """Intercepts with the slope held at 1, after ``steps`` Newton steps from ``start``."""
    p = expit(start + z)
    sums = weights @ np.column_stack([target - p, p * (1 - p)])
    intercept = start + sums[:, 0] / np.maximum(sums[:, 1], _FLAT)
    for _ in range(steps - 1):
        p = expit(intercept[:, None] + z)
        gradient = (weights * (target - p)).sum(axis=1)
        curve = (weights * (p * (1 - p))).sum(axis=1)
        intercept = intercept + gradient / np.maximum(curve, _FLAT)
    return np.asarray(intercept, dtype=np.float64)


def fit_line(z: Floats, target: Floats) -> tuple[float, float]:
    """(intercept, slope) of the maximum likelihood; (nan, nan) when ``z`` does not vary.

    Steps are halved until the loss falls, so it converges from any scale of ``z``.
    """
    centre, spread = float(z.mean()), float(z.std())
    if spread < _FLAT:
        return float("nan"), float("nan")
    scaled = (z - centre) / spread
    at = np.array([logit(np.array([target.mean()]))[0], 0.0])
    one = np.ones((1, len(z)))
    for _ in range(50):
        a, b = newton_line(scaled, target, one, (at[0], at[1]), 1)
        step = np.array([a[0], b[0]]) - at
        now = _loss(at, scaled, target)
        while _loss(at + step, scaled, target) > now and np.abs(step).max() > _FLAT:
            step = step / 2
        at = at + step
        if np.abs(step).max() < 1e-10:
            break
    slope = at[1] / spread
    return float(at[0] - slope * centre), float(slope)


def fit_intercept(z: Floats, target: Floats) -> float:
    """The intercept of the maximum likelihood with the slope held at 1, for 0 < mean(target) < 1.

    The mean prediction rises with the intercept, so halving an interval finds it from any start.
    """
    wanted = float(target.mean())
    low, high = -float(z.max()) - 40.0, -float(z.min()) + 40.0
    for _ in range(100):
        middle = (low + high) / 2
        if float(expit(middle + z).mean()) < wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _loss(at: Floats, z: Floats, target: Floats) -> float:
    score = at[0] + at[1] * z
    return float((np.logaddexp(0, score) - target * score).sum())
