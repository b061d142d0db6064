"""What each English sentence claims, and whether the source rows bear it out."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from statistics import mean, median
from typing import Any

import pandas as pd

from benchmarks.sentences import bills as b
from benchmarks.sentences import dealings as d
from benchmarks.sentences.person import Person, Row

Claim = Callable[..., bool]
CLAIMS: list[tuple[re.Pattern[str], Claim]] = []
_MINOR = 100
# Days of notice that a rise is due, where a company's configuration names no others.
_NOTICE = 30
_PARTS = {
    "DATE": r"(\d{1,2} [A-Z][a-z]+ \d{4})",
    "MONEY": r"((?:−)?(?:NOK|SEK|USD|EUR|€|US\$|\$)\s?[\d,]+(?:\.\d+)?)",
    "PCT": r"([\d,.]+)%",
    "N": r"([\d,.]+)",
    "DAYS": r"((?:over )?[\d,]+ (?:day|year)s?)",
}


def says(text: str) -> Callable[[Claim], Claim]:
    """Declare what a sentence claims; DATE, MONEY, PCT, N and DAYS stand for what it quotes."""
    pattern = re.sub(rf"\b(?:{'|'.join(_PARTS)})\b", lambda m: _PARTS[m[0]], text)

    def declare(claim: Claim) -> Claim:
        CLAIMS.append((re.compile(pattern), claim))
        return claim

    return declare


def holds(p: Person, text: str) -> bool | None:
    """Whether a sentence is true of the customer; None for one that nobody can read."""
    for pattern, claim in CLAIMS:
        if found := pattern.fullmatch(text):
            return bool(claim(p, *found.groups()))
    return None


def day(text: str) -> date:
    """The date that is written so."""
    return datetime.strptime(text, "%d %B %Y").date()  # noqa: DTZ007


def money(text: str) -> float:
    """The amount that is written so, in major units."""
    return float(re.sub(r"[^\d.]", "", text))


def count(text: str) -> float:
    """The figure that is written so."""
    return float(text.replace(",", ""))


def half_up(value: float, digits: int = 0) -> float:
    """Rounded as people round."""
    scale = 10.0**digits
    return math.floor(value * scale + 0.5 + 1e-9) / scale


def same_days(text: str, days: float) -> bool:
    """Whether the days, or from two years on over how many years, are as written."""
    *over, number, unit = text.split()
    if unit == "years":
        years = count(number)
        return over == ["over"] and years * 365.25 + 0.75 < days < (years + 1) * 365.25 + 2
    return not over and count(number) == half_up(days)


def same_money(text: str, major: float) -> bool:
    """Whether the amount is the one written: to the cent, below one to four decimals."""
    return abs(money(text) - abs(float(major))) < (0.0051 if major >= 1 else 0.000051)


def same_share(text: str, share: float) -> bool:
    """Whether the percentage is the one written: whole ones from 10 on, of basis points."""
    return abs(count(text) - 100 * share) <= (0.505 if share >= 0.1 else 0.055)


def latest(p: Person, rows: Sequence[Row], text: str) -> bool:
    """Whether the latest of the rows happened on the day written."""
    return bool(rows) and max(map(p.day, rows)) == day(text)


def within(p: Person, moment: date | datetime, days: int) -> bool:
    """Whether it lies in the days before the as-of date."""
    first = p.clock.midnight(p.clock.as_of - timedelta(days))
    return first <= p.clock.instant(moment) < p.clock.now


# --- bills -----------------------------------------------------------------------------------
def _latest_bill(p: Person, on: str, amount: str) -> tuple[float, float] | None:
    """The bill's amount and the median of the twelve before it, if it is as written."""
    standing = sorted(b.bills(p), key=lambda r: (r["_known"], r["_at"], r["invoice_id"]))
    if len(standing) < 4:
        return None
    bill, past = standing[-1], standing[:-1][-12:]
    written = bill["issued_on"] == day(on) and same_money(amount, bill["owed"] / _MINOR)
    return (bill["owed"], median(r["owed"] for r in past)) if written else None


@says(r"The bill of DATE was MONEY, MONEY more than usual\.")
def _(p: Person, on: str, amount: str, more: str) -> bool:
    found = _latest_bill(p, on, amount)
    if found is None:
        return False
    return same_money(more, (found[0] - found[1]) / _MINOR) and found[0] > found[1]


@says(r"The bill of DATE was MONEY, N times the usual\.")
def _(p: Person, on: str, amount: str, times: str) -> bool:
    found = _latest_bill(p, on, amount)
    return found is not None and abs(found[0] / found[1] - count(times)) < 0.051


@says(r"The bill of DATE was MONEY, (about the usual|lower than usual)\.")
def _(p: Person, on: str, amount: str, how: str) -> bool:
    found = _latest_bill(p, on, amount)
    times = found[0] / found[1] if found else 0
    return 0 < times <= 0.85 if how.startswith("lower") else 0.85 <= times <= 1.15


