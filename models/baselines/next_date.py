"""Next date: the field's one-line rule, that customers leave around a date of their contract."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from models.baselines.decision_stump import leaf_rates
from models.dataset.array_types import Floats, Index, Matrix
from models.dataset.examples import Examples
from models.metrics.logistic import log_losses

_STEP, _STEPS, _YEAR = 30.0, 24, 365.25
_DATES: Mapping[str, tuple[str, Callable[[Matrix], Matrix]]] = MappingProxyType(
    {
        "days_to_renewal": ("the contract's renewal", lambda days: days),
        "binding_days_left": ("the end of binding", lambda days: days),
        "tenure_days": ("the anniversary of joining", lambda days: -days % _YEAR),
    }
)


def next_date_rule(train: Examples) -> tuple[str, Callable[[Matrix], Floats]] | None:
    """The date that tells most, in words, and matrix (n, f) → the rate of its step, (n,).

    The dates are the next renewal, the end of binding and the next anniversary of joining, where
    the matrix has them; the one with the least training log loss is taken, or None. A step is 30
    days, from 23 of them on all together, and unknown dates are one of their own. Its rate, so
    that nothing has to be said of the direction, is that of the training rows, drawn to the base
    rate as a stump's.
    """
    names = train.spec.names
    found = []
    for name in (name for name in _DATES if name in names):
        steps = _steps(train.x, names.index(name), name)
        rates = leaf_rates(steps, train.y, _STEPS + 1)
        found.append((float(log_losses(train.y, rates[steps]).mean()), name, rates))
    if not found:
        return None
    _, best, rate = min(found, key=lambda each: each[0])
    words = f"months to {_DATES[best][0]}"
    return words, lambda x: rate[_steps(x, names.index(best), best)]


def _steps(x: Matrix, column: int, name: str) -> Index:
    """The step of each row, (n,): 0 to 23, and 24 where the date is unknown."""
    days = _DATES[name][1](x[:, column].astype(np.float64))
    steps = np.clip(np.nan_to_num(days, nan=0.0) // _STEP, 0, _STEPS - 1).astype(np.intp)
    return np.where(np.isnan(days), _STEPS, steps)
