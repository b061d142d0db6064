"""Generalisation to unseen customers.

In a split by time the same customer is in training and test rows. So the recipe is fitted once
more without some customers, and both models are compared on those customers' test rows.
"""

from dataclasses import dataclass
from itertools import chain

import numpy as np

from models.dataset.array_types import Floats, Labels, Texts
from models.dataset.splits import Fold, customer_share
from models.metrics.bootstrap import Interval, draws, interval
from models.metrics.logistic import log_losses
from models.metrics.month_shocks import Shocks
from models.metrics.ranking import Ranked, auc, count

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


def without_customers(fold: Fold, customer_id: Texts, share: float = UNSEEN_SHARE) -> Fold:
    """The fold with about ``share`` of the customers evaluated, and taught by the others only."""
    unseen = customer_share(customer_id, "grouped") < share
    return Fold(fold.train & ~unseen, fold.test & unseen, f"{fold.name}, unseen customers")


def check_unseen_customers(
    y: Labels,
    p_seen: Floats,
    p_unseen: Floats,
    customer_id: Texts,
    replicates: int = 200,
    shocks: Shocks = None,
) -> UnseenCustomersCheck:
    """Compare two models' probabilities for the same rows, all of shape (n,)."""
    scores, losses = (p_seen, p_unseen), np.stack([log_losses(y, p) for p in (p_seen, p_unseen)])
    ranked = [Ranked.of(y, p) for p in scores]
    drawn = draws(customer_id, replicates, shocks=shocks)
    aucs, means = zip(
        *(
            (np.stack([auc(count(each, w[:, each.order])) for each in ranked]), losses @ w.T)
            for w in chain([np.ones((1, len(y)))], drawn)
        ),
        strict=True,
    )
    seen_aucs, unseen_aucs = np.concatenate(aucs, axis=1)
    seen_means, unseen_means = np.concatenate(means, axis=1)
    ranking = interval(float(seen_aucs[0] - unseen_aucs[0]), seen_aucs[1:] - unseen_aucs[1:])
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = unseen_means / seen_means - 1
    loss = interval(float(shares[0]), shares[1:])
    return UnseenCustomersCheck(
        rows=len(y),
        customers=len(np.unique(customer_id.astype(str))),
        leavers=int(y.sum()),
        seen_auc=float(seen_aucs[0]),
        unseen_auc=float(unseen_aucs[0]),
        seen_log_loss=float(losses[0].mean()),
        unseen_log_loss=float(losses[1].mean()),
        auc_difference=ranking,
        loss_difference=loss,
        differs=_much(ranking, AUC_TOLERANCE) or _much(loss, LOSS_TOLERANCE),
    )


def _much(difference: Interval, tolerance: float) -> bool:
    return difference.value > tolerance and difference.low > 0