@says(r"(?:N|One) bills? of the last 90 days (?:was|were) built on estimated use\.")
def _(p: Person, n: str | None) -> bool:
    found = [r for r in b.bills(p) if r["estimated"] and within(p, r["issued_on"], 90)]
    return len(found) == (1 if n is None else count(n))


def _corrections(p: Person, days: int) -> list[Row]:
    return p.rows("invoices", days, lambda r: r.get("corrects_invoice_id") is not None)


@says(r"Bills were corrected N times in the last year, the latest on DATE\.")
def _(p: Person, n: str, on: str) -> bool:
    return len(_corrections(p, 365)) == count(n) and latest(p, _corrections(p, 90), on)


@says(r"The customer had a bill corrected on DATE\.")
def _(p: Person, on: str) -> bool:
    return latest(p, _corrections(p, 90), on)


@says(r"No bill was corrected in the last year\.")
def _(p: Person) -> bool:
    return not _corrections(p, 365)


def _bill_contacts(p: Person, days: int) -> list[Row]:
    issued = [(r["_at"], r["_known"]) for r in p.rows("invoices")]
    return [
        r
        for r in d.inbound(p, days)
        if r["topic"] == "billing"
        and any(at <= r["_at"] <= at + timedelta(10) and k <= r["_known"] for at, k in issued)
    ]


@says(
    r"The customer contacted us about a new bill N times in the last 90 days, the latest on DATE\."
)
def _(p: Person, n: str, on: str) -> bool:
    found = _bill_contacts(p, 90)
    return len(found) == count(n) and latest(p, found, on)


@says(r"The customer contacted us about a new bill on DATE\.")
def _(p: Person, on: str) -> bool:
    return latest(p, _bill_contacts(p, 90), on)


@says(r"No contact about a new bill in the last 90 days\.")
def _(p: Person) -> bool:
    return not _bill_contacts(p, 90)


@says(r"N payment reminders in the last year, the latest on DATE(?:, with MONEY in fees)?\.")
def _(p: Person, n: str, on: str, fees: str | None) -> bool:
    found = p.rows("reminders", 365)
    total = sum(r["fee"] or 0 for r in found) / _MINOR
    right = total == 0 if fees is None else same_money(fees, total)
    return len(found) == count(n) and latest(p, found, on) and right


@says(r"The customer got a payment reminder on DATE(?:, with a fee of MONEY)?\.")
def _(p: Person, on: str, fee: str | None) -> bool:
    found = p.rows("reminders", 90)
    total = sum(r["fee"] or 0 for r in found) / _MINOR
    right = total == 0 if fee is None else same_money(fee, total)
    return len(found) == 1 and latest(p, found, on) and right


@says(r"A step of debt collection was taken on DATE\.")
def _(p: Person, on: str) -> bool:
    return latest(p, p.rows("reminders", 365, lambda r: (r["stage"] or 1) >= 3), on)


@says(r"A bill needed more than one reminder in the last year; the latest reminder was on DATE\.")
def _(p: Person, on: str) -> bool:
    again = p.rows("reminders", 365, lambda r: (r["stage"] or 1) >= 2)
    return bool(again) and latest(p, p.rows("reminders", 365), on)


@says(r"(?:N|One) bills? (?:is|are) past due and not paid in full\.")
def _(p: Person, n: str | None) -> bool:
    return len(b.overdue(p)) == (1 if n is None else count(n))


@says(
    r"(?:N bills are past due, the oldest for DAYS|A bill has been past due for DAYS), "
    r"and we have sent no reminder\."
)
def _(p: Person, n: str | None, oldest: str | None, only: str | None) -> bool:
    due = b.overdue(p)
    first = min(bill["due_on"] for bill in due)
    named = {bill[name] for bill in due for name in ("invoice_id", "root")}
    sent = p.rows("reminders", None, lambda r: r["sent_on"] > first or r["invoice_id"] in named)
    right = len(due) == (1 if n is None else count(n)) and not sent
    return right and same_days(oldest or only or "", p.ago(first))


@says(r"No bill is past due\.")
def _(p: Person) -> bool:
    return not b.overdue(p)


@says(r"A payment of the last 90 days came DAYS late\.")
def _(p: Person, days: str) -> bool:
    return same_days(days, max(b.late(p, 90), default=0))


@says(r"Everything was paid on time in the last year, without reminders\.")
def _(p: Person) -> bool:
    return not (b.late(p, 365) or p.rows("reminders", 365) or b.overdue(p))


@says(r"No payment reminders in the last year\.")
def _(p: Person) -> bool:
    return not p.rows("reminders", 365)


def _failed(p: Person, days: int) -> list[Row]:
    return p.rows("payments", days, lambda r: b.failed(p, r) and (r["amount"] or 0) >= 0)


@says(r"N payments failed in the last 90 days, the latest on DATE\.")
def _(p: Person, n: str, on: str) -> bool:
    return len(_failed(p, 90)) == count(n) and latest(p, _failed(p, 90), on)


