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

from models.causal.risk_difference import Strata
from models.metrics.bootstrap import Interval


def complier_effect(left: Strata, reached: Strata, both: Strata, z: float) -> Interval:
    """Change of the chance of leaving by being reached, below 0 where fewer leave.

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
