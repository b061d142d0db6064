"""Input and score drift: population stability index (PSI), shift of the mean, missingness.

With many rows any difference is significant, so these are effect sizes and no tests. Unknown values
are one more bin. Subtracted from the index are what it would be by chance alone, and what
training dates usually differ by. The shift of the mean is in standard deviations of training.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.dataset.array_types import Floats, Matrix
from models.dataset.feature_spec import FeatureSpec
from models.drift.reference import Distribution, Reference, counts_of, stability


@dataclass(frozen=True, slots=True)
class Drift:
    """One column against its reference.

    ``psi`` is the stability index ``raw`` less ``by_chance``, what samples of these sizes give
    when nothing moved, and less ``usual``, what months differ by; at least 0. ``shift`` is the
    difference of the means in standard deviations of training (0 for a category or without known
    values). ``null_then`` and ``null_now`` are shares.
    """

    name: str
    driver: str
    family: str
    psi: float
    raw: float
    by_chance: float
    usual: float
    shift: float
    null_then: float
    null_now: float


def feature_drift(x: Matrix, spec: FeatureSpec, reference: Reference) -> tuple[Drift, ...]:
    """Each feature of an encoded matrix (n, f), n > 0, greatest drift first, ties by name.

    A feature that the reference does not know is left out.
    """
    drifts = [
        _drift(
            (column.name, column.driver, column.family),
            x[:, i],
            reference.features[column.name],
            reference.rows,
            mean_counts=column.kind == "number",
        )
        for i, column in enumerate(spec.columns)
        if column.name in reference.features
    ]
    return tuple(sorted(drifts, key=lambda drift: (-drift.psi, drift.name)))


def score_drift(p: Floats, reference: Reference) -> Drift:
    """Probabilities (n,), n > 0, against the out-of-time scores of training."""
    names = ("churn_probability", "", "")
    return _drift(names, p, reference.scores, reference.scored, mean_counts=True)


def by_family(drifts: tuple[Drift, ...]) -> dict[str, float]:
    """The mean ``psi`` of each driver family's features, families in alphabetical order."""
    psi = pd.Series([drift.psi for drift in drifts], dtype="float64")
    means = psi.groupby([drift.family for drift in drifts]).mean()
    return {str(family): float(mean) for family, mean in means.items()}


def _drift(
    names: tuple[str, str, str],
    values: Floats | Matrix,
    then: Distribution,
    rows: int,
    *,
    mean_counts: bool,
) -> Drift:
    counts = counts_of(values, then.edges)
    before = np.array([*then.shares, then.null]) * max(rows, 1)
    index, by_chance = stability(counts, before)
    known = values[~np.isnan(values)]
    moves = mean_counts and len(known) > 0 and then.sd > 0
    shift = (float(known.mean(dtype=np.float64)) - then.mean) / then.sd if moves else 0.0
    psi = max(index - by_chance - then.usual, 0.0)
    null = float(counts[-1] / len(values))
    return Drift(*names, psi, index, by_chance, then.usual, shift, then.null, null)
