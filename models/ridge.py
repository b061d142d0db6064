"""A line of log-odds fitted near the line that the scores are already on."""

import numpy as np
from scipy.special import expit

from models.arrays import Floats

_FLAT = 1e-12


def ridge_line(
    z: Floats, target: Floats, level_weight: float, slope_weight: float
) -> tuple[float, float]:
    """(intercept, slope) of log-odds = intercept + slope · z, shrunk towards 0 and 1.

    Maximises the log-likelihood less ½ · ``level_weight`` · (change of the log-odds at the
    centre)² and ½ · ``slope_weight`` · (slope − 1)². The centre is the rows' mean, weighted by
    their information p(1 − p), so that level and slope are about independent. An infinite
    ``slope_weight`` holds the slope at 1. Newton steps, halved until the loss falls.
    """
    p = expit(z)
    centre = float(np.average(z, weights=np.maximum(p * (1 - p), _FLAT)))
    held = np.isinf(slope_weight)
    away = np.zeros_like(z) if held else z - centre
    weights = np.array([level_weight, 1.0 if held else slope_weight])
    at = np.zeros(2)
    for _ in range(100):
        step = _step(at, z, away, target, weights)
        now = _loss(at, z, away, target, weights)
        while _loss(at + step, z, away, target, weights) > now and np.abs(step).max() > _FLAT:
            step = step / 2
        at = at + step
        if np.abs(step).max() < 1e-10:
            break
    return float(at[0] - at[1] * centre), float(1 + at[1])


def _step(at: Floats, z: Floats, away: Floats, target: Floats, weights: Floats) -> Floats:
    p = expit(z + at[0] + at[1] * away)
    gap, curve = target - p, p * (1 - p)
    gradient = np.array([gap.sum(), gap @ away]) - weights * at
    cross = curve @ away
    bend = np.array([[curve.sum(), cross], [cross, curve @ away**2]]) + np.diag(weights)
    return np.asarray(np.linalg.solve(bend + _FLAT * np.eye(2), gradient), dtype=np.float64)


def _loss(at: Floats, z: Floats, away: Floats, target: Floats, weights: Floats) -> float:
    score = z + at[0] + at[1] * away
    return float((np.logaddexp(0, score) - target * score).sum() + weights @ at**2 / 2)
