"""Performance of past publications: observed over expected, whole and by subgroup."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from models.metrics.bootstrap import Interval
from models.metrics.observed_expected import ObservedExpected, observed_expected_by, outcome, tenths
from models.metrics.scorecard import scorecard
from pipelines.config.sections import Monitoring, RowBand
from pipelines.monitoring.past import LabelledRows


@dataclass(frozen=True, slots=True)
class Performance:
    """Outcomes of all judged rows; ``card`` is empty when only one class was seen."""

    past: LabelledRows
    whole: ObservedExpected
    callable: ObservedExpected
    tenths: tuple[ObservedExpected, ...]
    product_lines: tuple[ObservedExpected, ...]
    drivers: tuple[ObservedExpected, ...]
    publications: tuple[ObservedExpected, ...]
    card: dict[str, Interval]


def measure(past: LabelledRows, monitoring: Monitoring, replicates: int) -> Performance:
    """Measure what was published against what happened."""
    y, p, who = past.y, past.p, past.customer_id
    top = past.rank <= monitoring.capacity
    dates = np.array([each.as_of.isoformat() for each in past.publications], dtype=object)
    both = 0 < int(y.sum()) < len(y)
    return Performance(
        past=past,
        whole=outcome("all", y, p, who),
        callable=outcome(f"first {monitoring.capacity}", y[top], p[top], who[top]),
        tenths=observed_expected_by(tenths(p, past.publication), y, p, who),
        product_lines=observed_expected_by(past.product_line, y, p, who),
        drivers=observed_expected_by(past.driver, y, p, who),
        publications=observed_expected_by(dates[past.publication], y, p, who),
        card=scorecard(y, p, who, replicates) if both else {},
    )


def performance_alarms(performance: Performance, monitoring: Monitoring) -> Iterator[str]:
    """A sentence for each figure of calibration outside its band, when 1 is not in its interval."""
    whole, band = performance.whole, monitoring.observed_to_expected
    if _outside(whole.ratio, band):
        yield (
            f"observed over expected leavers is {_shown(whole.ratio)}; it should be within "
            f"{band.low:g} to {band.high:g}"
        )
    slope, band = performance.card.get("calibration_slope"), monitoring.calibration_slope
    if slope is not None and _outside(slope, band):
        yield (
            f"the calibration slope is {_shown(slope)}; it should be within "
            f"{band.low:g} to {band.high:g}"
        )


def as_data(performance: Performance) -> dict[str, object]:
    """The figures as plain values for JSON."""
    past = performance.past
    groups = ("tenths", "product_lines", "drivers", "publications")
    return {
        "run_ids": [each.run_id for each in past.publications],
        "model_versions": sorted(set(past.models)),
        "rows_without_label": past.unlabelled,
        "all": plain(performance.whole),
        "at_capacity": plain(performance.callable),
        **{name: [plain(each) for each in getattr(performance, name)] for name in groups},
        "scorecard": {name: asdict(each) for name, each in performance.card.items()},
    }


def plain(outcome: ObservedExpected) -> dict[str, object]:
    """One group as plain values."""
    return {
        "name": outcome.name,
        "rows": outcome.rows,
        "expected": round(outcome.expected, 3),
        "observed": outcome.observed,
        "observed_rate": outcome.rate,
        "observed_to_expected": asdict(outcome.ratio),
    }


def _outside(interval: Interval, band: RowBand) -> bool:
    apart = not interval.low <= 1 <= interval.high
    return apart and not band.low <= interval.value <= band.high


def _shown(interval: Interval) -> str:
    return f"{interval.value:.2f} (95 % interval {interval.low:.2f} to {interval.high:.2f})"
