"""A search is repeatable, goes on where it ended, and never sees a test row."""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import optuna
import pandas as pd
import pytest
from filelock import FileLock

from features.errors import BusyError, ConfigError, GateError
from features.timeline import month_starts
from models.dataset.examples import Examples
from models.dataset.feature_spec import FeatureColumn, learn_spec
from models.metrics.bootstrap import Interval
from pipelines.config.run import Run
from pipelines.config.sections import Training
from pipelines.runtime.run_record import RunRecord
from pipelines.tracking import runs
from pipelines.training import recipe_comparison
from pipelines.training import search as searching
from pipelines.training.evaluation import recipe_of
from pipelines.training.evaluation import test_folds as folds_of
from pipelines.training.examples import TrainingData
from pipelines.training.recipe_comparison import (
    CandidateResult,
    Effort,
    RecipeComparison,
    compare_challengers,
    try_recipes,
)
from pipelines.training.search import search, study_name

COLUMNS = tuple(
    FeatureColumn(name, "number", "wait", "support_wait", sign, name)
    for name, sign in (("wait", 1), ("noise", 0))
)


@pytest.fixture(scope="module")
def examples():
    rng = np.random.default_rng(0)
    days = month_starts(date(2023, 1, 1), date(2023, 10, 1))
    rows = 250 * len(days)
    frame = pd.DataFrame(
        {
            "customer_id": np.repeat([f"{i:04d}" for i in range(250)], len(days)),
            "as_of": np.tile(np.array(days, dtype="datetime64[D]"), 250),
            "product_line": "power",
            "wait": rng.normal(size=rows).astype("float32"),
            "noise": rng.normal(size=rows).astype("float32"),
        }
    )
    label = pd.Series((frame["wait"] + rng.normal(size=rows) > 0.8).astype(int))
    return Examples.build(frame, learn_spec(COLUMNS, frame), label)


@pytest.fixture
def settings(company, monkeypatch):
    def quick(settings, rows, single_date):
        return replace(recipe_of(settings, rows, single_date), max_rounds=20)

    monkeypatch.setattr(recipe_comparison, "recipe_of", quick)
    training = {"first_as_of": "2023-01-01", "seeds": 1, "learning_rate": 0.1, "bootstrap": 5}
    label = {"lead_days": 0, "horizon_days": 30}
    return company(training=training, label=label, engine={"threads": 1})


@pytest.fixture
def logged(monkeypatch):
    """Trials that MLflow was given."""
    trials = []
    monkeypatch.setattr(runs, "search_run", lambda settings, study: study)

    def log(_settings, _kind, *told, parent):
        trials.append((parent, *told))

    monkeypatch.setattr(runs, "log_run", log)
    return trials


def run_of(settings):
    return Run(settings, date(2024, 1, 1), RunRecord("run", "train", ""))


def in_folder(settings, folder):
    return settings.model_copy(update={"paths": settings.paths.model_copy(update={"var": folder})})


def told(trials):
    return [(name, dict(params), dict(metrics), tags) for _, name, params, metrics, tags in trials]


def test_a_search_that_goes_on_finds_what_an_unbroken_one_does(
    settings, examples, logged, tmp_path
):
    broken, whole = (in_folder(settings, tmp_path / name) for name in ("broken", "whole"))
    first = search(run_of(broken), examples, Effort(search=True, trials=3))
    study = optuna.load_study(
        study_name=None, storage=f"sqlite:///{tmp_path / 'broken' / 'search' / 'studies.db'}"
    )
    study.ask()
    again = search(run_of(broken), examples, Effort(search=True, trials=8))
    in_two = told(logged)
    logged.clear()
    at_once = search(run_of(whole), examples, Effort(search=True, trials=8))
    in_one = told(logged)
    assert [each[1:] for each in in_two] == [each[1:] for each in in_one]
    assert again == replace(at_once, cpu_seconds=again.cpu_seconds)
    states = [tags["state"] for *_, tags in in_one]
    assert len(states) == 8
    assert "complete" in states
    assert "pruned" in states
    pruned = next(metrics for _, _, metrics, tags in in_one if tags["state"] == "pruned")
    assert "log_loss" not in pruned
    assert first.changes == in_one[0][1] or first.changes in [
        params for _, params, *_ in in_one[:3]
    ]
    logged.clear()
    assert search(run_of(whole), examples, Effort(search=True, trials=8)).gap == at_once.gap
    assert logged == []


