"""Measurements kept by day, of monitoring and of the effect of contact: the newest by a night.

A night must also be published where a measurement cannot be read.
"""

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

EFFECT_VERSION, MONITORING_VERSION = "2", "1"
"""``schema_version`` of the files of `stille effect` and of `stille monitor`."""


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
    days = []
    for path in folder.glob("*.json"):
        with suppress(ValueError):
            days.append(date.fromisoformat(path.stem))
    found = max((day for day in days if day <= as_of), default=None)
    if found is None:
        return MeasurementFile(None, None)
    try:
        data = json.loads((folder / f"{found}.json").read_bytes())
    except (OSError, ValueError):
        data = None
    known = isinstance(data, dict) and data.get("schema_version") == version
    return MeasurementFile(found, data if known else None)
