"""What a training run leaves behind: metrics, facts as JSON, pictures and test scores."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.settings import Settings
from pipelines.snapshots.snapshot import Snapshot
from pipelines.storage import replace_bytes
from pipelines.tracking import plain_name
from pipelines.training import plots
from pipelines.training.evaluation import Judged
from pipelines.training.examples import Prepared


def flat_metrics(judged: Judged) -> dict[str, float]:
    """At most forty metrics: the model's with the main intervals, and each baseline's."""
    card = judged.cards["model"]
    metrics = {plain_name(name): interval.value for name, interval in card.items()}
    for name in (
        "auc",
        "average_precision",
        "log_loss",
        "brier",
        "calibration_slope",
        "calibration_intercept",
        "lift@10%",
    ):
        metrics[f"{plain_name(name)}_low"] = card[name].low
        metrics[f"{plain_name(name)}_high"] = card[name].high
    for name, other in judged.cards.items():
        if name != "model":
            metrics |= {f"{name}_{key}": other[key].value for key in ("auc", "log_loss")}
    metrics["base_rate"] = float(judged.test.y.mean())
    return {name: value for name, value in metrics.items() if np.isfinite(value)}


def facts_of(judged: Judged, prepared: Prepared, snapshot: Snapshot) -> dict[str, bytes]:
    """Scorecards with intervals, baselines, drivers, outcomes, inputs and spec: name → JSON."""
    scorecards = {
        name: {metric: asdict(interval) for metric, interval in card.items()}
        for name, card in judged.cards.items()
    }
    facts = {
        "scorecard.json": scorecards,
        "baselines.json": judged.descriptions,
        "drivers.json": judged.drivers.round(6).to_dict(),
        "outcomes.json": prepared.outcomes,
        "inputs.json": dict(snapshot.inputs),
        "feature_spec.json": json.loads(prepared.examples.spec.to_json()),
    }
    return {name: json.dumps(value, indent=1).encode() for name, value in facts.items()}


def draw(judged: Judged) -> dict[str, bytes]:
    """The plots of a training run: path → PNG."""
    y, p = judged.test.y, judged.scores["model"]
    pictures = {
        "roc": plots.roc(y, p),
        "precision_recall": plots.precision_recall(y, p),
        "calibration": plots.calibration(y, p),
        "gains": plots.gains(y, p),
        "scores": plots.score_histogram(y, p),
        "drivers_by_family": plots.family_bar(judged.families),
        "features_beeswarm": plots.beeswarm(judged.contributions, judged.sample, judged.test.spec),
    }
    return {f"plots/{name}.png": png for name, png in pictures.items()}


def keep(settings: Settings, judged: Judged, pictures: Mapping[str, bytes], run_id: str) -> Path:
    """Write pictures, test scores and drivers under ``var/training/<run_id>``; return it."""
    folder = settings.paths.var / "training" / run_id
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
    spread = (judged.families - judged.families.mean()).abs().mean()
    for name, strength in (("drivers", judged.drivers), ("families", spread)):
        text = json.dumps(strength.to_dict(), indent=1)
        replace_bytes(folder / f"{name}.json", text.encode())
    return folder
