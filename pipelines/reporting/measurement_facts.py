"""Readers of the newest monitoring and effect results that are not after a night.

They are read as files, as a report must also be written where a measurement cannot be read.
"""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from models.causal.treatment_effect import Effect
from models.metrics.bootstrap import Interval
from models.metrics.observed_expected import ObservedExpected
from pipelines.publication.reader import day_of
from pipelines.reporting.facts import Contact, Past

_GROUPS = ("all", "lane")
_HARM = "more_leave"


@dataclass(frozen=True, slots=True)
class MeasurementFile:
    """The day and the data of a newest file; ``data`` is None where there is no readable one."""

    day: date | None
    data: dict[str, Any] | None

    @property
    def unreadable(self) -> bool:
        """Whether there is a file that says nothing."""
        return self.day is not None and self.data is None


def newest(folder: Path, as_of: date, version: str) -> MeasurementFile:
    """``folder/<day>.json`` of the latest day that is not after ``as_of``.

    One of another ``version`` (its ``schema_version``) counts as one that cannot be read.
    """
    days = (day_of(path.stem) for path in folder.glob("*.json"))
    found = max((day for day in days if day is not None and day <= as_of), default=None)
    if found is None:
        return MeasurementFile(None, None)
    try:
        data = json.loads((folder / f"{found}.json").read_bytes())
    except (OSError, ValueError):
        data = None
    known = isinstance(data, dict) and data.get("schema_version") == version
    return MeasurementFile(found, data if known else None)


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
