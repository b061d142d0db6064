"""The model that is champion now, as one more baseline on the same test rows."""

from dataclasses import dataclass

import numpy as np

from features.errors import ModelError
from models.arrays import Floats
from models.examples import Examples
from models.realign import realign
from pipelines import tracking
from pipelines.settings import Settings


@dataclass(frozen=True, slots=True)
class Incumbent:
    """The champion's probabilities for the test rows, or why there are none."""

    name: str
    scores: Floats | None
    why_not: str = ""

    @property
    def description(self) -> str:
        return f"{self.name}, not judged: {self.why_not}" if self.why_not else self.name


def incumbent_on(settings: Settings, test: Examples) -> Incumbent:
    """Score the test rows with the champion where that is fair and possible.

    It is not fair where the champion has learned from the rows, and not possible with features
    that are no longer built.
    """
    registered = tracking.champion(settings)
    if registered is None:
        return Incumbent("champion", None, "there is none yet")
    name, learned = registered.label, registered.tags.get("known_before", "")
    try:
        if not learned or (test.as_of < np.datetime64(learned)).any():
            since = f"before {learned}" if learned else "up to an unknown day"
            return Incumbent(name, None, f"it has learned from what happened {since}")
        model = tracking.load(settings, registered)
        x = realign(test.x, test.spec, model.spec)
    except ModelError as error:
        return Incumbent(name, None, str(error))
    return Incumbent(name, model.probability(x, test.product_line, settings.engine.threads))
