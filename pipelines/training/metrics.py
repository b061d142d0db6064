"""The figures by which training runs are compared in MLflow."""

from collections.abc import Iterator

import numpy as np

from models.bootstrap import Interval
from pipelines.tracking import plain_name
from pipelines.training.judged import Judged

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


def flat_metrics(judged: Judged) -> dict[str, float]:
    """The run's metrics, named and ordered as ``METRICS``; what was not measured is left out.

    Profit is left out without economics, ``champion_*`` where the champion could not be judged
    on these rows, ``unseen_*`` and ``staying_*`` where there was too little to judge.
    """
    found = {plain_name(f"{name}_{key}"): i.value for name, key, i in _judged_values(judged)}
    card = judged.cards["model"]
    found |= {plain_name(name): interval.value for name, interval in card.items()}
    found |= {f"{plain_name(name)}_low": interval.low for name, interval in card.items()}
    found |= {f"{plain_name(name)}_high": interval.high for name, interval in card.items()}
    found["base_rate"] = float(judged.test.y.mean())
    if judged.unseen is not None:
        found["unseen_auc"] = judged.unseen.unseen_auc
        found["unseen_auc_difference"] = judged.unseen.auc_difference.value
        found["unseen_loss_difference"] = judged.unseen.loss_difference.value
    return {name: found[name] for name in METRICS if np.isfinite(found.get(name, np.nan))}


def _judged_values(judged: Judged) -> Iterator[tuple[str, str, Interval]]:
    """Every metric of the baselines, and of the last month of the staying power."""
    cards = dict(judged.cards)
    if judged.staying:
        cards["staying"] = judged.staying[-1].card
    for name, card in cards.items():
        for key, interval in card.items():
            yield name, key, interval