@says(r"A payment failed on DATE\.")
def _(p: Person, on: str) -> bool:
    return len(_failed(p, 90)) == 1 and latest(p, _failed(p, 90), on)


@says(r"No failed payments in the last 90 days\.")
def _(p: Person) -> bool:
    return not _failed(p, 90)


def _steps(p: Person, step: str, days: int | None, method: str | None = "autopay") -> list[Row]:
    return p.rows(
        "payment_method_events",
        days,
        lambda r: r["step"] == step and method in (None, r["method"]),
    )


@says(r"The customer ended direct debit on DATE\.")
def _(p: Person, on: str) -> bool:
    ended = latest(p, _steps(p, "cancelled", 365), on)
    return ended and b.method(p, attempts=True) != "autopay"


@says(r"The customer was charged MONEY for paper bills in the last 90 days\.")
def _(p: Person, fees: str) -> bool:
    found = [r["paper_fee"] or 0 for r in b.bills(p) if within(p, r["issued_on"], 90)]
    return same_money(fees, sum(found) / _MINOR)


def _format(p: Person) -> Any:
    standing = sorted(b.bills(p), key=lambda r: (r["_known"], r["_at"], r["invoice_id"]))
    return standing[-1]["format"] if standing else None


@says(r"The customer gets the bill on paper\.")
def _(p: Person) -> bool:
    return bool(_format(p) == "paper")


@says(r"The customer pays the bills by hand\.")
def _(p: Person) -> bool:
    return b.method(p, attempts=False) == "manual"


@says(r"The customer (does not pay|pays) by direct debit\.")
def _(p: Person, how: str) -> bool:
    return (b.method(p, attempts=True) == "autopay") == (how == "pays")


_WAYS = {
    "direct debit": "autopay",
    "e-invoice": "einvoice",
    "mobile payment": "mobile",
    "card": "card",
    "manual transfer": "manual",
}


@says(r"The customer gets no paper bill\. The latest payment was by (.+)\.")
def _(p: Person, how: str) -> bool:
    return bool(_format(p) != "paper") and b.method(p, attempts=False) == _WAYS[how]


@says(
    r"(?:N|One) attempts? to set up direct debit failed in the last 90 days; "
    r"the latest payment setup error was on DATE\."
)
def _(p: Person, n: str | None, on: str) -> bool:
    found = len(_steps(p, "error", 90)) == (1 if n is None else count(n))
    return found and latest(p, _steps(p, "error", None, None), on)


@says(r"No attempt to set up direct debit failed in the last 90 days\.")
def _(p: Person) -> bool:
    return not _steps(p, "error", 90)


@says(r"The customer gave up switching to digital payment (?:N times|once) in the last 90 days\.")
def _(p: Person, n: str | None) -> bool:
    done = _steps(p, "completed", None, None)
    given_up = [
        r
        for r in _steps(p, "started", None, None)
        if r["method"] != "manual"
        and within(p, r["_at"] + timedelta(7), 90)
        and not any(
            c["method"] == r["method"]
            and c["_at"] >= r["_at"]
            and c["_known"] < r["_known"] + timedelta(7)
            for c in done
        )
    ]
    return len(given_up) == (1 if n is None else count(n))


def _readings(p: Person, status: str, days: int | None) -> list[Row]:
    def is_so(row: Row) -> bool:
        settled = row["settled_on"]
        shown = row["status"] if settled is None or p.by_now(settled) else None
        return (shown or "missing") == status

    return p.rows("meter_readings", days, is_so)


@says(r"N meter readings were missing in the last 90 days, the latest on DATE\.")
def _(p: Person, n: str, on: str) -> bool:
    found = _readings(p, "missing", 90)
    return len(found) == count(n) and latest(p, found, on)


@says(r"The meter reading of DATE is missing\.")
def _(p: Person, on: str) -> bool:
    return latest(p, _readings(p, "missing", 90), on)


@says(r"(?:N|One) meter readings? (?:was|were) estimated in the last 90 days\.")
def _(p: Person, n: str | None) -> bool:
    return len(_readings(p, "estimated", 90)) == (1 if n is None else count(n))


@says(r"No meter reading was missing or estimated in the last year\.")
def _(p: Person) -> bool:
    return not (_readings(p, "missing", 365) or _readings(p, "estimated", 365))


# --- prices ----------------------------------------------------------------------------------
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
    found = [r for r in b.rises(p, 365) if b.line_of(p, r) and b.notice(p, r) < _NOTICE]
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
    return same_money(billed, sum(found) / _MINOR) and not _benefits(p)


def _benefits(p: Person) -> list[Row]:
    return p.rows("benefits", None, lambda r: r["ends_on"] is None or r["ends_on"] >= p.clock.as_of)


@says(r"The customer has been with us since DATE and has no benefit for it\.")
def _(p: Person, on: str) -> bool:
    return _since(p) == day(on) and not _benefits(p)


