"""Result of a training run.

Apart from the job, so that what shows it does not import what makes it.
"""

from dataclasses import dataclass
from pathlib import Path

from models.promotion.rules import Verdict
from pipelines import tracking
from pipelines.training.evaluation_result import Evaluation
from pipelines.training.recipe_trials import RecipeTrials


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a training run left behind, for people and for the next step."""

    registered: tracking.Registered
    verdict: Verdict
    judged: Evaluation
    folder: Path
    tried: RecipeTrials
