"""Run metrics for MLflow: the same names in every run, so that runs can be compared.

Few of the scorecard's figures are logged; all are in the run's ``scorecard.json``.
"""

import numpy as np

from pipelines.tracking import plain_name
from pipelines.training.evaluation_result import Evaluation

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
    "auc",
    "auc_low",
    "auc_high",
    "average_precision",
    "log_loss",
    "log_loss_low",
    "log_loss_high",
    "brier",
    "calibration_slope",
    "calibration_slope_low",
    "calibration_slope_high",
    "calibration_intercept",
    "calibration_error",
    *(f"{what}_at_{share}_pct" for what in ("lift", "recall") for share in (1, 5, 10)),
    "lift_at_10_pct_low",
    "lift_at_10_pct_high",
    "base_rate",
    "base_rate_log_loss",
    *(f"{name}_{key}" for name in RIVALS for key in ("auc", "log_loss")),
    "unseen_auc",
    "unseen_auc_difference",
    "unseen_loss_difference",
    "staying_auc",
    "staying_log_loss",
    "profit_at_low_multiple",
    "profit_at_high_multiple",
    "profit_share_at_low_multiple",
    "profit_share_at_high_multiple",
)
"""The forty names under which runs are compared, the same in every run."""


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
    if evaluation.unseen is not None:
        values["unseen_auc"] = evaluation.unseen.unseen_auc
        values["unseen_auc_difference"] = evaluation.unseen.auc_difference.value
        values["unseen_loss_difference"] = evaluation.unseen.loss_difference.value
    return {name: values[name] for name in METRICS if np.isfinite(values.get(name, np.nan))}
