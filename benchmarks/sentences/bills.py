"""Bills, payments and prices of one customer as they stand at the as-of date."""

from datetime import date, timedelta
from typing import Any

from benchmarks.sentences.person import Person, Row


def bills(p: Person) -> list[Row]:
    """The bills that stand: credited in part, reissued, and none that is credited in full."""
    every = {row["invoice_id"]: row for row in p.rows("invoices")}
    standing = []
    for row in every.values():
        corrects = row.get("corrects_invoice_id")
        if corrects is not None and row["amount"] < 0:
            continue
        notes = [r for r in every.values() if r.get("corrects_invoice_id") == row["invoice_id"]]
        root = root_of(every, row)
        later = [
            r
            for r in every.values()
            if r is not row
            and r.get("corrects_invoice_id") is not None
            and r["amount"] > 0
            and root_of(every, r) == root
            and (corrects is None or (r["_known"], r["_at"]) > (row["_known"], row["_at"]))
        ]
        owed = row["amount"] + sum(r["amount"] for r in notes if r["amount"] < 0)
        if not later and owed > 0:
            standing.append(row | {"owed": owed, "root": root})
    return standing


def root_of(every: dict[str, Row], row: Row) -> str:
    """The bill at the end of a chain of corrections."""
    while (corrects := row.get("corrects_invoice_id")) in every:
        row = every[corrects]
    return str(row.get("corrects_invoice_id") or row["invoice_id"])


def failed(p: Person, payment: Row) -> bool:
    """Whether a payment was known to have failed."""
    return bool(payment.get("failed")) and (
        payment.get("failed_on") is None or p.by_now(payment["failed_on"]) is not None
    )


def overdue(p: Person) -> list[Row]:
    """Bills past due of which not everything is known to be paid, a minor unit short apart."""
    every = {row["invoice_id"]: row for row in p.rows("invoices")}
    paid: dict[str, float] = {}
    for payment in p.rows("payments"):
        bill = every.get(payment["invoice_id"])
        root = root_of(every, bill) if bill else payment["invoice_id"]
        amount = float("inf") if payment.get("amount") is None else payment["amount"]
        if not failed(p, payment):
            paid[root] = paid.get(root, 0) + amount
    return [
        bill
        for bill in bills(p)
        if bill["due_on"] < p.clock.as_of and bill["owed"] - paid.get(bill["root"], 0) > 1
    ]


def late(p: Person, days: int) -> list[int]:
    """Days late of each payment of the last ``days`` days that came after the due day."""
    due = {row["invoice_id"]: row for row in p.rows("invoices")}
    standing = {row["invoice_id"] for row in bills(p)}
    found = []
    for payment in p.rows("payments", days, lambda r: not failed(p, r)):
        bill = due.get(payment["invoice_id"])
        if bill is not None and bill["invoice_id"] in standing and (payment["amount"] or 1) > 0:
            found.append((payment["paid_on"] - bill["due_on"]).days)
    return [days for days in found if days > 0]


def method(p: Person, *, attempts: bool) -> str | None:
    """How the latest payment, or attempt, was made; without one, what the register says."""
    made = p.rows("payments", None, lambda r: (r["amount"] or 0) >= 0 and r.get("method"))
    made = [r for r in made if attempts or not failed(p, r)]
    on_file = p.rows("master_data", None, lambda r: r["attribute"] == "payment_method")
    return str(made[-1]["method"]) if made else newest(on_file)


def newest(on_file: list[Row]) -> Any:
    """The value with the latest beginning."""
    return max(on_file, key=lambda r: r["_at"])["value"] if on_file else None


def contracts(p: Person) -> list[Row]:
    """Contracts that had not ended, each with its plan and price in force."""
    ended = {
        r["contract_id"]
        for r in p.rows("terminations")
        if r["effective_on"] is not None and r["effective_on"] < p.clock.as_of
    }
    return [
        row | {"plan": plan_of(p, row), "own": price_of(p, row, p.clock.as_of)}
        for row in p.rows("contracts")
        if row["contract_id"] not in ended
    ]


