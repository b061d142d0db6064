"""Training job: tables → examples → evaluation on later months → fit on all months → registry.

Plain functions; the run's ``step`` decides whether a scheduler watches them.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from features.errors import GateError
from models.artefact import REFERENCE, to_files
from models.churn import ChurnModel
from models.classifier import fit, steps
from models.distribution import Reference, learn_reference
from models.explain import spread
from models.promotion import Verdict
from models.swing import monthly_swing
from pipelines import tracking
from pipelines.digests import inputs_digest
from pipelines.engine import tables_of
from pipelines.environment import code_version
from pipelines.matrices.store import prune
from pipelines.progress import bar
from pipelines.run import Run
from pipelines.snapshots.snapshot import Snapshot
from pipelines.snapshots.tables import read_tables
from pipelines.training.card import CARD, Made, description, model_card
from pipelines.training.deciding import decide, test_key
from pipelines.training.effort import AS_CONFIGURED, Effort
from pipelines.training.evaluation import judge, recipe_of
from pipelines.training.examples import Prepared, make_examples
from pipelines.training.feedback import leave_out_treated
from pipelines.training.findings import draw, facts_of, keep, told_apart
from pipelines.training.horizons import Outcomes, learn_outcomes
from pipelines.training.judged import Judged
from pipelines.training.leaks import search_leaks, with_search
from pipelines.training.metrics import flat_metrics
from pipelines.training.newer import MONTHLY_SWING
from pipelines.training.rows import describe
from pipelines.training.trying import Tried, log_tried, try_recipes


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a training run left behind, for people and for the next step."""

    registered: tracking.Registered
    verdict: Verdict
    judged: Judged
    folder: Path
    tried: Tried


@dataclass(frozen=True, slots=True)
class FittedModel:
    """The model fitted on all matured months, its reference, and the parameters for MLflow."""

    model: ChurnModel
    reference: Reference
    params: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RunArtifacts:
    """All that a training run logs; ``files`` are by their path in MLflow."""

    snapshot: Snapshot
    prepared: Prepared
    fitted: FittedModel
    judged: Judged
    metrics: Mapping[str, float]
    files: Mapping[str, bytes]


def train(run: Run, effort: Effort = AS_CONFIGURED) -> TrainingResult:
    """Learn from everything known before the as-of date's midnight and register the model.

    ``effort`` says what is tried beside the configured recipe; a search's winner replaces it. The
    alias ``champion`` moves to it when ``models.promotion`` says so. Raises
    ``ContractError`` for broken tables, ``GateError`` when there is too little to learn from or
    a leak is suspected (the model is registered then, without the alias).
    """
    run.record_inputs()
    snapshot = run.step(read_tables, run)
    prepared = run.step(make_examples, run, snapshot)
    search = run.step(search_leaks, run, prepared)
    prepared, chosen = run.step(leave_out_treated, run, prepared)
    tried = run.step(try_recipes, run, prepared, effort)
    settings = tried.settings
    run = replace(run, settings=settings)
    judged = with_search(run.step(evaluate_recipe, run, prepared), search)
    outcomes = run.step(learn_outcomes, run, prepared, judged)
    fitted = add_outcomes(run.step(fit_all, run, prepared, judged), outcomes)
    pictures = draw(settings, judged)
    folder = keep(settings, judged, pictures, run.record.run_id)
    files = facts_of(judged, prepared, snapshot) | pictures
    files |= {"leaks.json": search.to_json(), "tried.json": tried.to_json()}
    files |= dict(outcomes.files) | dict(chosen)
    metrics = flat_metrics(judged) | dict(outcomes.metrics)
    artifacts = RunArtifacts(snapshot, prepared, fitted, judged, metrics, files)
    registered = run.step(register, run, artifacts)
    log_tried(settings, registered, tried)
    decided = run.step(decide, run, judged, fitted.model, registered)
    if judged.leak is not None:
        raise GateError(judged.leak.message)
    prune(settings, snapshot)
    return TrainingResult(registered, decided, judged, folder, tried)