def test_the_first_trial_is_the_configured_recipe(settings, examples, logged):
    held = search(run_of(settings), examples, Effort(search=True, minutes=0.0001))
    ((_, name, params, metrics, tags),) = logged
    recipe = recipe_of(settings, 1000)
    assert (name, tags["state"]) == ("trial 0", "complete")
    assert params == {field: getattr(recipe, field) for field in params}
    assert held.gap == Interval(0.0, 0.0, 0.0)
    assert not held.wins
    assert metrics["log_loss"] == metrics["log_loss_after_fold_3"]


@pytest.mark.parametrize("set_to", [10, None])
def test_how_many_stayers_are_learned_from_can_be_set(settings, set_to):
    many = 200_000
    assert recipe_of(settings, many).negatives == 20
    training = {**settings.training.model_dump(exclude_unset=True), "negatives": set_to}
    configured = settings.model_copy(update={"training": Training.model_validate(training)})
    assert recipe_of(configured, many).negatives == set_to


def test_labels_of_test_months_decide_nothing(settings, examples):
    tested = folds_of(settings, examples)[-1].test
    flipped = replace(examples, y=np.where(tested, 1 - examples.y, examples.y).astype(np.int8))
    names = [study_name(RecipeComparison(settings, each)) for each in (examples, flipped)]
    assert names[0] == names[1]
    older = replace(examples, y=np.where(tested, examples.y, 1 - examples.y).astype(np.int8))
    assert study_name(RecipeComparison(settings, older)) != names[0]


def test_another_recipe_starts_another_study(settings, examples):
    deeper = settings.training.model_copy(update={"num_leaves": 7})
    other = settings.model_copy(update={"training": deeper})
    assert study_name(RecipeComparison(settings, examples)) != study_name(
        RecipeComparison(other, examples)
    )


def test_one_search_at_a_time(settings, examples, logged):
    folder = settings.paths.var / "search"
    folder.mkdir(parents=True)
    with FileLock(folder / ".lock"), pytest.raises(BusyError, match="another run searches"):
        search(run_of(settings), examples, Effort(search=True, trials=1))


@pytest.mark.parametrize(("high", "used"), [(-0.001, True), (0.001, False)])
def test_only_a_clear_winner_replaces_the_recipe(settings, examples, monkeypatch, high, used):
    found = CandidateResult("best", {}, Interval(-0.01, -0.02, high), 1.0, {"num_leaves": 9})
    monkeypatch.setattr(searching, "search", lambda *_: found)
    prepared = TrainingData(examples, {}, ())
    tried = try_recipes(run_of(settings), prepared, Effort(search=True, trials=1))
    assert recipe_of(tried.settings, 1000).num_leaves == (9 if used else 15)
    assert tried.candidates == (found,)
    assert found.verdict.startswith(
        "best beats the recipe" if used else "best does not beat the recipe"
    )
    assert ("set training: {num_leaves: 9}" in found.verdict) == used


def test_nothing_is_tried_unless_asked_for(settings, examples):
    tried = try_recipes(run_of(settings), TrainingData(examples, {}, ()), Effort())
    assert (tried.settings, tried.candidates, tried.to_json()) == (settings, (), b"[]")


def test_challengers_are_held_and_change_nothing(settings, examples):
    asked = settings.training.model_copy(update={"challengers": True})
    configured = settings.model_copy(update={"training": asked})
    run = run_of(configured)
    tried = try_recipes(run, TrainingData(examples, {}, ()), Effort())
    assert tried.settings == configured
    names = [held.name for held in tried.candidates]
    assert names == ["63 leaves", "monotone"]
    assert run.record.notes == [held.verdict for held in tried.candidates]
    kept = {row["name"]: row for row in json.loads(tried.to_json())}
    assert list(kept) == names
    assert kept["63 leaves"]["changes"]["num_leaves"] == 63
    assert kept["monotone"]["gap"]["value"] == tried.candidates[1].gap.value
    assert all("log_loss" in held.card for held in tried.candidates)
    assert run.record.stages[0].name == "challengers"


def test_without_a_row_left_there_is_no_rivalry(settings, examples):
    single = examples.take(examples.as_of == examples.as_of[0])
    training = settings.training.model_copy(update={"folds": 3})
    with pytest.raises(GateError, match=r"training\.folds to 1"):
        compare_challengers(run_of(settings.model_copy(update={"training": training})), single)


@pytest.mark.parametrize("given", [{"trials": 3}, {"minutes": 1.0}, {"search": True, "trials": 0}])
def test_limits_belong_to_a_search(given):
    with pytest.raises(ConfigError, match="--minutes and --trials"):
        Effort(**given)


def test_a_search_without_limits_takes_ten_minutes():
    assert Effort(search=True).seconds == 600
    assert Effort(search=True, trials=5).seconds is None
    assert Effort(search=True, trials=5, minutes=2).seconds == 120
