"""Calibration (reliability) and cumulative gains curves as points.

Few enough to store with a run, so that two runs can be drawn together.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from models.dataset.array_types import Floats, Labels, Texts
from models.metrics.month_shocks import Shocks
from models.metrics.observed_expected import observed_expected_by
from models.metrics.ranking import Ranked, count

_BINS = 10
_POINTS = 101


@dataclass(frozen=True, slots=True)
class Bins:
    """Per tenth by risk that has rows: mean prediction, observed rate, its 95 % interval.

    That of observed over expected leavers, with the customers' and months' design.
    """

    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats


def calibration_bins(y: Labels, p: Floats, customer_id: Texts, shocks: Shocks = None) -> Bins:
    """Bins of labels and probabilities above 0, both (n,); tied scores share a bin."""
    edges = np.unique(np.quantile(p, np.linspace(0, 1, _BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, p, side="left")
    found = observed_expected_by(bins.astype(object), y, p, customer_id, shocks)
    predicted = np.array([each.expected / each.rows for each in found])
    rates = np.array([each.rate for each in found])
    ends = np.array([[each.ratio.low, each.ratio.high] for each in found]).T * predicted
    # At 0 leavers the lower end is equal to the observed share, but for rounding.
    return Bins(predicted, rates, np.minimum(ends[0], rates), np.clip(ends[1], rates, 1))


def gains_curve(y: Labels, p: Floats) -> tuple[Floats, Floats]:
    """Share contacted and share of the leavers found, from 0 to 1, ties split fractionally."""
    counts = count(Ranked.of(y, p), np.ones((1, len(y))))
    share = counts.every_above[0] / counts.every_above[0, -1]
    found = counts.positive_above[0] / counts.positive_above[0, -1]
    return share, found


def points(y: Labels, p: Floats, bins: Bins) -> Mapping[str, Mapping[str, list[float]]]:
    """Calibration ``bins`` and gains curve as plain numbers; the gains at every hundredth."""
    share = np.linspace(0, 1, _POINTS)
    curves = {
        "calibration": asdict(bins),
        "gains": {"share": share, "found": np.interp(share, *gains_curve(y, p))},
    }
    return {
        curve: {name: values.tolist() for name, values in columns.items()}
        for curve, columns in curves.items()
    }
