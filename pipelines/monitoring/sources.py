"""Source freshness and gate history, from the snapshot and the run records."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

from features.contract import TABLES
from features.timeline import local_day
from pipelines.snapshots.snapshot import Snapshot

_RECORDS = 60


def source_health(
    snapshot: Snapshot, zone: str, today: date, before: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """Every table of the snapshot, its newest event's day, and its age at the monitoring date.

    ``before`` is the data of the monitoring run before this; ``standing_still_since`` is its date
    where the newest event was the same.
    """
    then = {row["table"]: row["newest_event"] for row in (before or {}).get("sources", ())}
    found = []
    for name, facts in snapshot.tables.items():
        if TABLES[name].derived:
            continue
        newest = local_day(facts.last_event, zone) if facts.last_event else None
        day = newest.isoformat() if newest else None
        since = str(before["date"]) if before and day and then.get(name) == day else None
        age = (today - newest).days if newest else None
        dates = {"newest_event": day, "days_old": age, "standing_still_since": since}
        found.append({"table": name, "rows": facts.rows, **dates})
    return found


def gate_history(runs: Path) -> list[dict[str, Any]]:
    """Gates that were closed in any of the newest run records, most often closed first.

    Each with the ``runs`` that asked it, and its newest value and bounds.
    """
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
        closed, last = sum(not gate["passed"] for gate in gates), gates[-1]
        if closed:
            bounds = {"latest": last["value"], "low": last["low"], "high": last["high"]}
            found.append({"gate": name, "runs": len(gates), "closed": closed, **bounds})
    return sorted(found, key=lambda each: (-each["closed"], each["gate"]))
