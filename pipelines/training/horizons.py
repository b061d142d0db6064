"""Competing outcomes by horizon in a training run (discrete-time cumulative incidence).

Evaluated on later months with a fit on what was known before them, then fitted on everything.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

from features.errors import GateError
from features.timeline import LabelWindow
from models.competing_risks import model as incidence_model
from models.competing_risks.fit import fit_incidence
from models.competing_risks.model import Incidence
from models.competing_risks.person_periods import PERIOD_DAYS
from models.dataset.histories import Histories
from pipelines.config.run import Run
from pipelines.config.settings import Settings
from pipelines.runtime.progress import bar
from pipelines.training.evaluation import Evaluation, recipe_of
from pipelines.training.examples import TrainingData

FACTS = "outcomes_by_horizon.json"

Cards = Mapping[str, Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The model of outcomes by horizon, its evaluation as JSON files and a few metrics."""

    model: Incidence | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)


def learn_outcomes(run: Run, prepared: TrainingData, evaluation: Evaluation) -> Outcomes:
    """Evaluate outcomes by horizon on later months, then learn them from everything.

    Nothing when no horizons are configured. Where they cannot be learned or evaluated, the record
    says why, and the churn model stands alone.
    """
    settings, today, record = run.settings, run.as_of, run.record
    if not settings.label.horizons:
        return Outcomes()
    if prepared.histories is None:
        record.notes.append("outcomes by horizon are not learned: they need the terminations table")
        return Outcomes()
    oldest, lead = prepared.histories.as_of.min().item(), settings.label.lead_days
    windows = ((days, LabelWindow(lead, days)) for days in settings.label.horizons)
    horizons = tuple(days for days, window in windows if window.complete(oldest, today))
    for days in sorted(set(settings.label.horizons) - set(horizons)):
        record.notes.append(
            f"the horizon of {days} days is left out: no as-of date has it complete"
        )
    with record.stage("outcomes") as stage:
        stage.rows_in = len(prepared.histories)
        try:
            first = first_evaluation_date(settings, prepared.histories, horizons, today)
            past = _fit(settings, prepared.histories, horizons, first)
            model = _fit(settings, prepared.histories, horizons, today)
        except GateError as error:
            record.notes.append(f"outcomes by horizon are not learned: {error}")
            return Outcomes()
    threads = settings.engine.threads
    cards = cards_by_horizon(past, prepared.histories, horizons, first, today, threads)
    facts = {
        "judged_from": str(first),
        "causes": past.causes,
        "pooled_as_other": past.pooled,
        "horizons": cards,
        "churn_model_on_the_same_rows": churn_model_metrics(settings, past, evaluation, first),
    }
    return Outcomes(model, {FACTS: json.dumps(facts, indent=1).encode()}, main_metrics(cards))


def first_evaluation_date(
    settings: Settings, histories: Histories, horizons: tuple[int, ...], today: date
) -> date:
    """First of the newest ``training.test_months`` months that have the longest horizon complete.

    The next shorter horizon decides where no older as-of date had a complete period by then.
    Raises ``GateError`` when that holds for every horizon.
    """
    lead, months = settings.label.lead_days, settings.training.test_months
    days = np.unique(histories.as_of)
    for horizon in reversed(horizons):
        window = LabelWindow(lead, horizon)
        complete = np.array([day for day in days if window.complete(day.item(), today)])
        newest = np.unique(complete.astype("datetime64[M]"))[-months:]
        first: date = complete[complete.astype("datetime64[M]") >= newest[0]].min().item()
        if LabelWindow(lead, PERIOD_DAYS).complete(days[0].item(), first):
            return first
    raise GateError(
        "no as-of date is old enough to learn from and leave later ones to judge. Set "
        "training.first_as_of earlier."
    )


def _fit(
    settings: Settings, histories: Histories, horizons: tuple[int, ...], known_before: date
) -> Incidence:
    recipe = recipe_of(settings, len(histories))
    with bar(f"outcomes by horizon, before {known_before}", 1 + len(recipe.seeds)) as advance:
        return fit_incidence(
            histories,
            lead_days=settings.label.lead_days,
            periods=max(horizons) // PERIOD_DAYS,
            known_before=known_before,
            recipe=recipe,
            on_step=advance,
        )


def cards_by_horizon(
    model: Incidence,
    histories: Histories,
    horizons: tuple[int, ...],
    first: date,
    today: date,
    threads: int,
) -> Cards:
    """Cards by horizon (in days, as text) of the rows from ``first`` on that have it complete."""
    cards = {}
    later = np.unique(histories.as_of[histories.as_of >= np.datetime64(first)])
    for horizon in horizons:
        window = LabelWindow(model.lead_days, horizon)
        complete = [day for day in later if window.complete(day.item(), today)]
        there = np.isin(histories.as_of, complete)
        rows = incidence_model.followed_up_rows(histories, model.lead_days, horizon, there)
        card = incidence_model.evaluate_outcomes(model, histories.take(rows), horizon, threads)
        cards[str(horizon)] = card
    return cards


def churn_model_metrics(
    settings: Settings, model: Incidence, evaluation: Evaluation, first: date
) -> dict[str, object]:
    """Both models' chance of a voluntary notice, none other competing, on the churn test rows."""
    horizon = settings.label.horizon_days
    if not model.covers(horizon):
        return {}
    rows = evaluation.test.as_of >= np.datetime64(first)
    test = evaluation.test.take(rows)
    ours = model.incidence(test.x, (horizon,), settings.engine.threads)[:, 0]
    chances = {"churn_model": evaluation.scores["model"][rows]}
    chances["outcomes_by_horizon"] = incidence_model.voluntary_or_stayed(ours)
    both = {
        name: {"auc": incidence_model.ranks(test.y == 1, p), "predicted": float(p.mean())}
        for name, p in chances.items()
    }
    return {"horizon_days": horizon, "rows": len(test), "observed": float(test.y.mean()), **both}


def main_metrics(cards: Cards) -> dict[str, float]:
    """Of the longest horizon with a card: AUC of voluntary, and predicted over observed."""
    card = list(cards.values())[-1]["voluntary"]
    found = {"outcomes_voluntary_auc": card["auc"]}
    if card["observed"] > 0:
        found["outcomes_voluntary_level"] = card["predicted"] / card["observed"]
    return {name: value for name, value in found.items() if value is not None}
