"""Logistic regression of one score, by Newton steps: log-odds of y = intercept + slope · z.

Weights have shape (r, n), one row per bootstrap replicate, so that all replicates are fitted
at once; results have shape (r,).
"""

from collections.abc import Callable

import numpy as np
from scipy.special import expit

from models.dataset.array_types import Floats, Labels

_FLAT = 1e-12


def logit(p: Floats) -> Floats:
    """Log-odds of probabilities, which are kept 1e-15 away from 0 and 1.

    >>> logit(np.array([0.5, 0.0])).round(1).tolist()
    [0.0, -34.5]
    """
    inside = np.clip(p, 1e-15, 1 - 1e-15)
    return np.asarray(np.log(inside) - np.log1p(-inside), dtype=np.float64)


def log_losses(y: Labels | Floats, p: Floats) -> Floats:
    """Log loss of each row in nats, (n,), of labels 0 or 1 and probabilities of label 1.

    Probabilities are kept 1e-15 away from 0 and 1; what is no probability gives NaN.

    >>> log_losses(np.array([1, 0]), np.array([0.5, 0.2])).round(4).tolist()
    [0.6931, 0.2231]
    """
    inside = np.clip(p, 1e-15, 1 - 1e-15)
    losses = -np.log(np.where(y == 1, inside, 1 - inside))
    return np.asarray(np.where((p >= 0) & (p <= 1), losses, np.nan), dtype=np.float64)


def base_rate_loss(y: Labels) -> float:
    """Mean log loss of the rows' own base rate, (n,): the least that one probability can have.

    >>> round(base_rate_loss(np.array([1, 0, 0, 0], dtype=np.int8)), 4)
    0.5623
    """
    return float(log_losses(y, np.full(len(y), y.mean())).mean())


def newton(
    design: Floats, offset: Floats, target: Floats, weights: Floats, start: Floats, steps: int
) -> Floats:
    """Coefficients (r, k) after ``steps`` Newton steps from ``start`` (k,).

    Log-odds are ``offset`` (n,) + ``design`` (n, k) · coefficients. All replicates take the first
    step from the same place: only further ones cost an exponential for each row and replicate.
    """
    size = design.shape[1]
    pairs = (design[:, :, None] * design[:, None, :]).reshape(len(design), size * size)
    at = start[None, :]
    for _ in range(steps):
        p = expit(offset + at @ design.T)
        gradient = (weights * (target - p)) @ design
        curve = ((weights * (p * (1 - p))) @ pairs).reshape(-1, size, size)
        step = np.linalg.solve(curve + _FLAT * np.eye(size), gradient[:, :, None])
        at = at + step[:, :, 0]
    return at


def fit_line(z: Floats, target: Floats) -> tuple[float, float]:
    """(intercept, slope) of the maximum likelihood; (nan, nan) when ``z`` does not vary.

    Of standardised ``z``, so that it converges from any scale.
    """
    centre, spread = float(z.mean()), float(z.std())
    if spread < _FLAT:
        return float("nan"), float("nan")
    intercept, slope = ridge_line((z - centre) / spread, target, 0.0, 0.0)
    return intercept - slope * centre / spread, slope / spread


def ridge_line(
    z: Floats, target: Floats, level_weight: float, slope_weight: float
) -> tuple[float, float]:
    """(intercept, slope) of log-odds = intercept + slope · z, shrunk towards 0 and 1.

    Maximises the log-likelihood less ½ · ``level_weight`` · (change of the log-odds at the
    centre)² and ½ · ``slope_weight`` · (slope − 1)². The centre is the rows' mean, weighted by
    their information p(1 − p), so that level and slope are about independent. An infinite
    ``slope_weight`` fixes the slope at 1: with no ``level_weight`` the mean prediction is the mean
    target then. Newton steps, halved until the loss falls.
    """
    p = expit(z)
    centre = float(np.average(z, weights=np.maximum(p * (1 - p), _FLAT)))
    fixed = np.isinf(slope_weight)
    away = np.zeros_like(z) if fixed else z - centre
    weights = np.array([level_weight, 1.0 if fixed else slope_weight])

    def step(at: Floats) -> Floats:
        p = expit(z + at[0] + at[1] * away)
        gap, curve = target - p, p * (1 - p)
        gradient = np.array([gap.sum(), gap @ away]) - weights * at
        cross = curve @ away
        bend = np.array([[curve.sum(), cross], [cross, curve @ away**2]]) + np.diag(weights)
        return np.asarray(np.linalg.solve(bend + _FLAT * np.eye(2), gradient), dtype=np.float64)

    def loss(at: Floats) -> float:
        log_odds = z + at[0] + at[1] * away
        losses = np.logaddexp(0, log_odds) - target * log_odds
        return float(losses.sum() + weights @ at**2 / 2)

    at = descend(np.zeros(2), step, loss)
    return float(at[0] - at[1] * centre), float(1 + at[1])


def descend(
    at: Floats, step_from: Callable[[Floats], Floats], loss: Callable[[Floats], float]
) -> Floats:
    """Damped Newton: at most 100 steps, each halved until the loss (≥ 0) does not rise."""
    for _ in range(100):
        # Near the end a rise is rounding alone.
        step, now = step_from(at), loss(at) * (1 + _FLAT)
        while loss(at + step) > now and np.abs(step).max() > _FLAT:
            step = step / 2
        at = at + step
        if np.abs(step).max() < 1e-10:
            break
    return at
