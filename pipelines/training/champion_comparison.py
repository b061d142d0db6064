"""Champion-challenger comparison on rows that neither model has learned from.

A model always looks good on its own training rows. Both are compared on the same rows, as the
difference between months exceeds that between models.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from math import isfinite

import numpy as np
import pandas as pd

from features.errors import ModelError
from models.dataset.array_types import Floats, Index
from models.dataset.examples import Examples
from models.dataset.feature_spec import realign
from models.metrics.logistic import base_rate_loss, log_losses
from models.metrics.profit import profit_gain
from models.metrics.scorecard import scorecard
from models.promotion.evidence import ChampionComparison, log_loss_gain, top_overlap
from models.promotion.verdict import error_of
from pipelines.config.settings import Settings
from pipelines.tracking import files, registry
from pipelines.training.evaluation import Evaluation

_FEWEST = 50
_YEAR = timedelta(days=365)

Versions = Mapping[str, registry.Registered]


@dataclass(frozen=True, slots=True)
class ChampionComparisons:
    """A challenger beside the champion and the year's best champion.

    ``rival`` is None without a champion, ``anchor`` where the champion is the best itself;
    ``looks`` is how many challengers were compared within the year.
    """

    rival: ChampionComparison | None
    anchor: ChampionComparison | None
    looks: int


def compare_champions(
    settings: Settings, evaluation: Evaluation, challenger: registry.Registered, as_of: date
) -> ChampionComparisons:
    """Compare with the champion, and with the best of all that were champion within a year.

    Rows after the day on which a champion was trained are scored by itself. When they hold fewer
    than 50 leavers or stayers, the test scores that its training stored are used, where both
    trainings tested the same customer on the same date. The best champion is the one that the
    challenger gains least over, each on its own rows, as months differ more than models do. Where
    no rows can be had, the champion's comparison has none, and another's is left out.
    """
    versions, champion = registry.versions(settings), registry.champion_version(settings)
    looks = compared_within_year(versions, challenger, as_of)
    if champion is None:
        return ChampionComparisons(None, None, looks)
    gain_over = partial(_gain_over, settings, evaluation, versions, error_of(looks))
    rival, anchor = _with_champion(evaluation, champion, gain_over), None
    least = rival.gain.value
    for version in champions_of_year(versions, as_of):
        if version.version not in (champion.version, challenger.version):
            with suppress(ModelError):
                other = gain_over(version)[0]
                if isfinite(other.gain.value) and not other.gain.value >= least:
                    anchor, least = other, other.gain.value
    return ChampionComparisons(rival, anchor, looks)


def champions_of_year(versions: Versions, as_of: date) -> tuple[registry.Registered, ...]:
    """Versions that were champion within the year before ``as_of``, oldest first.

    Those trained within it and promoted, and those whom they replaced. Dates are of training, not
    the clock's, so that a past as-of date decides as it did then. What was rolled back is none.
    """
    promoted = [v for v in versions.values() if "promoted_at" in v.tags and _within(v, as_of)]
    numbers = {v.version for v in promoted} | {v.tags.get("promoted_over", "") for v in promoted}
    found = (versions[number] for number in sorted(numbers & versions.keys(), key=int))
    return tuple(version for version in found if "rolled_back_at" not in version.tags)


def compared_within_year(versions: Versions, challenger: registry.Registered, as_of: date) -> int:
    """How many challengers were compared with a champion in the year, ``challenger`` included.

    Versions with a verdict after the first champion; the same files count once. A recalibration
    is no challenger: it is checked against its parent only.
    """
    first = min((int(v.version) for v in versions.values() if "promoted_at" in v.tags), default=0)
    compared = {
        version.digest
        for version in versions.values()
        if "verdict" in version.tags
        and "parent_version" not in version.tags
        and int(version.version) > first > 0
        and _within(version, as_of)
    }
    return len(compared | {challenger.digest})


def trained_version(versions: Versions, version: registry.Registered) -> registry.Registered:
    """The version whose training fitted these boosters: of a recalibration, its parent's."""
    parent = versions.get(version.tags.get("parent_version", ""))
    if parent is None or int(parent.version) >= int(version.version):
        return version
    return trained_version(versions, parent)


