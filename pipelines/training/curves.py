"""Calibration (reliability) and cumulative gains curves as points.

Few enough to store with a run, so that two runs can be drawn together.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from models.dataset.array_types import Floats, Labels
from models.metrics.ranking import Ranked, count

_BINS = 10
_POINTS = 101
_Z95 = 1.96


@dataclass(frozen=True, slots=True)
class Bins:
    """Per tenth by risk that has rows: mean prediction, observed rate, its 95 % Wilson bounds."""

    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats


def calibration_bins(y: Labels, p: Floats) -> Bins:
    """Bins of labels and probabilities, both (n,); tied scores share a bin."""
    edges = np.unique(np.quantile(p, np.linspace(0, 1, _BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, p, side="left")
    rows = np.bincount(bins)
    used = rows > 0
    n = rows[used].astype(np.float64)
    predicted = np.bincount(bins, weights=p)[used] / n
    observed = np.bincount(bins, weights=y)[used] / n
    widened = 1 + _Z95**2 / n
    centre = (observed + _Z95**2 / (2 * n)) / widened
    half = _Z95 * np.sqrt(observed * (1 - observed) / n + _Z95**2 / (4 * n * n)) / widened
    # At 0 and 1 the ends are equal to the observed share, but for rounding.
    low, high = np.minimum(centre - half, observed), np.maximum(centre + half, observed)
    return Bins(predicted, observed, low, high)


def gains_curve(y: Labels, p: Floats) -> tuple[Floats, Floats]:
    """Share contacted and share of the leavers found, from 0 to 1, ties split fractionally."""
    counts = count(Ranked.of(y, p), np.ones((1, len(y))))
    share = counts.every_above[0] / counts.every_above[0, -1]
    found = counts.positive_above[0] / counts.positive_above[0, -1]
    return share, found


def points(y: Labels, p: Floats) -> Mapping[str, Mapping[str, list[float]]]:
    """Both curves as plain numbers; the gains at every hundredth."""
    share = np.linspace(0, 1, _POINTS)
    curves = {
        "calibration": asdict(calibration_bins(y, p)),
        "gains": {"share": share, "found": np.interp(share, *gains_curve(y, p))},
    }
    return {
        curve: {name: values.tolist() for name, values in columns.items()}
        for curve, columns in curves.items()
    }
