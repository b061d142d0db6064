"""Price, from its documentation: replays each contract's price and the newcomers' offers."""

from calendar import monthrange
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from companies import Row

from oracle.billing import standing
from oracle.view import View, top

_MOMENT = timedelta(microseconds=1)


def features(view: View) -> dict[str, Any]:
    return {
        **_rises(view),
        **_latest_rise(view),
        **_newcomers(view),
        **_plans(view),
        **_contracts(view),
        **_benefits(view),
        **_contract_rises(view),
        **_offers(view),
    }


def _benefits(view: View) -> dict[str, Any]:
    benefits = view.rows("benefits")
    held = [row for row in benefits if row["ends_on"] is None or row["ends_on"] >= view.as_of]
    end = top(row["ends_on"] for row in held)
    return {
        "loyalty_benefit": len(held),
        "benefit_days_left": None if end is None else (end - view.as_of).days,
        "benefit_granted_on": top(row["granted_on"] for row in held),
        "benefit_ended_on": top(row["ends_on"] for row in benefits if row not in held),
    }


def market(view: View) -> tuple[Decimal, Decimal]:
    """What the customer pays a month on the lines that the market has, and what it asks."""
    own, asked = Decimal(0), Decimal(0)
    for contract in view.rows("contracts"):
        price = _own_price(view, contract, view.now - _MOMENT)
        months = view.rows(
            "market_price", lambda row, line=contract["product_line"]: row["product_line"] == line
        )
        if price is not None and months:
            own += price
            asked += max(months, key=lambda row: row["month"])["price"]
    return own, asked


def _rises(view: View) -> dict[str, Any]:
    changes = view.rows("price_changes")
    for row in changes:
        row["change"] = row["fall"] = None
        if row["old_price"] > 0:
            share = (row["new_price"] - row["old_price"]) / row["old_price"]
            row["change"] = float(round_half_up(share * 10000)) / 10000
            row["fall"] = -row["change"]
        row["rise"] = row["new_price"] > 0 if row["change"] is None else row["change"] > 0
    rises = [row for row in changes if row["rise"]]
    falls = [row for row in changes if (row["change"] or 0) < 0]
    silent = [
        row
        for row in rises
        if row["notified_on"] is None or row["notified_on"] >= row["effective_on"]
    ]
    shares = view.sums("price_rise_pct", rises, "change", 90, 365)
    for days in (90, 365):
        if any(row["change"] is None for row in view.recent(rises, days)):
            shares[f"price_rise_pct_{days}d"] = None
    return {
        **shares,
        **view.counts("price_rises", rises, 90, 365),
        **view.sums("price_fall_pct", falls, "fall", 90, 365),
        "days_since_rise": view.days_since(view.local_day(row["event_at"]) for row in rises),
        **view.counts("rises_without_notice", silent, 90, 365),
        **view.counts(
            "rises_without_reason", [row for row in rises if row["reason_code"] is None], 90, 365
        ),
    }


def round_half_up(value: Decimal) -> Decimal:
    return value.quantize(Decimal(1), rounding=ROUND_HALF_UP)


def _latest_rise(view: View) -> dict[str, Any]:
    changes = view.rows("price_changes", lambda row: row.get("rise"))
    latest = changes[-1] if changes else {}
    notified, effective = latest.get("notified_on"), latest.get("effective_on")
    return {
        "days_to_rise_effective": (effective - view.as_of).days if effective else None,
        "rise_notice_days": (effective - notified).days if effective and notified else None,
        "latest_rise_notified_on": notified,
        "latest_rise_effective_on": effective,
        "latest_rise_old_price": latest.get("old_price"),
        "latest_rise_new_price": latest.get("new_price"),
        "rise_reason_kind": latest.get("reason_kind"),
    }


NOTICE_DUE = {"electricity": 30, "broadband": 30, "telephony": 30, "insurance": 30}


