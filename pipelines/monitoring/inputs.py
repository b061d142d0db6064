"""Inputs of a monitoring run: drift (PSI) from training, freshness of sources, gate history."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from features.contract import TABLES
from features.timeline import local_day
from models.dataset.feature_spec import listed
from models.drift.psi import Drift, by_family, feature_drift, score_drift
from models.drift.reference import Reference
from pipelines.config.run import Run
from pipelines.matrices.build import MatrixJob, catalog_of, make_matrix
from pipelines.matrices.gates import refuse_other_features
from pipelines.snapshots.snapshot import Snapshot
from pipelines.tracking.champion import Champion


@dataclass(frozen=True, slots=True)
class Inputs:
    """How the date's cohort differs from the training rows; ``features`` greatest first."""

    as_of_date: date
    rows: int
    score: Drift
    families: dict[str, float]
    features: tuple[Drift, ...]


def measure_inputs(
    run: Run, snapshot: Snapshot, champion: Champion, reference: Reference
) -> Inputs | None:
    """Build the run's matrix and hold it against the reference; None for an empty cohort."""
    settings, as_of, record = run.settings, run.as_of, run.record
    catalog = catalog_of(settings.sources, snapshot)
    spec = champion.model.spec
    refuse_other_features(champion.registered.label, spec, catalog)
    with record.stage("drift") as stage:
        frame = make_matrix(run, snapshot, MatrixJob(catalog, (as_of,)), spec.names)
        stage.rows_in = stage.rows_out = len(frame)
        if frame.empty:
            return None
        x = spec.encode(frame)
    drifts = feature_drift(x, spec, reference)
    lines = frame["product_line"].to_numpy(dtype=object)
    p = champion.model.probability(x, lines, settings.engine.threads)
    return Inputs(as_of, len(x), score_drift(p, reference), by_family(drifts), drifts)


def input_alarms(inputs: Inputs, limit: float) -> Iterator[str]:
    """A sentence for the features beyond the limit, and one for the scores."""
    moved = [drift for drift in inputs.features if drift.psi > limit]
    if moved:
        named = listed([f"{d.name} ({d.psi:.2f})" for d in moved])
        yield f"inputs have moved from those of training, by more than {limit:g}: {named}"
    if inputs.score.psi > limit:
        yield f"the scores have moved by {inputs.score.psi:.2f}; at most {limit:g} is expected"


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
