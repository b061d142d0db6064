"""Source freshness and gate history, from the snapshot and the run records."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from features.contract import TABLES
from features.timeline import local_day
from pipelines.snapshots.snapshot import Snapshot

_RECORDS = 60


@dataclass(frozen=True, slots=True)
class Source:
    """One table: its rows, its newest event's day, and its age at the monitoring date.

    ``standing_still_since`` is the last monitoring date at which the newest event was the same.
    """

    table: str
    rows: int
    newest_event: str | None
    days_old: int | None
    standing_still_since: str | None


@dataclass(frozen=True, slots=True)
class GateHistory:
    """One gate over the newest run records: how often it was asked, how often it was closed."""

    gate: str
    runs: int
    closed: int
    latest: float | None
    low: float | None
    high: float | None


def source_health(
    snapshot: Snapshot, zone: str, today: date, before: Mapping[str, Any] | None
) -> tuple[Source, ...]:
    """Every table of the snapshot; ``before`` is the data of the monitoring run before this."""
    then = {row["table"]: row["newest_event"] for row in (before or {}).get("sources", ())}
    found = []
    for name, facts in snapshot.tables.items():
        if TABLES[name].derived:
            continue
        newest = local_day(facts.last_event, zone) if facts.last_event else None
        day = newest.isoformat() if newest else None
        since = str(before["date"]) if before and day and then.get(name) == day else None
        age = (today - newest).days if newest else None
        found.append(Source(name, facts.rows, day, age, since))
    return tuple(found)


def gate_history(runs: Path) -> tuple[GateHistory, ...]:
    """Gates that were closed in any of the newest run records, most often closed first."""
    seen: dict[str, list[dict[str, Any]]] = {}
    records = []
    for path in runs.glob("*.json"):
        with suppress(OSError, ValueError, KeyError):
            record = json.loads(path.read_bytes())
            records.append((str(record["started_at"]), record))
    for _, record in sorted(records, key=lambda pair: pair[0])[-_RECORDS:]:
        for gate in record.get("gates", ()):
            seen.setdefault(gate["name"], []).append(gate)
    found = []
    for name, gates in seen.items():
        closed, bounds = sum(not g["passed"] for g in gates), ("value", "low", "high")
        if closed:
            latest = (gates[-1][key] for key in bounds)
            found.append(GateHistory(name, len(gates), closed, *latest))
    return tuple(sorted(found, key=lambda each: (-each.closed, each.gate)))
