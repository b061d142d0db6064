"""Promotion rules: each rule's measure, band and sentence; a NaN fails its rule."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from models.metrics.bootstrap import Interval
from models.promotion.evidence import UNKNOWN, ChallengerEvidence

_SLOPE = (0.8, 1.25)
_LEVEL = (-0.5, 0.5)
_WEAKEST_SEED = 0.5
_SILENT = 1e-3


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what was measured (None: nothing), its band (inclusive; None is open), a sentence.

    A value outside the band may pass where the sentence says so, as when its interval reaches in.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    passed: bool
    sentence: str


def rule(
    name: str, value: float, low: float | None, high: float | None, passed: bool, sentence: str
) -> Rule:
    """A rule that fails when ``value`` is not finite, whatever ``passed`` says."""
    bounds = (value, low, high)
    number, least, most = (v if v is not None and math.isfinite(v) else None for v in bounds)
    return Rule(name, number, least, most, passed and number is not None, sentence)


def rules_of_the_model(evidence: ChallengerEvidence) -> Iterator[Rule]:
    """What the challenger must show by itself and against the baselines; see each sentence.

    No column is suspected of giving the answer away; the whole interval of the AUC is above
    guessing, and log loss below that of one probability for all; slope and level are right, of
    each product line too; the registered model is not worse than its recipe was evaluated, has no
    broken booster and the spec that was evaluated; each driver family moves the score.
    """
    leak, own_gain, weakest = evidence.leak, evidence.own_gain, evidence.weakest_seed
    none_suspected = leak or "No leak is suspected."
    yield rule("no_leak", float(leak is not None), None, 0.0, leak is None, none_suspected)
    auc = evidence.card.get("auc", UNKNOWN)
    sentence = f"AUC is {auc:.3f}; its interval must be above 0.5."
    yield rule("ranks", auc.low, 0.5, None, auc.low > 0.5, sentence)
    ours, base = evidence.card.get("log_loss", UNKNOWN).value, evidence.base_log_loss
    sentence = f"Log loss is {ours:.5f}; it must be below the base rate's {base:.5f}."
    yield rule("beats_base_rate", ours, None, base, ours < base, sentence)
    yield from _beats_baselines(evidence)
    yield slope(evidence.card)
    yield from _slopes(evidence)
    yield level(evidence.card)
    sentence = (
        "The model to be promoted has learned from the judged rows, and its log loss there is "
        f"better by {own_gain:.5f} than what was judged; the interval must not lie below 0."
    )
    yield rule("as_judged", own_gain.high, 0.0, None, own_gain.high >= 0, sentence)
    sentence = (
        f"The weakest seed ranks {weakest:.2f} times as far above guessing as all seeds together; "
        f"it must be {_WEAKEST_SEED} or more."
    )
    yield rule("seeds", weakest, _WEAKEST_SEED, None, weakest >= _WEAKEST_SEED, sentence)
    same = evidence.same_features
    which = "the features that it was" if same else "other features than those that it was"
    yield rule("features", float(same), 1.0, None, same, f"The model reads {which} judged on.")
    yield _families(evidence)


def _beats_baselines(evidence: ChallengerEvidence) -> Iterator[Rule]:
    """Better than every other baseline, or equal to it."""
    for each in evidence.baselines:
        sentence = f"Beside the baseline {each.name} the model is {each.sentence}."
        if each.word == "worse":
            sentence += (
                " A simpler way ranks these customers better: look for a recipe (stille train "
                "--search), or promote this one with a reason."
            )
        passed = each.word != "worse"
        yield rule(f"baseline:{each.name}", each.gain.value, -each.margin, None, passed, sentence)


def _slopes(evidence: ChallengerEvidence) -> Iterator[Rule]:
    """The slope of each product line that has leavers enough.

    There are several lines with few leavers each, so that one of them is often a little outside
    the band by chance: only a line whose whole interval lies outside is refused.
    """
    for line, measure in sorted(evidence.slopes.items()):
        sentence = (
            f"Calibration slope of {line} is {measure:.2f}; its interval must reach into "
            f"{_SLOPE[0]} to {_SLOPE[1]}."
        )
        reaches = measure.low <= _SLOPE[1] and measure.high >= _SLOPE[0]
        yield rule(f"calibration_slope:{line}", measure.value, *_SLOPE, reaches, sentence)


def slope(card: Mapping[str, Interval]) -> Rule:
    """Probabilities spread as the outcomes do, by a scorecard."""
    measure = card.get("calibration_slope", UNKNOWN)
    figure = f"Calibration slope is {measure:.2f}"
    return _in_band("calibration_slope", measure, _SLOPE, 1, figure)


def level(card: Mapping[str, Interval]) -> Rule:
    """As many leave as was said, by a scorecard."""
    measure = card.get("calibration_intercept", UNKNOWN)
    figure = f"The level is off by {measure:.2f} log-odds"
    return _in_band("calibration_level", measure, _LEVEL, 0, figure)


def _families(evidence: ChallengerEvidence) -> Rule:
    """A family that has features, or that the champion hears, must move the score."""
    ours, rival = evidence.spread, evidence.rival
    before = (rival.spread if rival is not None else None) or {}
    total, total_before = sum(ours.values()), sum(before.values())
    wanted = [name for name in ours if name not in before]
    wanted += [n for n, v in before.items() if total_before and v / total_before >= _SILENT]
    shares = {name: ours.get(name, 0.0) / total if total else math.nan for name in wanted}
    silent = sorted(name for name, share in shares.items() if not share >= _SILENT)
    least = min(shares.values(), key=lambda share: share if share >= 0 else -1.0, default=math.nan)
    sentence = "Every driver family with features moves the score."
    if silent or not shares:
        sentence = (
            f"These driver families have features but do not move the score: {', '.join(silent)}. "
            "See features.md for the tables they read, and stille check for what was read."
        )
    return rule("families", least, _SILENT, None, bool(shares) and not silent, sentence)


def _in_band(
    name: str, measure: Interval, band: tuple[float, float], aim: int, figure: str
) -> Rule:
    low, high = band
    passed = low <= measure.value <= high or measure.low <= aim <= measure.high
    sentence = f"{figure}; it must be within {low} to {high}, or its interval cover {aim}."
    return rule(name, measure.value, low, high, passed, sentence)
