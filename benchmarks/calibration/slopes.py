"""Calibration slopes by month and product line, and how many chance alone would throw out."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit
from scipy.stats import norm

from benchmarks import markdown
from benchmarks.calibration.company import Company
from benchmarks.calibration.level import Month, kept, refitted
from models.dataset.array_types import Floats, Labels, Texts
from models.metrics.logistic import fit_line

LOW, HIGH = 0.9, 1.1
_SURE = 1.96


@dataclass(frozen=True, slots=True)
class Slope:
    """A slope and its standard error."""

    value: float
    error: float

    @property
    def inside(self) -> bool:
        """Whether it lies in the band."""
        return LOW <= self.value <= HIGH

    @property
    def surely_outside(self) -> bool:
        """Whether its whole 95 % interval lies outside the band."""
        reach = _SURE * self.error
        return self.value + reach < LOW or self.value - reach > HIGH

    @property
    def by_chance(self) -> float:
        """The chance of being inside if the true slope is 1."""
        return float(norm.cdf(HIGH, 1, self.error) - norm.cdf(LOW, 1, self.error))


def slope(z: Floats, y: Labels, customer_id: Texts) -> Slope:
    """The slope of the outcomes on log-odds; its error counts a customer's rows as one."""
    intercept, value = fit_line(z, y.astype(np.float64))
    p = expit(intercept + value * z)
    told = p * (1 - p)
    away = z - np.average(z, weights=told)
    _, number = np.unique(customer_id.astype(str), return_inverse=True)
    pull = np.bincount(number, weights=(y - p) * away)
    return Slope(value, float(np.sqrt((pull**2).sum()) / (told @ away**2)))


def table(company: Company) -> str:
    """Slopes by product line, kept and refitted, as a Markdown table; then the strays."""
    rows, strays = [], []
    ways = {"kept": kept(company, 0.0), "refitted": refitted(company, 0.0, open_months=True)}
    for way, months in ways.items():
        later = list(months)
        for line in np.unique(company.product_line.astype(str)):
            parts = [_outcomes(month, line) for month in later]
            found = [slope(*part) for part in parts]
            every = slope(*map(np.concatenate, zip(*parts, strict=True)))
            sure = [m for m, s in zip(later, found, strict=True) if s.surely_outside]
            strays += [f"{way}, {line}: {month.day:%Y-%m}" for month in sure]
            inside = f"{sum(s.inside for s in found)} of {len(found)}"
            chance = f"{sum(s.by_chance for s in found):.1f}"
            leavers = f"{np.mean([y.sum() for _, y, _ in parts]):.0f}"
            slope_of_all = f"{every.value:.3f} ± {_SURE * every.error:.3f}"
            rows.append((line, way, leavers, inside, chance, len(sure), slope_of_all))
    header = "product line | calibration | leavers a month | months inside 0.9 to 1.1"
    header += " | inside by chance alone | surely outside | all months together"
    table = markdown.table(header, rows)
    return f"{table}\n\nSurely outside: {'; '.join(strays) or 'none'}"


def _outcomes(month: Month, line: str) -> tuple[Floats, Labels, Texts]:
    """Log-odds, outcomes and customers of a product line in a month."""
    rows = month.rows.take(month.rows.product_line == line)
    z = month.calibration.log_odds(rows.raw, rows.product_line)
    return z, rows.y, rows.customer_id
