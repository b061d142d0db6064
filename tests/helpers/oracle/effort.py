"""Contact repeats and effort, from their documentation."""

from datetime import timedelta
from typing import Any

from companies import Row

from oracle.view import View, top


def features(view: View) -> dict[str, Any]:
    contacts = view.rows("contacts", lambda row: row["direction"] != "outbound")
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
        "effort_index_365d": sum(_effort(view, row) for row in view.recent(contacts, 365)),
        "days_since_repeat": view.days_since(repeat_days),
        "first_contact_resolution_365d": _resolved_at_once(view, contacts),
        **view.counts("cross_channel_repeats", crossed, 30, 90, 365),
        "latest_cross_channel_on": top(view.local_day(row["event_at"]) for row in crossed),
        **view.counts("case_unlinked", [r for r in contacts if r["unlinked"]], 90, 365),
        **view.counts("channel_switches_in_case", [r for r in contacts if r["switched"]], 90, 365),
    }


def _judge(row: Row, before: list[Row]) -> None:
    topic, case = _previous(row, before, "topic"), _previous(row, before, "case_id")
    row["repeat_7"] = _near(row, topic, 7) or _near(row, case, 7)
    row["repeat_30"] = _near(row, topic, 30) or _near(row, case, 30)
    row["crossed"] = _near(row, topic, 14) and _other_channel(row, topic)
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


def _effort(view: View, row: Row) -> float:
    points = int(row["repeat_30"] or row["crossed"] or row["unlinked"] or row["switched"])
    age = (view.now - row["event_at"]) / timedelta(days=1)
    return float((points + min(row["transfers"] or 0, 2) / 2) * 0.5 ** (age / 45))


def _resolved_at_once(view: View, contacts: list[Row]) -> float | None:
    month = timedelta(days=30)
    answered = [row for row in contacts if not row["abandoned"] and row["topic"] is not None]
    settled = []
    for number, row in enumerate(answered):
        counted = {"event_at": row["event_at"] + month}
        if row["known_at"] + month >= view.now or not view.recent([counted], 365):
            continue
        following = [other for other in answered[number + 1 :] if other["topic"] == row["topic"]]
        settled.append(not any(other["known_at"] < row["known_at"] + month for other in following))
    return sum(settled) / len(settled) if settled else None