def _within(version: registry.Registered, as_of: date) -> bool:
    """Whether it was trained in the year up to ``as_of``; ISO dates compare as text."""
    return str(as_of - _YEAR) < version.tags.get("known_before", "") <= str(as_of)


def _with_champion(
    evaluation: Evaluation,
    champion: registry.Registered,
    gain_over: Callable[[registry.Registered], tuple[ChampionComparison, Index, Floats]],
) -> ChampionComparison:
    """The whole comparison; profit at the low multiple, where a customer is worth least."""
    spread = json.loads(champion.tags.get("families", "null"))
    try:
        found, rows, theirs = gain_over(champion)
    except ModelError as error:
        return ChampionComparison(champion.label, spread=spread, reason=str(error))
    there, ours, profit = evaluation.rows.take(rows), evaluation.scores["model"][rows], None
    if evaluation.contacts:
        profit = profit_gain(there, ours, theirs, evaluation.contacts[0].take(rows))
    # What is no probability has no scorecard either; its gain is not a number and refuses.
    card = scorecard(there, theirs) if isfinite(found.worth) else {}
    overlap = top_overlap(ours, theirs)
    return replace(found, card=card, overlap=overlap, spread=spread, profit=profit)


def _gain_over(
    settings: Settings,
    evaluation: Evaluation,
    versions: Versions,
    error: float,
    champion: registry.Registered,
) -> tuple[ChampionComparison, Index, Floats]:
    """The gain over a champion, the rows (k,) and its scores there; raises ``ModelError``."""
    test, reasons = evaluation.test, []
    trained = trained_version(versions, champion)
    for scores_of, version in ((_scores_since_training, champion), (_stored_scores, trained)):
        try:
            rows, theirs = scores_of(settings, test, version)
        except ModelError as problem:
            reasons.append(str(problem))
            continue
        there, y = evaluation.rows.take(rows), test.y[rows]
        gain = log_loss_gain(there, evaluation.scores["model"][rows], theirs, error)
        worth = base_rate_loss(y) - float(log_losses(y, theirs).mean())
        found = ChampionComparison(champion.label, len(y), int(y.sum()), gain, worth)
        return found, rows, theirs
    raise ModelError("; ".join(reasons))


def _scores_since_training(
    settings: Settings, test: Examples, champion: registry.Registered
) -> tuple[Index, Floats]:
    """Positions of the test rows since the champion's training and its probabilities there."""
    known_before = champion.tags.get("known_before")
    if known_before is None:
        raise ModelError(f"{champion.label} does not say when it was trained")
    rows = np.flatnonzero(test.as_of >= np.datetime64(known_before))
    _require_both_classes(test, rows, f"since {known_before}")
    model, later = files.load(settings, champion), test.take(rows)
    x = realign(later.x, later.spec, model.spec)
    return rows, model.probability(x, later.product_line, settings.engine.threads)


def _stored_scores(
    settings: Settings, test: Examples, champion: registry.Registered
) -> tuple[Index, Floats]:
    """Positions of the rows that both trainings tested and the champion's probabilities then."""
    folder = settings.paths.training / champion.tags.get("run", "")
    path = folder / "test_scores.parquet"
    if not path.is_file():
        raise ModelError(f"no test scores of {champion.label} are kept in {folder}")
    keys = ["customer_id", "as_of"]
    stored = pd.read_parquet(path, columns=[*keys, "label", "probability"])
    now = pd.DataFrame({"customer_id": test.customer_id.astype(str), "now": test.y})
    now["as_of"] = test.as_of.astype("datetime64[s]")
    both = now.merge(stored.drop_duplicates(keys), how="left", on=keys)
    rows = np.flatnonzero((both["label"] == both["now"]).to_numpy())
    _require_both_classes(test, rows, "tested by both trainings")
    return rows, both["probability"].to_numpy(dtype=np.float64)[rows]


def _require_both_classes(test: Examples, rows: Index, which: str) -> None:
    left = int(test.y[rows].sum())
    if min(left, len(rows) - left) < _FEWEST:
        raise ModelError(f"of the rows {which}, {left} left and {len(rows) - left} stayed")
