"""Calibration by subgroup: each product line and each month."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from models.dataset.array_types import Floats, Labels, Mask, Texts
from models.dataset.examples import Examples
from models.metrics.bootstrap import Interval, bootstrap
from models.metrics.scorecard import scorecard


@dataclass(frozen=True, slots=True)
class SubgroupCalibration:
    """Observed and predicted leaving in one part of the test rows.

    ``part`` is ``all``, ``product_line=…`` or ``month=YYYY-MM`` (of the as-of date). ``observed``
    is the share that left, with its interval over customers; ``predicted`` the mean probability.
    Slope and intercept are the scorecard's, None where the part has one class only.
    """

    part: str
    n: int
    leavers: int
    observed: Interval
    predicted: float
    slope: Interval | None
    intercept: Interval | None


def calibration_by_subgroup(
    test: Examples, p: Floats, replicates: int = 200
) -> tuple[SubgroupCalibration, ...]:
    """All rows, then each product line and each month, in order; ``p`` has shape (n,)."""
    return tuple(
        _part(name, test.y[rows], p[rows], test.customer_id[rows], replicates)
        for name, rows in _parts(test)
    )


def _parts(test: Examples) -> Iterator[tuple[str, Mask]]:
    yield "all", np.ones(len(test), dtype=bool)
    lines = test.product_line.astype(str)
    for line in np.unique(lines):
        yield f"product_line={line}", lines == line
    months = test.as_of.astype("datetime64[M]")
    for month in np.unique(months):
        yield f"month={month}", months == month


def _part(
    name: str, y: Labels, p: Floats, customer_id: Texts, replicates: int
) -> SubgroupCalibration:
    left = y.astype(np.float64)
    with np.errstate(invalid="ignore"):
        observed = bootstrap(lambda w: w @ left / w.sum(axis=1), customer_id, replicates)
    both = 0 < int(y.sum()) < len(y)
    card = scorecard(y, p, customer_id, replicates) if both else {}
    return SubgroupCalibration(
        part=name,
        n=len(y),
        leavers=int(y.sum()),
        observed=observed,
        predicted=float(p.mean()),
        slope=card.get("calibration_slope"),
        intercept=card.get("calibration_intercept"),
    )
