"""Result of a training run, and its summary for the terminal and for Prefect.

Apart from the job, so that what shows it does not import what makes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from features.markdown import markdown_table
from models.metrics.bootstrap import Interval
from models.promotion.verdict import Verdict
from pipelines.tracking import registry
from pipelines.tracking.runs import plain_name
from pipelines.training.evaluation import ENDS, Evaluation
from pipelines.training.recipe_comparison import RecipeTrials

_BOUNDS = ("", "_low", "_high")
CARD_METRICS = (
    "auc",
    "average_precision",
    "log_loss",
    "brier",
    "calibration_slope",
    "calibration_intercept",
    *(f"{what}@{share}%" for what in ("lift", "recall") for share in (1, 5, 10)),
)
RIVALS = ("one_rule", "logistic", "price_only")
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
"""Names in MLflow, the same in every run; all figures are in the run's ``scorecard.json``."""


def flat_metrics(evaluation: Evaluation) -> dict[str, float]:
    """The run's metrics, named and ordered as ``METRICS``; what was not measured is left out.

    Profit is left out without economics, ``unseen_*`` and ``staying_*`` where there was too
    little to judge.
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


_ROWS = (
    *CARD_METRICS,
    *(f"profit{of}_at_{end}_multiple" for end in ("low", "high") for of in ("", "_share")),
)


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a training run left behind, for people and for the next step."""

    registered: registry.Registered
    verdict: Verdict
    evaluation: Evaluation
    folder: Path
    trials: RecipeTrials


def scorecard_rows(cards: Mapping[str, Mapping[str, Interval]]) -> list[list[str]]:
    """Metric, the model's value with its 95 % interval, and each baseline's value."""
    ours = cards["model"]
    others = [card for name, card in cards.items() if name != "model"]
    return [
        [metric, f"{ours[metric]:.4f}", *(f"{card[metric].value:.4f}" for card in others)]
        for metric in _ROWS
        if metric in ours
    ]


def scorecard_header(cards: Mapping[str, Mapping[str, Interval]]) -> list[str]:
    """Column titles of ``scorecard_rows``."""
    return ["metric", "model (95 % interval)", *(name for name in cards if name != "model")]


def scorecard_markdown(trained: TrainingResult) -> str:
    """The scorecard, the decision and the strongest drivers as Markdown."""
    evaluation = trained.evaluation
    header = scorecard_header(evaluation.cards)
    lines = [f"# {trained.registered.label}", ""]
    lines += [f"Judged on {', '.join(evaluation.folds)}: {len(evaluation.test):,} rows.", ""]
    lines += markdown_table(header, scorecard_rows(evaluation.cards))
    lines += ["", "**Champion**" if trained.verdict.promote else "**Not champion**", ""]
    lines += [f"- {reason}" for reason in trained.verdict.reasons]
    lines += ["", "Strongest drivers (mean absolute contribution in log-odds):", ""]
    lines += [f"- {name}: {value:.3f}" for name, value in evaluation.drivers.head(8).items()]
    return "\n".join(lines)