@says(r"The customer has no benefit\.")
def _(p: Person) -> bool:
    return not _benefits(p)


@says(r"The customer's last benefit ends in DAYS\.")
def _(p: Person, left: str) -> bool:
    return same_days(left, -min(p.ago(r["ends_on"]) for r in _benefits(p) if r["ends_on"]))


@says(r"The customer has (?:N benefits, the latest|a benefit) from DATE\.")
def _(p: Person, n: str | None, on: str) -> bool:
    found = _benefits(p)
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


# --- service ---------------------------------------------------------------------------------
def _waits(p: Person, days: int) -> list[float]:
    return [r["wait_seconds"] for r in d.inbound(p, days) if r["wait_seconds"] is not None]


def _minutes(text: str, seconds: float) -> bool:
    return count(text) == half_up(seconds / 60)


@says(
    r"The customer gave up waiting (?:N times|once) in the last 90 days; "
    r"the longest wait was N minutes?\."
)
def _(p: Person, n: str | None, longest: str) -> bool:
    found = [r for r in d.inbound(p, 90) if r["abandoned"]]
    return len(found) == (1 if n is None else count(n)) and _minutes(longest, max(_waits(p, 90)))


@says(
    r"The customer waited N minutes? for an answer on average in the last "
    r"90 days, at most N minutes?\."
)
def _(p: Person, average: str, most: str) -> bool:
    waits = _waits(p, 90)
    return _minutes(average, half_up(mean(waits))) and _minutes(most, max(waits))


@says(r"The customer waited N minutes? for an answer on DATE\.")
def _(p: Person, wait: str, on: str) -> bool:
    longest = max(_waits(p, 90))
    days = [p.day(r) for r in d.inbound(p, 90) if r["wait_seconds"] == longest]
    return _minutes(wait, longest) and day(on) in days


@says(r"The customer waited up to N (day|hour)s? for a written reply in the last 90 days\.")
def _(p: Person, n: str, unit: str) -> bool:
    found = [
        (r["replied_at"].replace(second=0) - r["_at"].replace(second=0)).total_seconds() / 3600
        for r in d.inbound(p, 90)
        if p.by_now(r["replied_at"]) is not None
    ]
    return count(n) == half_up(max(found) / (24 if unit == "day" else 1))


@says(r"The customer was answered within a minute every time in the last 90 days\.")
def _(p: Person) -> bool:
    return max(_waits(p, 90)) <= 60 and not any(r["abandoned"] for r in d.inbound(p, 90))


@says(r"The customer's longest wait for an answer in the last 90 days was N minutes?\.")
def _(p: Person, longest: str) -> bool:
    return _minutes(longest, max(_waits(p, 90)))


def _open(p: Person) -> list[date]:
    return [p.day(r) for r in p.rows("cases", None, lambda r: d.is_open(p, r))]


@says(r"The customer has had an open case since DATE, for DAYS\.")
def _(p: Person, on: str, days: str) -> bool:
    return min(_open(p)) == day(on) and same_days(days, p.ago(day(on)))


@says(r"(?:N|One) cases? of the last 90 days (?:was|were) reopened\.")
def _(p: Person, n: str | None) -> bool:
    found = p.rows("cases", 90, lambda r: p.by_now(r["reopened_at"]) is not None)
    return len(found) == (1 if n is None else count(n))


@says(r"(?:N|One) cases? of the last 90 days (?:is|are) not resolved\.")
def _(p: Person, n: str | None) -> bool:
    found = p.rows("cases", 90, lambda r: d.unresolved(p, r))
    return len(found) == (1 if n is None else count(n))


@says(r"No case of the last year was reopened or noted as unresolved\.")
def _(p: Person) -> bool:
    bad = p.rows("cases", 365, lambda r: d.unresolved(p, r) or p.by_now(r["reopened_at"]))
    return not bad and not _open(p)


@says(r"The delivery promised for DATE was late\. At worst we were DAYS late in the last 90 days\.")
def _(p: Person, on: str, days: str) -> bool:
    every = max(order["promised_on"] for order, _ in d.late_orders(p, None))
    return every == day(on) and same_days(days, max(late for _, late in d.late_orders(p, 90)))


@says(
    r"We missed the date promised in a case, DATE\. At worst we were DAYS late with cases of the "
    r"last 90 days\."
)
def _(p: Person, on: str, days: str) -> bool:
    every = max(case["promised_on"] for case, _ in d.late_cases(p, None))
    return every == day(on) and same_days(days, max(late for _, late in d.late_cases(p, 90)))


@says(
    r"No missed promises in (the customer's cases in )?the last year(?:, in cases or deliveries)?\."
)
def _(p: Person, cases: str | None) -> bool:
    return not d.late_cases(p, 365) and (bool(cases) or not d.late_orders(p, 365))


def _denied(p: Person, days: int) -> list[Row]:
    return [r for r in d.inbound(p, days) if r["human_requested"] and r["handled_by"] == "bot"]