def _contract_rises(view: View) -> dict[str, Any]:
    """Rises of known contracts: short of notice, or against the line's market."""
    lines = {row["contract_id"]: row for row in view.rows("contracts")}
    rises = [
        row
        for row in view.rows("price_changes")
        if row["contract_id"] in lines and row["new_price"] > row["old_price"]
    ]
    short, contrary = [], []
    for row in rises:
        line = lines[row["contract_id"]]["product_line"]
        told = row["notified_on"]
        notice = (row["effective_on"] - told).days if told else 0
        short += [row] if notice < NOTICE_DUE.get(line, -9999) else []
        contrary += [row] if _market_fell(view, line, row) else []
    return {
        **view.counts("rises_at_short_notice", short, 90, 365),
        **view.counts("rises_against_market", contrary, 365),
        "latest_contrary_rise_on": top(row["effective_on"] for row in contrary),
    }


def _market_fell(view: View, line: str, rise: Row) -> bool:
    months = [
        row
        for row in view.rows("market_price")
        if row["product_line"] == line
        and row["event_at"] <= rise["event_at"]
        and row["known_at"] <= rise["known_at"]
    ]
    before = [r for r in months if r["event_at"] <= rise["event_at"] - timedelta(days=90)]
    if not before:
        return False
    newest, old = (max(rows, key=lambda row: row["month"]) for rows in (months, before))
    return bool(newest["price"] < old["price"])


def _offers(view: View) -> dict[str, Any]:
    """Usage beside what the plan in force is made for, bundles, and bills without a benefit."""
    just_before = view.now - _MOMENT
    made_for: dict[str, Any] = {}
    for row in sorted(
        view.rows("price_list", lambda row: row["usage"] is not None),
        key=lambda row: (row["known_at"], row["valid_from"], row["campaign"]),
    ):
        made_for.setdefault(row["plan_id"], row["usage"])
    held = view.rows("contracts", lambda row: _held(view, row, just_before))
    plans = {row["contract_id"]: _plan(view, row, just_before) for row in held}
    fits = [
        row["amount"] / made_for[plans[row["contract_id"]]]
        for row in view.recent(view.rows("usage"), 365)
        if made_for.get(plans.get(row["contract_id"]))
    ]
    billed = sum(bill["owed"] for bill in view.recent(standing(view.rows("invoices")), 365))
    several = len({row["product_line"] for row in held}) > 1
    return {
        "usage_against_plan_365d": sum(fits) / len(fits) if fits else None,
        "unbundled_products": int(several and not any(row["bundle_id"] for row in held)),
        "billed_without_benefit_365d": 0 if _benefits(view)["loyalty_benefit"] else billed,
    }


def _own_price(view: View, contract: Row, moment: datetime) -> Decimal | None:
    """The price in force and known at a moment; none before the contract or after its end."""
    if contract["known_at"] > moment or not _held(view, contract, moment):
        return None
    price = contract["price"]
    steps = [
        (
            max(row["known_at"], view.midnight(row["effective_on"]), contract["known_at"]),
            row["key"],
            row["new_price"],
        )
        for row in view.rows("price_changes")
        if row["contract_id"] == contract["contract_id"]
    ]
    for at, _, new_price in sorted(steps):
        price = new_price if at <= moment else price
    return price


def _held(view: View, contract: Row, moment: datetime) -> bool:
    return not any(
        row["contract_id"] == contract["contract_id"]
        and row["known_at"] <= moment
        and view.midnight(row["effective_on"] + timedelta(days=1)) <= moment
        for row in view.rows("terminations")
    )


def _plan(view: View, contract: Row, moment: datetime) -> str | None:
    """The plan in force and known: of the history's plans, only those sold on the same line."""
    plan, changes = contract["plan_id"], []
    for row in view.rows("master_data"):
        told = [
            offer["known_at"]
            for offer in view.rows("price_list")
            if (offer["plan_id"], offer["product_line"]) == (row["value"], contract["product_line"])
        ]
        if row["attribute"] == "plan" and row["event_at"] >= contract["event_at"] and told:
            at = max(row["known_at"], contract["known_at"], min(told))
            changes.append((at, row["event_at"], row["value"]))
    for at, _, changed in sorted(changes):
        plan = changed if at <= moment else plan
    return plan


