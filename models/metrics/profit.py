"""Value of a contact with a customer, and profit of a list of as many as a team really calls.

Campaign profit is that of Neslin, Gupta, Kamakura, Lu and Mason (2006, J. Marketing Research 43),
which Verbeke, Dejaeger, Martens, Hur and Baesens (2012, EJOR 218) and Verbraken, Verbeke and
Baesens (2013, IEEE TKDE 25; MPC) take at the list size that is best in hindsight. Four changes:
each customer has a value of their own; of the stayers only a share takes the offer (all of them
there); contact makes some stayers leave, as a field experiment found (Ascarza, Iyengar and
Schleicher 2016, J. Marketing Research 53: 10.0 % of encouraged customers left, 6.4 % of the
others); and a list is as long as the team's time, since nobody knows its best size beforehand.

All money is in major units of one currency.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.dataset.array_types import Days, Floats, Index, Labels, Mask, RowTable
from models.metrics.bootstrap import Interval, Rows, bootstrap
from models.metrics.ranking import cumulative_sums, descending


@dataclass(frozen=True, slots=True)
class Economics:
    """What a customer brings and what a contact costs and does.

    ``margin_per_year`` is what a customer brings who has no known margin of their own, ``years``
    (T) the longest that is counted on, ``discount_rate`` what money costs a year.
    ``contact_cost`` (f) is paid for everybody contacted, ``offer_cost`` (d), where the contact
    makes an offer, for every leaver saved and ``offer_taken_by_stayers`` (ψ) of the stayers.
    ``saved_share`` (γ) of the contacted leavers stay; ``woken_share`` (ω) of the contacted stayers
    leave because of it.
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
    offer_taken_by_stayers: float = 0.0
    discount_rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Contacts(RowTable):
    """Contacts with customers (n,) on one or more nights ``as_of``.

    ``value`` is V at the acquisition ``multiple``, ``woken`` each one's ω, ``calls`` how many
    contacts the team makes a night, ``offers`` whether the contact makes an offer.
    """

    as_of: Days
    value: Floats
    woken: Floats
    economics: Economics
    multiple: float
    calls: float
    offers: Mask | bool = True

    def worth(self, p: Floats, remains: Floats | float = 1.0) -> Floats:
        """``expected_value`` of each at chances of leaving ``p`` (n,)."""
        return expected_value(p, self.value, self.economics, self.woken, remains, self.offers)


@dataclass(frozen=True, slots=True)
class ProfitCurve:
    """Profit per customer of the whole cohort, by the share of it contacted; all (g + 1,).

    The list is in order of expected value. It starts at share 0 and has a point after each
    group of equal ones; in between it is straight, as ties are split fractionally. ``realised``
    counts who left.
    """

    share: Floats
    realised: Floats


def customer_value(
    margin: Floats, economics: Economics, multiple: float, hazard: Floats | float = 0.0
) -> Floats:
    """V, (n,): discounted margin of the years that a customer stays, or the price of another.

    ``m·(1 − exp(−(ρ + h)T))/(ρ + h)`` is the margin m a year of a customer who leaves at the rate
    ``hazard`` (h, a year), ρ = ln(1 + discount rate): survival-weighted as in Lemmens and Gupta
    (2020, Marketing Science 39). Who pays ``multiple`` times the contact and the offer to win a
    customer values one at no less. NaN in ``margin`` takes ``economics.margin_per_year``.

    >>> economics = Economics(1_000, 5, contact_cost=30, offer_cost=300, saved_share=0.3)
    >>> customer_value(np.array([2_000.0, np.nan, 100.0]), economics, 4).round(2).tolist()
    [10000.0, 5000.0, 1320.0]
    >>> customer_value(np.array([2_000.0]), economics, 4, hazard=0.2).round().tolist()
    [6321.0]
    """
    known = np.where(np.isnan(margin), economics.margin_per_year, margin)
    rate = np.maximum(np.log1p(economics.discount_rate) + hazard, 1e-9)
    margins = known * -np.expm1(-rate * economics.years) / rate
    keeping = economics.contact_cost + economics.offer_cost
    return np.asarray(np.maximum(margins, multiple * keeping), dtype=np.float64)