@says(
    r"The customer asked for a person but was met by a bot (?:N times|once) in the last 90 days\."
)
def _(p: Person, n: str | None) -> bool:
    return len(_denied(p, 90)) == (1 if n is None else count(n))


@says(
    r"The customer was met by a bot again about the same thing (?:N "
    r"times|once) in the last 90 days\."
)
def _(p: Person, n: str | None) -> bool:
    return len(d.bots_again(p, 90)) == (1 if n is None else count(n))


@says(r"The customer has not been met by a bot twice about the same thing in the last 90 days\.")
def _(p: Person) -> bool:
    return not d.bots_again(p, 90)


@says(
    r"It took up to N (day|hour)s? from a fault until a person answered in the last 90 days\. "
    r"The latest fault was on DATE\."
)
def _(p: Person, n: str, unit: str, on: str) -> bool:
    hours = max(d.hours_to_a_person(p, 90))
    right = count(n) == half_up(hours / (24 if unit == "day" else 1))
    return right and latest(p, d.faults(p), on)


@says(r"N faults at the customer's in the last 90 days, the latest on DATE\.")
def _(p: Person, n: str, on: str) -> bool:
    return len(d.faults(p, 90)) == count(n) and latest(p, d.faults(p, 90), on)


@says(r"There was a fault at the customer's on DATE\.")
def _(p: Person, on: str) -> bool:
    return len(d.faults(p, 90)) == 1 and latest(p, d.faults(p, 90), on)


@says(r"A person answered within an hour of a fault at the longest in the last year\.")
def _(p: Person) -> bool:
    return max(d.hours_to_a_person(p, 365)) <= 1


@says(r"The longest time from a fault until a person answered in the last year was N hours?\.")
def _(p: Person, n: str) -> bool:
    return count(n) == half_up(max(d.hours_to_a_person(p, 365)))


@says(
    r"The customer came back about the same thing N times in the last 90 days, the latest on DATE\."
)
def _(p: Person, n: str, on: str) -> bool:
    found = d.again(p, 90, 30)
    return len(found) == count(n) and latest(p, found, on)


@says(r"The customer came back about the same thing on DATE\.")
def _(p: Person, on: str) -> bool:
    return len(d.again(p, 90, 30)) == 1 and latest(p, d.again(p, 90, 30), on)


@says(r"The customer has not come back about the same thing in the last 90 days\.")
def _(p: Person) -> bool:
    return not d.again(p, 90, 30)


@says(r"The customer was transferred (?:N times|once) in the last 90 days\.")
def _(p: Person, n: str | None) -> bool:
    found = sum(r["transfers"] or 0 for r in d.inbound(p, 90))
    return found == (1 if n is None else count(n))


@says(
    r"The customer raised the same thing in a new channel N times in the last 90 days, "
    r"the latest on DATE\."
)
def _(p: Person, n: str, on: str) -> bool:
    found = d.again_elsewhere(p, 90)
    return len(found) == count(n) and latest(p, found, on)


@says(r"The customer raised the same thing in a new channel on DATE\.")
def _(p: Person, on: str) -> bool:
    return len(d.again_elsewhere(p, 90)) == 1 and latest(p, d.again_elsewhere(p, 90), on)


@says(r"(?:N|One) repeated contacts? in the last 90 days (?:was|were) linked to no case\.")
def _(p: Person, n: str | None) -> bool:
    return len(d.unlinked(p, 90)) == (1 if n is None else count(n))


@says(r"The customer has not raised the same thing in several channels in the last 90 days\.")
def _(p: Person) -> bool:
    return not d.again_elsewhere(p, 90)


@says(
    r"Self-service did not work out, and the customer contacted us (?:N "
    r"times in 90 days, the latest "
    r")?on DATE\."
)
def _(p: Person, n: str | None, on: str) -> bool:
    found = d.failed_self_service(p, 90)
    return len(found) == (1 if n is None else count(n)) and latest(p, found, on)


@says(r"The customer finished (?:N|one) tasks? in self-service in the last 90 days\.")
def _(p: Person, n: str | None) -> bool:
    found = p.rows("self_service", 90, lambda r: r["completed"])
    return len(found) == (1 if n is None else count(n))


@says(r"The complaint of DATE is still open after DAYS\.")
def _(p: Person, on: str, days: str) -> bool:
    found = [p.day(r) for r in p.rows("complaints", None, lambda r: not p.by_now(r["closed_at"]))]
    return min(found) == day(on) and same_days(days, p.ago(day(on)))


@says(r"The customer complained N times in the last year, the latest on DATE\.")
def _(p: Person, n: str, on: str) -> bool:
    return len(p.rows("complaints", 365)) == count(n) and latest(p, p.rows("complaints", 90), on)


@says(r"The customer complained on DATE\.")
def _(p: Person, on: str) -> bool:
    return len(p.rows("complaints", 90)) == 1 and latest(p, p.rows("complaints", 90), on)


