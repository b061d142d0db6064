"""Hyperparameter search (Optuna, tree-structured Parzen estimator) on development rows only.

The space is what steers the size of the trees and their averaging; the rest follows from the rows.
The study lies in ``var/search/studies.db``. Its name is a digest of the rows and of the configured
recipe, so that other data or another recipe starts another study. Every trial is an MLflow run.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import optuna
from filelock import AcquireReturnProxy, FileLock, Timeout
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from features.errors import BusyError
from models.baselines.out_of_fold import out_of_fold
from models.boosters.hyperparameters import Recipe
from models.dataset.examples import Examples
from pipelines.config.run import Run
from pipelines.config.settings import Settings
from pipelines.runtime.progress import bar
from pipelines.tracking import runs
from pipelines.training.examples import rows_digest
from pipelines.training.recipe_comparison import CandidateResult, Effort, RecipeComparison

SPACE: Mapping[str, FloatDistribution | IntDistribution] = {
    "learning_rate": FloatDistribution(0.01, 0.1, log=True),
    "num_leaves": IntDistribution(4, 63, log=True),
    "max_depth": IntDistribution(2, 8),
    "min_data_in_leaf": IntDistribution(10, 200, log=True),
    "bagging_fraction": FloatDistribution(0.5, 1.0),
    "feature_fraction": FloatDistribution(0.2, 1.0),
    "lambda_l2": FloatDistribution(0.1, 50.0, log=True),
}
_FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
_VERSION = 1
_RANDOM_TRIALS = 8
_UNPRUNED_TRIALS = 5


def search(run: Run, examples: Examples, effort: Effort) -> CandidateResult:
    """Run trials until the effort is spent and compare the best one with the configured recipe.

    A trial fits one seed on every fold and is pruned where the median of the trials before was
    better. The same rows, recipe and number of trials give the same trials, in one call or in
    many. Raises ``BusyError`` while another run searches.
    """
    settings, record = run.settings, run.record
    comparison = RecipeComparison(settings, examples)
    with record.stage("search") as stage, _lock(settings.paths.search):
        study = _study(settings.paths.search, study_name(comparison))
        # A run that was killed left these; the lock says that nobody works on them.
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            study.tell(trial.number, state=TrialState.FAIL)
        _run_trials(settings, comparison, study, effort)
        trials = _finished(study)
        stage.rows_in, stage.rows_out = len(comparison.examples), trials
    changes = study.best_trial.user_attrs["changes"]
    best = comparison.compare("the search's best trial", changes)
    record.notes += [f"search: {trials} trials in all on {comparison.folds[0].name}", best.verdict]
    return best


def study_name(comparison: RecipeComparison) -> str:
    """A digest of everything that decides what a trial gives."""
    examples = comparison.examples
    about = {
        "version": _VERSION,
        "recipe": {k: v for k, v in asdict(comparison.recipe).items() if k != "threads"},
        "spec": examples.spec.hash,
        "signs": examples.spec.signs,
        "window": asdict(comparison.window),
        "folds": [fold.name for fold in comparison.folds],
    }
    return rows_digest(examples, json.dumps(about, sort_keys=True))[:32]


def _run_trials(
    settings: Settings, comparison: RecipeComparison, study: optuna.Study, effort: Effort
) -> None:
    parent = runs.search_run(settings, study.study_name)
    began, spent = time.monotonic(), [0.0]
    with bar("searching", effort.trials) as advance:
        while _more(study, effort, time.monotonic() - began, sum(spent) / len(spent)):
            started = time.monotonic()
            trial = _run_trial(comparison, study)
            spent.append(time.monotonic() - started)
            _log(settings, parent, trial)
            advance(f"trial {trial.number}: {trial.state.name.lower()}")


def _more(study: optuna.Study, effort: Effort, elapsed: float, usual: float) -> bool:
    """Whether another trial may begin, and would be likely to end in time."""
    finished = _finished(study)
    if effort.trials is not None and finished >= effort.trials:
        return False
    return finished == 0 or effort.seconds is None or elapsed + usual <= effort.seconds


def _run_trial(comparison: RecipeComparison, study: optuna.Study) -> FrozenTrial:
    finished = _finished(study)
    if finished == 0:
        study.enqueue_trial(clipped(comparison.recipe), skip_if_exists=True)
    # Seeded for each trial, so that a study that goes on draws what an uninterrupted one would.
    study.sampler = optuna.samplers.TPESampler(seed=finished, n_startup_trials=_RANDOM_TRIALS)
    trial = study.ask(fixed_distributions=dict(SPACE))
    changes = rounded(trial.params)
    trial.set_user_attr("changes", changes)

    def report(number: int, loss: float) -> None:
        trial.report(loss, number)
        if trial.should_prune():
            raise optuna.TrialPruned

    try:
        make = comparison.scorer(changes, seeds=1)
        loss = out_of_fold(comparison.examples, comparison.folds, make, report).log_loss
    except optuna.TrialPruned:
        return study.tell(trial, state=TrialState.PRUNED)
    return study.tell(trial, loss)


def rounded(params: Mapping[str, float | int]) -> dict[str, float | int]:
    """A trial's changes to the recipe, to three digits, so that they can be configured exactly."""
    return {
        name: float(f"{value:.3g}") if isinstance(SPACE[name], FloatDistribution) else value
        for name, value in params.items()
    }


def clipped(recipe: Recipe) -> dict[str, float | int]:
    """The recipe itself as a first trial, each value moved within its bounds."""
    return {
        name: min(max(getattr(recipe, name), bounds.low), bounds.high)
        for name, bounds in SPACE.items()
    }


def _finished(study: optuna.Study) -> int:
    return len(study.get_trials(deepcopy=False, states=_FINISHED))


def _log(settings: Settings, parent: str, trial: FrozenTrial) -> None:
    changes: Mapping[str, object] = trial.user_attrs["changes"]
    losses = {f"log_loss_after_fold_{n + 1}": v for n, v in trial.intermediate_values.items()}
    # Optuna gives a pruned trial its last intermediate value, which is of fewer rows.
    whole = trial.state == TrialState.COMPLETE and trial.value is not None
    final = {"log_loss": float(trial.value or 0.0)} if whole else {}
    state = {"state": trial.state.name.lower()}
    name = f"trial {trial.number}"
    runs.log_run(settings, "search", name, changes, losses | final, state, parent=parent)


def _study(folder: Path, name: str) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(
        storage=f"sqlite:///{folder.absolute() / 'studies.db'}",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=_UNPRUNED_TRIALS),
        study_name=name,
        load_if_exists=True,
    )


def _lock(folder: Path) -> AcquireReturnProxy:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return FileLock(folder / ".lock", fallback_to_soft=False).acquire(blocking=False)
    except Timeout as error:
        raise BusyError(
            f"another run searches in {folder}. Wait for it, then run the same command again: "
            "it goes on where that one ends."
        ) from error
