"""Run metrics for MLflow: the same names in every run, so that runs can be compared.

Few of the scorecard's figures are logged; all are in the run's ``scorecard.json``.
"""

import numpy as np

from pipelines.tracking.runs import plain_name
from pipelines.training.evaluation import ENDS, Evaluation

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
