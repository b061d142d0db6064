"""Training: tables → examples → judged on later months → fitted on all → registered → champion?

Plain functions; ``step`` decides whether a scheduler watches them.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from features.errors import GateError
from features.timeline import month_starts
from models.artefact import to_files
from models.churn import ChurnModel
from models.classifier import FitReport, fit
from models.promotion import Verdict, verdict
from models.scorecard import measure
from pipelines import plots, tracking
from pipelines.digests import config_digest, inputs_digest
from pipelines.engine import MatrixJob, build_matrix, catalog_of, given_as_ofs
from pipelines.evaluation import Judged, judge, label_window, recipe_of
from pipelines.examples import Prepared, prepare_examples
from pipelines.progress import bar
from pipelines.record import RunRecord
from pipelines.settings import Settings
from pipelines.snapshot import Snapshot
from pipelines.step import Step, plain
from pipelines.storage import replace_bytes
from pipelines.tables import read_tables

_FEWEST_LATER_POSITIVES = 50


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training run left behind, for people and for the next step."""

    registered: tracking.Registered
    verdict: Verdict
    judged: Judged
    report: FitReport
    folder: Path


def train(settings: Settings, today: date, record: RunRecord, step: Step = plain) -> Trained:
    """Learn from everything known before ``today``'s midnight and register the model.

    The alias ``champion`` moves to it when ``models.promotion`` says so. Raises
    ``ContractError`` for broken tables, ``GateError`` when there is too little to learn from or
    a leak is suspected (the model is registered then, without the alias).
    """
    record.as_of_date, record.config_digest = str(today), config_digest(settings)
    snapshot = step(read_tables, settings, today, record)
    prepared = step(make_examples, settings, snapshot, today, record)
    judged = step(judge_recipe, settings, prepared, record)
    model, report = step(fit_all, settings, prepared, record)
    registered = step(register, settings, snapshot, prepared, judged, (model, report), today)
    decided = step(decide, settings, judged, registered, record)
    folder = _keep_scores(settings, judged, record.run_id)
    if judged.leak is not None:
        raise GateError(judged.leak.message)
    return Trained(registered, decided, judged, report, folder)


def make_examples(
    settings: Settings, snapshot: Snapshot, today: date, record: RunRecord
) -> Prepared:
    """Build the labelled matrix of every matured month and read it as examples."""
    catalog = catalog_of(settings, snapshot)
    as_ofs = training_as_ofs(settings, snapshot, today)
    folder = settings.paths.var / "matrix" / record.run_id
    parts = len(as_ofs) * snapshot.shards
    with record.stage("features") as stage, bar("building features", parts) as advance:
        job = MatrixJob(catalog, as_ofs, labels_known_before=today)
        paths = build_matrix(settings, snapshot, job, folder, lambda: advance(""))
        prepared = prepare_examples(paths, catalog)
        stage.rows_out = len(prepared.examples)
    record.notes += [f"not built, as tables are missing: {name}" for name in catalog.omitted]
    record.notes += [f"left out, as it never varies: {name}" for name in prepared.silent]
    return prepared


def training_as_ofs(settings: Settings, snapshot: Snapshot, today: date) -> tuple[date, ...]:
    """First days of months whose label window is complete, or the dates of a labels table.

    Raises ``GateError`` when there is none.
    """
    given = given_as_ofs(settings, snapshot)
    if given:
        return given
    training, window = settings.training, label_window(settings)
    months = month_starts(training.first_as_of, training.last_as_of or today)
    matured = tuple(day for day in months if window.complete(day, today))
    if not matured:
        raise GateError(
            f"no label window since training.first_as_of {training.first_as_of} was complete on "
            f"{today}: lead {window.lead_days} and horizon {window.horizon_days} days must have "
            "passed. Set training.first_as_of earlier or train later."
        )
    return matured


def judge_recipe(settings: Settings, prepared: Prepared, record: RunRecord) -> Judged:
    """Measure the recipe on later months."""
    with record.stage("judging") as stage:
        judged = judge(settings, prepared.examples)
        stage.rows_in, stage.rows_out = len(prepared.examples), len(judged.test)
    auc = judged.cards["model"]["auc"].value
    record.gate("auc_alarm", auc, high=settings.training.auc_alarm)
    return judged


def fit_all(
    settings: Settings, prepared: Prepared, record: RunRecord
) -> tuple[ChurnModel, FitReport]:
    """Fit the model that may become champion on all matured months."""
    examples = prepared.examples
    recipe = recipe_of(settings, len(examples))
    with (
        record.stage("fitting") as stage,
        bar("fitting on all months", 2 * len(recipe.seeds) + 1) as advance,
    ):
        stage.rows_in = len(examples)
        model, report = fit(examples, label_window(settings), recipe, advance)
    record.feature_spec_hash = model.spec.hash
    return model, report


