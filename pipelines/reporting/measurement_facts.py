"""Monitoring and effect results as the report tells of them."""

from datetime import date
from typing import Any

from models.causal.treatment_effect import Effect
from models.metrics.bootstrap import Interval
from models.metrics.observed_expected import ObservedExpected
from pipelines.config.measurement import MeasurementFile
from pipelines.reporting.facts import Contact, Past

_GROUPS = ("all", "lane")
_HARM = "more_leave"


def past_of(monitored: MeasurementFile) -> Past | None:
    """What became of past lists; None without a complete horizon."""
    data = monitored.data
    if monitored.day is None or data is None or data["performance"] is None:
        return None
    found = data["performance"]
    return Past(
        measured_on=monitored.day,
        lists=tuple(date.fromisoformat(day) for day in data["publications"]["complete"]),
        waiting=len(data["publications"]["immature"]),
        whole=_outcome(found["all"]),
        capacity=_outcome(found["at_capacity"]),
        tenths=tuple(_outcome(tenth) for tenth in found["tenths"]),
        card={name: Interval(**interval) for name, interval in found["scorecard"].items()},
    )


def contact_of(measured: MeasurementFile) -> Contact | None:
    """The arms against each other: of everybody, by lane, and where contact harms."""
    if measured.day is None or measured.data is None:
        return None
    effects = (
        Effect(**each | {name: Interval(**each[name]) for name in ("difference", "complier")})
        for each in measured.data["effects"]
    )
    shown = (
        each
        for each in effects
        if (each.kind in _GROUPS and each.treated and each.held_out) or each.verdict == _HARM
    )
    return Contact(measured.day, measured.data["waiting"], tuple(shown))


def _outcome(data: dict[str, Any]) -> ObservedExpected:
    ratio = Interval(**data["observed_to_expected"])
    return ObservedExpected(data["name"], data["rows"], data["expected"], data["observed"], ratio)
