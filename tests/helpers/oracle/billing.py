"""Billing friction, from its documentation."""

from datetime import timedelta
from math import copysign, floor
from statistics import median
from typing import Any

from companies import Row

from oracle.view import View, flag, in_force, known_order, last, top


def features(view: View) -> dict[str, Any]:
    return {
        **_bills(view),
        **_overdue(view),
        **_billing_contacts(view),
        **_payments(view),
        **_reminders(view),
        **_methods(view),
        **_readings(view),
    }


def _readings(view: View) -> dict[str, Any]:
    readings = view.rows("meter_readings")
    missing = [row for row in readings if row["status"] in (None, "missing")]
    estimated = [row for row in readings if row["status"] == "estimated"]
    return {
        **view.counts("missing_readings", missing, 30, 90, 365),
        **view.counts("estimated_readings", estimated, 30, 90, 365),
        "latest_missing_reading_on": top(row["due_on"] for row in missing),
        "paper_format": _is(in_force(view.rows("master_data"), "invoice_format"), "paper"),
    }


def shocked_bills(view: View) -> list[Row]:
    """The bills that stand, each beside what is usual."""
    bills = standing(view.rows("invoices"))
    for number, bill in enumerate(bills):
        before = [row for row in bills[:number] if row["contract_id"] == bill["contract_id"]]
        months = _months(bill, before) if _several(bill, before) else None
        typical = _typical(before, months)
        year_ago = _year_ago(bill, before) if months is None else months.get(12, 0)
        bill["shock"] = bill["owed"] / typical if typical > 0 else None
        bill["above_usual"] = _whole(bill["owed"] - typical)
        bill["shock_year"] = bill["owed"] / year_ago if year_ago else None
    return bills


def _bills(view: View) -> dict[str, Any]:
    bills = shocked_bills(view)
    corrections = view.rows("invoices", lambda row: row["corrects_invoice_id"] is not None)
    shocked = [bill for bill in bills if bill["shock"] is not None]
    due_on, paper = last(bills, "due_on"), last(bills, "format")
    return {
        "bill_shock_latest": last(bills, "shock"),
        **view.largest("bill_shock_max", bills, "shock", 90, 365),
        "bill_shock_year_latest": last(bills, "shock_year"),
        **view.counts("estimated_bills", [row for row in bills if row["estimated"]], 90, 365),
        "latest_bill_amount": last(shocked, "owed"),
        "latest_bill_above_usual": last(shocked, "above_usual"),
        "latest_bill_on": last(shocked, "issued_on"),
        **view.counts("corrections", corrections, 90, 365),
        "latest_correction_on": top(row["issued_on"] for row in corrections),
        "bill_lines_latest": last(bills, "n_lines"),
        "days_since_invoice": view.days_since(row["issued_on"] for row in bills),
        "days_to_due": None if due_on is None else (due_on - view.as_of).days,
        "paper_invoice": None if paper is None else int(paper == "paper"),
        **view.sums("paper_fees", bills, "paper_fee", 90, 365),
    }


def standing(invoices: list[Row]) -> list[Row]:
    """The bills that stand, in the order known, with ``root`` and what is ``owed``.

    A credit note takes from the bill that it names, a reissue replaces the one that it names.
    """
    correcting = {
        row["invoice_id"]: row for row in invoices if row["corrects_invoice_id"] is not None
    }
    groups: dict[str, list[Row]] = {}
    for row in invoices:
        if row["corrects_invoice_id"] is None or row["amount"] > 0:
            groups.setdefault(_root(row, correcting), []).append(row)
    bills = []
    for root, group in groups.items():
        reissues = [row for row in group if row["corrects_invoice_id"] is not None]
        [bill] = (reissues or group)[-1:]
        credits = [
            -row["amount"]
            for row in correcting.values()
            if row["amount"] < 0 and row["corrects_invoice_id"] == bill["invoice_id"]
        ]
        if not credits or sum(credits) < bill["amount"]:
            bills.append(bill | {"root": root, "owed": bill["amount"] - sum(credits)})
    return sorted(bills, key=known_order)


def _root(row: Row, correcting: dict[str, Row]) -> str:
    """The bill at the end of a chain of corrections, as far as known when ``row`` came."""
    root = str(row["corrects_invoice_id"] or row["invoice_id"])
    if row["corrects_invoice_id"] is not None:
        for _ in range(8):
            link = correcting.get(root)
            if link is not None and link["known_at"] <= row["known_at"]:
                root = link["corrects_invoice_id"]
    return root


