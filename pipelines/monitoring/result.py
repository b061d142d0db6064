"""Result of a monitoring run, as data, metrics and an error of its alarms.

Apart from the job, so that what shows it does not import what makes it.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from features.errors import GateError
from pipelines.config.settings import Settings
from pipelines.monitoring import inputs as input_drift
from pipelines.monitoring import performance as past_performance
from pipelines.monitoring import sources as freshness
from pipelines.monitoring.inputs import Inputs
from pipelines.monitoring.past import PublicationsByMaturity
from pipelines.monitoring.performance import Performance
from pipelines.tracking import plain_name
from pipelines.tracking.champion import Champion

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