def expected_value(
    p: Floats,
    value: Floats,
    economics: Economics,
    woken: Floats | None = None,
    remains: Floats | float = 1.0,
    offers: Floats | Mask | float = 1.0,
) -> Floats:
    """EV = q·(p·γ·(V − d) − (1 − p)·(ψ·d + ω·V)) − f of contacting one who leaves with chance p.

    ``p`` and ``value`` have shape (n,), or one is a scalar array; with ``p`` 1 or 0 it is what
    the contact brought in hindsight, as expected over who lets themselves be saved or woken.
    ``woken`` (n,) is each one's own ω; without it that of the economics. ``remains`` (q) is the
    chance that nothing but a notice ends the contract within the horizon: ``p`` is given that.
    Where ``offers`` is 0 or false the contact makes none, and d is 0.

    >>> economics = Economics(1_000, 5, contact_cost=30, offer_cost=300, saved_share=0.3)
    >>> expected_value(np.array([0.5]), np.array([5_000.0]), economics).tolist()
    [675.0]
    """
    offer_cost = offers * economics.offer_cost
    saved = economics.saved_share * (value - offer_cost)
    loss = (economics.woken_share if woken is None else woken) * value
    loss = loss + economics.offer_taken_by_stayers * offer_cost
    brought = remains * (p * saved - (1 - p) * loss)
    return np.asarray(brought - economics.contact_cost, dtype=np.float64)


def uplift_value(
    reduction: Floats,
    value: Floats,
    economics: Economics,
    stays: Floats | float = 1.0,
    offers: Floats | Mask | float = 1.0,
) -> Floats:
    """EV = r·V − (max(r, 0) + s·ψ)·d − f of contact that lowers each one's chance of leaving by r.

    ``reduction`` (n,) is r: each customer's own γ where it is above 0, and ω where it is below.
    ``stays`` (s) is the chance of staying without contact; unless told, everybody may take the
    offer. Where ``offers`` is 0 or false the contact makes none.
    """
    takers = np.maximum(reduction, 0) + stays * economics.offer_taken_by_stayers
    brought = reduction * value - takers * offers * economics.offer_cost
    return np.asarray(brought - economics.contact_cost, dtype=np.float64)


def profit_curve(y: Labels, p: Floats, contacts: Contacts) -> ProfitCurve:
    """Realised profit by list size, of arrays (n,)."""
    order, starts = descending(contacts.worth(p))
    gains = np.stack([np.ones(len(y)), contacts.worth(y.astype(np.float64))])
    return ProfitCurve(*_sums(gains[:, order], starts) / max(len(y), 1))


def profit_at_depth(rows: Rows, p: Floats, contacts: Contacts) -> tuple[Interval, Interval]:
    """Realised profit per customer of each night's first ``contacts.calls``, and the share called.

    By expected value, and nobody for whom it is not above 0. Intervals are from a bootstrap over
    customers, in which a night's list is the same share of its customers.
    """
    profit, share = _of_lists(rows.y, p, contacts)
    return bootstrap(profit, rows), bootstrap(share, rows)


def profit_gain(rows: Rows, p: Floats, reference: Floats, contacts: Contacts) -> Interval:
    """``profit_at_depth`` of ``p`` minus that of ``reference``, (n,) both, on the same draws."""
    first, second = (_of_lists(rows.y, each, contacts)[0] for each in (p, reference))
    return bootstrap(lambda w: first(w) - second(w), rows)


def _of_lists(
    y: Labels, p: Floats, contacts: Contacts
) -> tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]:
    """Profit and share called, (r,) each, of row weights (r, n)."""
    promised, realised = contacts.worth(p), contacts.worth(y.astype(np.float64))
    nights = []
    for day in np.unique(contacts.as_of):
        night = np.flatnonzero(contacts.as_of == day)
        pays = night[promised[night] > 0]
        order, starts = descending(promised[pays])
        nights.append((night, pays[order], starts))

    def sums(weights: Floats, gain: Floats) -> Floats:
        total: Floats = np.zeros(len(weights))
        for night, rows, starts in nights:
            limit = weights[:, night].sum(axis=1) * contacts.calls / len(night)
            length = _sums(weights[:, rows], starts)
            gained = _sums(weights[:, rows] * gain[rows], starts)
            total += [np.interp(*each) for each in zip(limit, length, gained, strict=True)]
        return np.asarray(total / np.maximum(weights.sum(axis=1), 1), dtype=np.float64)

    ones = np.ones(len(y))
    return lambda weights: sums(weights, realised), lambda weights: sums(weights, ones)


def _sums(rows: Floats, starts: Index) -> Floats:
    """Sums of rows (r, n) from 0 to the end of each tied group, (r, g + 1)."""
    if not len(starts):
        return np.zeros((len(rows), 1))
    return cumulative_sums(np.add.reduceat(rows, starts, axis=1))
