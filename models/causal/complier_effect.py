"""Effect of a contact on those whom it reaches, from the arms of intention to treat.

The lot decides who is to be contacted and not who is reached, so it is an instrument: the
difference in leaving divided by the difference in reach is the effect on those who are reached when
drawn and would not be otherwise (Imbens and Angrist 1994, Econometrica 62), if being drawn moves
nobody but by reaching. Its interval has the effects that leave no difference between the arms once
they are taken away from those reached (Anderson and Rubin 1949, Annals of Mathematical
Statistics 20). It holds however few are reached, and is infinite where the arms do not differ in
reach beyond doubt; a ratio ± standard errors would hide that.
"""

import math

import numpy as np
import pandas as pd

from models.dataset.array_types import Mask, Texts
from models.metrics.bootstrap import Interval


def complier_effect(treat: Mask, left: Mask, reached: Mask, stratum: Texts, z: float) -> Interval:
    """Change of the chance of leaving by being reached, below 0 where fewer leave; arrays (n,).

    ``z`` is the half-width in standard errors, that of the difference by intention to treat: a
    finite interval leaves out 0 exactly when that one does. NaN without a difference in reach.
    """
    unknown = Interval(math.nan, -math.inf, math.inf)
    if treat.all() or not treat.any() or math.isinf(z):
        return unknown
    rows = {"n": np.ones(len(left)), "left": left, "reached": reached, "both": left & reached}
    sums = pd.DataFrame(rows, dtype="float64").groupby([pd.factorize(stratum)[0], treat]).sum()
    treated, held_out = (
        sums.unstack(fill_value=0.0).xs(arm, axis=1, level=1) for arm in (True, False)
    )
    n1, n0 = treated["n"], held_out["n"]
    weight = float((n1 * n0 / (n1 + n0)).sum())
    if not weight:
        return unknown

    def difference(what: str) -> float:
        return float(((treated[what] * n0 - held_out[what] * n1) / (n1 + n0)).sum() / weight)

    def covariance(first: str, second: str, product: str) -> float:
        """Sato's variance where the arms do not differ, of two outcomes."""
        pairs = n0 * treated[product] + n1 * held_out[product]
        pairs -= treated[first] * held_out[second] + held_out[first] * treated[second]
        return float((pairs / (2 * (n1 + n0))).sum() / weight**2)

    by_left, by_reach = difference("left"), difference("reached")
    if not by_reach:
        return unknown
    # The effects e with (by_left − e·by_reach)² ≤ z² times its variance: a·e² − 2·b·e + c ≤ 0.
    a = by_reach**2 - z**2 * covariance("reached", "reached", "reached")
    b = by_left * by_reach - z**2 * covariance("left", "reached", "both")
    c = by_left**2 - z**2 * covariance("left", "left", "left")
    value = by_left / by_reach
    if a <= 0:
        return Interval(value, -math.inf, math.inf)
    half = math.sqrt(max(b**2 - a * c, 0.0))
    return Interval(value, (b - half) / a, (b + half) / a)
