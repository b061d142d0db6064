"""Calibration of log-odds by product line (Cox 1958; Platt 1999).

Each product line has its own line, shrunk towards the common one, since most have few leavers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field
from scipy.special import expit

from features.errors import GateError
from models.dataset.array_types import Floats, Labels, Texts
from models.metrics.logistic import fit_line, ridge_line

LEVEL_WEIGHT = 20.0
SLOPE_WEIGHT = 100.0
_SAME = 1e-9
Slope = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Intercept = Annotated[float, Field(allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class Platt:
    """Log-odds = intercept + slope · what is given."""

    slope: Slope = 1.0
    intercept: Intercept = 0.0

    def after(self, first: "Platt") -> "Platt":
        """The line that applies ``first`` and then this one.

        >>> Platt(2.0, 1.0).after(Platt(0.5, 3.0))
        Platt(slope=1.0, intercept=7.0)
        """
        return Platt(self.slope * first.slope, self.intercept + self.slope * first.intercept)

    def at(self, raw: float) -> float:
        return self.intercept + self.slope * raw

    def shifted(self, by: float) -> "Platt":
        """The line with all log-odds moved by ``by``."""
        return Platt(self.slope, self.intercept + by)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Calibrated log-odds = intercept + slope · raw, by the customer's product line.

    ``slope`` and ``intercept`` are the common line: it holds for a product line that
    ``product_lines`` does not name, and where none is known. Contributions scale by the slope.
    """

    slope: Slope = 1.0
    intercept: Intercept = 0.0
    product_lines: Mapping[str, Platt] = field(default_factory=dict)

    @property
    def common(self) -> Platt:
        return Platt(self.slope, self.intercept)

    def line(self, name: str) -> Platt:
        """The product line's own line, or the common one."""
        return self.product_lines.get(name, self.common)

    def equals(self, other: "Calibration") -> bool:
        """Whether every line's slope and intercept are the other's within 1e-9."""
        names = {*self.product_lines, *other.product_lines}
        pairs = [(self.common, other.common), *((self.line(n), other.line(n)) for n in names)]
        return all(
            abs(a.slope - b.slope) < _SAME and abs(a.intercept - b.intercept) < _SAME
            for a, b in pairs
        )

    def shifted(self, by: float) -> "Calibration":
        """All lines with their log-odds moved by ``by``."""
        lines = {name: line.shifted(by) for name, line in self.product_lines.items()}
        return Calibration(self.slope, self.intercept + by, lines)

    def terms(self, product_line: Texts | None, rows: int) -> tuple[Floats, Floats]:
        """Slope and intercept of each row, both (rows,); None: the common line for all."""
        slopes, intercepts = np.full(rows, self.slope), np.full(rows, self.intercept)
        if product_line is not None:
            for name, line in self.product_lines.items():
                here = product_line == name
                slopes[here], intercepts[here] = line.slope, line.intercept
        return slopes, intercepts

    def log_odds(self, raw: Floats, product_line: Texts | None = None) -> Floats:
        """Calibrated log-odds, float64, shape of ``raw`` (n,), as is ``product_line``."""
        slopes, intercepts = self.terms(product_line, len(raw))
        return intercepts + slopes * raw

    def apply(self, raw: Floats, product_line: Texts | None = None) -> Floats:
        """Probabilities, float64, shape of ``raw``."""
        return np.asarray(expit(self.log_odds(raw, product_line)), dtype=np.float64)


def fit_by_product_line(raw: Floats, product_line: Texts, y: Labels) -> Calibration:
    """The common line of ``fit_platt`` and each product line's own, shrunk towards it.

    Raises ``GateError`` when only one class is present.
    """
    return with_product_lines(fit_platt(raw, y), raw, product_line, y)


def with_product_lines(
    start: Calibration, raw: Floats, product_line: Texts, y: Labels
) -> Calibration:
    """``start`` with each product line in the rows moved from where ``start`` has it.

    The ridge's penalty is the information that 20 leavers hold on the level and 100 on the slope
    (at a spread of 1 in log-odds): a line with few leavers stays where it was, one with
    thousands goes its own way, and no number of leavers switches from one rule to another. A
    line without leavers has a finite place too.
    """
    z = start.log_odds(raw, product_line)
    lines = dict(start.product_lines)
    for name in sorted(pd.unique(product_line[pd.notna(product_line)])):
        here = product_line == name
        updated = fit_near_identity(z[here], y[here], LEVEL_WEIGHT)
        lines[str(name)] = updated.after(start.line(name))
    return Calibration(start.slope, start.intercept, lines)


def update_calibration(
    parent: Calibration, raw: Floats, product_line: Texts, y: Labels
) -> Calibration:
    """``parent`` moved to newer rows: all lines together first, then each product line.

    Together the level is free, for the level is what drifts, and the slope is shrunk towards the
    parent's. Raises ``GateError`` when only one class is present.
    """
    _class_counts(y)
    together = fit_near_identity(parent.log_odds(raw, product_line), y, level_weight=0.0)
    common = together.after(parent.common)
    lines = {name: together.after(line) for name, line in parent.product_lines.items()}
    updated = Calibration(common.slope, common.intercept, lines)
    return with_product_lines(updated, raw, product_line, y)


def fit_near_identity(z: Floats, y: Labels, level_weight: float) -> Platt:
    """The line of calibrated log-odds ``z`` (n,) nearest to 1 · z + 0 that fits ``y``.

    Where the slope would be zero or below, only the level is moved, as in ``fit_platt``.
    """
    target = y.astype(np.float64)
    intercept, slope = ridge_line(z, target, level_weight, SLOPE_WEIGHT)
    if slope <= 0:
        intercept, slope = ridge_line(z, target, level_weight, np.inf)
    return Platt(slope, intercept)


def fit_platt(raw: Floats, y: Labels) -> Calibration:
    """Slope and intercept of maximum likelihood, with the smoothed targets of Platt (1999).

    Where the scores do not rank at all (a slope of zero or below), turning them upside down
    would hide it: only the level is corrected, and the promotion gate sees the bad slope.
    Raises ``GateError`` when only one class is present.
    """
    positives, negatives = _class_counts(y)
    target = np.where(y == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    intercept, slope = fit_line(raw, target)
    return Calibration(slope, intercept) if slope > 0 else fit_shift(raw, y)


def fit_shift(raw: Floats, y: Labels) -> Calibration:
    """Slope 1 and the intercept at which the mean probability equals the observed rate.

    Raises ``GateError`` when only one class is present.
    """
    _class_counts(y)
    return Calibration(1.0, ridge_line(raw, y.astype(np.float64), 0.0, np.inf)[0])


def _class_counts(y: Labels) -> tuple[int, int]:
    positives = int(y.sum())
    if positives in (0, len(y)):
        raise GateError(
            f"All {len(y)} calibration rows have the same label. Take in a longer history, or "
            "check how outcomes are mapped: stille check."
        )
    return positives, len(y) - positives
