"""Evaluation results of a recipe: scorecards, profit, feature importance and metrics for MLflow.

Everything that a run reports of a recipe is measured here once, on the same test rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from models.dataset.array_types import Floats, Matrix
from models.dataset.examples import Examples
from models.metrics.bootstrap import Interval
from models.metrics.by_subgroup import DecayMonth, SubgroupCalibration
from models.metrics.month_shocks import MonthShocks
from models.metrics.profit import Contacts
from models.metrics.scorecard import scorecard
from models.metrics.unseen_customers import UnseenCustomersCheck
from models.promotion.baseline_comparison import BaselineComparison
from pipelines.config.settings import Settings
from pipelines.training.profit import profit_card


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Out-of-time scores of the recipe and of the baselines on the same test rows.

    ``cards`` holds a scorecard for each of ``scores``, profit among it where the configuration
    has economics; ``descriptions`` says what each baseline is;
    ``baselines`` holds the model beside each of them.
    A model that is too good is suspected of a ``leak``. ``contributions`` are those of the newest
    fold's model to ``sample``, about 3,000 evenly spread rows.
    ``unseen`` and ``staying`` are of the newest fold: customers that the model never met, and
    months after what it learned. ``shocks`` are those of the test rows' months, ``contacts`` are
    with the test rows, at each multiple.
    """

    test: Examples
    shocks: MonthShocks
    folds: tuple[str, ...]
    scores: dict[str, Floats]
    cards: dict[str, dict[str, Interval]]
    descriptions: dict[str, str]
    baselines: tuple[BaselineComparison, ...]
    leak: str | None
    sample: Matrix
    contributions: Floats
    drivers: "pd.Series[float]"
    families: pd.DataFrame
    parts: tuple[SubgroupCalibration, ...]
    unseen: UnseenCustomersCheck | None
    staying: tuple[DecayMonth, ...]
    contacts: tuple[Contacts, ...]


def scorecards(
    settings: Settings,
    test: Examples,
    scores: Mapping[str, Floats],
    shocks: MonthShocks,
    contacts: tuple[Contacts, ...],
) -> dict[str, dict[str, Interval]]:
    """The scorecard of each of ``scores`` (name → (n,)), with profit where there are contacts."""
    replicates = settings.training.bootstrap
    return {
        name: scorecard(test.y, p, test.customer_id, replicates, shocks)
        | profit_card(contacts, test, p, replicates, shocks)
        for name, p in scores.items()
    }