@says(r"The customer has not complained in the last year\.")
def _(p: Person) -> bool:
    return not p.rows("complaints", 365)


# --- information, channels, surveys ----------------------------------------------------------
def _untold(p: Person, days: int | None) -> list[Row]:
    return p.rows("incidents", days, lambda r: not d.told(p, r))


@says(
    r"The customer was not told in time about N faults and outages in the last 90 days, "
    r"the latest on DATE\."
)
def _(p: Person, n: str, on: str) -> bool:
    return len(_untold(p, 90)) == count(n) and latest(p, _untold(p, 90), on)


@says(r"The customer was not told in time about the fault or outage on DATE\.")
def _(p: Person, on: str) -> bool:
    return len(_untold(p, 90)) == 1 and latest(p, _untold(p, 90), on)


@says(r"The customer was told in time about every fault and outage in the last year\.")
def _(p: Person) -> bool:
    return bool(p.rows("incidents", 365)) and not _untold(p, 365)


@says(r"No fault or outage at the customer's in the last year\.")
def _(p: Person) -> bool:
    return not p.rows("incidents", 365)


@says(
    r"N times in the last 90 days a fault lasted longer than we had promised, the latest on DATE\."
)
def _(p: Person, n: str, on: str) -> bool:
    found = [moment for moment in d.ends_missed(p) if within(p, moment, 90)]
    return len(found) == count(n) and p.clock.day(max(found)) == day(on)


@says(r"The fault that was to be repaired on DATE lasted longer than we had promised\.")
def _(p: Person, on: str) -> bool:
    found = [moment for moment in d.ends_missed(p) if within(p, moment, 90)]
    return len(found) == 1 and p.clock.day(found[0]) == day(on)


@says(r"N times in the last 90 days a fault came back at the same place, the latest on DATE\.")
def _(p: Person, n: str, on: str) -> bool:
    return len(d.faults_again(p, 90)) == count(n) and latest(p, d.faults_again(p, 90), on)


@says(r"A fault came back at the same place on DATE\.")
def _(p: Person, on: str) -> bool:
    return len(d.faults_again(p, 90)) == 1 and latest(p, d.faults_again(p, 90), on)


@says(r"Faults and outages at the customer's lasted N hours? in all in the last 90 days\.")
def _(p: Person, n: str) -> bool:
    return count(n) == half_up(d.outage_hours(p, 90))


def _quiet(p: Person, what: str, days: int) -> list[Any]:
    """What moved on, or did not, with no word about it in the week before it was due."""
    if what == "order":
        due = {
            order["order_id"]: p.clock.midnight(order["promised_on"] + timedelta(1))
            for order, _ in d.late_orders(p, None)
        }
    elif what == "case":
        due = {r["case_id"]: r["_at"] + timedelta(7) for r in p.rows("cases")}
        closed = {r["case_id"]: r["closed_at"] for r in p.rows("cases")}
        due = {k: end for k, end in due.items() if closed[k] is None or closed[k] > end}
    else:
        standing = sorted(b.bills(p), key=lambda r: (r["_known"], r["_at"], r["invoice_id"]))
        due = {
            bill["invoice_id"]: bill["_at"] + timedelta(4)
            for i, bill in enumerate(standing)
            if i > 2 and bill["owed"] >= 1.35 * median(r["owed"] for r in standing[:i][-12:])
        }
    word = p.rows("notifications", None, lambda r: r["kind"] != "marketing")
    return [
        key
        for key, end in due.items()
        if within(p, end, days)
        and not any(
            r.get(f"{what}_id") == key and end - timedelta(7) <= r["_at"] < end for r in word
        )
    ]


@says(
    r"(?:N|An) orders? (?:was|were) late in the last year without word from us in the week up to "
    r"the promised day\."
)
def _(p: Person, n: str | None) -> bool:
    return len(_quiet(p, "order", 365)) == (1 if n is None else count(n))


@says(r"In the last year (?:N|a) cases? (?:was|were) open for a week without word from us\.")
def _(p: Person, n: str | None) -> bool:
    return len(_quiet(p, "case", 365)) == (1 if n is None else count(n))


@says(
    r"(?:N|An) unusually high bills? in the last year came without word from us within three days\."
)
def _(p: Person, n: str | None) -> bool:
    return len(_quiet(p, "invoice", 365)) == (1 if n is None else count(n))


@says(r"No late order, slow case or high bill in the last year was left without word from us\.")
def _(p: Person) -> bool:
    return not any(_quiet(p, what, 365) for what in ("order", "case", "invoice"))


@says(r"(?:N|One) of our messages in the last 90 days came at night\.")
def _(p: Person, n: str | None) -> bool:
    found = p.rows("notifications", 90, lambda r: r["kind"] != "outage")
    at_night = [r for r in found if not 7 <= p.clock.hour(r["_at"]) < 22]
    return len(at_night) == (1 if n is None else count(n))


@says(r"(?:N times|Once) in the last 90 days we sent the same message again within a day\.")
def _(p: Person, n: str | None) -> bool:
    return len(d.sent_again(p, 90)) == (1 if n is None else count(n))