def plan_of(p: Person, contract: Row) -> Any:
    """The plan at the start, or the newest of the register that is of the contract's line."""
    known = {(r["plan_id"], r["product_line"]) for r in p.rows("price_list")}
    told = [
        r
        for r in p.rows("master_data", None, lambda r: r["attribute"] == "plan")
        if r["_at"] >= contract["_at"] and (r["value"], contract["product_line"]) in known
    ]
    return newest(told) or contract.get("plan_id")


def price_of(p: Person, contract: Row, day: date) -> Any:
    """The contract's price in force on a day."""
    own = contract["contract_id"]
    changes = p.rows("price_changes", None, lambda r: r.get("contract_id") == own)
    began = [r for r in changes if r["effective_on"] < day]
    last = max(began, key=lambda r: (r["effective_on"], r["_known"]), default=None)
    return contract.get("price") if last is None else last["new_price"]


def rises(p: Person, days: int | None) -> list[Row]:
    """Price rises notified, or without a notice in force, within the days."""
    return p.rows("price_changes", days, lambda r: r["new_price"] > r["old_price"])


def unannounced(p: Person, rise: Row) -> bool:
    """Whether a rise is in force without a notice before."""
    notice = p.by_now(rise["notified_on"])
    return notice is None or notice >= rise["effective_on"]


def line_of(p: Person, rise: Row) -> Any:
    """The product line of the contract whose price rises."""
    own = rise["contract_id"]
    return next((c["product_line"] for c in p.rows("contracts") if c["contract_id"] == own), None)


def notice(p: Person, rise: Row) -> int:
    """Days from a rise's notice until it is in force; none without a notice."""
    told = p.by_now(rise["notified_on"])
    return 0 if told is None else (rise["effective_on"] - told).days


def contrary_rises(p: Person, days: int) -> list[Row]:
    """Rises told when the newest market price of their line was below that of 90 days before."""
    found = []
    for rise in rises(p, days):
        line = line_of(p, rise)
        then = [
            r
            for r in p.rows("market_price")
            if r["product_line"] == line
            and r["_at"] <= rise["_at"]
            and r["_known"] <= rise["_known"]
        ]
        before = [r for r in then if r["_at"] <= rise["_at"] - timedelta(90)]
        if before and max(then, key=_begun)["price"] < max(before, key=_begun)["price"]:
            found.append(rise)
    return found


def _begun(row: Row) -> Any:
    return row["_at"]


def fits(p: Person, days: int) -> list[float]:
    """Each month's usage against what the plan of its contract is made for."""
    plans = {c["contract_id"]: c["plan"] for c in contracts(p)}
    made: dict[str, float] = {}
    listed = p.rows("price_list", None, lambda r: r["usage"])
    for row in sorted(listed, key=lambda r: (r["_known"], r["_at"], r["campaign"])):
        made.setdefault(row["plan_id"], row["usage"])
    months = p.rows("usage", days, lambda r: plans.get(r["contract_id"]) in made)
    return [row["amount"] / made[plans[row["contract_id"]]] for row in months]


def offers(p: Person, contract: Row) -> list[Any]:
    """What new customers are asked for the contract's plan today."""
    return [
        r["price"]
        for r in p.rows("price_list", None, lambda r: r["plan_id"] == contract["plan"])
        if r["valid_to"] is None or r["valid_to"] >= p.clock.as_of
    ]


def compared(p: Person) -> tuple[float, float]:
    """What the customer pays, and the market asks, for the lines that the market has."""
    months = sorted(p.rows("market_price"), key=lambda r: r["_at"])
    market = {r["product_line"]: r["price"] for r in months}
    held = [c for c in contracts(p) if c["product_line"] in market and c["own"] is not None]
    return (
        float(sum(c["own"] for c in held)),
        float(sum(market[c["product_line"]] for c in held)),
    )
