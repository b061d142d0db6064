"""Generalisation to unseen customers.

In a split by time the same customer is in training and test rows. So the recipe is fitted once
more without some customers, and both models are compared on those customers' test rows.
"""

from dataclasses import dataclass

import numpy as np

from models.dataset.array_types import Floats, Texts
from models.dataset.splits import Fold, customer_share
from models.metrics.bootstrap import Interval, Rows, bootstrap
from models.metrics.logistic import log_losses
from models.metrics.ranking import auc_difference, roc_auc

UNSEEN_SHARE = 0.25
AUC_TOLERANCE = 0.02
LOSS_TOLERANCE = 0.02


@dataclass(frozen=True, slots=True)
class UnseenCustomersCheck:
    """The same rows evaluated by a model that learned from their customers and by one that did not.

    The differences are positive where the model that knew the customers is better, with paired
    intervals; that of the log loss is a share of the knowing model's. ``differs``
    when one of them is above 0.02 and its interval above 0.
    """

    rows: int
    customers: int
    leavers: int
    seen_auc: float
    unseen_auc: float
    seen_log_loss: float
    unseen_log_loss: float
    auc_difference: Interval
    loss_difference: Interval
    differs: bool


def without_customers(fold: Fold, customer_id: Texts) -> Fold:
    """The fold with about a quarter of the customers evaluated, and taught by the others only."""
    unseen = customer_share(customer_id, "grouped") < UNSEEN_SHARE
    return Fold(fold.train & ~unseen, fold.test & unseen, f"{fold.name}, unseen customers")


def check_unseen_customers(rows: Rows, p_seen: Floats, p_unseen: Floats) -> UnseenCustomersCheck:
    """Compare two models' probabilities for the same rows, both (n,)."""
    y = rows.y
    losses = np.stack([log_losses(y, p) for p in (p_seen, p_unseen)])

    def loss_gap(weights: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((losses[1] @ weights.T) / (losses[0] @ weights.T) - 1)

    ranking = bootstrap(auc_difference(y, p_seen, p_unseen), rows)
    loss = bootstrap(loss_gap, rows)
    return UnseenCustomersCheck(
        rows=len(y),
        customers=len(np.unique(rows.customer_id.astype(str))),
        leavers=int(y.sum()),
        seen_auc=roc_auc(y, p_seen),
        unseen_auc=roc_auc(y, p_unseen),
        seen_log_loss=float(losses[0].mean()),
        unseen_log_loss=float(losses[1].mean()),
        auc_difference=ranking,
        loss_difference=loss,
        differs=_much(ranking, AUC_TOLERANCE) or _much(loss, LOSS_TOLERANCE),
    )


def _much(difference: Interval, tolerance: float) -> bool:
    return difference.value > tolerance and difference.low > 0
