"""Contact repeats and effort, from their documentation."""

from datetime import datetime, timedelta
from typing import Any

from companies import Row

from oracle.view import View, share, top

_MONTH = timedelta(days=30)


def features(view: View) -> dict[str, Any]:
    contacts = view.rows("contacts", lambda row: row["direction"] != "outbound")
    contacts = [row | {"case_id": _case_at_first(view, row)} for row in contacts]
    for number, row in enumerate(contacts):
        _judge(row, contacts[:number])
    repeats = [row for row in contacts if row["repeat_30"]]
    crossed = [row for row in contacts if row["crossed"]]
    repeat_days = [view.local_day(row["event_at"]) for row in repeats]
    return {
        **view.counts("repeats_7d_count", [r for r in contacts if r["repeat_7"]], 30, 90, 365),
        **view.counts("repeats_30d_count", repeats, 30, 90, 365),
        "latest_repeat_on": top(repeat_days),
        **view.sums("transfers", contacts, "transfers", 30, 90, 365),
        "effort_index": _effort(view, contacts),
        "days_since_repeat": view.days_since(repeat_days),
        "first_contact_resolution_90d": _resolved_at_once(view, contacts, 90),
        "first_contact_resolution_365d": _resolved_at_once(view, contacts, 365),
        **view.counts("cross_channel_repeats", crossed, 30, 90, 365),
        "latest_cross_channel_on": top(view.local_day(row["event_at"]) for row in crossed),
        **view.counts("case_unlinked", [r for r in contacts if r["unlinked"]], 90, 365),
        **view.counts("channel_switches_in_case", [r for r in contacts if r["switched"]], 90, 365),
        **_alone(view),
        **_complaints(view),
    }


def _case_at_first(view: View, row: Row) -> str | None:
    linked = row["linked_at"]
    later = linked is not None and view.known("contacts", linked) > row["known_at"]
    return None if later else row["case_id"]


def _judge(row: Row, before: list[Row]) -> None:
    topic, case = _previous(row, before, "topic"), _previous(row, before, "case_id")
    row["repeat_7"] = _near(row, topic, 7) or _near(row, case, 7)
    row["repeat_30"] = _near(row, topic, 30) or _near(row, case, 30)
    row["crossed"] = any(
        _near(row, other, 14) and _other_channel(row, other) for other in (topic, case)
    )
    row["unlinked"] = _near(row, topic, 30) and row["case_id"] is None
    row["switched"] = _other_channel(row, case)


def _previous(row: Row, before: list[Row], column: str) -> Row | None:
    same = [other for other in before if other[column] == row[column] is not None]
    return same[-1] if same else None


def _near(row: Row, other: Row | None, days: int) -> bool:
    return other is not None and abs(row["event_at"] - other["event_at"]) <= timedelta(days=days)


def _other_channel(row: Row, other: Row | None) -> bool:
    return (
        other is not None
        and None not in (row["channel"], other["channel"])
        and (row["channel"] != other["channel"])
    )


def _effort(view: View, contacts: list[Row]) -> float:
    """Each kind of effort has a point a problem, at its latest time."""
    points: dict[tuple[str, tuple[str, str]], list[datetime]] = {}
    for number, row in enumerate(contacts):
        for kind in _kinds(row):
            times = points.setdefault((kind, _problem(row, contacts[:number])), [])
            _mark(times, row["event_at"], _problem(row, contacts[:number])[0])
    reopened = [case["reopened_at"] for case in view.rows("cases") if case["reopened_at"]]
    latest = [moment for times in points.values() for moment in times] + reopened
    return sum(0.5 ** ((view.now - moment) / timedelta(days=45)) for moment in latest)


def _mark(times: list[datetime], moment: datetime, root: str) -> None:
    """A case is one problem however long; a topic is the same problem for 30 days."""
    latest = max(times, default=None)
    if latest is None or (root != "case" and abs(moment - latest) > _MONTH):
        times.append(moment)
    elif moment > latest:
        times[times.index(latest)] = moment


def _kinds(row: Row) -> list[str]:
    passed = (row["transfers"] or 0) > 0
    kinds = {
        "again": row["repeat_30"],
        "passed": passed,
        "channel": row["crossed"] or row["switched"],
        "retold": row["repeat_30"] and (row["case_id"] is None or passed),
    }
    return [kind for kind, happened in kinds.items() if happened]


def _problem(row: Row, before: list[Row]) -> tuple[str, str]:
    if row["case_id"] is not None:
        return ("case", row["case_id"])
    if row["topic"] is None:
        return ("contact", row["contact_id"])
    linked = [r for r in before if r["topic"] == row["topic"] and r["case_id"] is not None]
    if linked and _near(row, linked[-1], 30):
        return ("case", linked[-1]["case_id"])
    return ("topic", row["topic"])


def _alone(view: View) -> dict[str, Any]:
    sessions = view.rows("self_service")
    done = [row for row in sessions if row["completed"]]
    gave_up = _gave_up(view, [row for row in sessions if not row["completed"]])
    return {
        **view.counts("self_service_success", done, 30, 90, 365),
        **share(view, "self_service_success_share", sessions, "completed", 365),
        **view.largest("self_service_seconds_max", sessions, "seconds", 90, 365),
        **view.counts("self_service_fail_then_contact_48h", gave_up, 30, 90, 365),
        "latest_failed_self_service_on": top(view.local_day(row["event_at"]) for row in gave_up),
    }


def _gave_up(view: View, failed: list[Row]) -> list[Row]:
    """The first contact within 48 hours after the last failure known before it."""
    contacts = view.rows("contacts", lambda row: row["direction"] != "outbound")
    found = []
    for number, row in enumerate(contacts):
        moment = (row["known_at"], row["event_at"])
        known = [r["event_at"] for r in failed if (r["known_at"], r["event_at"]) <= moment]
        tried = max(known, default=None)
        if tried is None or not timedelta(0) <= row["event_at"] - tried <= timedelta(hours=48):
            continue
        if all(other["event_at"] < tried for other in contacts[:number]):
            found.append(row)
    return found


def _complaints(view: View) -> dict[str, Any]:
    complaints = view.rows("complaints")
    waiting = [view.local_day(row["event_at"]) for row in complaints if row["closed_at"] is None]
    return {
        **view.counts("complaints", complaints, 30, 90, 365),
        "open_complaints": len(waiting),
        "open_complaint_days": (view.as_of - min(waiting)).days if waiting else 0,
        "latest_complaint_on": top(view.local_day(row["event_at"]) for row in complaints),
        "open_complaint_opened_on": min(waiting, default=None),
    }


def _resolved_at_once(view: View, contacts: list[Row], days: int) -> float | None:
    month = timedelta(days=30)
    answered = [row for row in contacts if not row["abandoned"] and row["topic"] is not None]
    settled = []
    for number, row in enumerate(answered):
        counted = {"event_at": row["event_at"] + month}
        if row["known_at"] + month >= view.now or not view.recent([counted], days):
            continue
        following = [other for other in answered[number + 1 :] if other["topic"] == row["topic"]]
        settled.append(not any(other["known_at"] < row["known_at"] + month for other in following))
    return sum(settled) / len(settled) if settled else None
