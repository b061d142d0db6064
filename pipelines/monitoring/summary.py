"""Summary table of a monitoring run, for the terminal and for Prefect."""

from collections.abc import Iterator

from features.markdown import markdown_table
from models.metrics.bootstrap import Interval
from models.metrics.observed_expected import ObservedExpected
from pipelines.monitoring.result import MonitoringResult

HEADER = ("figure", "value", "95 % interval or detail")
_CARD = ("calibration_slope", "calibration_intercept", "auc", "lift@10%")
_MOVED = 5


def rows(result: MonitoringResult) -> list[tuple[str, str, str]]:
    """Figure, value and detail: performance first, then inputs, sources and alarms."""
    return [*_performance(result), *_inputs(result), *_sources(result), *_alarms(result)]


def markdown(result: MonitoringResult) -> str:
    """The same as a Markdown page."""
    lines = [f"# Monitoring on {result.day}", "", *markdown_table(HEADER, rows(result))]
    return "\n".join(lines)


def _performance(result: MonitoringResult) -> Iterator[tuple[str, str, str]]:
    waiting = len(result.chosen.immature)
    if result.performance is None:
        yield "publications judged", "0", f"{waiting} wait for their horizon"
        return
    whole, top = result.performance.whole, result.performance.callable
    dates = ", ".join(each.name for each in result.performance.publications)
    yield (
        "publications judged",
        str(len(result.performance.publications)),
        f"{dates}; {waiting} wait for their horizon",
    )
    yield "leavers observed", str(whole.observed), f"{whole.expected:.1f} expected"
    yield "observed over expected", *_shown(whole.ratio)
    for name in _CARD:
        if name in result.performance.card:
            yield name, *_shown(result.performance.card[name])
    yield f"precision in the {top.name}", f"{top.rate:.1%}", f"{top.observed} of {top.rows}"
    for line in result.performance.product_lines:
        yield f"observed over expected, {line.name}", *_shown(line.ratio)
    for driver in _least_true(result.performance.drivers):
        yield f"observed over expected, reason {driver.name}", *_shown(driver.ratio)


def _least_true(drivers: tuple[ObservedExpected, ...]) -> list[ObservedExpected]:
    """Drivers whose interval leaves out 1, the most leavers off first."""
    off = [each for each in drivers if not each.ratio.low <= 1 <= each.ratio.high]
    return sorted(off, key=lambda each: -abs(each.observed - each.expected))[:_MOVED]


def _inputs(result: MonitoringResult) -> Iterator[tuple[str, str, str]]:
    if result.inputs is None:
        return
    yield "drift of the scores", f"{result.inputs.score.psi:.3f}", f"{result.inputs.rows:,} rows"
    for drift in result.inputs.features[:_MOVED]:
        detail = (
            f"{drift.family}; mean {drift.shift:+.2f} sd; "
            f"null {drift.null_then:.1%} → {drift.null_now:.1%}"
        )
        yield f"drift of {drift.name}", f"{drift.psi:.3f}", detail


def _sources(result: MonitoringResult) -> Iterator[tuple[str, str, str]]:
    for source in result.sources:
        if source.standing_still_since is not None:
            detail = f"nothing new since the monitoring of {source.standing_still_since}"
            yield f"source {source.table}", f"{source.days_old} days old", detail
    for gate in result.gates:
        yield f"gate {gate.gate}", f"{gate.closed} of {gate.runs}", "runs in which it was closed"


def _alarms(result: MonitoringResult) -> Iterator[tuple[str, str, str]]:
    for alarm in result.alarms:
        yield "ALARM", "", alarm
    if not result.alarms:
        yield "alarms", "none", ""


def _shown(interval: Interval) -> tuple[str, str]:
    return f"{interval.value:.3f}", f"{interval.low:.3f} to {interval.high:.3f}"