def _several(bill: Row, before: list[Row]) -> bool:
    """Whether bills come more than one and a half times a month: those of several products."""
    past = before[-12:]
    if len(past) < 3:
        return False
    newest = max(bill["issued_on"], past[-1]["issued_on"])
    return bool((newest - past[0]["issued_on"]).days < 20 * len(past))


def _months(bill: Row, before: list[Row]) -> dict[int, int]:
    """What was owed on the bill nearest to the same day of each of the twelve months before."""
    nearest: dict[int, tuple[tuple[int, int, int], int]] = {}
    for place, row in enumerate(before):
        days = (bill["issued_on"] - row["issued_on"]).days
        months = round(days / 30.44)
        if 1 <= months <= 12:
            apart = floor(abs(days - 30.44 * months) / 5)
            found = ((apart, abs(bill["owed"] - row["owed"]), place), row["owed"])
            nearest[months] = min(nearest.get(months, found), found)
    return {months: owed for months, (_, owed) in nearest.items()}


def _typical(before: list[Row], months: dict[int, int] | None) -> float:
    owed = [row["owed"] for row in before[-12:]] if months is None else [*months.values()]
    return median(owed) if len(owed) >= 3 else 0


def _whole(amount: float) -> int:
    return int(copysign(floor(abs(amount) + 0.5), amount))


def _year_ago(bill: Row, before: list[Row]) -> int:
    same_month = [row for row in before if row["issued_on"].month == bill["issued_on"].month]
    if not same_month:
        return 0
    age = (bill["issued_on"] - same_month[-1]["issued_on"]).days
    return int(same_month[-1]["owed"]) if 350 <= age <= 380 else 0


def _overdue(view: View) -> dict[str, Any]:
    invoices = view.rows("invoices")
    correcting = {r["invoice_id"]: r for r in invoices if r["corrects_invoice_id"] is not None}
    documents = [r for r in invoices if r["corrects_invoice_id"] is None or r["amount"] > 0]
    roots = {row["invoice_id"]: _root(row, correcting) for row in documents}
    payments = view.rows("payments", lambda row: not row["failed"])
    reminded = view.recent(view.rows("reminders"), 30)
    overdue = []
    for bill in standing(invoices):
        own = [
            row["amount"]
            for row in payments
            if row["invoice_id"] and roots.get(row["invoice_id"], row["invoice_id"]) == bill["root"]
        ]
        unnamed = [
            row
            for row in payments
            if row["invoice_id"] is None
            and row["known_at"] >= bill["event_at"]
            and (row["amount"] is None or row["amount"] > 0)
        ]
        paid = bool(unnamed) or None in own or sum(own) >= bill["owed"] - 1 or bill["owed"] <= 1
        if bill["due_on"] is not None and bill["due_on"] < view.as_of and not paid:
            overdue.append(bill["due_on"])
    days = (view.as_of - min(overdue)).days if overdue else 0
    return {
        "overdue_invoices": len(overdue),
        "overdue_days_max": days,
        "overdue_without_reminder": 0 if reminded or days > 30 else len(overdue),
    }


def _billing_contacts(view: View) -> dict[str, Any]:
    contacts = [
        row
        for row in view.rows("contacts")
        if row["topic"] == "billing" and row["direction"] != "outbound" and _new_bill(view, row)
    ]
    days = [view.local_day(row["event_at"]) for row in contacts]
    return {
        **view.counts("billing_contacts_after_invoice", contacts, 30, 90, 365),
        "latest_billing_contact_on": top(days),
    }


def _new_bill(view: View, contact: Row) -> bool:
    moment = (contact["known_at"], contact["event_at"])
    known = [
        row["event_at"]
        for row in view.rows("invoices")
        if (row["known_at"], row["event_at"]) <= moment
    ]
    age = contact["event_at"] - max(known) if known else timedelta(days=99)
    return timedelta(0) <= age <= timedelta(days=10)


def _pays_by(view: View, method: str, latest: int | None) -> int | None:
    on_file = in_force(view.rows("master_data"), "payment_method")
    return _is(on_file, method) if latest is None else latest


