"""Model monitoring job: calibration of past probabilities, and drift of the inputs from training.

Plain functions; the run's ``step`` decides whether a scheduler watches them.
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
from pipelines.monitoring import inputs as input_drift
from pipelines.monitoring import performance as past_performance
from pipelines.monitoring import sources as freshness
from pipelines.monitoring.inputs import Inputs, input_alarms, measure_inputs
from pipelines.monitoring.past import PublicationsByMaturity, choose_publications, join_outcomes
from pipelines.monitoring.performance import Performance, measure, performance_alarms
from pipelines.run import Run
from pipelines.settings import Settings
from pipelines.snapshots.snapshot import Snapshot
from pipelines.snapshots.tables import read_tables
from pipelines.storage import write_file
from pipelines.tracking import plain_name

SCHEMA_VERSION = "1"
FOLDER = "monitoring"
_CARD = ("auc", "calibration_slope", "calibration_intercept", "lift@10%", "log_loss")


@dataclass(frozen=True, slots=True)
class MonitoringResult:
    """Result of a monitoring run; ``performance`` is None while no horizon is complete."""

    day: date
    chosen: PublicationsByMaturity
    performance: Performance | None
    inputs: Inputs | None
    sources: tuple[freshness.Source, ...]
    gates: tuple[freshness.GateHistory, ...]
    alarms: tuple[str, ...]
    path: Path


class AlarmError(GateError):
    """Alarms rang in a monitoring run, which is otherwise complete, as is ``result``."""

    def __init__(self, result: MonitoringResult) -> None:
        super().__init__(
            f"{len(result.alarms)} of monitoring's alarms rang on {result.day}: "
            f"{'; '.join(result.alarms)}. Look at {result.path}; then train again (stille train), "
            "repair the source, or widen the bands under monitoring in the configuration."
        )
        self.result = result


def monitor(run: Run) -> MonitoringResult:
    """Judge past publications and tonight's inputs by what is known before the as-of date.

    Writes ``var/monitoring/<as-of date>.json`` and a run in MLflow. Raises ``ModelError`` without a
    usable champion, ``ContractError`` for broken tables, ``PublicationError`` when the disk
    refuses, and ``AlarmError`` once all is written when a configured band is left.
    """
    run.record_inputs()
    champion = run.step(resolve_champion, run)
    snapshot = run.step(read_tables, run)
    chosen = choose_publications(run.settings, run.as_of)
    performance = run.step(evaluate_past, run, snapshot, chosen)
    reference = tracking.load_reference(run.settings, champion.registered)
    inputs = run.step(measure_inputs, run, snapshot, champion, reference)
    result = _result_of(run.settings, snapshot, chosen, performance, inputs, run.as_of)
    run.step(write, run.settings, result, champion)
    if result.alarms:
        raise AlarmError(result)
    return result


def evaluate_past(
    run: Run, snapshot: Snapshot, chosen: PublicationsByMaturity
) -> Performance | None:
    """What became of the rows of complete publications; None without one."""
    settings = run.settings
    with run.record.stage("outcomes") as stage:
        if not chosen.complete:
            return None
        past = join_outcomes(settings, snapshot, chosen.complete, run.as_of)
        stage.rows_out = len(past.y)
        return measure(past, settings.monitoring, settings.training.bootstrap)


def write(settings: Settings, result: MonitoringResult, champion: Champion) -> None:
    """The report's data as JSON, and the same figures in MLflow."""
    data = (json.dumps(as_data(settings, result, champion), indent=1) + "\n").encode()
    write_file(result.path, data)
    tags = {
        "monitoring_date": str(result.day),
        "champion": champion.registered.label,
        "alarms": "; ".join(result.alarms) or "none",
    }
    files = {f"{result.day}.json": data}
    name, metrics = f"monitor {result.day}", flat_metrics(result)
    tracking.log_run(settings, FOLDER, name, {}, metrics, tags, files)


def as_data(settings: Settings, result: MonitoringResult, champion: Champion) -> dict[str, object]:
    """What ``docs/monitoring.md`` describes."""
    performance, inputs = result.performance, result.inputs
    dates = {
        name: [each.as_of.isoformat() for each in getattr(result.chosen, name)]
        for name in ("complete", "immature", "other_horizon")
    }
    return {
        "schema_version": SCHEMA_VERSION,
        "company": settings.company.name,
        "date": result.day.isoformat(),
        "champion": champion.registered.label,
        "publications": dates,
        "performance": performance and past_performance.as_data(performance),
        "inputs": inputs and input_drift.as_data(inputs),
        **freshness.as_data(result.sources, result.gates),
        "alarms": list(result.alarms),
    }


def flat_metrics(result: MonitoringResult) -> dict[str, float]:
    """Metrics with names that never change, for charts over monitoring dates."""
    metrics = {
        "alarms": float(len(result.alarms)),
        "publications": float(len(result.chosen.complete)),
    }
    if result.performance is not None:
        metrics |= _performance_metrics(result.performance)
    if result.inputs is not None:
        metrics["drift_scores"] = result.inputs.score.psi
        metrics["drift_largest"] = result.inputs.features[0].psi if result.inputs.features else 0.0
        metrics |= {f"drift_{name}": value for name, value in result.inputs.families.items()}
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


def _result_of(
    settings: Settings,
    snapshot: Snapshot,
    chosen: PublicationsByMaturity,
    performance: Performance | None,
    inputs: Inputs | None,
    today: date,
) -> MonitoringResult:
    var, limits = settings.paths.var, settings.monitoring
    alarms = [
        *(performance_alarms(performance, limits) if performance else ()),
        *(input_alarms(inputs, limits.max_drift) if inputs else ()),
    ]
    zone, before = settings.company.timezone, _before(var, today)
    return MonitoringResult(
        day=today,
        chosen=chosen,
        performance=performance,
        inputs=inputs,
        sources=freshness.look_at_sources(snapshot, zone, today, before),
        gates=freshness.gate_history(var),
        alarms=tuple(alarms),
        path=var / FOLDER / f"{today}.json",
    )


def _before(var: Path, today: date) -> Mapping[str, Any] | None:
    """The data of the newest monitoring run on an earlier date."""
    earlier = sorted(p for p in (var / FOLDER).glob("*.json") if p.stem < today.isoformat())
    if not earlier:
        return None
    result: dict[str, Any] = json.loads(earlier[-1].read_bytes())
    return result
