"""Result of a monitoring run: data, metrics, an error of its alarms, a table for people.

Apart from the job, so that what shows it does not import what makes it.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from features.errors import CompleteError
from features.markdown import markdown_table
from models.metrics.bootstrap import Interval
from pipelines.config.measurement import MONITORING_VERSION
from pipelines.monitoring import performance as past_performance
from pipelines.monitoring.inputs import Inputs
from pipelines.monitoring.list_use import ListUse
from pipelines.monitoring.performance import Performance, PublicationsByMaturity
from pipelines.tracking.champion import Champion
from pipelines.tracking.runs import plain_name

HEADER = ("figure", "value", "95 % interval or detail")
_CARD = ("calibration_slope", "calibration_intercept", "auc", "lift@10%")
_MAX_LISTED = 5


@dataclass(frozen=True, slots=True)
class MonitoringResult:
    """Result of a monitoring run; ``performance`` is None while no horizon is complete."""

    day: date
    chosen: PublicationsByMaturity
    performance: Performance | None
    inputs: Inputs | None
    answers: list[dict[str, Any]]
    use: ListUse
    sources: list[dict[str, Any]]
    gates: list[dict[str, Any]]
    alarms: tuple[str, ...]
    path: Path


class AlarmError(CompleteError):
    """Alarms rang in a monitoring run, which is otherwise complete, as is ``result``."""

    def __init__(self, result: MonitoringResult) -> None:
        super().__init__(
            f"{len(result.alarms)} of monitoring's alarms rang on {result.day}: "
            f"{'; '.join(result.alarms)}. Look at {result.path}; then train again (stille train), "
            "repair the source, or widen the bands under monitoring in the configuration."
        )
        self.result = result


def as_data(company: str, result: MonitoringResult, champion: Champion) -> dict[str, object]:
    """What ``docs/monitoring.md`` describes."""
    performance, inputs = result.performance, result.inputs
    dates = {
        name: [each.as_of.isoformat() for each in getattr(result.chosen, name)]
        for name in ("complete", "immature", "other_horizon")
    }
    return {
        "schema_version": MONITORING_VERSION,
        "company": company,
        "date": result.day.isoformat(),
        "champion": champion.registered.label,
        "publications": dates,
        "performance": performance and past_performance.as_data(performance),
        "inputs": inputs and asdict(inputs) | {"as_of_date": inputs.as_of_date.isoformat()},
        "answers": result.answers,
        "overrides": result.use.overrides,
        "parity": result.use.parity,
        "sources": result.sources,
        "gates": result.gates,
        "alarms": list(result.alarms),
    }


def flat_metrics(result: MonitoringResult) -> dict[str, float]:
    """Metrics with names that never change, for charts over monitoring dates."""
    metrics = {
        "alarms": float(len(result.alarms)),
        "publications": float(len(result.chosen.complete)),
    }
    if result.performance is not None:
        whole, card = result.performance.whole, result.performance.card
        metrics |= {
            "rows": float(whole.rows),
            "leavers": float(whole.observed),
            "leavers_expected": whole.expected,
            "precision_at_capacity": result.performance.callable.rate,
        }
        shown = {name: card[name] for name in (*_CARD, "log_loss") if name in card}
        for name, each in ({"observed_to_expected": whole.ratio} | shown).items():
            plain = plain_name(name)
            metrics |= {plain: each.value, f"{plain}_low": each.low, f"{plain}_high": each.high}
    if result.inputs is not None:
        metrics["drift_scores"] = result.inputs.score.psi
        metrics["drift_largest"] = result.inputs.features[0].psi if result.inputs.features else 0.0
        metrics |= {f"drift_{name}": value for name, value in result.inputs.families.items()}
    return metrics


def rows(result: MonitoringResult) -> list[tuple[str, str, str]]:
    """Figure, value and detail: performance, inputs, answers, sources and alarms."""
    answers = [(a["question"], *_with_interval(Interval(**a["share"]))) for a in result.answers]
    return [*_performance(result), *_inputs(result), *answers, *_alarms(result)]


def markdown(result: MonitoringResult) -> str:
    return "\n".join([f"# Monitoring on {result.day}", "", *markdown_table(HEADER, rows(result))])


def _performance(result: MonitoringResult) -> Iterator[tuple[str, str, str]]:
    waiting, performance = len(result.chosen.immature), result.performance
    if performance is None:
        yield "publications judged", "0", f"{waiting} wait for their horizon"
        return
    whole, top, card = performance.whole, performance.callable, performance.card
    dates = ", ".join(each.name for each in performance.publications)
    count = str(len(performance.publications))
    yield "publications judged", count, f"{dates}; {waiting} wait for their horizon"
    if treated := performance.past.treated:
        yield "treated rows left out", f"{treated:,}", "held out ones count for them"
    yield "leavers observed", str(whole.observed), f"{whole.expected:.1f} expected"
    yield "observed over expected", *_with_interval(whole.ratio)
    for name in _CARD:
        if name in card:
            yield name, *_with_interval(card[name])
    yield f"precision in the {top.name}", f"{top.rate:.1%}", f"{top.observed} of {top.rows}"
    for line in performance.product_lines:
        yield f"observed over expected, {line.name}", *_with_interval(line.ratio)
    off = [each for each in performance.drivers if not each.ratio.low <= 1 <= each.ratio.high]
    for driver in sorted(off, key=lambda each: -abs(each.observed - each.expected))[:_MAX_LISTED]:
        yield f"observed over expected, reason {driver.name}", *_with_interval(driver.ratio)


def _inputs(result: MonitoringResult) -> Iterator[tuple[str, str, str]]:
    if result.inputs is None:
        return
    score = result.inputs.score
    detail = f"{result.inputs.rows:,} rows; raw {score.raw:.3f}, usual {score.usual:.3f}"
    yield "drift of the scores", f"{score.psi:.3f}", detail
    for drift in result.inputs.features[:_MAX_LISTED]:
        detail = (
            f"{drift.family}; raw {drift.raw:.3f}, usual {drift.usual:.3f}; "
            f"mean {drift.shift:+.2f} sd; null {drift.null_then:.1%} → {drift.null_now:.1%}"
        )
        yield f"drift of {drift.name}", f"{drift.psi:.3f}", detail


def _alarms(result: MonitoringResult) -> Iterator[tuple[str, str, str]]:
    for source in result.sources:
        if since := source["standing_still_since"]:
            detail = f"nothing new since the monitoring of {since}"
            yield f"source {source['table']}", f"{source['days_old']} days old", detail
    for gate in result.gates:
        count = f"{gate['closed']} of {gate['runs']}"
        yield f"gate {gate['gate']}", count, "runs in which it was closed"
    for alarm in result.alarms:
        yield "ALARM", "", alarm
    if not result.alarms:
        yield "alarms", "none", ""


def _with_interval(interval: Interval) -> tuple[str, str]:
    return f"{interval.value:.3f}", f"{interval.low:.3f} to {interval.high:.3f}"