def register(
    settings: Settings,
    snapshot: Snapshot,
    prepared: Prepared,
    judged: Judged,
    fitted: tuple[ChurnModel, FitReport],
    today: date,
) -> tracking.Registered:
    """Write parameters, metrics, plots and the model to MLflow."""
    model, report = fitted
    recipe = recipe_of(settings, len(prepared.examples))
    params = {
        **{name: value for name, value in asdict(recipe).items() if name != "threads"},
        "lead_days": settings.label.lead_days,
        "horizon_days": settings.label.horizon_days,
        "first_as_of": str(prepared.examples.as_of.min()),
        "last_as_of": str(prepared.examples.as_of.max()),
        "rows": len(prepared.examples),
        "features": len(model.spec.columns),
        "rounds": report.rounds,
        "test": "; ".join(judged.folds),
    }
    tags = {
        "inputs_digest": inputs_digest(snapshot),
        "config_digest": config_digest(settings),
        "feature_spec_hash": model.spec.hash,
        "feature_definition_hash": model.spec.definition_hash,
        "known_before": str(today),
        "test_key": test_key(judged),
        "test_log_loss": repr(judged.cards["model"]["log_loss"].value),
        "leak_warning": judged.leak.message if judged.leak else "none",
    }
    with bar("logging to MLflow", 2) as advance:
        files = _artefacts(judged, prepared, snapshot)
        advance("plots drawn")
        training = tracking.Training(
            params, flat_metrics(judged), tags, files, to_files(model), model.spec.names
        )
        registered = tracking.log_training(settings, training)
        advance(registered.label)
    return registered


def decide(
    settings: Settings, judged: Judged, registered: tracking.Registered, record: RunRecord
) -> Verdict:
    """Give the alias to the new version if the promotion rules allow it."""
    record.model_version, record.model_digest = registered.label, registered.digest
    card = judged.cards["model"]
    challenger = {name: interval.value for name, interval in card.items()}
    challenger["calibration_slope_low"] = card["calibration_slope"].low
    challenger["calibration_slope_high"] = card["calibration_slope"].high
    base = {"log_loss": judged.cards["base_rate"]["log_loss"].value}
    ours, theirs = _same_rows(settings, judged, challenger)
    decided = verdict(ours, theirs, base, judged.leak)
    if decided.promote:
        tracking.promote(registered)
    record.notes.extend(decided.reasons)
    return decided


def _same_rows(
    settings: Settings, judged: Judged, challenger: Mapping[str, float]
) -> tuple[dict[str, float], dict[str, float] | None]:
    """The challenger's metrics and the champion's on rows that neither has learned from."""
    ours = dict(challenger)
    incumbent = tracking.champion(settings)
    if incumbent is None:
        return ours, None
    if incumbent.tags.get("test_key") == test_key(judged):
        return ours, {"log_loss": float(incumbent.tags["test_log_loss"])}
    later = judged.test.as_of >= np.datetime64(incumbent.tags["known_before"])
    y = judged.test.y[later]
    if min(y.sum(), len(y) - y.sum()) < _FEWEST_LATER_POSITIVES:
        return ours, None
    model = tracking.load(incumbent)
    if model.spec.names != judged.test.spec.names:
        return ours, None
    ours["log_loss"] = measure(y, judged.scores["model"][later])["log_loss"]
    return ours, measure(y, model.probability(judged.test.x[later]))


def test_key(judged: Judged) -> str:
    """SHA-256 (hex) of the test rows' customers, dates and labels: the same rows, the same key."""
    total = hashlib.sha256()
    total.update("\n".join(judged.test.customer_id.astype(str).tolist()).encode())
    total.update(judged.test.as_of.astype("int64").tobytes())
    total.update(judged.test.y.tobytes())
    return total.hexdigest()


def flat_metrics(judged: Judged) -> dict[str, float]:
    """At most forty metrics: the model's with the main intervals, and each baseline's."""
    card = judged.cards["model"]
    metrics = {_plain(name): interval.value for name, interval in card.items()}
    for name in (
        "auc",
        "average_precision",
        "log_loss",
        "brier",
        "calibration_slope",
        "calibration_intercept",
        "lift@10%",
    ):
        metrics[f"{_plain(name)}_low"] = card[name].low
        metrics[f"{_plain(name)}_high"] = card[name].high
    for name, other in judged.cards.items():
        if name != "model":
            metrics |= {f"{name}_{key}": other[key].value for key in ("auc", "log_loss")}
    metrics["base_rate"] = float(judged.test.y.mean())
    return {name: value for name, value in metrics.items() if np.isfinite(value)}


def _plain(name: str) -> str:
    return name.replace("@", "_at_").replace("%", "_pct")


def _artefacts(judged: Judged, prepared: Prepared, snapshot: Snapshot) -> dict[str, bytes]:
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
    as_json = {name: json.dumps(value, indent=1).encode() for name, value in facts.items()}
    return as_json | {f"plots/{name}": png for name, png in plots.all_plots(judged).items()}


def _keep_scores(settings: Settings, judged: Judged, run_id: str) -> Path:
    folder = settings.paths.var / "training" / run_id
    folder.mkdir(parents=True, exist_ok=True)
    frame = pd.DataFrame(
        {
            "customer_id": judged.test.customer_id.astype(str),
            "as_of": judged.test.as_of.astype("datetime64[s]"),
            "label": judged.test.y,
            "probability": judged.scores["model"],
        }
    )
    frame.to_parquet(folder / "test_scores.parquet", index=False)
    drivers = json.dumps(judged.drivers.to_dict(), indent=1)
    replace_bytes(folder / "drivers.json", drivers.encode())
    return folder