def evaluate_recipe(run: Run, prepared: Prepared) -> Judged:
    """Measure the recipe on later months."""
    record = run.record
    with record.stage("judging") as stage:
        judged = judge(run.settings, prepared.examples)
        stage.rows_in, stage.rows_out = len(prepared.examples), len(judged.test)
    auc = judged.cards["model"]["auc"].value
    record.gate("auc_alarm", auc, high=run.settings.training.auc_alarm)
    record.notes += told_apart(judged)
    return judged


def fit_all(run: Run, prepared: Prepared, judged: Judged) -> FittedModel:
    """Fit the model that may become champion on all matured months."""
    settings, record, examples = run.settings, run.record, prepared.examples
    recipe = recipe_of(settings, len(examples), examples.single_date)
    with (
        record.stage("fitting") as stage,
        bar("fitting on all months", steps(recipe)) as advance,
    ):
        stage.rows_in = len(examples)
        model, report = fit(examples, recipe, advance)
    record.feature_spec_hash = model.spec.hash
    params = {
        **{name: value for name, value in asdict(recipe).items() if name != "threads"},
        "lead_days": settings.label.lead_days,
        "horizon_days": settings.label.horizon_days,
        "first_as_of": str(examples.as_of.min()),
        "last_as_of": str(examples.as_of.max()),
        "rows": len(examples),
        "features": len(model.spec.columns),
        "rounds_fitted": report.rounds,
        "leaves_of_boosters": report.leaves,
    }
    reference = learn_reference(
        examples.x, examples.as_of, examples.spec, judged.scores["model"], judged.test.as_of
    )
    return FittedModel(model, reference, params)


def add_outcomes(fitted: FittedModel, outcomes: Outcomes) -> FittedModel:
    """The fitted model with the model of outcomes by horizon, if one was learned."""
    return replace(fitted, model=replace(fitted.model, incidence=outcomes.model))


def register(run: Run, artifacts: RunArtifacts) -> tracking.Registered:
    """Write parameters, metrics, plots, the model and its card to MLflow."""
    settings, fitted = run.settings, artifacts.fitted
    prepared, judged, spec = artifacts.prepared, artifacts.judged, fitted.model.spec
    tags = {
        "inputs_digest": inputs_digest(artifacts.snapshot),
        "config_digest": run.config_digest,
        "feature_spec_hash": spec.hash,
        "feature_definition_hash": spec.definition_hash,
        "known_before": str(run.as_of),
        "code_version": code_version(),
        "run": run.record.run_id,
        "tables": json.dumps(tables_of(artifacts.snapshot)),
        "families": json.dumps({k: round(v, 6) for k, v in spread(judged.families).items()}),
        "judged_on": "; ".join(judged.folds),
        "test_key": test_key(judged),
        MONTHLY_SWING: repr(monthly_swing(prepared.examples.as_of, prepared.examples.y)),
        "leak_warning": judged.leak.message if judged.leak else "none",
    }
    card = model_card(settings, prepared, judged, Made(run.as_of, tags["code_version"]))
    made_from = {name: tags[name] for name in ("inputs_digest", "config_digest", "known_before")}
    training = tracking.Training(
        name=f"train {run.as_of}",
        params=fitted.params,
        metrics=artifacts.metrics,
        tags=tags,
        files={**artifacts.files, CARD: card.encode()},
        model_files={**to_files(fitted.model), REFERENCE: fitted.reference.to_json().encode()},
        feature_names=spec.names,
        datasets=(
            describe("training", "training", prepared.examples, made_from),
            describe("test", "test", judged.test, made_from),
        ),
        description=description(card),
    )
    with bar("logging to MLflow", 1) as advance:
        registered = tracking.log_training(settings, training)
        advance(registered.label)
    return registered
