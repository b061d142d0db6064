"""Support waits, from their documentation."""

from datetime import timedelta
from math import floor
from statistics import fmean
from typing import Any

from companies import Row

from oracle.view import View, minutes, share, top


def features(view: View) -> dict[str, Any]:
    return {
        **_waits(view),
        **_cases(view),
        **_promises(view),
        **_orders(view),
        **_faults(view),
    }


def _waits(view: View) -> dict[str, Any]:
    contacts = view.rows("contacts", lambda row: row["direction"] != "outbound")
    for number, row in enumerate(contacts):
        replied = row["replied_at"]
        row["reply_hours"] = minutes(row["event_at"], replied) / 60 if replied else None
        row["looped"] = _looped(row, contacts[:number])
    p90 = {
        f"wait_p90_{days}d": _p90([row["wait_seconds"] for row in view.recent(contacts, days)])
        for days in (90, 365)
    }
    span = view.now - timedelta(days=90)
    long = [
        (row["wait_seconds"], number, view.local_day(row["event_at"]))
        for number, row in enumerate(contacts)
        if row["wait_seconds"] is not None and row["event_at"] >= span
    ]
    denied = [row for row in contacts if row["human_requested"] and row["handled_by"] == "bot"]
    return {
        **view.largest("wait_max", contacts, "wait_seconds", 30, 90, 365),
        **p90,
        **view.counts("abandoned", [row for row in contacts if row["abandoned"]], 30, 90, 365),
        **view.largest("first_reply_hours_max", contacts, "reply_hours", 90, 365),
        "latest_long_wait_on": max(long)[2] if long else None,
        "wait_average_90d": floor(fmean(w for w, *_ in long) + 0.5) if long else None,
        **view.counts("bot_loops", [row for row in contacts if row["looped"]], 30, 90, 365),
        **view.counts("human_denied", denied, 90, 365),
    }


def _looped(row: Row, before: list[Row]) -> bool:
    same = [other for other in before if other["topic"] == row["topic"] is not None]
    if row["handled_by"] != "bot" or not same or same[-1]["handled_by"] != "bot":
        return False
    return abs(row["event_at"] - same[-1]["event_at"]) <= timedelta(days=7)


def _p90(waits: list[int | None]) -> int | None:
    known = sorted(wait for wait in waits if wait is not None)
    return known[-(-9 * len(known) // 10) - 1] if known else None


def _is_open(case: Row) -> bool:
    return case["closed_at"] is None or bool(case["reopened_at"] and not case["reclosed_at"])


def _is_unresolved(case: Row) -> bool:
    return _is_open(case) or case["resolved"] is False


def _cases(view: View) -> dict[str, Any]:
    cases = view.rows("cases")
    open_cases = [case for case in cases if _is_open(case)]
    oldest = min(open_cases, key=lambda case: (case["event_at"], case["key"]), default=None)
    opened_on = oldest and view.local_day(oldest["opened_at"])
    unresolved = [case for case in cases if _is_unresolved(case)]
    closed = [case for case in cases if case["resolved"] is not None]
    waits = [
        contact
        for contact in view.rows("contacts", lambda row: row["direction"] != "outbound")
        if contact["case_id"] in {case["case_id"] for case in unresolved}
    ]
    return {
        "open_cases": len(open_cases),
        "open_case_days": view.days_since([opened_on]) if opened_on else 0,
        **view.counts("unresolved_cases", unresolved, 30, 90, 365),
        "unresolved_days_since": view.days_since(
            view.local_day(case["opened_at"]) for case in unresolved
        ),
        **view.counts("reopened", [case for case in cases if case["reopened_at"]], 90, 365),
        **share(view, "resolved_share", closed, "resolved", 90, 365),
        "open_case_opened_on": opened_on,
        "open_case_id": oldest and oldest["case_id"],
        **view.largest("wait_unresolved_max", waits, "wait_seconds", 90, 365, none=0),
    }


def _promises(view: View) -> dict[str, Any]:
    late = []
    for case in view.rows("cases", lambda case: case["promised_on"]):
        solved = view.local_day(case["closed_at"]) if case["closed_at"] else view.as_of
        if case["promised_on"] < solved:
            late.append(case | {"overrun": (solved - case["promised_on"]).days})
    return {
        **view.largest("delivery_overrun_days_max", late, "overrun", 90, 365, none=0),
        **view.counts("promises_missed", late, 90, 365),
        "latest_promise_missed_on": top(case["promised_on"] for case in late),
    }


def _orders(view: View) -> dict[str, Any]:
    """An order is late from the midnight that ends its promised day, once that is known."""
    late = []
    for order in view.rows("orders", lambda row: row["promised_on"]):
        missed_at = view.midnight(order["promised_on"] + timedelta(days=1))
        delivered = order["delivered_on"] or view.as_of
        if view.known("orders", missed_at) < view.now and delivered > order["promised_on"]:
            overrun = (delivered - order["promised_on"]).days
            late.append(order | {"event_at": missed_at, "overrun": overrun})
    return {
        **view.counts("late_orders", late, 30, 90, 365),
        **view.largest("order_overrun_days_max", late, "overrun", 30, 90, 365, none=0),
        "latest_late_order_promised_on": top(order["promised_on"] for order in late),
    }


def _faults(view: View) -> dict[str, Any]:
    faults = view.rows("incidents", lambda row: not row["planned"])
    answers = view.rows(
        "contacts",
        lambda row: row["handled_by"] == "human" and row["topic"] == "fault",
    )
    answers = [row for row in answers if not row["abandoned"]]
    hours = []
    for number, answer in enumerate(answers):
        moment = (answer["known_at"], answer["event_at"])
        known = [row["event_at"] for row in faults if (row["known_at"], row["event_at"]) <= moment]
        fault_at = max(known, default=None)
        if fault_at is None or not (
            timedelta(0) <= answer["event_at"] - fault_at <= timedelta(days=14)
        ):
            continue
        if all(other["event_at"] < fault_at for other in answers[:number]):
            hours.append(answer | {"hours": minutes(fault_at, answer["event_at"]) / 60})
    return {
        **view.counts("faults", faults, 30, 90, 365),
        "latest_fault_on": top(view.local_day(row["event_at"]) for row in faults),
        **view.largest("fault_to_human_hours_max", hours, "hours", 90, 365),
    }
