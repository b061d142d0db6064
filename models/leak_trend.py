"""Whether a value that leavers alone have only goes on what its neighbours began.

Many open cases may honestly be the end of a slope: with each more, a larger share leaves. A
value that is written at exit stands alone: its neighbours leave as everybody does.
"""

import numpy as np
from scipy.stats import binom

from models.arrays import Mask, Matrix
from models.leak_rows import Rows

_GROUP = 30
_RISE = 2.0
_CHANCE = 0.001


def goes_on(rows: Rows, values: Matrix, pattern: Mask, gone: Mask) -> bool:
    """Whether leaving rises towards the rows in ``pattern`` (n,) from one side of a number.

    The nearest ``_GROUP`` rows on that side must leave twice as often as all rows, by more than
    chance, and more often than the next ones; and the step to ``pattern`` must be no longer than
    that side is wide.
    """
    held = values[pattern]
    if np.isnan(held).any():
        return False
    below, above = held.min() - values, values - held.max()
    return any(_rises(rows, distance, gone) for distance in (below, above))


def _rises(rows: Rows, distance: Matrix, gone: Mask) -> bool:
    side = distance > 0
    steps = np.sort(distance[side])
    if len(steps) < 2 * _GROUP:
        return False
    near = side & (distance <= steps[_GROUP - 1])
    farther = steps[int(near.sum()) :]
    if len(farther) < _GROUP or steps[0] > steps[-1] - steps[0]:
        return False
    following = side & ~near & (distance <= farther[_GROUP - 1])
    customers, left = rows.customers_with(near, gone)
    others, left_there = rows.customers_with(following, gone)
    base = float(gone.mean())
    steeper = left / customers > max(_RISE * base, left_there / others)
    return bool(steeper and binom.sf(left - 1, customers, base) < _CHANCE)
