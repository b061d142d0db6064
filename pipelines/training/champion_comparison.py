"""Champion-challenger comparison on rows that neither model has learned from.

A model always looks good on its own training rows. Both are compared on the same rows, as the
difference between months exceeds that between models.
"""

import json
from dataclasses import replace

import numpy as np
import pandas as pd

from features.errors import ModelError
from models.dataset.array_types import Floats, Index, take_rows
from models.dataset.examples import Examples
from models.metrics.profit import profit_gain
from models.promotion.champion_comparison import ChampionComparison, log_loss_gain, top_overlap
from pipelines import tracking
from pipelines.config.settings import Settings
from pipelines.training.champion_baseline import registered_scores
from pipelines.training.evaluation_result import Evaluation

_FEWEST = 50


def rival_of(
    settings: Settings, evaluation: Evaluation, champion: tracking.Registered | None
) -> ChampionComparison | None:
    """The comparison with the champion; None without one, no rows where none can be made.

    Rows after the day on which the champion was trained are scored by the champion itself. When
    they hold fewer than 50 leavers or stayers, the test scores that its training stored are used,
    where both trainings tested the same customer on the same date.
    """
    if champion is None:
        return None
    reasons = []
    for scores_of in (_scores_since_training, _stored_scores):
        try:
            rows, theirs = scores_of(settings, evaluation.test, champion)
        except ModelError as error:
            reasons.append(str(error))
            continue
        return replace(_compare(settings, evaluation, rows, theirs), spread=_spread(champion))
    return ChampionComparison(spread=_spread(champion), reason="; ".join(reasons))


def _scores_since_training(
    settings: Settings, test: Examples, champion: tracking.Registered
) -> tuple[Index, Floats]:
    """Positions of the test rows since the champion's training and its probabilities there."""
    known_before = champion.tags.get("known_before")
    if known_before is None:
        raise ModelError(f"{champion.label} does not say when it was trained")
    rows = np.flatnonzero(test.as_of >= np.datetime64(known_before))
    _require_both_classes(test, rows, f"since {known_before}")
    return rows, registered_scores(settings, champion, test.take(rows))


def _stored_scores(
    settings: Settings, test: Examples, champion: tracking.Registered
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


def _compare(
    settings: Settings, evaluation: Evaluation, rows: Index, champion: Floats
) -> ChampionComparison:
    """Profit is compared at the low acquisition multiple, where a saved customer is worth least."""
    test, challenger = evaluation.test.take(rows), evaluation.scores["model"][rows]
    replicates = settings.training.bootstrap
    gain = log_loss_gain(test.y, challenger, champion, test.customer_id, replicates)
    profit, who = None, test.customer_id
    if evaluation.contacts:
        contacts = take_rows(evaluation.contacts[0], rows)
        profit = profit_gain(test.y, challenger, champion, contacts, who, replicates)
    return ChampionComparison(len(test), gain, top_overlap(challenger, champion), profit=profit)


def _spread(champion: tracking.Registered) -> dict[str, float] | None:
    try:
        families = json.loads(champion.tags["families"])
        return {str(name): float(value) for name, value in families.items()}
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
