"""Satisfaction, from its documentation."""

from datetime import timedelta
from typing import Any

from companies import Row

from oracle.view import View, top

_TWO_WEEKS = timedelta(days=14)


def features(view: View) -> dict[str, Any]:
    surveys = sorted(view.rows("surveys"), key=lambda row: (row["event_at"], row["survey_id"]))
    answers = {kind: [r for r in surveys if r["kind"] == kind] for kind in _KINDS}
    days = {kind: [view.local_day(r["event_at"]) for r in answers[kind]] for kind in _KINDS}
    csat = _latest(answers["csat"])
    return {
        "csat_last": None if csat is None else min(csat, 4),
        "csat_top_box_last": None if csat is None else int(csat > 4),
        "csat_last_score": csat,
        "csat_shortfall_365d": _shortfall(view, view.recent(answers["csat"], 365)),
        "loyalty_last": _latest(answers["loyalty"]),
        "loyalty_slope_730d": _slope(view, view.recent(answers["loyalty"], 730)),
        "ces_last": _latest(answers["ces"]),
        "informed_last": _latest(answers["informed"]),
        **{f"{kind}_age_days": view.days_since(days[kind]) for kind in _KINDS},
        **{f"{kind}_last_on": top(days[kind]) for kind in _KINDS},
        **view.counts("surveys_answered", surveys, 365),
        **_silence(view),
    }


_KINDS = ("csat", "loyalty", "ces", "informed")


def _latest(answers: list[Row]) -> float | None:
    return answers[-1]["score"] if answers else None


def _shortfall(view: View, answers: list[Row]) -> float | None:
    if not answers:
        return None
    return sum(
        max(0, 4 - row["score"]) * 0.5 ** ((view.now - row["event_at"]) / timedelta(days=60))
        for row in answers
    )


def _slope(view: View, answers: list[Row]) -> float | None:
    if not answers:
        return None
    first, last = answers[0], answers[-1]
    days = (view.local_day(last["event_at"]) - view.local_day(first["event_at"])).days
    return (last["score"] - first["score"]) * 365 / days if days >= 30 else None


def _silence(view: View) -> dict[str, Any]:
    asked = []
    for row in view.rows("notifications", lambda row: row["kind"] == "survey"):
        deadline = row["known_at"] + _TWO_WEEKS
        answered = any(
            survey["event_at"] >= row["event_at"] and survey["known_at"] < deadline
            for survey in view.rows("surveys")
        )
        if deadline < view.now:
            asked.append({"event_at": row["event_at"] + _TWO_WEEKS, "answered": answered})
    shares = [row["answered"] for row in view.recent(asked, 365)]
    return {
        **view.counts("survey_nonresponse", [r for r in asked if not r["answered"]], 90, 365),
        "survey_response_share_365d": sum(shares) / len(shares) if shares else None,
    }
