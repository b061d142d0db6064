"""Value of a contact for each customer of a cohort: the night, scorecard and promotion use it.

One place, so that a row is worth the same wherever it is judged; and what a holdout has measured
takes the place of what was assumed of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from models.causal.uplift import woken_shares
from models.dataset.array_types import Floats
from models.dataset.examples import ASLEEP
from models.metrics.profit import Contacts, Economics, customer_value

MAKES_OFFER = "makes_offer"
SPREAD = 0.5
"""Standard deviation of an assumed share, as a share of it."""


def contacts_with(
    customers: pd.DataFrame, p: Floats, economics: Economics, horizon_days: int, calls: float
) -> tuple[Contacts, Contacts]:
    """Contacts with whole cohorts, at the low and at the high acquisition multiple.

    ``customers`` has ``as_of``, ``product_line``, ``margin`` (a year, major units, NaN: unknown),
    ``asleep`` (bool) and, once there is an action, ``makes_offer`` (bool; until then every contact
    counts as one with an offer). ``p`` (n,) are the chances of leaving within the horizon. A
    customer is taken to stay as long as their product line does on that date: their own risk of
    the hour must not erase what they are worth once they are saved.
    """
    chances = pd.Series(p, index=customers.index)
    by_line = chances.groupby([customers["as_of"], customers["product_line"]], dropna=False)
    leaves = np.minimum(by_line.transform("mean").to_numpy(dtype=np.float64), 1 - 1e-9)
    hazard = -np.log1p(-leaves) * 365 / horizon_days
    margin = customers["margin"].to_numpy(dtype=np.float64)
    as_of = customers["as_of"].to_numpy().astype("datetime64[D]")
    sleeps = customers[ASLEEP].to_numpy(dtype=bool)
    offers = customers.get(MAKES_OFFER, pd.Series(True, customers.index)).to_numpy(dtype=bool)
    woken = np.zeros(len(p))
    for rows in chances.groupby(as_of).indices.values():
        woken[rows] = woken_shares(p[rows], sleeps[rows], economics.woken_share)

    def at(multiple: float) -> Contacts:
        value = customer_value(margin, economics, multiple, hazard)
        return Contacts(as_of, value, woken, economics, multiple, calls, offers)

    low, high = economics.acquisition_cost_multiple
    return at(low), at(high)


@dataclass(frozen=True, slots=True)
class SavedShare:
    """γ as assumed of those reached, and as measured of all called on a day, with its error.

    ``reach`` is the share of the called that are reached; None: not measured. All of one phoned.
    """

    assumed: float
    measured: float | None = None
    error: float | None = None
    day: date | None = None
    reach: float = 1.0

    @property
    def used(self) -> float:
        """Both weighted by their precision, within 0 and 1: the posterior mean of normal errors.

        The assumed share of the called is the prior, with half of itself as standard deviation
        (Gelman et al. 2013, Bayesian Data Analysis, 2.5), so it yields to a hundred leavers held
        out and not to a handful.

        >>> SavedShare(0.3).used, round(SavedShare(0.3, 0.06, 0.15).used, 3)
        (0.3, 0.18)
        """
        prior = self.assumed * self.reach
        if self.measured is None or self.error is None:
            return prior
        weight = 1 / (1 + (self.error / (SPREAD * prior)) ** 2)
        return float(np.clip(weight * self.measured + (1 - weight) * prior, 0, 1))


def measured_share(
    difference: float,
    treated: int,
    held_out: int,
    held_out_left: int,
    woken: float,
    channel_reach: float = 1.0,
) -> tuple[float, float] | None:
    """γ by intention to treat, the share of the held out's leaving that the treated's lacks.

    γ = −Δ/q + ω(1 − q)/q with Δ the ``difference`` of the shares that left, q that of the held out
    and ω the share of stayers assumed to be ``woken``, whom the value of a contact counts apart.
    Both divided by ``channel_reach``, how many calls one of the treated's outreaches counts as.
    And its standard error, by the delta method, a leaver and a stayer more in each arm. None while
    nobody of the held out has left.

    >>> share, error = measured_share(-0.02, 4_000, 1_000, 100, woken=0.0)
    >>> round(share, 3), round(error, 3), round(pooled(0.3, [(share, error)], None, 1.0).used, 3)
    (0.2, 0.087, 0.225)
    """
    if not treated or not held_out_left:
        return None
    q = held_out_left / held_out
    left = float(np.clip(q + difference, 0, 1))
    noise = [
        (share * n + 1) * ((1 - share) * n + 1) / (n + 2) ** 2 / n
        for share, n in ((left, treated), (q, held_out))
    ]
    woken *= channel_reach
    gained = (woken * (1 - q) - difference) / q / channel_reach
    error = np.sqrt(noise[0] + ((left - woken) / q) ** 2 * noise[1]) / q / channel_reach
    return gained, float(error)


def pooled(
    assumed: float, measured: Sequence[tuple[float, float]], day: date | None, reach: float
) -> SavedShare:
    """γ as measured in trials whose lots were drawn apart, each by its precision."""
    if not measured:
        return SavedShare(assumed, reach=reach)
    share, error = np.array(measured, dtype=np.float64).T
    precision = error**-2.0
    mean, error = np.average(share, weights=precision), precision.sum() ** -0.5
    return SavedShare(assumed, float(mean), float(error), day, reach)
