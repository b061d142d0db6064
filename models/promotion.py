"""Whether a newly trained model may replace the champion."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from models.leaks import LeakWarning

_SLOPE = (0.8, 1.25)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision and one sentence for each rule that was checked, failures first."""

    promote: bool
    reasons: tuple[str, ...]


def verdict(
    challenger: Mapping[str, float],
    champion: Mapping[str, float] | None,
    baseline: Mapping[str, float],
    leak: LeakWarning | None,
) -> Verdict:
    """Judge metrics measured on the same later rows; any failed rule refuses.

    ``challenger`` needs log_loss, auc and calibration_slope, and may give
    calibration_slope_low and calibration_slope_high; ``champion`` and ``baseline`` (the base
    rate) need log_loss. A metric that is absent or not finite fails its rule. Rules:
    no leak warning; AUC above 0.5; log loss below the base rate's; calibration slope within
    0.8 to 1.25, or an interval that covers 1 (few leavers cannot pin it); log loss not above
    the champion's, if there is one.
    """
    checks = [
        (leak is None, leak.message if leak else "No leak is suspected."),
        _ranks(challenger),
        _beats_base_rate(challenger, baseline),
        _calibrated(challenger),
        _not_worse(challenger, champion),
    ]
    ordered = sorted(checks, key=lambda check: check[0])
    return Verdict(all(passed for passed, _ in checks), tuple(text for _, text in ordered))


def _ranks(challenger: Mapping[str, float]) -> tuple[bool, str]:
    value = _metric(challenger, "auc")
    return value > 0.5, f"AUC is {value:.3f}; it must be above 0.5."


def _beats_base_rate(
    challenger: Mapping[str, float], baseline: Mapping[str, float]
) -> tuple[bool, str]:
    ours, theirs = _metric(challenger, "log_loss"), _metric(baseline, "log_loss")
    text = f"Log loss is {ours:.5f}; it must be below the base rate's {theirs:.5f}."
    return ours < theirs, text


def _calibrated(challenger: Mapping[str, float]) -> tuple[bool, str]:
    slope = _metric(challenger, "calibration_slope")
    low = _metric(challenger, "calibration_slope_low")
    high = _metric(challenger, "calibration_slope_high")
    passed = _SLOPE[0] <= slope <= _SLOPE[1] or (math.isfinite(slope) and low <= 1 <= high)
    shown = f" (interval {low:.2f} to {high:.2f})" if math.isfinite(low + high) else ""
    return passed, (
        f"Calibration slope is {slope:.2f}{shown}; it must be within {_SLOPE[0]} to {_SLOPE[1]}, "
        "or its interval cover 1."
    )


def _not_worse(
    challenger: Mapping[str, float], champion: Mapping[str, float] | None
) -> tuple[bool, str]:
    if champion is None:
        return True, "There is no champion to compare with."
    ours, theirs = _metric(challenger, "log_loss"), _metric(champion, "log_loss")
    text = f"Log loss is {ours:.5f}; it must not be above the champion's {theirs:.5f}."
    return ours <= theirs, text


def _metric(metrics: Mapping[str, float], name: str) -> float:
    value = metrics.get(name, math.nan)
    return value if math.isfinite(value) else math.nan