def _payments(view: View) -> dict[str, Any]:
    payments = view.rows("payments")
    started = view.rows("payment_method_events", lambda row: row["step"] == "started")
    for row in payments:
        row["days_late"] = _days_late(view, row)
        row["autopay"] = _is(row["method"], "autopay")
        row["manual"] = _is(row["method"], "manual")
        moment = (row["known_at"], row["event_at"])
        asked = last((r for r in started if known_order(r)[:2] <= moment), "method")
        row["mismatch"] = None if asked is None or row["method"] is None else asked != row["method"]
    late = [row for row in payments if not row["failed"] and (row["days_late"] or 0) > 0]
    payments = [row for row in payments if (row["amount"] or 0) >= 0]
    made = [row for row in payments if not row["failed"]]
    failed = [row for row in payments if row["failed"]]
    return {
        **view.counts("late_payments", late, 90, 365),
        **view.largest("days_late_max", late, "days_late", 90, 365, none=0),
        **view.counts("failed_payments", failed, 30, 90, 365),
        "latest_failed_payment_on": top(row["paid_on"] for row in failed),
        "latest_payment_method": last(made, "method"),
        "autopay": _pays_by(view, "autopay", last(payments, "autopay")),
        "manual_payer": _pays_by(view, "manual", last(made, "manual")),
        "method_mismatch": flag(last(payments, "mismatch")) or 0,
    }


def _days_late(view: View, payment: Row) -> int | None:
    """Null for what pays nothing, or no bill that stood, as known, when the payment came."""
    known = view.rows("invoices", lambda row: row["known_at"] <= payment["known_at"])
    for bill in standing(known):
        if bill["invoice_id"] == payment["invoice_id"] and bill["due_on"]:
            pays = payment["amount"] is None or payment["amount"] > 0
            return int((payment["paid_on"] - bill["due_on"]).days) if pays else None
    return None


def _is(value: str | None, wanted: str) -> int | None:
    return None if value is None else int(value == wanted)


def _reminders(view: View) -> dict[str, Any]:
    reminders = view.rows("reminders")
    for row in reminders:
        row["step"] = row["stage"] or 1
    collected = [row for row in reminders if row["step"] >= 3]
    unfriendly = []
    warned: set[str | None] = set()
    for row in reminders:
        if row["fee"]:
            unfriendly += [row] if row["invoice_id"] not in warned else []
        else:
            warned.add(row["invoice_id"])
    return {
        **view.counts("reminders", reminders, 30, 90, 365),
        **view.sums("reminder_fees", reminders, "fee", 90, 365),
        **view.counts("fees_without_friendly_reminder", unfriendly, 90, 365),
        "latest_reminder_on": top(row["sent_on"] for row in reminders),
        "days_since_reminder": view.days_since(row["sent_on"] for row in reminders),
        **view.largest("reminder_stage_max", reminders, "step", 90, 365, none=0),
        **view.counts("debt_collections", collected, 90, 365),
        "latest_debt_collection_on": top(row["sent_on"] for row in collected),
    }


def _methods(view: View) -> dict[str, Any]:
    events = view.rows("payment_method_events")
    cancelled = [r for r in events if (r["method"], r["step"]) == ("autopay", "cancelled")]
    errors = [row for row in events if row["step"] == "error"]
    autopay_errors = [row for row in errors if row["method"] == "autopay"]
    abandoned = [
        {"event_at": row["event_at"] + timedelta(days=7)}
        for row in events
        if row["step"] == "started" and row["method"] != "manual" and _given_up(view, row, events)
    ]
    return {
        **view.counts("autopay_cancelled", cancelled, 90, 365),
        "autopay_cancelled_on": top(view.local_day(row["event_at"]) for row in cancelled),
        **view.counts("autopay_setup_errors", autopay_errors, 90, 365),
        "latest_setup_error_on": top(view.local_day(row["event_at"]) for row in errors),
        **view.counts("digital_switch_abandoned", abandoned, 90, 365),
    }


def _given_up(view: View, start: Row, events: list[Row]) -> bool:
    deadline = start["known_at"] + timedelta(days=7)
    if deadline >= view.now:
        return False
    return not any(
        row["step"] == "completed"
        and row["method"] == start["method"]
        and row["event_at"] >= start["event_at"]
        and row["known_at"] < deadline
        for row in events
    )
