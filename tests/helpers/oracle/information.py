"""Information, from its documentation."""

from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from companies import Row

from oracle.billing import shocked_bills
from oracle.view import View, minutes, share, top


def features(view: View) -> dict[str, Any]:
    return {**_faults(view), **_ends(view), **_messages(view), **_prices(view), **_offers(view)}


def _about(view: View, incident: Row) -> list[Row]:
    """The service messages about a fault, in the order they came to be known."""
    return [
        row
        for row in view.rows("notifications")
        if row["incident_id"] == incident["incident_id"] and row["kind"] != "marketing"
    ]


def _faults(view: View) -> dict[str, Any]:
    incidents = view.rows("incidents")
    for number, row in enumerate(incidents):
        told = _about(view, row)
        sent = told[0]["event_at"] if told else None
        ended = row["ended_at"]
        row["informed"] = sent is not None and (ended is None or sent <= ended)
        row["lag"] = max(0, minutes(row["event_at"], sent)) / 60 if sent else None
        row["hours"] = minutes(row["event_at"], ended or view.now) / 60
        row["again"] = _again(row, incidents[:number])
    uninformed = [row for row in incidents if not row["informed"]]
    again = [row for row in incidents if row["again"]]
    return {
        **share(view, "informed_share", incidents, "informed", 90, 365),
        **view.counts("uninformed_incidents", uninformed, 30, 90, 365),
        **view.largest("information_lag_hours_max", incidents, "lag", 90, 365),
        **view.sums("outage_hours", incidents, "hours", 30, 90, 365),
        **view.counts("repeat_faults_same_site", again, 30, 90, 365),
        "latest_uninformed_on": top(view.local_day(row["event_at"]) for row in uninformed),
        "latest_repeat_fault_on": top(view.local_day(row["event_at"]) for row in again),
    }


def _again(row: Row, before: list[Row]) -> bool:
    if row["planned"] or row["site_id"] is None:
        return False
    same = [r for r in before if r["site_id"] == row["site_id"] and not r["planned"]]
    return bool(same) and abs(row["event_at"] - same[-1]["event_at"]) <= timedelta(days=90)


def _ends(view: View) -> dict[str, Any]:
    missed = {
        (row["incident_id"], message["promised_end_at"])
        for row in view.rows("incidents")
        for message in _about(view, row)
        if message["promised_end_at"] is not None
        and view.known("incidents", message["promised_end_at"]) < view.now
        and (row["ended_at"] is None or row["ended_at"] > message["promised_end_at"])
    }
    rows = [{"event_at": promised} for _, promised in missed]
    return {
        **view.counts("eta_missed", rows, 30, 90, 365),
        "latest_eta_missed_on": top(view.local_day(row["event_at"]) for row in rows),
    }


def _messages(view: View) -> dict[str, Any]:
    messages = view.rows("notifications")
    for row in messages:
        row["opened"] = row["opened_at"] is not None
    generic = [r for r in messages if r["kind"] == "marketing" and not r["personalised"]]
    personal = [row for row in messages if row["personalised"]]
    free = [row for row in messages if row["template_id"] is None]
    return {
        **view.counts("generic_messages", generic, 30, 90, 365),
        **share(view, "personal_message_open_share", personal, "opened", 365),
        **view.counts("non_template_messages", free, 30, 90, 365),
        **_noise(view, [row for row in messages if row["kind"] != "outage"]),
        **_progress(view),
    }


def _noise(view: View, messages: list[Row]) -> dict[str, Any]:
    zone = ZoneInfo(view.zone)
    hours = [row["event_at"].replace(tzinfo=UTC).astimezone(zone).hour for row in messages]
    night = [row for row, hour in zip(messages, hours, strict=True) if hour < 7 or hour >= 22]
    again = []
    for number, row in enumerate(messages):
        alike = [
            other
            for other in messages[:number]
            if row["template_id"] is not None
            and (other["kind"], other["template_id"]) == (row["kind"], row["template_id"])
        ]
        if alike and abs(row["event_at"] - alike[-1]["event_at"]) <= timedelta(days=1):
            again.append(row)
    return {
        **view.counts("night_messages", night, 90),
        **view.counts("duplicate_messages", again, 90),
    }


