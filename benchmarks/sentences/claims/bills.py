"""Claims about bills, reminders and payments."""

from datetime import timedelta
from statistics import median
from typing import Any

from benchmarks.sentences import bills as b
from benchmarks.sentences import dealings as d
from benchmarks.sentences.claims.reading import (
    MINOR,
    count,
    day,
    latest,
    same_days,
    same_money,
    says,
    within,
)
from benchmarks.sentences.person import Person, Row


def _latest_bill(p: Person, on: str, amount: str) -> tuple[float, float] | None:
    """The bill's amount and the median of the twelve before it, if it is as written."""
    standing = sorted(b.bills(p), key=lambda r: (r["_known"], r["_at"], r["invoice_id"]))
    if len(standing) < 4:
        return None
    bill, past = standing[-1], standing[:-1][-12:]
    written = bill["issued_on"] == day(on) and same_money(amount, bill["owed"] / MINOR)
    return (bill["owed"], median(r["owed"] for r in past)) if written else None


@says(r"The bill of DATE was MONEY, MONEY more than usual\.")
def _(p: Person, on: str, amount: str, more: str) -> bool:
    found = _latest_bill(p, on, amount)
    if found is None:
        return False
    return same_money(more, (found[0] - found[1]) / MINOR) and found[0] > found[1]


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
    total = sum(r["fee"] or 0 for r in found) / MINOR
    right = total == 0 if fees is None else same_money(fees, total)
    return len(found) == count(n) and latest(p, found, on) and right


@says(r"The customer got a payment reminder on DATE(?:, with a fee of MONEY)?\.")
def _(p: Person, on: str, fee: str | None) -> bool:
    found = p.rows("reminders", 90)
    total = sum(r["fee"] or 0 for r in found) / MINOR
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
    return same_money(fees, sum(found) / MINOR)


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
