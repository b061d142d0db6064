"""What a training run leaves behind: metrics, facts as JSON, pictures and test scores."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from models.explain import spread
from pipelines.plainjson import plain_json
from pipelines.settings import Settings
from pipelines.snapshots.facts import TABLES_NAME, tables_to_json
from pipelines.snapshots.snapshot import Snapshot
from pipelines.storage import replace_bytes
from pipelines.training import plots
from pipelines.training.curves import points
from pipelines.training.examples import Prepared
from pipelines.training.judged import Judged
from pipelines.worth import profit_curves


def facts_of(judged: Judged, prepared: Prepared, snapshot: Snapshot) -> dict[str, bytes]:
    """Scorecards with intervals, baselines, drivers, outcomes, inputs and spec: name → JSON."""
    scorecards = {
        name: {metric: asdict(interval) for metric, interval in card.items()}
        for name, card in judged.cards.items()
    }
    facts = {
        "scorecard.json": scorecards,
        "baselines.json": judged.descriptions,
        "curves.json": points(judged.test.y, judged.scores["model"]),
        "calibration.json": [asdict(part) for part in judged.parts],
        "staying_power.json": [asdict(month) for month in judged.staying],
        "unseen_customers.json": judged.unseen and asdict(judged.unseen),
        "drivers.json": judged.drivers.round(6).to_dict(),
        "outcomes.json": prepared.outcomes,
        "inputs.json": dict(snapshot.inputs),
        "feature_spec.json": json.loads(prepared.examples.spec.to_json()),
    }
    files = {name: plain_json(value) for name, value in facts.items()}
    return {**files, TABLES_NAME: tables_to_json(snapshot.tables)}


def told_apart(judged: Judged) -> list[str]:
    """What a person should know of the checks beyond the scorecard."""
    champion = judged.descriptions["champion"]
    notes = [] if "champion" in judged.scores else [f"champion as a baseline: {champion}"]
    unseen = judged.unseen
    if unseen is not None and unseen.differs:
        notes.append(
            f"the model remembers customers: AUC {unseen.seen_auc:.3f} for those it has met, "
            f"{unseen.unseen_auc:.3f} for the same {unseen.customers} when it has not"
        )
    return notes


def draw(settings: Settings, judged: Judged) -> dict[str, bytes]:
    """The plots of a training run, of what was measured: path → PNG."""
    y, p = judged.test.y, judged.scores["model"]
    pictures = {
        "roc": plots.roc(y, p),
        "precision_recall": plots.precision_recall(y, p),
        "calibration": plots.calibration(y, p),
        "gains": plots.gains(y, p),
        "scores": plots.score_histogram(y, p),
        "drivers_by_family": plots.family_bar(judged.families),
        "dependence": plots.dependence(judged.contributions, judged.sample, judged.test.spec),
        "features_beeswarm": plots.beeswarm(judged.contributions, judged.sample, judged.test.spec),
    }
    if any("auc" in month.card for month in judged.staying):
        pictures["staying_power"] = plots.staying(judged.staying)
    curves = profit_curves(settings, judged.test, p)
    if curves:
        pictures["profit"] = plots.profit(curves, settings.company.currency)
    return {f"plots/{name}.png": png for name, png in pictures.items()}


def keep(settings: Settings, judged: Judged, pictures: Mapping[str, bytes], run_id: str) -> Path:
    """Write pictures, test scores and drivers under ``var/training/<run_id>``; return it."""
    folder = settings.paths.training / run_id
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    for name, png in pictures.items():
        replace_bytes(folder / name, png)
    frame = pd.DataFrame(
        {
            "customer_id": judged.test.customer_id.astype(str),
            "as_of": judged.test.as_of.astype("datetime64[s]"),
            "label": judged.test.y,
            "probability": judged.scores["model"],
        }
    )
    frame.to_parquet(folder / "test_scores.parquet", index=False)
    strengths = {"drivers": judged.drivers.to_dict(), "families": spread(judged.families)}
    for name, strength in strengths.items():
        replace_bytes(folder / f"{name}.json", json.dumps(strength, indent=1).encode())
    return folder