def _cheapest(view: View, plan_id: str | None, moment: datetime) -> Decimal | None:
    offered = [
        row["price"]
        for row in view.rows("price_list")
        if row["plan_id"] == plan_id
        and row["known_at"] <= moment
        and not (row["valid_to"] and view.known("price_list", row["valid_to"]) <= moment)
    ]
    return min(offered, default=None)


def _gap(view: View, contract: Row, moment: datetime) -> tuple[float, str, Decimal, Decimal] | None:
    own = _own_price(view, contract, moment)
    newcomer = _cheapest(view, _plan(view, contract, moment), moment) if own else None
    if own is None or newcomer is None or newcomer >= own:
        return None
    return float(own - newcomer) / float(own), contract["contract_id"], newcomer, own


def _newcomers(view: View) -> dict[str, Any]:
    contracts = view.rows("contracts")
    just_before = view.now - _MOMENT
    own = [_own_price(view, contract, just_before) for contract in contracts]
    gaps = [_gap(view, contract, just_before) for contract in contracts]
    gap = top(gaps, (0, None, None, None))
    values = {
        "own_price": sum(price for price in own if price is not None)
        if any(price is not None for price in own)
        else None,
        "newcomer_gap_pct": gap[0],
        "newcomer_price": gap[2],
        "newcomer_own_price": gap[3],
    }
    visible = [
        days
        for days in range(365)
        for contract in contracts
        if (gap := _gap(view, contract, view.midnight(view.as_of - timedelta(days)) - _MOMENT))
        and gap[0] >= 0.05
    ]
    for window in (90, 365):
        values[f"newcomer_gap_days_{window}d"] = sum(days < window for days in visible)
    return values


def _plans(view: View) -> dict[str, Any]:
    periods = [
        period["valid_to"]
        for contract in view.rows("contracts", lambda row: _held(view, row, view.now - _MOMENT))
        for period in view.rows("price_list")
        if period["plan_id"] == _plan(view, contract, view.now - _MOMENT) and not period["campaign"]
    ]
    return {
        "on_closed_tariff": int(bool(periods) and None not in periods),
        "plan_closed_on": top(periods),
    }


def _contracts(view: View) -> dict[str, Any]:
    held = view.rows("contracts", lambda row: _held(view, row, view.now - _MOMENT))
    left = [(row["binding_until"] - view.as_of).days for row in held if row["binding_until"]]
    bundled = {row["contract_id"]: row for row in view.rows("contracts") if row["bundle_id"]}
    broken = [
        {
            "event_at": max(row["event_at"], bundled[row["contract_id"]]["event_at"]),
            "notified_on": row["notified_on"],
        }
        for row in view.rows("terminations")
        if row["contract_id"] in bundled
    ]
    return {
        "binding_days_left": max([0, *left]),
        "days_since_binding_end": min((-days for days in left if days < 0), default=None),
        "binding_until": top(row["binding_until"] for row in held),
        "products_n": len({row["product_line"] for row in held}),
        "in_bundle": int(any(row["bundle_id"] for row in held)),
        **view.counts("bundle_broken", broken, 365),
        "bundle_broken_on": top(row["notified_on"] for row in broken),
        **_renewals(view, held),
    }


def _renewals(view: View, held: list[Row]) -> dict[str, Any]:
    """Each contract's renewals, one after the other, from its first day on."""
    coming, gone = [], []
    for row in (row for row in held if row["term_months"]):
        terms = 1
        while (day := _months_later(row["started_on"], terms * row["term_months"])) < view.as_of:
            gone.append(day)
            terms += 1
        coming.append(day)
    following, latest = min(coming, default=None), top(gone)
    return {
        "days_to_renewal": None if following is None else (following - view.as_of).days,
        "days_since_renewal": view.days_since(gone),
        "renews_on": following,
        "latest_renewal_on": latest,
    }


def _months_later(day: date, months: int) -> date:
    """The same day of a later month; the month's last day when it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
