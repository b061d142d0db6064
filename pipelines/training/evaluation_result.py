"""Evaluation results of a recipe: scorecards, profit, feature importance and metrics for MLflow.

Everything that a run reports of a recipe is measured here once, on the same test rows.
"""

from dataclasses import dataclass

import pandas as pd

from models.churn.model import ChurnModel
from models.dataset.array_types import Floats, Matrix
from models.dataset.examples import Examples
from models.explain.shap_values import by_driver, by_family, global_importance
from models.leaks.verdict import LeakWarning, leak_warning
from models.metrics.bootstrap import Interval
from models.metrics.by_subgroup import DecayMonth, SubgroupCalibration, calibration_by_subgroup
from models.metrics.month_shocks import MonthShocks
from models.metrics.profit import Contacts
from models.metrics.scorecard import scorecard
from models.metrics.unseen_customers import UnseenCustomersCheck
from models.promotion.baseline_comparison import BaselineComparison, compare_baselines
from pipelines.config.settings import Settings
from pipelines.training.profit import profit_card

_EXPLAINED = 3_000


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Out-of-time scores of the recipe and of the baselines on the same test rows.

    ``cards`` holds a scorecard for each of ``scores``, profit among it where the configuration
    has economics; ``descriptions`` says what each baseline is;
    ``baselines`` holds the model beside each of them.
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
    leak: LeakWarning | None
    sample: Matrix
    contributions: Floats
    drivers: "pd.Series[float]"
    families: pd.DataFrame
    parts: tuple[SubgroupCalibration, ...]
    unseen: UnseenCustomersCheck | None
    staying: tuple[DecayMonth, ...]
    contacts: tuple[Contacts, ...]


def evaluate_scores(
    settings: Settings,
    test: Examples,
    scores: dict[str, Floats],
    model: ChurnModel,
    *,
    shocks: MonthShocks,
    folds: tuple[str, ...],
    descriptions: dict[str, str],
    unseen: UnseenCustomersCheck | None,
    staying: tuple[DecayMonth, ...],
    alarm: float,
    contacts: tuple[Contacts, ...],
) -> Evaluation:
    """Scorecards of ``scores`` (name → (n,)) on the test rows, and what the model rests on.

    A model with an AUC above ``alarm`` is suspected of a leak.
    ``model`` is of the newest fold; its contributions are of about 3,000 evenly spread rows.
    """
    replicates = settings.training.bootstrap
    cards = {
        name: scorecard(test.y, p, test.customer_id, replicates, shocks)
        | profit_card(contacts, test, p, replicates, shocks)
        for name, p in scores.items()
    }
    auc = cards["model"]["auc"].value
    every = slice(None, None, max(1, len(test) // _EXPLAINED))
    sample = test.x[every]
    contributions = model.contributions(sample, test.product_line[every])
    return Evaluation(
        test=test,
        shocks=shocks,
        folds=folds,
        scores=scores,
        cards=cards,
        descriptions=descriptions,
        baselines=compare_baselines(test.y, scores, test.customer_id, replicates),
        leak=leak_warning(
            auc, alarm, test.x, test.y, test.spec.names, single_date=test.single_date
        ),
        sample=sample,
        contributions=contributions,
        drivers=global_importance(by_driver(contributions, test.spec)),
        families=by_family(contributions, test.spec),
        parts=calibration_by_subgroup(test, scores["model"], replicates, shocks),
        unseen=unseen,
        staying=staying,
        contacts=contacts,
    )