@says(r"The customer opted out of marketing on DATE\.")
def _(p: Person, on: str) -> bool:
    return latest(p, d.unsubscribed(p), on) and p.ago(day(on)) <= 365


def _turned_down(p: Person, days: int | None) -> list[Row]:
    return p.rows("offers", days, lambda r: r["accepted"] is False and p.by_now(r["answered_at"]))


def _said_no(p: Person, on: str) -> bool:
    return max(p.clock.day(r["answered_at"]) for r in _turned_down(p, None)) == day(on)


@says(r"The customer turned down (?:N offers of the last 90 days, the latest|an offer) on DATE\.")
def _(p: Person, n: str | None, on: str) -> bool:
    found = len(_turned_down(p, 90)) == (1 if n is None else count(n))
    return found and _said_no(p, on)


def _generic(p: Person, days: int) -> list[Row]:
    return p.rows(
        "notifications", days, lambda r: r["kind"] == "marketing" and not r["personalised"]
    )


@says(r"The customer got (?:N|no) general advertisements in the last 30 days\.")
def _(p: Person, n: str | None) -> bool:
    return len(_generic(p, 30)) == (0 if n is None else count(n))


@says(
    r"N messages in the last 90 days stated another price than the "
    r"customer's own, the latest on DATE\."
)
def _(p: Person, n: str, on: str) -> bool:
    found = d.contradictions(p, 90)
    return len(found) == count(n) and latest(p, found, on)


@says(r"The message of DATE stated another price than the customer's own\.")
def _(p: Person, on: str) -> bool:
    return len(d.contradictions(p, 90)) == 1 and latest(p, d.contradictions(p, 90), on)


@says(r"No message in the last year stated another price than the customer's own\.")
def _(p: Person) -> bool:
    return not d.contradictions(p, 365)


@says(
    r"(?:N|One) messages? in the last 90 days (?:was|were) written without an approved template\."
)
def _(p: Person, n: str | None) -> bool:
    found = p.rows("notifications", 90, lambda r: r["template_id"] is None)
    return len(found) == (1 if n is None else count(n))


def _shut(p: Person, days: int) -> list[Row]:
    return [r for r in d.inbound(p, days) if r["unavailable_channel"] is not None]


def _forced(p: Person, days: int) -> list[Row]:
    """Contacts elsewhere, as the channel that the customer preferred at the time was closed."""
    told = p.rows("master_data", None, lambda r: r["attribute"] == "preferred_channel")
    found = []
    for row in _shut(p, days):
        preferred = b.newest([r for r in told if r["_known"] < row["_at"]])
        if row["unavailable_channel"] == preferred != row["channel"]:
            found.append(row)
    return found


@says(
    r"N times in the last 90 days the customer's preferred channel was "
    r"closed and another had to do\."
)
def _(p: Person, n: str) -> bool:
    return len(_forced(p, 90)) == count(n)


@says(
    r"The customer's preferred channel was closed once in the last 90 days, and another had to do\."
)
def _(p: Person) -> bool:
    return len(_forced(p, 90)) == 1


@says(r"The customer found a channel closed (?:N times in the last 90 days, the latest )?on DATE\.")
def _(p: Person, n: str | None, on: str) -> bool:
    return len(_shut(p, 90)) == (1 if n is None else count(n)) and latest(p, _shut(p, 90), on)


@says(r"The customer has found no channel closed in the last 90 days\.")
def _(p: Person) -> bool:
    return not _shut(p, 90)


_CHANNELS = {"e-mail": "email", "text messages": "sms", "the app": "app", "the website": "web"}
_CHANNELS |= {"the shop": "store", "phone": "phone", "chat": "chat", "post": "post"}


@says(r"The customer used N channels in the last year(?: and prefers (.+))?\.")
def _(p: Person, n: str, preferred: str | None) -> bool:
    told = p.rows("master_data", None, lambda r: r["attribute"] == "preferred_channel")
    right = preferred is None or b.newest(told) == _CHANNELS[preferred]
    return right and len({r["channel"] for r in d.inbound(p, 365)} - {None}) == count(n)


def _answer(p: Person, kind: str, n: str, scale: int, on: str) -> bool:
    """The latest answer, on the day written and not over a year old."""
    found = p.rows("surveys", None, lambda r: r["kind"] == kind)
    last = max(found, key=lambda r: (r["_at"], r["survey_id"]))
    right = p.day(last) == day(on) and p.ago(day(on)) <= 365
    return right and half_up(last["score"], 1) == count(n) <= scale


@says(r"The customer gave us N of 5 for satisfaction on DATE\.")
def _(p: Person, n: str, on: str) -> bool:
    return _answer(p, "csat", n, 5, on)


@says(r"The customer answered N of 10 on recommending us, on DATE\.")
def _(p: Person, n: str, on: str) -> bool:
    return _answer(p, "loyalty", n, 10, on)


