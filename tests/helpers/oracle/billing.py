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


def _bills(view: View) -> dict[str, Any]:
    invoices = view.rows("invoices")
    bills = [row for row in invoices if row["corrects_invoice_id"] is None]
    corrections = [row for row in invoices if row["corrects_invoice_id"] is not None]
    for number, bill in enumerate(bills):
        typical = _typical(bills[:number])
        bill["shock"] = bill["amount"] / typical if typical > 0 else None
        bill["above_usual"] = _whole(bill["amount"] - typical)
        bill["shock_year"] = _shock_year(bill, bills[:number])
    shocked = [bill for bill in bills if bill["shock"] is not None]
    due_on, paper = last(bills, "due_on"), last(bills, "format")
    return {
        "bill_shock_latest": last(bills, "shock"),
        **view.largest("bill_shock_max", bills, "shock", 90, 365),
        "bill_shock_year_latest": last(bills, "shock_year"),
        **view.counts("estimated_bills", [row for row in invoices if row["estimated"]], 90, 365),
        "latest_bill_amount": last(shocked, "amount"),
        "latest_bill_above_usual": last(shocked, "above_usual"),
        "latest_bill_on": last(shocked, "issued_on"),
        **view.counts("corrections", corrections, 90, 365),
        "latest_correction_on": top(row["issued_on"] for row in corrections),
        "bill_lines_latest": last(bills, "n_lines"),
        "days_since_invoice": view.days_since(row["issued_on"] for row in invoices),
        "days_to_due": None if due_on is None else (due_on - view.as_of).days,
        "paper_invoice": None if paper is None else int(paper == "paper"),
        **view.sums("paper_fees", invoices, "paper_fee", 90, 365),
    }


def _typical(before: list[Row]) -> float:
    amounts = [row["amount"] for row in before[-12:]]
    return median(amounts) if len(amounts) >= 3 else 0


def _whole(amount: float) -> int:
    return int(copysign(floor(abs(amount) + 0.5), amount))


def _shock_year(bill: Row, before: list[Row]) -> float | None:
    same_month = [row for row in before if row["issued_on"].month == bill["issued_on"].month]
    if not same_month:
        return None
    earlier = same_month[-1]
    age = (bill["issued_on"] - earlier["issued_on"]).days
    return bill["amount"] / earlier["amount"] if 350 <= age <= 380 and earlier["amount"] else None


def _overdue(view: View) -> dict[str, Any]:
    paid = {row["invoice_id"] for row in view.rows("payments", lambda row: not row["failed"])}
    overdue = [
        row["due_on"]
        for row in view.rows("invoices")
        if row["due_on"] is not None
        and row["due_on"] < view.as_of
        and row["amount"] > 0
        and row["corrects_invoice_id"] is None
        and row["invoice_id"] not in paid
    ]
    return {
        "overdue_invoices": len(overdue),
        "overdue_days_max": (view.as_of - min(overdue)).days if overdue else 0,
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
    made = [row for row in payments if not row["failed"]]
    late = [row for row in made if (row["days_late"] or 0) > 0]
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
    """Null when the invoice came to be known only after its payment."""
    for invoice in view.rows("invoices"):
        known = invoice["known_at"] <= payment["known_at"]
        if invoice["invoice_id"] == payment["invoice_id"] and known and invoice["due_on"]:
            return int((payment["paid_on"] - invoice["due_on"]).days)
    return None


def _is(value: str | None, wanted: str) -> int | None:
    return None if value is None else int(value == wanted)


def _reminders(view: View) -> dict[str, Any]:
    reminders = view.rows("reminders")
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
