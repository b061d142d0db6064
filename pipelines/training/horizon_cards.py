"""Scorecards of cumulative incidence by horizon on later months.

Each horizon is evaluated on the rows that have it complete, so the longest has the fewest.
"""

from collections.abc import Mapping
from datetime import date

import numpy as np

from features.timeline import LabelWindow
from models.competing_risks.model import (
    CauseCard,
    Incidence,
    evaluate_outcomes,
    followed_up_rows,
    ranks,
    voluntary_or_stayed,
)
from models.dataset.examples import Histories
from pipelines.config.settings import Settings
from pipelines.training.evaluation_result import Evaluation

Cards = Mapping[str, Mapping[str, CauseCard]]


def cards_by_horizon(
    settings: Settings,
    model: Incidence,
    histories: Histories,
    horizons: tuple[int, ...],
    first: date,
    today: date,
) -> Cards:
    """Cards by horizon (in days, as text) of the rows from ``first`` on that have it complete."""
    cards = {}
    later = np.unique(histories.as_of[histories.as_of >= np.datetime64(first)])
    for horizon in horizons:
        window = LabelWindow(model.lead_days, horizon)
        complete = [day for day in later if window.complete(day.item(), today)]
        keep = np.isin(histories.as_of, complete) & followed_up_rows(
            histories, model.lead_days, horizon
        )
        rows = histories.take(keep)
        cards[str(horizon)] = evaluate_outcomes(model, rows, horizon, settings.engine.threads)
    return cards


def beside_churn(
    settings: Settings, model: Incidence, evaluation: Evaluation, first: date
) -> dict[str, object]:
    """Both models' chance of a voluntary notice, none other competing, on the churn test rows."""
    horizon = settings.label.horizon_days
    if not model.covers(horizon):
        return {}
    rows = evaluation.test.as_of >= np.datetime64(first)
    test = evaluation.test.take(rows)
    ours = model.incidence(test.x, (horizon,), settings.engine.threads)[:, 0]
    scores = {
        "churn_model": evaluation.scores["model"][rows],
        "outcomes_by_horizon": voluntary_or_stayed(ours),
    }
    both = {
        name: {"auc": ranks(test.y == 1, p), "predicted": float(p.mean())}
        for name, p in scores.items()
    }
    return {"horizon_days": horizon, "rows": len(test), "observed": float(test.y.mean()), **both}


def main_metrics(cards: Cards) -> dict[str, float]:
    """Of the longest horizon with a card: AUC of voluntary, and predicted over observed."""
    card = list(cards.values())[-1]["voluntary"]
    found = {"outcomes_voluntary_auc": card.auc}
    if card.observed > 0:
        found["outcomes_voluntary_level"] = card.predicted / card.observed
    return {name: value for name, value in found.items() if value is not None}