@says(r"The customer answered N of 7 on how hard it was to get help, on DATE\.")
def _(p: Person, n: str, on: str) -> bool:
    return _answer(p, "ces", n, 7, on)


@says(r"The customer gave us N of 5 for keeping them informed, on DATE\.")
def _(p: Person, n: str, on: str) -> bool:
    return _answer(p, "informed", n, 5, on)


@says(r"The customer left (?:N|one) surveys? unanswered in the last year\.")
def _(p: Person, n: str | None) -> bool:
    return len(d.unanswered(p, 365)) == (1 if n is None else count(n))


@says(r"The customer answered (?:N|one|(no)) surveys? in the last year\.")
def _(p: Person, n: str | None, none: str | None) -> bool:
    return len(p.rows("surveys", 365)) == (0 if none else 1 if n is None else count(n))


# --- the relationship ------------------------------------------------------------------------
def _since(p: Person) -> date | None:
    found: Iterable[Row] = p.rows("customers")
    return max((r["joined_on"] for r in found), default=None)


@says(r"A new customer, since DATE\.")
def _(p: Person, on: str) -> bool:
    return _since(p) == day(on) and p.ago(day(on)) < 90


@says(r"Customer (?:for DAYS, )?since DATE\.")
def _(p: Person, long: str | None, on: str) -> bool:
    since = day(on)
    return _since(p) == since and (long is None or same_days(long, p.ago(since)))


@says(r"The customer has (\w+) with us(?: and pays MONEY a month in all)?\.")
def _(p: Person, line: str, price: str | None) -> bool:
    paid = sum(float(c["own"]) for c in b.contracts(p) if c["own"] is not None)
    return line in d.lines(p) and (price is None or same_money(price, paid))


@says(r"The customer contacted us (?:N times|once) in the last year, (?:the latest )?DAYS ago\.")
def _(p: Person, n: str | None, ago: str) -> bool:
    found = d.inbound(p, 365)
    right = len(found) == (1 if n is None else count(n))
    return right and same_days(ago, min(p.ago(p.day(r)) for r in found))


@says(r"The customer has not contacted us in the last year\.")
def _(p: Person) -> bool:
    return not d.inbound(p, 365)


def _unpaid(p: Person) -> list[Row]:
    return p.rows(
        "claims",
        365,
        lambda r: r["settled_on"] and p.by_now(r["settled_on"]) and not r["paid"] and r["claimed"],
    )


@says(r"(?:N|One) claims? of the last year (?:was|were) settled without payment\.")
def _(p: Person, n: str | None) -> bool:
    return len(_unpaid(p)) == (1 if n is None else count(n))


@says(
    r"PCT of the amount in the last year's settled claims was paid out; "
    r"the latest claim was made on DATE\."
)
def _(p: Person, share: str, on: str) -> bool:
    settled = p.rows("claims", 365, lambda r: p.by_now(r["settled_on"]))
    paid, claimed = (sum(r[name] or 0 for r in settled) for name in ("paid", "claimed"))
    return same_share(share, paid / claimed) and latest(p, p.rows("claims", 365), on)


@says(r"N claims in the last year, the latest on DATE\.")
def _(p: Person, n: str, on: str) -> bool:
    return len(p.rows("claims", 365)) == count(n) and latest(p, p.rows("claims", 365), on)


@says(r"The customer made a claim on DATE\.")
def _(p: Person, on: str) -> bool:
    return len(p.rows("claims", 365)) == 1 and latest(p, p.rows("claims", 365), on)


@says(r"No claims in the last year\.")
def _(p: Person) -> bool:
    return not p.rows("claims", 365)


@says(r"The customer has used no benefit in the last year\.")
def _(p: Person) -> bool:
    return bool(_benefits(p)) and not _used(p)


def _used(p: Person) -> list[date]:
    every = p.rows("benefits", None, lambda r: r["used_at"] is not None)
    return [p.clock.day(r["used_at"]) for r in every if within(p, r["used_at"], 365)]


@says(r"The customer used (?:N benefits in the last year, the latest|a benefit) on DATE\.")
def _(p: Person, n: str | None, on: str) -> bool:
    return len(_used(p)) == (1 if n is None else count(n)) and max(_used(p)) == day(on)


def _treated(p: Person) -> list[Row]:
    return p.rows("treatments", 365, lambda r: r["contacted"] and (r["arm"] or "treat") == "treat")


@says(
    r"We contacted the customer on our own initiative (?:N times in the last year, the latest )?"
    r"on DATE\."
)
def _(p: Person, n: str | None, on: str) -> bool:
    return len(_treated(p)) == (1 if n is None else count(n)) and latest(p, _treated(p), on)


@says(r"We last contacted the customer DAYS ago\.")
def _(p: Person, ago: str) -> bool:
    found = p.rows("contacts", None, lambda r: r.get("direction") == "outbound")
    return same_days(ago, min(p.ago(p.day(r)) for r in found))
