"""Monitoring: have the probabilities come true, and is tonight still like training?

Plain functions; ``step`` decides whether a scheduler watches them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from features.errors import GateError
from pipelines import tracking
from pipelines.champion import Champion, resolve_champion
from pipelines.monitoring import inputs as night
from pipelines.monitoring import performance as judged
from pipelines.monitoring import sources as given
from pipelines.monitoring.inputs import Inputs, input_alarms, measure_inputs
from pipelines.monitoring.past import Chosen, choose, join_outcomes
from pipelines.monitoring.performance import Performance, measure, performance_alarms
from pipelines.run import Run
from pipelines.settings import Settings
from pipelines.snapshots.snapshot import Snapshot
from pipelines.snapshots.tables import read_tables
from pipelines.storage import replace_bytes, storage_errors
from pipelines.tracking import plain_name

SCHEMA_VERSION = "1"
FOLDER = "monitoring"
_CARD = ("auc", "calibration_slope", "calibration_intercept", "lift@10%", "log_loss")


@dataclass(frozen=True, slots=True)
class Monitored:
    """What a monitoring run found; ``performance`` is None while no horizon is complete."""

    day: date
    chosen: Chosen
    performance: Performance | None
    inputs: Inputs | None
    sources: tuple[given.Source, ...]
    gates: tuple[given.GateHistory, ...]
    alarms: tuple[str, ...]
    path: Path


class AlarmError(GateError):
    """Alarms rang in a monitoring run, which is otherwise complete: ``found`` is its result."""

    def __init__(self, found: Monitored) -> None:
        super().__init__(
            f"{len(found.alarms)} of monitoring's alarms rang on {found.day}: "
            f"{'; '.join(found.alarms)}. Look at {found.path}; then train again (stille train), "
            "repair the source, or widen the bands under monitoring in the configuration."
        )
        self.found = found


def monitor(run: Run) -> Monitored:
    """Judge past publications and tonight's inputs by what is known before the as-of date.

    Writes ``var/monitoring/<as-of date>.json`` and a run in MLflow. Raises ``ModelError`` without a
    usable champion, ``ContractError`` for broken tables, ``PublicationError`` when the disk
    refuses, and ``AlarmError`` once all is written when a configured band is left.
    """
    run.record_inputs()
    champion = run.step(resolve_champion, run)
    snapshot = run.step(read_tables, run)
    chosen = choose(run.settings, run.as_of)
    performance = run.step(judge_past, run, snapshot, chosen)
    reference = tracking.load_reference(run.settings, champion.registered)
    inputs = run.step(measure_inputs, run, snapshot, champion, reference)
    found = _found(run.settings, snapshot, chosen, performance, inputs, run.as_of)
    run.step(write, run.settings, found, champion)
    if found.alarms:
        raise AlarmError(found)
    return found


def judge_past(run: Run, snapshot: Snapshot, chosen: Chosen) -> Performance | None:
    """What became of the rows of complete publications; None without one."""
    settings = run.settings
    with run.record.stage("outcomes") as stage:
        if not chosen.complete:
            return None
        past = join_outcomes(settings, snapshot, chosen.complete, run.as_of)
        stage.rows_out = len(past.y)
        return measure(past, settings.monitoring, settings.training.bootstrap)


def write(settings: Settings, found: Monitored, champion: Champion) -> None:
    """The report's data as JSON, and the same figures in MLflow."""
    data = (json.dumps(as_data(settings, found, champion), indent=1) + "\n").encode()
    with storage_errors(f"write {found.path}"):
        found.path.parent.mkdir(parents=True, exist_ok=True)
        replace_bytes(found.path, data)
    tags = {
        "monitoring_date": str(found.day),
        "champion": champion.registered.label,
        "alarms": "; ".join(found.alarms) or "none",
    }
    files = {f"{found.day}.json": data}
    tracking.log_monitoring(settings, f"monitor {found.day}", tags, flat_metrics(found), files)


def as_data(settings: Settings, found: Monitored, champion: Champion) -> dict[str, object]:
    """What ``docs/monitoring.md`` describes."""
    dates = {
        name: [each.as_of.isoformat() for each in getattr(found.chosen, name)]
        for name in ("complete", "immature", "other_horizon")
    }
    return {
        "schema_version": SCHEMA_VERSION,
        "company": settings.company.name,
        "date": found.day.isoformat(),
        "champion": champion.registered.label,
        "publications": dates,
        "performance": judged.as_data(found.performance) if found.performance else None,
        "inputs": night.as_data(found.inputs) if found.inputs else None,
        **given.as_data(found.sources, found.gates),
        "alarms": list(found.alarms),
    }


def flat_metrics(found: Monitored) -> dict[str, float]:
    """Metrics with names that never change, for charts over monitoring dates."""
    metrics = {
        "alarms": float(len(found.alarms)),
        "publications": float(len(found.chosen.complete)),
    }
    if found.performance is not None:
        metrics |= _performance_metrics(found.performance)
    if found.inputs is not None:
        metrics["drift_scores"] = found.inputs.score.psi
        metrics["drift_largest"] = found.inputs.features[0].psi if found.inputs.features else 0.0
        metrics |= {f"drift_{name}": value for name, value in found.inputs.families.items()}
    return metrics


def _performance_metrics(performance: Performance) -> dict[str, float]:
    whole = performance.whole
    metrics = {
        "rows": float(whole.rows),
        "leavers": float(whole.observed),
        "leavers_expected": whole.expected,
        "observed_to_expected": whole.ratio.value,
        "observed_to_expected_low": whole.ratio.low,
        "observed_to_expected_high": whole.ratio.high,
        "precision_at_capacity": performance.callable.rate,
    }
    for name in _CARD:
        if name in performance.card:
            interval = performance.card[name]
            metrics[plain_name(name)] = interval.value
            metrics[f"{plain_name(name)}_low"] = interval.low
            metrics[f"{plain_name(name)}_high"] = interval.high
    return metrics


def _found(
    settings: Settings,
    snapshot: Snapshot,
    chosen: Chosen,
    performance: Performance | None,
    inputs: Inputs | None,
    today: date,
) -> Monitored:
    var, limits = settings.paths.var, settings.monitoring
    alarms = [
        *(performance_alarms(performance, limits) if performance else ()),
        *(input_alarms(inputs, limits.max_drift) if inputs else ()),
    ]
    zone, before = settings.company.timezone, _before(var, today)
    return Monitored(
        day=today,
        chosen=chosen,
        performance=performance,
        inputs=inputs,
        sources=given.look_at_sources(snapshot, zone, today, before),
        gates=given.gate_history(var),
        alarms=tuple(alarms),
        path=var / FOLDER / f"{today}.json",
    )


def _before(var: Path, today: date) -> Mapping[str, Any] | None:
    """The data of the newest monitoring run on an earlier date."""
    earlier = sorted(p for p in (var / FOLDER).glob("*.json") if p.stem < today.isoformat())
    if not earlier:
        return None
    found: dict[str, Any] = json.loads(earlier[-1].read_bytes())
    return found
