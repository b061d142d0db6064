"""Measurements kept by day, of monitoring and of the effect of contact: the newest by a night.

A night must also be published where a measurement cannot be read.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from features.timeline import day_of
from pipelines.runtime.escaping import plain_json

EFFECT_VERSION, MONITORING_VERSION = "2", "1"
"""``schema_version`` of the files of `stille effect` and of `stille monitor`."""


_SEAL = "sha256"


def sealed_json(data: Mapping[str, object]) -> bytes:
    """``data`` as JSON, with the digest by which ``opened_json`` sees whether it was damaged."""
    text = plain_json(data)
    seal = {_SEAL: hashlib.sha256(text).hexdigest()}
    return plain_json(json.loads(text) | seal) + b"\n"


def opened_json(content: bytes) -> Any:
    """What JSON says, without its digest; raises ``ValueError`` where that is another one."""
    data = json.loads(content)
    seal = data.pop(_SEAL, None) if isinstance(data, dict) else None
    if seal not in (None, hashlib.sha256(plain_json(data)).hexdigest()):
        raise ValueError("damaged")
    return data


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
    found = max((day for day in days if day and day <= as_of), default=None)
    if found is None:
        return MeasurementFile(None, None)
    try:
        data = opened_json((folder / f"{found}.json").read_bytes())
    except (OSError, ValueError):
        data = None
    known = isinstance(data, dict) and data.get("schema_version") == version
    return MeasurementFile(found, data if known else None)
