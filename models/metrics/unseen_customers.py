"""Generalisation to unseen customers.

In a split by time the same customer is in training and test rows. So the recipe is fitted once
more without some customers, and both models are compared on those customers' test rows.
"""

from dataclasses import dataclass

import numpy as np

from models.dataset.array_types import Floats, Labels, Texts
from models.dataset.splits import Fold, customer_share
from models.metrics.bootstrap import Interval, draws, interval
from models.metrics.logistic import log_losses
from models.metrics.ranking import Ranked, auc, count

UNSEEN_SHARE = 0.25
AUC_TOLERANCE = 0.02
LOSS_TOLERANCE = 0.02


@dataclass(frozen=True, slots=True)
class UnseenCustomersCheck:
    """The same rows evaluated by a model that learned from their customers and by one that did not.

    The differences are positive where the model that knew the customers is better, with paired
    intervals over customers; that of the log loss is a share of the knowing model's. ``differs``
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


def without_customers(fold: Fold, customer_id: Texts, share: float = UNSEEN_SHARE) -> Fold:
    """The fold with about ``share`` of the customers evaluated, and taught by the others only."""
    unseen = customer_share(customer_id, "grouped") < share
    return Fold(fold.train & ~unseen, fold.test & unseen, f"{fold.name}, unseen customers")


def check_unseen_customers(
    y: Labels, p_seen: Floats, p_unseen: Floats, customer_id: Texts, replicates: int = 200
) -> UnseenCustomersCheck:
    """Compare two models' probabilities for the same rows, all of shape (n,)."""
    seen_aucs, seen_losses = _auc(y, p_seen, customer_id, replicates), log_losses(y, p_seen)
    unseen_aucs, unseen_losses = _auc(y, p_unseen, customer_id, replicates), log_losses(y, p_unseen)
    ranking = interval(float(seen_aucs[0] - unseen_aucs[0]), seen_aucs[1:] - unseen_aucs[1:])
    means = [
        np.stack([weights @ seen_losses, weights @ unseen_losses])
        for weights in (np.ones((1, len(y))), *draws(customer_id, replicates))
    ]
    seen_means, unseen_means = np.concatenate(means, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = unseen_means / seen_means - 1
    loss = interval(float(shares[0]), shares[1:])
    return UnseenCustomersCheck(
        rows=len(y),
        customers=len(np.unique(customer_id.astype(str))),
        leavers=int(y.sum()),
        seen_auc=float(seen_aucs[0]),
        unseen_auc=float(unseen_aucs[0]),
        seen_log_loss=float(seen_losses.mean()),
        unseen_log_loss=float(unseen_losses.mean()),
        auc_difference=ranking,
        loss_difference=loss,
        differs=_much(ranking, AUC_TOLERANCE) or _much(loss, LOSS_TOLERANCE),
    )


def _much(difference: Interval, tolerance: float) -> bool:
    return difference.value > tolerance and difference.low > 0


def _auc(y: Labels, p: Floats, customer_id: Texts, replicates: int) -> Floats:
    """AUC on the sample, then on every replicate."""
    ranked = Ranked.of(y, p)
    weightings = [np.ones((1, len(y))), *draws(customer_id[ranked.order], replicates)]
    return np.concatenate([auc(count(ranked, weights)) for weights in weightings])
