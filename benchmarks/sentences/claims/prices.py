"""Claims about prices, binding, bundles and offers."""

from datetime import date
from statistics import mean

import pandas as pd

from benchmarks.sentences import bills as b
from benchmarks.sentences import dealings as d
from benchmarks.sentences.claims.reading import (
    MINOR,
    NOTICE_DAYS,
    count,
    day,
    latest,
    money,
    same_days,
    same_money,
    same_share,
    says,
    within,
)
from benchmarks.sentences.person import Person


@says(r"New price from DATE: MONEY against MONEY before(?:, notified on DATE)?\.")
def _(p: Person, on: str, new: str, old: str, notified: str | None) -> bool:
    every = b.rises(p, None)
    rise = every[-1] if every else None
    if rise is None or not b.rises(p, 365):
        return False
    told = p.by_now(rise.get("notified_on"))
    right = told == (None if notified is None else day(notified))
    prices = same_money(new, float(rise["new_price"])) and same_money(old, float(rise["old_price"]))
    return right and prices and rise["effective_on"] == day(on) and money(new) > money(old)


def _added_up(p: Person) -> float:
    return float(sum(r["new_price"] / r["old_price"] - 1 for r in b.rises(p, 365)))


@says(r"Price rises notified or in force in the last year add up to PCT\.")
def _(p: Person, share: str) -> bool:
    return same_share(share, _added_up(p))


@says(r"No price rise in the last year\.")
def _(p: Person) -> bool:
    return not b.rises(p, 365)


@says(
    r"(?:N|One) price rises? in the last year came without (notice|a reason)\. "
    r"The latest rise applies from DATE\."
)
def _(p: Person, n: str | None, what: str, on: str) -> bool:
    year = b.rises(p, 365)
    found = [
        r for r in year if (b.unannounced(p, r) if what == "notice" else r["reason_code"] is None)
    ]
    return len(found) == (1 if n is None else count(n)) and year[-1]["effective_on"] == day(on)


@says(
    r"(?:N|One) price rises? in the last year came at too short notice\. "
    r"The latest rise applies from DATE\."
)
def _(p: Person, n: str | None, on: str) -> bool:
    found = [r for r in b.rises(p, 365) if b.line_of(p, r) and b.notice(p, r) < NOTICE_DAYS]
    right = len(found) == (1 if n is None else count(n))
    return right and b.rises(p, 365)[-1]["effective_on"] == day(on)


@says(
    r"(?:N price rises in the last year came while the market price was falling, the latest "
    r"|The price rise )from DATE(?: came while the market price was falling)?\."
)
def _(p: Person, n: str | None, on: str) -> bool:
    found = b.contrary_rises(p, 365)
    right = len(found) == (1 if n is None else count(n))
    return right and max(r["effective_on"] for r in found) == day(on)


@says(r"No price rise in the last year came while the market price was falling\.")
def _(p: Person) -> bool:
    return not b.contrary_rises(p, 365)


@says(r"No price rise without notice or reason in the last year\.")
def _(p: Person) -> bool:
    year = b.rises(p, 365)
    return not any(b.unannounced(p, r) or r["reason_code"] is None for r in year)


@says(r"The customer pays MONEY a month; new customers pay MONEY, PCT less\.")
def _(p: Person, own: str, new: str, share: str) -> bool:
    return any(
        same_money(own, float(c["own"]))
        and same_money(new, float(min(b.offers(p, c))))
        and same_share(share, 1 - float(min(b.offers(p, c))) / float(c["own"]))
        for c in b.contracts(p)
        if b.offers(p, c) and min(b.offers(p, c)) < c["own"]
    )


@says(r"We know of no lower price to new customers on the customer's plan\.")
def _(p: Person) -> bool:
    return all(price >= c["own"] for c in b.contracts(p) for price in b.offers(p, c))


def _closed(p: Person) -> list[date]:
    plans = {c["plan"] for c in b.contracts(p)}
    ends = [
        r["valid_to"] for r in p.rows("price_list") if r["plan_id"] in plans and not r["campaign"]
    ]
    return [end for end in ends if end is not None and end < p.clock.as_of]


@says(r"The customer has a plan that (?:was closed to new customers on DATE|is no longer sold)\.")
def _(p: Person, on: str | None) -> bool:
    return bool(_closed(p)) and (on is None or max(_closed(p)) == day(on))


def _bound(p: Person) -> date | None:
    return max((c["binding_until"] for c in b.contracts(p) if c["binding_until"]), default=None)


@says(
    r"(?:The binding period ends on DATE, in DAYS|The customer is bound "
    r"until DATE, for another DAYS)\."
)
def _(p: Person, end: str | None, left: str | None, until: str | None, more: str | None) -> bool:
    bound = _bound(p)
    days = -p.ago(bound) if bound else 0
    return bound == day(end or until or "") and same_days(left or more or "", days)


