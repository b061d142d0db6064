"""Evaluation results of a recipe: scorecards, profit, feature importance and metrics for MLflow.

Everything that a run reports of a recipe is measured here once, on the same test rows.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.churn.model import ChurnModel
from models.dataset.array_types import Floats, Matrix
from models.dataset.examples import Examples
from models.explain.shap_values import by_driver, by_family, global_importance
from models.leaks.verdict import LeakWarning, leak_warning
from models.metrics.bootstrap import Interval
from models.metrics.by_subgroup import DecayMonth, SubgroupCalibration, calibration_by_subgroup
from models.metrics.profit import ProfitCurve, maximum_profit, profit_curve
from models.metrics.scorecard import scorecard
from models.metrics.unseen_customers import UnseenCustomersCheck
from pipelines.config.settings import Settings, customer_values, economics_of
from pipelines.tracking import plain_name

_EXPLAINED = 3_000
_BOUNDS = ("", "_low", "_high")
ENDS = ("low_multiple", "high_multiple")
SHOWN = (
    "auc",
    "average_precision",
    "log_loss",
    "brier",
    "calibration_slope",
    "calibration_intercept",
    *(f"{what}@{share}%" for what in ("lift", "recall") for share in (1, 5, 10)),
)
"""The scorecard's keys that people are shown, in the terminal and on the model card."""

RIVALS = ("one_rule", "logistic", "price_only", "champion")
METRICS = (
    *(f"auc{end}" for end in _BOUNDS),
    "average_precision",
    *(f"log_loss{end}" for end in _BOUNDS),
    "brier",
    *(f"calibration_slope{end}" for end in _BOUNDS),
    "calibration_intercept",
    "calibration_error",
    *(f"{what}_at_{share}_pct" for what in ("lift", "recall") for share in (1, 5, 10)),
    *(f"lift_at_10_pct{end}" for end in _BOUNDS[1:]),
    "base_rate",
    "base_rate_log_loss",
    *(f"{name}_{key}" for name in RIVALS for key in ("auc", "log_loss")),
    *(f"unseen_{key}" for key in ("auc", "auc_difference", "loss_difference")),
    *(f"staying_{key}" for key in ("auc", "log_loss")),
    *(f"profit{of}_at_{end}" for of in ("", "_share") for end in ENDS),
)
"""The forty names under which runs are compared, the same in every run."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Out-of-time scores of the recipe and of the baselines on the same test rows.

    ``cards`` holds a scorecard for each of ``scores``, profit among it where the configuration
    has economics; ``descriptions`` says what each baseline is, or why it was not judged.
    ``unseen`` and ``staying`` are of the newest fold: customers that the model never met, and
    months after what it learned.
    """

    test: Examples
    folds: tuple[str, ...]
    scores: dict[str, Floats]
    cards: dict[str, dict[str, Interval]]
    descriptions: dict[str, str]
    leak: LeakWarning | None
    sample: Matrix
    contributions: Floats
    drivers: "pd.Series[float]"
    families: pd.DataFrame
    parts: tuple[SubgroupCalibration, ...]
    unseen: UnseenCustomersCheck | None
    staying: tuple[DecayMonth, ...]


def evaluate_scores(
    settings: Settings,
    test: Examples,
    scores: dict[str, Floats],
    model: ChurnModel,
    *,
    folds: tuple[str, ...],
    descriptions: dict[str, str],
    unseen: UnseenCustomersCheck | None,
    staying: tuple[DecayMonth, ...],
) -> Evaluation:
    """Scorecards of ``scores`` (name → (n,)) on the test rows, and what the model rests on.

    ``model`` is of the newest fold; its contributions are of about 3,000 evenly spread rows.
    """
    replicates = settings.training.bootstrap
    cards = {
        name: scorecard(test.y, p, test.customer_id, replicates) | profit_card(settings, test, p)
        for name, p in scores.items()
    }
    auc = cards["model"]["auc"].value
    every = slice(None, None, max(1, len(test) // _EXPLAINED))
    sample = test.x[every]
    contributions = model.contributions(sample, test.product_line[every])
    return Evaluation(
        test=test,
        folds=folds,
        scores=scores,
        cards=cards,
        descriptions=descriptions,
        leak=leak_warning(auc, settings.training.auc_alarm, test.x, test.y, test.spec.names),
        sample=sample,
        contributions=contributions,
        drivers=global_importance(by_driver(contributions, test.spec)),
        families=by_family(contributions, test.spec),
        parts=calibration_by_subgroup(test, scores["model"], replicates),
        unseen=unseen,
        staying=staying,
    )


def profit_curves(settings: Settings, test: Examples, p: Floats) -> dict[str, ProfitCurve]:
    """The curve at each multiple, named by what winning costs; empty without economics."""
    economics, values = economics_of(settings), customer_values(settings, test.margin)
    if economics is None or values is None:
        return {}
    multiples = economics.acquisition_cost_multiple
    return {
        f"{multiple:g} times keeping one": profit_curve(test.y, p, value, economics)
        for multiple, value in zip(multiples, values, strict=True)
    }


def profit_card(settings: Settings, test: Examples, p: Floats) -> dict[str, Interval]:
    """Maximum profit per customer and the share contacted, at both multiples of ``ENDS``.

    Empty without economics.
    """
    economics, values = economics_of(settings), customer_values(settings, test.margin)
    if economics is None or values is None:
        return {}
    card: dict[str, Interval] = {}
    replicates = settings.training.bootstrap
    for end, value in zip(ENDS, values, strict=True):
        best = maximum_profit(test.y, p, value, economics, test.customer_id, replicates)
        card |= {f"profit_at_{end}": best.profit, f"profit_share_at_{end}": best.share}
    return card


def flat_metrics(evaluation: Evaluation) -> dict[str, float]:
    """The run's metrics, named and ordered as ``METRICS``; what was not measured is left out.

    Profit is left out without economics, ``champion_*`` where the champion could not be judged
    on these rows, ``unseen_*`` and ``staying_*`` where there was too little to judge.
    """
    cards = dict(evaluation.cards)
    if evaluation.staying:
        cards["staying"] = evaluation.staying[-1].card
    values = {
        plain_name(f"{name}_{metric}"): interval.value
        for name, card in cards.items()
        for metric, interval in card.items()
    }
    for metric, interval in cards["model"].items():
        name = plain_name(metric)
        values |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    values["base_rate"] = float(evaluation.test.y.mean())
    unseen = evaluation.unseen
    if unseen is not None:
        values["unseen_auc"] = unseen.unseen_auc
        values["unseen_auc_difference"] = unseen.auc_difference.value
        values["unseen_loss_difference"] = unseen.loss_difference.value
    return {name: values[name] for name in METRICS if np.isfinite(values.get(name, np.nan))}
