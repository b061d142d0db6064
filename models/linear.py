"""The design matrix of a linear model: every value known, bounded and on one scale."""

from dataclasses import dataclass

import numpy as np

from models.arrays import Floats, Index, Matrix
from models.examples import Examples

_CLIP = (0.01, 0.99)


@dataclass(frozen=True, slots=True)
class Design:
    """Learned on training rows: per number its median, bounds, mean and scale; which numbers
    were ever missing; per category its number of values."""

    numbers: Index
    median: Floats
    low: Floats
    high: Floats
    mean: Floats
    scale: Floats
    gaps: Index
    categories: tuple[tuple[int, int], ...]

    @staticmethod
    def learn(train: Examples) -> "Design":
        """Medians, the 1st and 99th percentiles as bounds, then mean and spread within them.

        Numbers that do not vary within their bounds are left out.
        """
        spec = train.spec
        kinds = np.array([column.kind == "number" for column in spec.columns], dtype=bool)
        seen = ~np.isnan(train.x).all(axis=0)
        numbers = np.flatnonzero(kinds & seen)
        cuts = np.nanquantile(train.x[:, numbers].astype(np.float64), (0.5, *_CLIP), axis=0)
        median, low, high = cuts
        known = _filled(train.x, numbers, median, low, high)
        scale = known.std(axis=0)
        kept = scale > 1e-9
        gaps = np.isnan(train.x).any(axis=0) & kinds & seen
        return Design(
            numbers[kept],
            median[kept],
            low[kept],
            high[kept],
            known.mean(axis=0)[kept],
            scale[kept],
            np.flatnonzero(gaps),
            tuple((i, len(spec.columns[i].vocabulary)) for i in spec.categories),
        )

    def columns(self, x: Matrix) -> Floats:
        """Standardised numbers, missing flags, one-hot categories: float64, (n, width)."""
        known = _filled(x, self.numbers, self.median, self.low, self.high)
        parts = [(known - self.mean) / self.scale, np.isnan(x[:, self.gaps]).astype(np.float64)]
        parts += [(x[:, [i]] == np.arange(size)).astype(np.float64) for i, size in self.categories]
        parts.append(np.zeros((len(x), 1)))
        return np.hstack(parts)


def _filled(x: Matrix, numbers: Index, median: Floats, low: Floats, high: Floats) -> Floats:
    values = x[:, numbers].astype(np.float64)
    known = np.where(np.isnan(values), median, values)
    return np.asarray(np.clip(known, low, high), dtype=np.float64)
