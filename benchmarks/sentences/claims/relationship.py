"""Claims about the customer relationship."""

from datetime import date

from benchmarks.sentences import bills as b
from benchmarks.sentences import dealings as d
from benchmarks.sentences.claims.reading import (
    count,
    day,
    latest,
    same_days,
    same_money,
    same_share,
    says,
    within,
)
from benchmarks.sentences.person import Person, Row


@says(r"A new customer, since DATE\.")
def _(p: Person, on: str) -> bool:
    return d.since(p) == day(on) and p.ago(day(on)) < 90


@says(r"Customer (?:for DAYS, )?since DATE\.")
def _(p: Person, long: str | None, on: str) -> bool:
    since = day(on)
    return d.since(p) == since and (long is None or same_days(long, p.ago(since)))


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
    return bool(d.benefits(p)) and not _used(p)


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
