"""Training job: tables → examples → leaks → evaluation on later months → fit → registry."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from features.errors import GateError
from models.calibration.shrinkage import monthly_swing
from models.churn.fit import fit, steps
from models.churn.model import ChurnModel
from models.churn.serialization import REFERENCE, to_files
from models.dataset.examples import Examples
from models.drift.reference import Reference, learn_reference
from models.explain.shap_values import spread
from pipelines.config.run import Run
from pipelines.jobs.read_tables import provenance, read_tables
from pipelines.matrices.store import prune
from pipelines.runtime.environment import code_version, commit, packages
from pipelines.runtime.escaping import plain_json
from pipelines.runtime.progress import bar
from pipelines.snapshots.snapshot import Snapshot
from pipelines.tracking import registry, runs
from pipelines.training import artifacts
from pipelines.training.evaluation import Evaluation, auc_alarm, evaluate, recipe_of
from pipelines.training.examples import TrainingData, leave_out_treated, make_examples, rows_digest
from pipelines.training.horizons import Outcomes, learn_outcomes
from pipelines.training.leaks import LEAKS, search_leaks
from pipelines.training.newer_examples import MONTHLY_SWING
from pipelines.training.promotion import decide
from pipelines.training.recipe_comparison import Effort, log_trials, try_recipes
from pipelines.training.result import TrainingResult, flat_metrics


@dataclass(frozen=True, slots=True)
class FittedModel:
    """The model fitted on all matured months, its reference, and the parameters for MLflow."""

    model: ChurnModel
    reference: Reference
    params: Mapping[str, object]

    @property
    def files(self) -> dict[str, bytes]:
        """What is stored of it: name → content."""
        return {**to_files(self.model), REFERENCE: self.reference.to_json().encode()}


def train(run: Run, **options: Any) -> TrainingResult:
    """Learn from everything known before the as-of date's midnight and register the model.

    The ``options`` of an ``Effort`` say what is tried beside the recipe, which may be replaced.
    The alias ``champion`` moves to it when ``models.promotion.rules`` says so. Raises
    ``ContractError`` for broken tables, ``GateError`` when there is too little to learn from,
    when a leak is suspected (before anything is fitted), or when the model is too good for churn
    (it is registered then, without the alias).
    """
    effort = Effort(**options)
    snapshot = run.step(read_tables, run)
    prepared = run.step(make_examples, run, snapshot)
    search = run.step(search_leaks, run, snapshot, prepared)
    search.refuse()
    prepared, chosen = run.step(leave_out_treated, run, prepared)
    trials = run.step(try_recipes, run, prepared, effort)
    settings = trials.settings
    run = replace(run, settings=settings)
    evaluation = run.step(evaluate_recipe, run, prepared)
    outcomes = run.step(learn_outcomes, run, prepared, evaluation)
    fitted = run.step(fit_all, run, prepared, evaluation, outcomes)
    pictures = artifacts.draw_plots(settings, evaluation)
    folder = settings.paths.training / run.record.run_id
    artifacts.store_artifacts(folder, evaluation, pictures)
    files = artifacts.run_facts(evaluation, prepared, snapshot) | pictures
    files |= {LEAKS: search.to_json(), "tried.json": trials.to_json()}
    files |= dict(outcomes.files) | dict(chosen)
    metrics = flat_metrics(evaluation) | dict(outcomes.metrics)
    registered = run.step(register, run, snapshot, prepared, fitted, evaluation, metrics, files)
    log_trials(settings, registered, trials)
    decided = run.step(decide, run, evaluation, fitted.model, registered)
    if evaluation.leak is not None:
        raise GateError(evaluation.leak)
    prune(settings, snapshot)
    return TrainingResult(registered, decided, evaluation, folder, trials)


def evaluate_recipe(run: Run, prepared: TrainingData) -> Evaluation:
    record = run.record
    with record.stage("judging") as stage:
        evaluation = evaluate(run.settings, prepared.examples, run.as_of)
        stage.rows_in, stage.rows_out = len(prepared.examples), len(evaluation.test)
    auc = evaluation.cards["model"]["auc"].value
    record.gate("auc_alarm", auc, high=auc_alarm(run.settings, prepared.examples))
    unseen = evaluation.unseen
    if unseen is not None and unseen.differs:
        record.notes.append(
            f"the model remembers customers: AUC {unseen.seen_auc:.3f} for those it has met, "
            f"{unseen.unseen_auc:.3f} for the same {unseen.customers} when it has not"
        )
    return evaluation


def fit_all(
    run: Run, prepared: TrainingData, evaluation: Evaluation, outcomes: Outcomes
) -> FittedModel:
    """Fit the model that may become champion on all matured months."""
    settings, record, examples = run.settings, run.record, prepared.examples
    recipe = recipe_of(settings, len(examples), examples.single_date)
    with record.stage("fitting") as stage, bar("fitting on all months", steps(recipe)) as advance:
        stage.rows_in = len(examples)
        model, mix = fit(examples, recipe, advance)
    record.feature_spec_hash = model.spec.hash
    params = {
        **{name: value for name, value in asdict(recipe).items() if name != "threads"},
        "lead_days": settings.label.lead_days,
        "horizon_days": settings.label.horizon_days,
        "first_as_of": str(examples.as_of.min()),
        "last_as_of": str(examples.as_of.max()),
        "rows": len(examples),
        "features": len(model.spec.columns),
        "rounds_fitted": tuple(trial.rounds for trial in mix.grown),
        "leaves_of_boosters": tuple(trial.shape.num_leaves for trial in mix.grown),
    }
    reference = learn_reference(
        examples.x, examples.as_of, examples.spec, evaluation.scores["model"], evaluation.test.as_of
    )
    return FittedModel(replace(model, incidence=outcomes.model), reference, params)


def circumstances(run: Run, snapshot: Snapshot, taught: Examples) -> dict[str, dict[str, Any]]:
    """All that decides the bytes of a model that learns from ``taught``, in parts by name."""
    return {
        "tables": {"as of": str(run.as_of), "snapshot": snapshot.digest},
        "inputs": dict(snapshot.inputs),
        "configuration": run.configuration,
        "code": {"version": code_version(), "commit": commit()},
        "packages": packages(),
        "rows": {"digest": rows_digest(taught, taught.spec.hash)},
    }


def register(
    run: Run,
    snapshot: Snapshot,
    prepared: TrainingData,
    fitted: FittedModel,
    evaluation: Evaluation,
    metrics: Mapping[str, float],
    files: Mapping[str, bytes],
) -> registry.Registered:
    """Write parameters, metrics, files (by path), the model and its card to MLflow."""
    spec, taught, test = fitted.model.spec, prepared.examples, evaluation.test
    tags = provenance(run, snapshot) | {
        "feature_spec_hash": spec.hash,
        "feature_definition_hash": spec.definition_hash,
        "families": json.dumps({k: round(v, 6) for k, v in spread(evaluation.families).items()}),
        "judged_on": "; ".join(evaluation.folds),
        "test_key": rows_digest(test, features=False),
        MONTHLY_SWING: repr(monthly_swing(taught.as_of, taught.y)),
        "leak_warning": evaluation.leak or "none",
    }
    card = artifacts.model_card(run.settings, prepared, evaluation, run.as_of, tags["code_version"])
    origin = plain_json(circumstances(run, snapshot, taught))
    sources = {name: tags[name] for name in ("inputs_digest", "config_digest", "known_before")}
    training = runs.Training(
        name=f"train {run.as_of}",
        started_at=run.record.started_at,
        params=fitted.params,
        metrics=metrics,
        tags=tags,
        files={**files, artifacts.CARD: card.encode(), runs.PROVENANCE: origin},
        model_files=fitted.files,
        datasets=(
            runs.dataset_input("training", taught, rows_digest(taught, spec.hash), sources),
            runs.dataset_input("test", test, rows_digest(test, spec.hash), sources),
        ),
        description=artifacts.description(card),
    )
    with bar("logging to MLflow", 1) as advance:
        registered = runs.log_training(run.settings, training)
        advance(registered.label)
    return registered
