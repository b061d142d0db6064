"""Artefacts of a training run: facts as JSON, plots, test scores, model card (Mitchell 2019).

They are written to MLflow and below ``var/training``, where a later run compares with them. Every
figure of the card is of the run, so that the text cannot promise what was not measured.
"""

import json
from collections.abc import Mapping
from datetime import date
from math import isfinite
from pathlib import Path

import numpy as np
import pandas as pd

from models.explain.shap_values import global_importance, spread
from models.metrics.observed_expected import observed_expected_by
from models.metrics.profit import profit_curve
from pipelines.config.settings import Settings
from pipelines.runtime.escaping import page_template, plain_json
from pipelines.snapshots.facts import TABLES_NAME, tables_to_json
from pipelines.snapshots.snapshot import Snapshot
from pipelines.training import plots
from pipelines.training.evaluation import Evaluation
from pipelines.training.examples import TrainingData
from pipelines.training.result import CARD_METRICS


def run_facts(
    evaluation: Evaluation, prepared: TrainingData, snapshot: Snapshot
) -> dict[str, bytes]:
    """Scorecards with intervals, baselines, drivers, outcomes, inputs and spec: name → JSON."""
    facts = {
        "scorecard.json": evaluation.cards,
        "baselines.json": evaluation.descriptions,
        "calibration.json": evaluation.parts,
        "staying_power.json": evaluation.staying,
        "unseen_customers.json": evaluation.unseen,
        "drivers.json": evaluation.drivers.round(6).to_dict(),
        "outcomes.json": prepared.outcomes,
        "inputs.json": dict(snapshot.inputs),
        "feature_spec.json": json.loads(prepared.examples.spec.to_json()),
    }
    files = {name: plain_json(value) for name, value in facts.items()}
    return {**files, TABLES_NAME: tables_to_json(snapshot.tables)}


def draw_plots(settings: Settings, evaluation: Evaluation) -> dict[str, bytes]:
    """The plots of a training run, of what was measured: path → PNG."""
    y, p = evaluation.test.y, evaluation.scores["model"]
    explained = evaluation.contributions, evaluation.sample, evaluation.test.spec
    pictures = {
        "roc": plots.roc(y, p),
        "precision_recall": plots.precision_recall(y, p),
        "calibration": plots.calibration(plots.calibration_bins(evaluation.rows, p)),
        "gains": plots.gains(y, p),
        "drivers_by_family": plots.family_bar(evaluation.families),
        "dependence": plots.dependence(*explained),
        "features_beeswarm": plots.beeswarm(*explained),
    }
    if any("auc" in month.card for month in evaluation.staying):
        pictures["staying_power"] = plots.decay(evaluation.staying)
    if evaluation.contacts:
        curves = {
            f"{each.multiple:g} times keeping one": profit_curve(y, p, each)
            for each in evaluation.contacts
        }
        called = evaluation.cards["model"]["profit_share_at_low_multiple"].value
        pictures["profit"] = plots.profit(curves, settings.company.currency, called)
    return {f"plots/{name}.png": png for name, png in pictures.items()}


def store_artifacts(folder: Path, evaluation: Evaluation, pictures: Mapping[str, bytes]) -> None:
    """Write pictures, test scores and drivers into ``folder``, which is read once registered."""
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    for name, png in pictures.items():
        (folder / name).write_bytes(png)
    test = evaluation.test
    frame = pd.DataFrame(
        {
            "customer_id": test.customer_id.astype(str),
            "as_of": test.as_of.astype("datetime64[s]"),
            "label": test.y,
            "probability": evaluation.scores["model"],
        }
    )
    frame.to_parquet(folder / "test_scores.parquet", index=False)
    strengths = {"drivers": evaluation.drivers.to_dict(), "families": spread(evaluation.families)}
    for name, strength in strengths.items():
        (folder / f"{name}.json").write_text(json.dumps(strength, indent=1), encoding="utf-8")


CARD = "model_card.md"
_LONGEST = 5_000


def model_card(
    settings: Settings,
    prepared: TrainingData,
    evaluation: Evaluation,
    known_before: date,
    code_version: str,
) -> str:
    """The card as Markdown. Every value is escaped, every figure is of this run.

    ``known_before`` is the day before which all was known to the model.
    """
    lines = pd.Series(evaluation.test.product_line).fillna("all").to_numpy(dtype=object)
    families = {column.driver: column.family for column in evaluation.test.spec.columns}
    weakest_first = map(str, reversed(evaluation.drivers.index))
    return page_template(CARD).render(
        settings=settings,
        prepared=prepared,
        evaluation=evaluation,
        known_before=known_before,
        code_version=code_version,
        customers=len(np.unique(prepared.examples.customer_id.astype(str))),
        dates=np.unique(prepared.examples.as_of),
        beside={each.name: f" (model {each.sentence})" for each in evaluation.baselines},
        metrics=CARD_METRICS,
        lines=observed_expected_by(lines, evaluation.rows, evaluation.scores["model"]),
        families=global_importance(evaluation.families),
        strongest={families[driver]: driver for driver in weakest_first},
        isfinite=isfinite,
    )


def description(card: str) -> str:
    """The card's whole sections that fit into a description in MLflow, 5,000 characters."""
    sections = card.split("\n## ")
    more = f"\n\nThe rest is in `{CARD}` of the run.\n"
    text = sections[0]
    for section in sections[1:]:
        longer = f"{text}\n## {section}"
        if len(longer) > _LONGEST - len(more):
            return text.rstrip() + more
        text = longer
    return text
