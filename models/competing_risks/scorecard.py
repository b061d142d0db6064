"""Scorecard of the competing-risks model: predicted against observed by cause and horizon."""

from typing import Any

import numpy as np

from models.competing_risks.model import Incidence
from models.competing_risks.person_periods import cause_codes
from models.dataset.array_types import Floats, Index, Mask
from models.dataset.exposure import whole_times
from models.dataset.histories import Histories
from models.metrics.ranking import roc_auc

FEWEST_ENDS = 20


def followed_up_rows(
    histories: Histories, lead_days: int, horizon_days: int, complete: Mask
) -> Index:
    """Positions of rows that can judge a horizon, of those (n,) that have it ``complete``.

    Left out is who ended in the lead, and who was treated before the horizon's end or their own;
    the others are repeated by what they count for them.
    """
    end = lead_days + horizon_days
    there = complete & (histories.ended_after >= lead_days)
    weight = np.where(there, histories.exposure.weights(end), 0.0)
    left = (histories.ended_after < end).astype(np.int8)
    return np.repeat(np.arange(len(histories)), whole_times(weight, left))


def evaluate_outcomes(
    model: Incidence, histories: Histories, horizon_days: int, threads: int = 2
) -> dict[str, dict[str, Any]]:
    """Cards of ``stayed`` and each cause on rows whose horizon is complete and followed.

    A card has ``rows`` with the outcome, their share ``observed``, the mean chance ``predicted``,
    and the ``auc`` that ranks them above all others; None with too few of either.
    """
    incidence = model.incidence(histories.x, (horizon_days,), threads)[:, 0]
    within = histories.ended_after < model.lead_days + horizon_days
    outcome = np.where(within, cause_codes(histories.cause, model.groups), 0)
    cards = {}
    for i, name in enumerate(("stayed", *model.causes)):
        chance, happened = incidence[:, i], outcome == i
        cards[name] = {
            "rows": int(happened.sum()),
            "observed": float(happened.mean()) if len(happened) else 0.0,
            "predicted": float(chance.mean()) if len(chance) else 0.0,
            "auc": ranks(happened, chance),
        }
    return cards


def voluntary_or_stayed(incidence: Floats) -> Floats:
    """Chance of a voluntary notice where no other outcome competes: what the churn model gives.

    ``incidence`` (…, 1 + causes) has stayed first and voluntary second.
    """
    stayed, voluntary = incidence[..., 0], incidence[..., 1]
    return np.asarray(voluntary / (voluntary + stayed), dtype=np.float64)


def ranks(y: Mask, score: Floats) -> float | None:
    """AUC of a score (n,), None with too few rows of either kind."""
    if min(int(y.sum()), int((~y).sum())) < FEWEST_ENDS:
        return None
    return roc_auc(y.astype(np.int8), score)
