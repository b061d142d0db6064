"""The current champion as a baseline on a challenger's test rows.

Only where it has not learned from them: a model always looks good on its own training rows.
"""

from dataclasses import dataclass

import numpy as np

from features.errors import ModelError
from models.dataset.array_types import Floats
from models.dataset.examples import Examples
from models.dataset.feature_spec import realign
from pipelines import tracking
from pipelines.config.settings import Settings


@dataclass(frozen=True, slots=True)
class ChampionBaseline:
    """The champion's probabilities for the test rows (n,), or why there are none."""

    name: str
    scores: Floats | None
    reason: str = ""

    @property
    def description(self) -> str:
        return f"{self.name}, not judged: {self.reason}" if self.reason else self.name


def champion_baseline(settings: Settings, test: Examples) -> ChampionBaseline:
    """Score the test rows with the champion, unless it has learned from them or cannot."""
    champion = tracking.champion_version(settings)
    if champion is None:
        return ChampionBaseline("champion", None, "there is none yet")
    name, known_before = champion.label, champion.tags.get("known_before", "")
    if not known_before or (test.as_of < np.datetime64(known_before)).any():
        since = f"before {known_before}" if known_before else "up to an unknown day"
        return ChampionBaseline(name, None, f"it has learned from what happened {since}")
    try:
        return ChampionBaseline(name, registered_scores(settings, champion, test))
    except ModelError as error:
        return ChampionBaseline(name, None, str(error))


def registered_scores(
    settings: Settings, registered: tracking.Registered, rows: Examples
) -> Floats:
    """Probabilities (n,) of a registered model for rows encoded for another one.

    Raises ``ModelError`` where the model cannot be loaded or needs features that are gone.
    """
    model = tracking.load(settings, registered)
    x = realign(rows.x, rows.spec, model.spec)
    return model.probability(x, rows.product_line, settings.engine.threads)
