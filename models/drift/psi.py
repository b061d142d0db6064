"""Input and score drift: population stability index (PSI), shift of the mean, missingness.

With many rows any difference is significant, so these are effect sizes and no tests. Unknown values
are one more bin. Subtracted from the index are what it would be by chance alone, and what
training dates usually differ by. The shift of the mean is in standard deviations of training.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from models.dataset.array_types import Floats, Matrix
from models.dataset.feature_spec import FeatureSpec, category_codes, column_of, refuse_missing
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


_BY_CHANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Missingness:
    """One feature's share of nulls, now and in training, and of words unknown to the model.

    Shares are of all rows, from 0 to 1. ``emptied``: no row has a value, and a cohort of this
    size drawn from the training rows would have had one (but for a chance of one in a million).
    """

    name: str
    kind: Literal["number", "category"]
    null_share: float
    trained_share: float
    unknown_share: float
    emptied: bool

    @property
    def rise(self) -> float:
        """Nulls now less those in training."""
        return self.null_share - self.trained_share


def count_missing(spec: FeatureSpec, frame: pd.DataFrame) -> pd.DataFrame:
    """``rows``, ``known`` and ``unknown`` (words) of ``frame``, by each column of the spec.

    Counts of parts of a cohort add up. Raises ``ModelError`` when a column of the spec is missing
    or appears twice, or when a category holds something else than text.
    """
    refuse_missing(spec.names, list(frame.columns))
    counted = []
    for column in spec.columns:
        values = column_of(frame, column.name)
        known, unknown = values.notna(), 0
        if column.kind == "category":
            coded = ~np.isnan(category_codes(values, column.vocabulary))
            unknown = int((known & ~coded).sum())
        counted.append((len(values), int(known.sum()), unknown))
    return pd.DataFrame(counted, [*spec.names], ["rows", "known", "unknown"])


def missingness(spec: FeatureSpec, counts: pd.DataFrame) -> list[Missingness]:
    """How a cohort is filled, for each column of which the training share is known.

    ``counts`` as ``count_missing`` gives them.
    """
    found = []
    for column in spec.columns:
        trained = column.null_share
        if trained is None:
            continue
        rows, known, unknown = map(float, counts.loc[column.name].to_numpy())
        emptied = known == 0 and trained**rows < _BY_CHANCE
        shares = (1 - known / max(rows, 1), trained, unknown / max(rows, 1))
        found.append(Missingness(column.name, column.kind, *shares, emptied))
    return found
