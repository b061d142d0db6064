"""A monitoring run in a few lines: for the terminal and for Prefect's pages."""

from collections.abc import Iterator

from features.markdown import markdown_table
from models.bootstrap import Interval
from models.realised import Outcome
from pipelines.monitor import Monitored

HEADER = ("figure", "value", "95 % interval or detail")
_CARD = ("calibration_slope", "calibration_intercept", "auc", "lift@10%")
_MOVED = 5


def rows(found: Monitored) -> list[tuple[str, str, str]]:
    """Figure, value and detail: performance first, then inputs, sources and alarms."""
    return [*_performance(found), *_inputs(found), *_sources(found), *_alarms(found)]


def markdown(found: Monitored) -> str:
    """The same as a Markdown table."""
    lines = [f"# Monitoring on {found.day}", "", *markdown_table(HEADER, rows(found))]
    return "\n".join(lines)


def _performance(found: Monitored) -> Iterator[tuple[str, str, str]]:
    waiting = len(found.chosen.immature)
    if found.performance is None:
        yield "publications judged", "0", f"{waiting} wait for their horizon"
        return
    whole, top = found.performance.whole, found.performance.callable
    dates = ", ".join(each.name for each in found.performance.publications)
    yield (
        "publications judged",
        str(len(found.performance.publications)),
        f"{dates}; {waiting} wait for their horizon",
    )
    yield "leavers observed", str(whole.observed), f"{whole.expected:.1f} expected"
    yield "observed over expected", *_shown(whole.ratio)
    for name in _CARD:
        if name in found.performance.card:
            yield name, *_shown(found.performance.card[name])
    yield f"precision in the {top.name}", f"{top.rate:.1%}", f"{top.observed} of {top.rows}"
    for line in found.performance.product_lines:
        yield f"observed over expected, {line.name}", *_shown(line.ratio)
    for driver in _least_true(found.performance.drivers):
        yield f"observed over expected, reason {driver.name}", *_shown(driver.ratio)


def _least_true(drivers: tuple[Outcome, ...]) -> list[Outcome]:
    """Drivers whose interval leaves out 1, the most leavers off first."""
    off = [each for each in drivers if not each.ratio.low <= 1 <= each.ratio.high]
    return sorted(off, key=lambda each: -abs(each.observed - each.expected))[:_MOVED]


def _inputs(found: Monitored) -> Iterator[tuple[str, str, str]]:
    if found.inputs is None:
        return
    yield "drift of the scores", f"{found.inputs.score.psi:.3f}", f"{found.inputs.rows:,} rows"
    for drift in found.inputs.features[:_MOVED]:
        detail = (
            f"{drift.family}; mean {drift.shift:+.2f} sd; "
            f"null {drift.null_then:.1%} → {drift.null_now:.1%}"
        )
        yield f"drift of {drift.name}", f"{drift.psi:.3f}", detail


def _sources(found: Monitored) -> Iterator[tuple[str, str, str]]:
    for source in found.sources:
        if source.standing_still_since is not None:
            detail = f"nothing new since the monitoring of {source.standing_still_since}"
            yield f"source {source.table}", f"{source.days_old} days old", detail
    for gate in found.gates:
        yield f"gate {gate.gate}", f"{gate.closed} of {gate.runs}", "runs in which it was closed"


def _alarms(found: Monitored) -> Iterator[tuple[str, str, str]]:
    for alarm in found.alarms:
        yield "ALARM", "", alarm
    if not found.alarms:
        yield "alarms", "none", ""


def _shown(interval: Interval) -> tuple[str, str]:
    return f"{interval.value:.3f}", f"{interval.low:.3f} to {interval.high:.3f}"
