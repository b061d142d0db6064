"""Whether the newly registered model becomes champion: the rules of models.promotion applied."""

import hashlib
from collections.abc import Mapping

import numpy as np

from models.promotion import Verdict, verdict
from models.scorecard import measure
from pipelines import tracking
from pipelines.record import RunRecord
from pipelines.settings import Settings
from pipelines.training.judged import Judged

_FEWEST_LATER_POSITIVES = 50


def decide(
    settings: Settings, judged: Judged, registered: tracking.Registered, record: RunRecord
) -> Verdict:
    """Give the alias to the new version if the promotion rules allow it."""
    record.model_version, record.model_digest = registered.label, registered.digest
    card = judged.cards["model"]
    challenger = {name: interval.value for name, interval in card.items()}
    challenger["calibration_slope_low"] = card["calibration_slope"].low
    challenger["calibration_slope_high"] = card["calibration_slope"].high
    base = {"log_loss": judged.cards["base_rate"]["log_loss"].value}
    ours, theirs = _same_rows(settings, judged, challenger)
    decided = verdict(ours, theirs, base, judged.leak)
    if decided.promote:
        tracking.promote(registered)
    record.notes.extend(decided.reasons)
    return decided


def _same_rows(
    settings: Settings, judged: Judged, challenger: Mapping[str, float]
) -> tuple[dict[str, float], dict[str, float] | None]:
    """The challenger's metrics and the champion's on rows that neither has learned from."""
    ours = dict(challenger)
    incumbent = tracking.champion(settings)
    if incumbent is None:
        return ours, None
    if incumbent.tags.get("test_key") == test_key(judged):
        return ours, {"log_loss": float(incumbent.tags["test_log_loss"])}
    later = judged.test.as_of >= np.datetime64(incumbent.tags["known_before"])
    y = judged.test.y[later]
    if min(y.sum(), len(y) - y.sum()) < _FEWEST_LATER_POSITIVES:
        return ours, None
    model = tracking.load(incumbent)
    if model.spec.hash != judged.test.spec.hash:
        return ours, None
    ours["log_loss"] = measure(y, judged.scores["model"][later])["log_loss"]
    return ours, measure(y, model.probability(judged.test.x[later]))


def test_key(judged: Judged) -> str:
    """SHA-256 (hex) of the test rows' customers, dates and labels: the same rows, the same key."""
    total = hashlib.sha256()
    total.update("\n".join(judged.test.customer_id.astype(str).tolist()).encode())
    total.update(judged.test.as_of.astype("int64").tobytes())
    total.update(judged.test.y.tobytes())
    return total.hexdigest()