@says(r"The last day of the binding period was DATE\.")
def _(p: Person, on: str) -> bool:
    bound = _bound(p)
    return bound == day(on) and 0 <= p.ago(day(on)) <= 180


def _renewals(p: Person) -> list[date]:
    """Each day on which a contract has renewed or will next renew itself."""
    found = []
    for contract in p.rows("contracts", None, lambda r: r.get("term_months")):
        start, term = pd.Timestamp(contract["started_on"]), int(contract["term_months"])
        terms = range(1, 2 + (p.ago(contract["started_on"]) // (28 * term)))
        days = [(start + pd.DateOffset(months=term * n)).date() for n in terms]
        found += [day for day in days if day < p.clock.as_of]
        found += [day for day in days if day >= p.clock.as_of][:1]
    return found


@says(r"The contract (?:renews on|does not renew until) DATE(?:, in DAYS)?\.")
def _(p: Person, on: str, left: str | None) -> bool:
    coming = [day for day in _renewals(p) if day >= p.clock.as_of]
    return min(coming) == day(on) and (left is None or same_days(left, -p.ago(day(on))))


@says(r"The contract was renewed on DATE, DAYS ago\.")
def _(p: Person, on: str, ago: str) -> bool:
    gone = [day for day in _renewals(p) if day < p.clock.as_of]
    return max(gone) == day(on) and same_days(ago, p.ago(day(on)))


@says(r"A contract in the customer's bundle was given notice on DATE\.")
def _(p: Person, on: str) -> bool:
    found = d.broken_bundles(p)
    return bool(found) and max(r["notified_on"] for r in found) == day(on) and p.ago(day(on)) <= 365


@says(r"The customer has only one kind of product with us\.")
def _(p: Person) -> bool:
    return len(d.lines(p)) == 1


@says(r"The customer has N kinds of product with us\.")
def _(p: Person, n: str) -> bool:
    return len(d.lines(p)) == count(n)


@says(r"The customer has N kinds of product with us, none of them in a bundle\.")
def _(p: Person, n: str) -> bool:
    bundled = any(c["bundle_id"] is not None for c in b.contracts(p))
    return len(d.lines(p)) == count(n) > 1 and not bundled


@says(r"The customer has a product that was sold in a bundle\.")
def _(p: Person) -> bool:
    return any(c["bundle_id"] is not None for c in b.contracts(p))


@says(
    r"The customer uses (?:only |about as much as the plan is made for \()?PCT"
    r"(?: of what the plan is made for|\))\."
)
def _(p: Person, share: str) -> bool:
    return same_share(share, mean(b.fits(p, 365)))


@says(r"The customer was billed MONEY in the last year and has no benefit for it\.")
def _(p: Person, billed: str) -> bool:
    found = [bill["owed"] for bill in b.bills(p) if within(p, bill["issued_on"], 365)]
    return same_money(billed, sum(found) / MINOR) and not d.benefits(p)


@says(r"The customer has been with us since DATE and has no benefit for it\.")
def _(p: Person, on: str) -> bool:
    return d.since(p) == day(on) and not d.benefits(p)


@says(r"The customer has no benefit\.")
def _(p: Person) -> bool:
    return not d.benefits(p)


@says(r"The customer's last benefit ends in DAYS\.")
def _(p: Person, left: str) -> bool:
    return same_days(left, -min(p.ago(r["ends_on"]) for r in d.benefits(p) if r["ends_on"]))


@says(r"The customer has (?:N benefits, the latest|a benefit) from DATE\.")
def _(p: Person, n: str | None, on: str) -> bool:
    found = d.benefits(p)
    return len(found) == (1 if n is None else count(n)) and latest(p, found, on)


@says(r"The customer pays MONEY a month, PCT above the market price of MONEY\.")
def _(p: Person, own: str, share: str, market: str) -> bool:
    ours, theirs = b.compared(p)
    return (
        same_money(own, ours)
        and same_money(market, theirs)
        and same_share(share, ours / theirs - 1)
    )


@says(r"The customer pays MONEY a month; the market price is MONEY\.")
def _(p: Person, own: str, market: str) -> bool:
    ours, theirs = b.compared(p)
    return same_money(own, ours) and same_money(market, theirs) and ours <= theirs


@says(
    r"Price rises of PCT in all in the last year; the customer last contacted us again about the "
    r"same on DATE\."
)
def _(p: Person, share: str, on: str) -> bool:
    return same_share(share, _added_up(p)) and latest(p, d.again(p, 90, 30), on)
