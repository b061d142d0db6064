"""Maximum profit of a retention list, with each customer's own value.

The maximum over all list sizes is the profit measure of Verbeke, Dejaeger, Martens, Hur and
Baesens (2012, EJOR 218) and Verbraken, Verbeke and Baesens (2013, IEEE TKDE 25; MPC, and EMPC
where the saved share is drawn from a distribution), with three changes. Each customer has a value
of their own; a stayer pays no offer, because only those about to leave are given one; and the
contact itself makes some stayers leave, as a field experiment found (Ascarza, Iyengar and
Schleicher 2016, J. Marketing Research 53: 10.0 % of encouraged customers left, 6.4 % of the
others).

All money is in major units of one currency.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.dataset.array_types import Floats, Index, Labels, Texts
from models.metrics.bootstrap import Interval, draws, interval, paired_bootstrap
from models.metrics.ranking import cumulative_sums, descending


@dataclass(frozen=True, slots=True)
class Economics:
    """What a customer brings and what a contact costs and does.

    ``margin_per_year`` is what a customer brings who has no known margin of their own, and
    ``years`` how long a saved customer stays. ``contact_cost`` (f) is paid for everybody
    contacted, ``offer_cost`` (d) for every leaver saved. ``saved_share`` (γ) of the contacted
    leavers stay; ``woken_share`` (ω) of the contacted stayers leave because of it.
    ``acquisition_cost_multiple`` (low, high): winning a customer costs this many times what
    keeping one does. It is a range (4 to 10, S1), so every figure comes as a pair.
    """

    margin_per_year: float
    years: float
    contact_cost: float
    offer_cost: float
    saved_share: float
    woken_share: float = 0.0
    acquisition_cost_multiple: tuple[float, float] = (4.0, 10.0)


@dataclass(frozen=True, slots=True)
class ProfitCurve:
    """Profit per customer of the whole cohort, by the share of it contacted; all (g + 1,).

    The list is in order of expected value. It starts at share 0 and has a point after each
    group of equal ones; in between it is straight, as ties are split fractionally. ``realised``
    counts who left, ``expected`` what the probabilities promised.
    """

    share: Floats
    realised: Floats
    expected: Floats


@dataclass(frozen=True, slots=True)
class MaximumProfit:
    """The best realised profit per customer of any list size, and that list's share of them."""

    profit: Interval
    share: Interval


def customer_value(margin: Floats, economics: Economics, multiple: float) -> Floats:
    """V, (n,): margin over the years, plus what winning a replacement would cost.

    ``margin`` is each customer's a year; NaN takes ``economics.margin_per_year``. Winning costs
    ``multiple`` times what keeping does, which is the contact and the offer.

    >>> economics = Economics(1_000, 5, contact_cost=30, offer_cost=300, saved_share=0.3)
    >>> customer_value(np.array([2_000.0, np.nan]), economics, 4).tolist()
    [11320.0, 6320.0]
    """
    known = np.where(np.isnan(margin), economics.margin_per_year, margin)
    keeping = economics.contact_cost + economics.offer_cost
    return np.asarray(known * economics.years + multiple * keeping, dtype=np.float64)


def expected_value(
    p: Floats, value: Floats, economics: Economics, woken: Floats | None = None
) -> Floats:
    """EV = p·γ·(V − d) − f − (1 − p)·ω·V of contacting a customer who leaves with chance ``p``.

    ``p`` and ``value`` have shape (n,), or one is a scalar array; with ``p`` 1 or 0 it is what
    the contact brought in hindsight, as expected over who lets themselves be saved or woken.
    ``woken`` (n,) is each one's own ω; without it that of the economics.

    >>> economics = Economics(1_000, 5, contact_cost=30, offer_cost=300, saved_share=0.3)
    >>> expected_value(np.array([0.5]), np.array([5_000.0]), economics).tolist()
    [675.0]
    """
    saved = economics.saved_share * (value - economics.offer_cost)
    loss = (economics.woken_share if woken is None else woken) * value
    return np.asarray(p * saved - economics.contact_cost - (1 - p) * loss, dtype=np.float64)


def uplift_value(reduction: Floats, value: Floats, economics: Economics) -> Floats:
    """EV = r·V − max(r, 0)·d − f of contact that lowers each one's chance of leaving by r.

    ``reduction`` (n,) is r: each customer's own γ where it is above 0, and ω where it is below.
    """
    offers = np.maximum(reduction, 0) * economics.offer_cost
    return np.asarray(reduction * value - offers - economics.contact_cost, dtype=np.float64)


def profit_curve(y: Labels, p: Floats, value: Floats, economics: Economics) -> ProfitCurve:
    """Realised and expected profit by list size, of arrays (n,)."""
    order, starts, realised, expected = _ordered(y, p, value, economics)
    one = np.ones((1, len(order)))
    share, gained = _cumulative(realised, one, starts)
    _, expected = _cumulative(expected, one, starts)
    return ProfitCurve(share[0], gained[0], expected[0])


def maximum_profit(
    y: Labels,
    p: Floats,
    value: Floats,
    economics: Economics,
    customer_id: Texts,
    replicates: int = 200,
    seed: int = 0,
) -> MaximumProfit:
    """The highest point of the realised curve, with intervals from a bootstrap over customers.

    0 at share 0 when no list size pays. Being a maximum it flatters all lists a little; compare
    models on the same rows. Each replicate has its own best size.
    """
    order, starts, realised, _ = _ordered(y, p, value, economics)
    profit, share = _best(realised, np.ones((1, len(order))), starts)
    replicated = [
        _best(realised, weights, starts) for weights in draws(customer_id[order], replicates, seed)
    ]
    profits, shares = np.concatenate([np.empty((2, 0)), *replicated], axis=1)
    return MaximumProfit(interval(float(profit[0]), profits), interval(float(share[0]), shares))


def profit_gain(
    y: Labels,
    p: Floats,
    reference: Floats,
    value: Floats,
    economics: Economics,
    customer_id: Texts,
    replicates: int = 200,
    seed: int = 0,
) -> Interval:
    """Maximum profit per customer of ``p`` minus that of ``reference``, (n,) both, paired.

    Both lists see the same draws of customers, each its own best size in every one.
    """

    def best(probability: Floats) -> Callable[[Floats], Floats]:
        order, starts, gain, _ = _ordered(y, probability, value, economics)
        return lambda weights: _best(gain, weights[:, order], starts)[0]

    return paired_bootstrap(best(p), best(reference), customer_id, replicates, seed)


def _ordered(
    y: Labels, p: Floats, value: Floats, economics: Economics
) -> tuple[Index, Index, Floats, Floats]:
    """List order, where each tied group starts, and in that order the two profits a row."""
    expected = expected_value(p, value, economics)
    order, starts = descending(expected)
    realised = expected_value(y[order].astype(np.float64), value[order], economics)
    return order, starts, realised, expected[order]


def _cumulative(gain: Floats, weights: Floats, starts: Index) -> tuple[Floats, Floats]:
    """Share contacted and profit per customer after each tied group, (r, g + 1)."""
    total = np.maximum(weights.sum(axis=1, keepdims=True), 1)
    share, profit = (
        cumulative_sums(np.add.reduceat(rows, starts, axis=1)) / total
        for rows in (weights, weights * gain)
    )
    return share, profit


def _best(gain: Floats, weights: Floats, starts: Index) -> tuple[Floats, Floats]:
    share, profit = _cumulative(gain, weights, starts)
    best = profit.argmax(axis=1)
    rows = np.arange(len(best))
    return profit[rows, best], share[rows, best]
