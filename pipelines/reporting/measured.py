"""What monitoring and the measurement of the effect last wrote before a night."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from models.bootstrap import Interval
from models.realised import Outcome
from pipelines.reporting.facts import Contact, Effect, Past

_GROUPS = ("all", "lane")
_HARM = "more_leave"


@dataclass(frozen=True, slots=True)
class Measured:
    """The day and the data of a newest file; ``data`` is None where there is no readable one."""

    day: date | None
    data: dict[str, Any] | None

    @property
    def unreadable(self) -> bool:
        """Whether there is a file that says nothing."""
        return self.day is not None and self.data is None


def newest(folder: Path, as_of: date) -> Measured:
    """``folder/<day>.json`` of the latest day that is not after ``as_of``."""
    days = (_day(path.stem) for path in folder.glob("*.json"))
    found = max((day for day in days if day is not None and day <= as_of), default=None)
    if found is None:
        return Measured(None, None)
    try:
        data = json.loads((folder / f"{found}.json").read_bytes())
    except (OSError, ValueError):
        data = None
    return Measured(found, data if isinstance(data, dict) else None)


def past_of(monitored: Measured) -> Past | None:
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


def contact_of(measured: Measured) -> Contact | None:
    """The arms against each other: of everybody, by lane, and where contact harms."""
    if measured.day is None or measured.data is None:
        return None
    told = tuple(
        _effect(effect)
        for effect in measured.data["effects"]
        if (effect["kind"] in _GROUPS and effect["treated"] and effect["held_out"])
        or effect["verdict"] == _HARM
    )
    return Contact(measured.day, measured.data["waiting"], told)


def _effect(found: dict[str, Any]) -> Effect:
    return Effect(
        kind=found["kind"],
        group=found["group"],
        treated=found["treated"],
        treated_left=found["treated_left"],
        held_out=found["held_out"],
        held_out_left=found["held_out_left"],
        difference=Interval(**found["difference"]),
        needed=found["needed"],
        verdict=found["verdict"],
    )


def _outcome(found: dict[str, Any]) -> Outcome:
    ratio = Interval(**found["observed_to_expected"])
    return Outcome(found["name"], found["rows"], found["expected"], found["observed"], ratio)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
