"""Stratified risk difference between two arms, the effect on those reached, and sample size.

Mantel and Haenszel's risk difference with the variance of Sato (1989, Biometrics 45), which holds
for few large strata and for many small ones. The interval inverts the test with that variance at
each difference (Klingenberg 2014, Statistics in Medicine 33), as Wilson's does for one share: it
holds for few events, where value ± 1.96 standard errors does not.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from models.dataset.array_types import Floats, Mask, Texts
from models.metrics.bootstrap import Interval
from models.metrics.sequential import sequential_power

ONE_LOOK = 1.959963984540054
"""Standard errors either way of a 95 % interval that is looked at once."""


@dataclass(frozen=True, slots=True)
class Strata:
    """Customers of each arm by stratum and the leavers among them, all float64 (k,)."""

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
    def weight(self) -> float:
        """Mantel and Haenszel's weights of the strata, summed; 0 where none has both arms."""
        return float((self.treated * self.held_out / (self.treated + self.held_out)).sum())

    @property
    def variance(self) -> float:
        """Sato's variance of the difference when there is none; infinite without a comparison."""
        return self.sato()[2] if self.weight else math.inf

    def sato(self) -> tuple[float, float, float]:
        """Mantel and Haenszel's difference, and a and b of its variance at d, a·d + b."""
        n1, x1, n0, x0 = self.treated, self.treated_left, self.held_out, self.held_out_left
        n, weight = n1 + n0, self.weight
        value = float(((x1 * n0 - x0 * n1) / n).sum()) / weight
        slope = float(((n1**2 * x0 - n0**2 * x1 + n1 * n0 * (n0 - n1) / 2) / n**2).sum())
        level = float(((x1 * (n0 - x0) + x0 * (n1 - x1)) / (2 * n)).sum())
        return value, slope / weight**2, level / weight**2


def risk_difference(strata: Strata, z: float = ONE_LOOK) -> Interval:
    """Share of the treated that left minus that of the held out, equally risky ones compared.

    ``z`` is the interval's half-width in standard errors, as
    ``models.metrics.sequential.sequential_z`` gives it for all looks together. Strata without
    either arm say nothing. NaN from −1 to 1 when no stratum has both.
    """
    if not strata.weight:
        return Interval(math.nan, -1.0, 1.0)
    value, slope, level = strata.sato()
    if math.isinf(z):
        return Interval(value, -1.0, 1.0)
    middle = value + z**2 * slope / 2
    half = math.sqrt(max(middle**2 - value**2 + z**2 * level, 0.0))
    low, high = min(middle - half, value), max(middle + half, value)
    return Interval(value, max(low, -1.0), min(high, 1.0))


def complier_effect(left: Strata, reached: Strata, both: Strata, z: float) -> Interval:
    """Change of the chance of leaving by being reached, below 0 where fewer leave.

    The lot decides who is to be contacted and not who is reached, so it is an instrument: the
    difference in leaving divided by that in reach is the effect on those who are reached when
    drawn and would not be otherwise (Imbens and Angrist 1994, Econometrica 62), if being drawn
    moves nobody but by reaching. The interval has the effects that leave no difference between
    the arms once they are taken away from those reached (Anderson and Rubin 1949, Annals of
    Mathematical Statistics 20). It holds however few are reached, and is infinite where the arms
    do not differ in reach beyond doubt; a ratio ± standard errors would hide that.

    The same customers three times: those who left, those who were reached, and who is both, in the
    place of the leavers. ``z`` is the half-width in standard errors, that of the difference by
    intention to treat: a finite interval leaves out 0 exactly when that one does. NaN without a
    difference in reach.
    """
    unknown = Interval(math.nan, -math.inf, math.inf)
    if not left.weight or math.isinf(z):
        return unknown
    (by_left, _, variance), (by_reach, _, reach_variance) = left.sato(), reached.sato()
    if not by_reach:
        return unknown
    n1, n0 = left.treated, left.held_out
    pairs = n0 * both.treated_left + n1 * both.held_out_left
    pairs -= left.treated_left * reached.held_out_left + left.held_out_left * reached.treated_left
    covariance = float((pairs / (2 * (n1 + n0))).sum()) / left.weight**2
    # The effects e with (by_left − e·by_reach)² ≤ z² times its variance: a·e² − 2·b·e + c ≤ 0.
    a = by_reach**2 - z**2 * reach_variance
    b = by_left * by_reach - z**2 * covariance
    c = by_left**2 - z**2 * variance
    value = by_left / by_reach
    if a <= 0:
        return Interval(value, -math.inf, math.inf)
    half = math.sqrt(max(b**2 - a * c, 0.0))
    return Interval(value, (b - half) / a, (b + half) / a)


def power(base: float, change: float, treated: int, held_out: int, alpha: float) -> float:
    """Chance that some look by now left out 0, when treatment changes ``base`` by a share of it.

    0 while an arm is empty or nobody leaves.
    """
    if min(treated, held_out) == 0 or base <= 0:
        return 0.0
    variance = _spread(base, change, 1 / treated, 1 / held_out)
    return sequential_power((base * change) ** 2 / variance, alpha)


def required_customers(
    base: float, change: float, held_out_share: float, target: float, alpha: float
) -> int | None:
    """Customers of both arms together for which ``power`` reaches ``target``.

    None while nobody leaves, an arm is empty or no change is asked for: then no number can be told.
    """
    if not 0 < held_out_share < 1 or base <= 0 or change == 0:
        return None
    spread = _spread(base, change, 1 / (1 - held_out_share), 1 / held_out_share)
    information: float = brentq(lambda t: sequential_power(t, alpha) - target, 1e-6, 1e4)
    return math.ceil(spread * information / (base * change) ** 2)


def _spread(base: float, change: float, per_treated: float, per_held_out: float) -> float:
    changed = min(base * (1 + change), 1.0)
    return changed * (1 - changed) * per_treated + base * (1 - base) * per_held_out
