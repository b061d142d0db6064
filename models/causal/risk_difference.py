"""Stratified risk difference between two arms, its interval, and sample size.

Mantel and Haenszel's risk difference with the variance of Sato (1989, Biometrics 45), which holds
for few large strata and for many small ones. The interval inverts the test with that variance at
each difference (Klingenberg 2014, Statistics in Medicine 33), as Wilson's does for one share: it
holds for few events, where value ± 1.96 standard errors does not.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from models.dataset.array_types import Floats, Mask, Texts
from models.metrics.bootstrap import Interval


@dataclass(frozen=True, slots=True)
class Strata:
    """Customers and leavers of each arm by stratum, all float64 (k,)."""

    treated: Floats
    treated_left: Floats
    held_out: Floats
    held_out_left: Floats

    @staticmethod
    def count(treat: Mask, left: Mask, stratum: Texts) -> "Strata":
        """Of rows (n,): who was drawn for treatment, who left, and which stratum each is in."""
        code, names = pd.factorize(stratum)
        size = len(names)
        arms = (treat, treat & left, ~treat, ~treat & left)
        return Strata(*(np.bincount(code[a], minlength=size).astype(np.float64) for a in arms))

    @property
    def compared(self) -> bool:
        """Whether some stratum has customers of both arms."""
        return bool(((self.treated > 0) & (self.held_out > 0)).any())


def risk_difference(strata: Strata, confidence: float = 0.95) -> Interval:
    """Share of the treated that left minus that of the held out, equally risky ones compared.

    Strata without either arm say nothing. NaN from −1 to 1 when no stratum has both.
    """
    if not strata.compared:
        return Interval(math.nan, -1.0, 1.0)
    n1, x1, n0, x0 = strata.treated, strata.treated_left, strata.held_out, strata.held_out_left
    n = n1 + n0
    weight = float((n1 * n0 / n).sum())
    value = float(((x1 * n0 - x0 * n1) / n).sum()) / weight
    # Sato: the variance of the value is a·value + b.
    a = float(((n1**2 * x0 - n0**2 * x1 + n1 * n0 * (n0 - n1) / 2) / n**2).sum()) / weight**2
    b = float(((x1 * (n0 - x0) + x0 * (n1 - x1)) / (2 * n)).sum()) / weight**2
    z2 = float(norm.isf((1 - confidence) / 2)) ** 2
    middle = value + z2 * a / 2
    half = math.sqrt(max(middle**2 - value**2 + z2 * b, 0.0))
    return Interval(
        value, max(min(middle - half, value), -1.0), min(max(middle + half, value), 1.0)
    )


def power(base: float, change: float, treated: int, held_out: int, confidence: float) -> float:
    """Chance that the interval leaves out 0 when treatment changes ``base`` by a share of it.

    0 while an arm is empty or nobody leaves.
    """
    if min(treated, held_out) == 0 or base <= 0:
        return 0.0
    spread = math.sqrt(_spread(base, change, 1 / treated, 1 / held_out))
    z = float(norm.isf((1 - confidence) / 2))
    return float(norm.cdf(base * abs(change) / spread - z))


def required_customers(
    base: float, change: float, held_out_share: float, target: float, confidence: float
) -> int | None:
    """Customers of both arms together for which ``power`` reaches ``target``.

    None while nobody leaves or an arm is empty: then no number can be told.
    """
    if not 0 < held_out_share < 1 or base <= 0:
        return None
    spread = _spread(base, change, 1 / (1 - held_out_share), 1 / held_out_share)
    z = float(norm.isf((1 - confidence) / 2)) + float(norm.ppf(target))
    return math.ceil(spread * (z / (base * change)) ** 2)


def _spread(base: float, change: float, per_treated: float, per_held_out: float) -> float:
    changed = min(base * (1 + change), 1.0)
    return changed * (1 - changed) * per_treated + base * (1 - base) * per_held_out
