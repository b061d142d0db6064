"""Training: tables → examples → judged on later months → fitted on all → registered → champion?

Plain functions; ``step`` decides whether a scheduler watches them.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

from features.errors import GateError
from models.artefact import REFERENCE, to_files
from models.churn import ChurnModel
from models.classifier import fit, steps
from models.distribution import Reference, learn_reference
from models.examples import MARGIN
from models.explain import spread
from models.promotion import Verdict
from models.swing import monthly_swing
from pipelines import tracking
from pipelines.codeversion import code_version
from pipelines.digests import config_digest, inputs_digest
from pipelines.engine import MatrixJob, build_matrix, catalog_of, tables_of
from pipelines.matrices.scratch import scratch
from pipelines.matrices.store import prune
from pipelines.progress import bar
from pipelines.record import RunRecord
from pipelines.settings import Settings
from pipelines.snapshots.snapshot import Snapshot
from pipelines.snapshots.tables import read_tables
from pipelines.step import Step, plain
from pipelines.training.card import CARD, Made, description, model_card
from pipelines.training.dates import labelled_as_ofs, told_by_horizon, training_as_ofs
from pipelines.training.deciding import decide, test_key
from pipelines.training.effort import AS_CONFIGURED, Effort
from pipelines.training.evaluation import judge, recipe_of
from pipelines.training.examples import Prepared, prepare_examples
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
class Trained:
    """What a training run left behind, for people and for the next step."""

    registered: tracking.Registered
    verdict: Verdict
    judged: Judged
    folder: Path
    tried: Tried


@dataclass(frozen=True, slots=True)
class Fitted:
    """The model fitted on all matured months, its reference, and the parameters for MLflow."""

    model: ChurnModel
    reference: Reference
    params: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Found:
    """What the run measured: metrics, and files by their path in MLflow."""

    metrics: Mapping[str, float]
    files: Mapping[str, bytes]


def train(
    settings: Settings,
    today: date,
    record: RunRecord,
    step: Step = plain,
    effort: Effort = AS_CONFIGURED,
) -> Trained:
    """Learn from everything known before ``today``'s midnight and register the model.

    ``effort`` says what is tried beside the configured recipe; a search's winner replaces it. The
    alias ``champion`` moves to it when ``models.promotion`` says so. Raises
    ``ContractError`` for broken tables, ``GateError`` when there is too little to learn from or
    a leak is suspected (the model is registered then, without the alias).
    """
    record.as_of_date, record.config_digest = str(today), config_digest(settings)
    snapshot = step(read_tables, settings, today, record)
    prepared = step(make_examples, settings, snapshot, today, record)
    search = step(search_leaks, settings, prepared, record)
    prepared, chosen = step(leave_out_treated, settings, prepared, record)
    tried = step(try_recipes, settings, prepared, effort, record)
    settings = tried.settings
    judged = with_search(step(judge_recipe, settings, prepared, record), search)
    outcomes = step(learn_outcomes, settings, prepared, judged, today, record)
    fitted = with_outcomes(step(fit_all, settings, prepared, judged, record), outcomes)
    pictures = draw(settings, judged)
    folder = keep(settings, judged, pictures, record.run_id)
    files = facts_of(judged, prepared, snapshot) | pictures
    files |= {"leaks.json": search.to_json(), "tried.json": tried.to_json()}
    files |= dict(outcomes.files) | dict(chosen)
    found = Found(flat_metrics(judged) | dict(outcomes.metrics), files)
    registered = step(register, settings, snapshot, prepared, fitted, judged, found, today, record)
    log_tried(settings, registered, tried)
    decided = step(decide, settings, judged, fitted.model, registered, record)
    if judged.leak is not None:
        raise GateError(judged.leak.message)
    prune(settings, snapshot)
    return Trained(registered, decided, judged, folder, tried)


def make_examples(
    settings: Settings,
    snapshot: Snapshot,
    today: date,
    record: RunRecord,
    newest: int | None = None,
) -> Prepared:
    """Build the labelled matrix of every matured month, or the newest, and read it as examples."""
    catalog = catalog_of(settings, snapshot)
    as_ofs = labelled_as_ofs(settings, snapshot, today)
    if newest is not None:
        matured = training_as_ofs(settings, snapshot, today)[-newest:]
        as_ofs = tuple(day for day in as_ofs if day >= matured[0])
    todo = len(as_ofs) * snapshot.shards
    with (
        scratch(settings.paths.var, record.run_id) as folder,
        record.stage("features") as stage,
        bar("building features", todo) as advance,
    ):
        seen = catalog.only([*(feature.name for feature in catalog.model_features), MARGIN])
        job = MatrixJob(seen, as_ofs, labels_known_before=today)
        parts = build_matrix(settings, snapshot, job, folder, lambda: advance(""))
        told = told_by_horizon(settings, snapshot)
        end_days = settings.label.lead_days + settings.label.horizon_days
        prepared = prepare_examples(parts, catalog, end_days=end_days, histories=told)
        stage.rows_out = len(prepared.examples)
    record.notes += [
        f"not built: {name}, as {', '.join(lack)} is missing"
        for name, lack in catalog.omitted.items()
    ]
    record.notes += [f"left out, as it never varies: {name}" for name in prepared.silent]
    return prepared


def judge_recipe(settings: Settings, prepared: Prepared, record: RunRecord) -> Judged:
    """Measure the recipe on later months."""
    with record.stage("judging") as stage:
        judged = judge(settings, prepared.examples)
        stage.rows_in, stage.rows_out = len(prepared.examples), len(judged.test)
    auc = judged.cards["model"]["auc"].value
    record.gate("auc_alarm", auc, high=settings.training.auc_alarm)
    record.notes += told_apart(judged)
    return judged


def fit_all(settings: Settings, prepared: Prepared, judged: Judged, record: RunRecord) -> Fitted:
    """Fit the model that may become champion on all matured months."""
    examples = prepared.examples
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
    return Fitted(model, reference, params)


def with_outcomes(fitted: Fitted, outcomes: Outcomes) -> Fitted:
    """The fitted model with the model of outcomes by horizon, if one was learned."""
    return replace(fitted, model=replace(fitted.model, incidence=outcomes.model))


def register(
    settings: Settings,
    snapshot: Snapshot,
    prepared: Prepared,
    fitted: Fitted,
    judged: Judged,
    found: Found,
    today: date,
    record: RunRecord,
) -> tracking.Registered:
    """Write parameters, metrics, plots, the model and its card to MLflow."""
    spec = fitted.model.spec
    tags = {
        "inputs_digest": inputs_digest(snapshot),
        "config_digest": config_digest(settings),
        "feature_spec_hash": spec.hash,
        "feature_definition_hash": spec.definition_hash,
        "known_before": str(today),
        "code_version": code_version(),
        "run": record.run_id,
        "tables": json.dumps(tables_of(snapshot)),
        "families": json.dumps({k: round(v, 6) for k, v in spread(judged.families).items()}),
        "judged_on": "; ".join(judged.folds),
        "test_key": test_key(judged),
        MONTHLY_SWING: repr(monthly_swing(prepared.examples.as_of, prepared.examples.y)),
        "leak_warning": judged.leak.message if judged.leak else "none",
    }
    card = model_card(settings, prepared, judged, Made(today, tags["code_version"]))
    made_from = {name: tags[name] for name in ("inputs_digest", "config_digest", "known_before")}
    training = tracking.Training(
        name=f"train {today}",
        params=fitted.params,
        metrics=found.metrics,
        tags=tags,
        files={**found.files, CARD: card.encode()},
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