def _progress(view: View) -> dict[str, Any]:
    """What should have been told of by a moment, once that moment has passed and is known."""
    week = timedelta(days=7)
    late = [
        (row, view.midnight(row["promised_on"] + timedelta(days=1)))
        for row in view.rows("orders")
        if row["promised_on"] is not None
        and (row["delivered_on"] is None or row["delivered_on"] > row["promised_on"])
    ]
    slow = [
        (row, row["opened_at"] + week)
        for row in view.rows("cases")
        if row["closed_at"] is None or row["closed_at"] > row["opened_at"] + week
    ]
    high = [
        (row, row["event_at"] + timedelta(days=4))
        for row in shocked_bills(view)
        if row["shock"] is not None and row["shock"] >= 1.35
    ]
    found: dict[str, Any] = {}
    for what, rows in (("order", late), ("case", slow), ("invoice", high)):
        untold = [
            {"event_at": end}
            for row, end in rows
            if end < view.now
            and view.known(f"{what}s", end) < view.now
            and not any(
                message[f"{what}_id"] == row[f"{what}_id"]
                and message["kind"] != "marketing"
                and end - week <= message["event_at"] < end
                for message in view.rows("notifications")
            )
        ]
        found |= view.counts(f"uninformed_{what}s", untold, 90, 365)
    return found


def _prices(view: View) -> dict[str, Any]:
    messages = [
        row
        for row in view.rows("notifications")
        if row["stated_price"] is not None and row["kind"] != "marketing"
    ]
    wrong = []
    for row in messages:
        prices = [p for c in view.rows("contracts") for p in _prices_told(view, c, row["known_at"])]
        if prices and all(abs(row["stated_price"] - p) > p * Decimal("0.01") for p in prices):
            wrong.append(row)
    return {
        **view.counts("contradicting_price_messages", wrong, 30, 90, 365),
        "latest_contradicting_message_on": top(view.local_day(row["event_at"]) for row in wrong),
    }


def _prices_told(view: View, contract: Row, moment: Any) -> list[Decimal]:
    """The price in force at a moment, and those to come that were known then."""
    if contract["known_at"] > moment:
        return []
    steps = (
        [] if contract["price"] is None else [((contract["known_at"], 0, ""), contract["price"])]
    )
    for row in view.rows("price_changes"):
        if row["contract_id"] == contract["contract_id"] and row["known_at"] <= moment:
            start = max(row["known_at"], view.midnight(row["effective_on"]), contract["known_at"])
            steps.append(((start, 1, row["change_id"]), row["new_price"]))
    steps.sort(key=lambda step: step[0])
    over = [step for step in steps if step[0][0] <= moment][:-1]
    return [price for key, price in steps if key not in {step[0] for step in over}]


def _offers(view: View) -> dict[str, Any]:
    offers = view.rows("offers")
    for row in offers:
        row["opened"] = row["opened_at"] is not None
    generic = [row for row in offers if not row["personalised"]]
    rejected = [row for row in offers if row["accepted"] is False]
    consents = view.rows("consents", lambda row: row["purpose"] == "marketing")
    withdrawn = [row for n, row in enumerate(consents) if _withdrawn(row, consents[:n])]
    return {
        **view.counts("generic_offers", generic, 30, 90, 365),
        **view.counts("rejected_offers", rejected, 30, 90, 365),
        **share(
            view, "relevant_open_share", [r for r in offers if r["personalised"]], "opened", 365
        ),
        "latest_offer_rejected_on": top(view.local_day(row["answered_at"]) for row in rejected),
        **view.counts("unsubscribes", withdrawn, 30, 90, 365),
        "latest_unsubscribe_on": top(view.local_day(row["event_at"]) for row in withdrawn),
    }


def _withdrawn(row: Row, before: list[Row]) -> bool:
    earlier = [other for other in before if other["channel"] == row["channel"]]
    return not row["allowed"] and (not earlier or earlier[-1]["allowed"])
