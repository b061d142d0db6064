"""A training run leaves a registered, explained and reproducible model behind."""

import json
import shutil
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import mlflow
import numpy as np
import pytest
from trees import records

from features.errors import GateError, ModelError
from models.churn.serialization import REFERENCE, digest, to_files
from pipelines.config.settings import load_settings
from pipelines.jobs.entry import TRAIN
from pipelines.tracking import files as model_files
from pipelines.tracking import registry
from pipelines.training.result import flat_metrics

PNG = b"\x89PNG\r\n\x1a\n"
PICTURES = {
    "roc",
    "precision_recall",
    "calibration",
    "gains",
    "drivers_by_family",
    "features_beeswarm",
    "dependence",
    "staying_power",
    "profit",
}


@pytest.fixture
def settings(demo):
    found = load_settings(demo.config)
    registry.connect(found)
    return found


@pytest.fixture
def run(settings, trained):
    return mlflow.MlflowClient().get_run(trained.registered.run_id)


def test_the_first_good_model_becomes_champion(settings, trained):
    assert trained.verdict.promote
    assert "There is no champion yet." in trained.verdict.reasons
    champion = registry.champion_version(settings)
    assert champion is not None
    assert (champion.version, champion.digest) == ("1", trained.registered.digest)


def test_mlflow_holds_what_the_recipe_was(run, trained):
    params = run.data.params
    assert (params["lead_days"], params["horizon_days"]) == ("14", "90")
    assert params["seeds"] == "(1,)"
    # 2023-11-01 is the last first of a month with 14 + 90 days before 2024-03-01.
    assert (params["first_as_of"], params["last_as_of"]) == ("2023-01-01", "2023-11-01")
    assert int(params["features"]) > 100
    assert int(params["rows"]) > len(trained.evaluation.test)
    assert "threads" not in params


def test_mlflow_holds_few_and_finite_metrics(run, trained):
    metrics = run.data.metrics
    assert len(metrics) <= 40
    assert np.isfinite(list(metrics.values())).all()
    outcomes = {"outcomes_voluntary_auc", "outcomes_voluntary_level"}
    assert metrics.keys() >= outcomes
    ours = {name: value for name, value in metrics.items() if name not in outcomes}
    assert ours == pytest.approx(flat_metrics(trained.evaluation))
    judged = trained.evaluation
    y, p = judged.test.y, judged.scores["model"]
    log_loss = -np.mean(np.where(y == 1, np.log(p), np.log1p(-p)))
    pairs = p[y == 1][:, None] - p[y == 0][None, :]
    assert metrics["auc"] == pytest.approx(((pairs > 0) + (pairs == 0) / 2).mean())
    assert metrics["log_loss"] == pytest.approx(log_loss)
    assert metrics["base_rate"] == pytest.approx(y.mean())
    assert metrics["auc_low"] <= metrics["auc"] <= metrics["auc_high"]
    assert metrics["logistic_auc"] > 0.5


def test_the_run_and_the_version_carry_the_same_tags(settings, run, trained):
    version = registry.champion_version(settings)
    tags = dict(version.tags)
    stored = model_files.load(settings, version)
    files = {
        **to_files(stored),
        REFERENCE: model_files.load_reference(settings, version).to_json().encode(),
    }
    assert tags.pop("digest") == digest(files) == trained.registered.digest
    assert tags["feature_spec_hash"] == stored.spec.hash
    assert tags["feature_definition_hash"] == stored.spec.definition_hash
    assert tags["known_before"] == "2024-03-01"
    assert tags["judged_on"] == "time, 2023-09 to 2023-11"
    assert tags["leak_warning"] == "none"
    decided = {
        "verdict": "passed",
        "verdict_failed": "none",
        "champion_compared": "none",
        "best_of_year": "the champion",
        "compared_in_year": "1",
    }
    assert {key: tags.pop(key) for key in decided} == decided
    # Only the version says how it was promoted: other tests of the session move the alias and
    # give it back, and each move is written there.
    moved = {key: tags.pop(key) for key in list(tags) if key.startswith("promoted_")}
    assert moved["promoted_why"]
    assert moved["promoted_at"].endswith("Z")
    assert {key: run.data.tags[key] for key in tags} == tags


def test_the_version_holds_how_its_training_rows_were_distributed(settings, trained):
    champion = registry.champion_version(settings)
    reference = model_files.load_reference(settings, champion)
    assert set(reference.features) == set(trained.evaluation.test.spec.names)
    assert reference.scored == len(trained.evaluation.test)
    wait = reference.features["wait_max_90d"]
    assert sum(wait.shares) + wait.null == pytest.approx(1)
    with pytest.raises(ModelError, match="was changed"):
        model_files.load_reference(settings, replace(champion, digest="0" * 64))


def test_mlflow_holds_pictures_and_facts(settings, trained):
    client = mlflow.MlflowClient()
    run_id = trained.registered.run_id
    listed = client.list_artifacts(run_id, "plots")
    assert {each.path for each in listed} == {f"plots/{name}.png" for name in PICTURES}
    fetched = {each.path: Path(client.download_artifacts(run_id, each.path)) for each in listed}
    assert all(path.read_bytes().startswith(PNG) for path in fetched.values())
    card = json.loads(Path(client.download_artifacts(run_id, "scorecard.json")).read_bytes())
    assert card["model"]["auc"]["value"] == trained.evaluation.cards["model"]["auc"].value
    assert set(card) == {"model", "base_rate", "one_rule", "logistic", "price_only", "next_date"}
    assert card["base_rate"]["calibration_slope"]["value"] is None


def test_mlflow_holds_how_right_each_part_is_and_how_long(settings, trained):
    client, run_id = mlflow.MlflowClient(), trained.registered.run_id

    def read(name):
        return json.loads(Path(client.download_artifacts(run_id, name)).read_bytes())

    parts = {row["outcome"]["name"]: row for row in read("calibration.json")}
    assert set(parts) == {
        "all",
        "product_line=broadband",
        "product_line=electricity",
        *(f"month=2023-{month:02d}" for month in (9, 10, 11)),
    }
    y, p = trained.evaluation.test.y, trained.evaluation.scores["model"]
    whole = parts["all"]["outcome"]
    assert (whole["rows"], whole["observed"]) == (len(y), y.sum())
    assert whole["expected"] == pytest.approx(p.sum())
    assert whole["ratio"]["value"] == pytest.approx(y.mean() / p.mean())
    months = read("staying_power.json")
    assert [month["months"] for month in months] == [0, 1, 2, 3, 4, 5]
    assert (months[0]["first_as_of"], months[-1]["last_as_of"]) == ("2023-06-01", "2023-11-01")
    assert all(0.5 < month["card"]["auc"]["value"] < 0.95 for month in months)
    unseen = read("unseen_customers.json")
    assert unseen["leavers"] >= 20
    assert unseen["differs"] is False
    assert read("baselines.json")["next_date"].startswith("months to ")


def test_pictures_and_test_scores_are_kept_beside_the_run(trained):
    kept = {path.stem for path in (trained.folder / "plots").glob("*.png")}
    assert kept == PICTURES
    drivers = json.loads((trained.folder / "drivers.json").read_bytes())
    assert drivers == pytest.approx(trained.evaluation.drivers.to_dict())


def test_the_run_took_as_long_as_the_training(demo, run, trained):
    [record] = [r for r in records(demo.var, "train") if r["model_version"] == "churn/1"]
    started = datetime.fromisoformat(record["started_at"])
    assert run.info.start_time == int(started.timestamp() * 1000)
    took = (run.info.end_time - run.info.start_time) / 1000
    assert took >= sum(stage["seconds"] for stage in record["stages"])
    assert run.data.tags["mlflow.source.git.commit"] == run.data.tags["commit"]
    assert run.data.tags["champion"].split()[0] in ("since", "until")


def test_the_run_record_says_how_training_went(demo, trained, settings):
    (record,) = [r for r in records(demo.var, "train") if r["model_version"] == "churn/1"]
    assert (record["status"], record["exit_code"], record["error"]) == ("succeeded", 0, None)
    assert [stage["name"] for stage in record["stages"]] == [
        "tables",
        "features",
        "leaks",
        "judging",
        "outcomes",
        "fitting",
    ]
    assert all(stage["finished"] for stage in record["stages"])
    assert record["model_digest"] == trained.registered.digest
    gates = {gate["name"]: gate for gate in record["gates"]}
    assert (gates["auc_alarm"]["high"], gates["auc_alarm"]["passed"]) == (0.85, True)
    assert (gates["suspected_leaks"]["value"], gates["suspected_leaks"]["passed"]) == (0, True)
    assert len(record["input_digests"]) == len(settings.sources)
    assert record["untracked"] is False
    assert list((demo.var / "matrix").glob("train-*")) == []
    assert list(demo.var.glob("matrices/*/as_of=2023-*"))
    assert list(demo.var.glob("matrices/*/as_of=2022-01-15")) == []


@pytest.mark.promise("deterministic")
@pytest.mark.fault(40)
@pytest.mark.slow
def test_a_suspected_leak_refuses_the_alias_and_the_same_data_make_the_same_model(
    demo, trained, settings, tmp_path
):
    config = demo.config_in(tmp_path, training={"auc_alarm": 0.55}, engine={"threads": 1})
    shutil.copytree(demo.var / "training", tmp_path / "var" / "training")
    with pytest.raises(GateError, match=r"above 0\.55: too good for churn") as refused:
        TRAIN.start(config, demo.as_of)
    assert refused.value.exit_code == 6
    champion = registry.champion_version(settings)
    assert champion.version == "1"
    (record,) = records(tmp_path / "var", "train")
    assert (record["status"], record["exit_code"]) == ("failed", 6)
    assert record["error"]["kind"] == "GateError"
    assert [gate["name"] for gate in record["gates"] if not gate["passed"]] == [
        "auc_alarm",
        "promotion.no_leak",
    ]
    name, version = record["model_version"].split("/")
    assert (name, version != champion.version) == ("churn", True)
    assert record["model_digest"] == trained.registered.digest
    gates = {gate["name"]: gate for gate in record["gates"]}
    assert gates["promotion.log_loss_gain"]["value"] == 0
    assert gates["promotion.stable_top"]["value"] == 1
    registered = mlflow.MlflowClient().get_model_version(name, version)
    assert registered.tags["leak_warning"].startswith("AUC ")
    assert list(registered.aliases) == []


@pytest.mark.fault(41, 42)
def test_too_short_a_history_says_what_to_change(demo, tmp_path):
    config = demo.config_in(tmp_path)
    with pytest.raises(GateError, match=r"Set training\.first_as_of earlier or train later"):
        TRAIN.start(config, date(2023, 3, 1))
    (record,) = records(tmp_path / "var", "train")
    assert (record["status"], record["exit_code"]) == ("failed", 6)


def test_outcomes_by_horizon_are_judged_on_later_months(run, trained):
    text = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/outcomes_by_horizon.json")
    told = json.loads(text)
    # 2023-08-01 is the last first of a month with 14 + 180 days before 2024-03-01.
    assert told["judged_from"] == "2023-06-01"
    assert list(told["horizons"]) == ["30", "90", "180"]
    for cards in told["horizons"].values():
        assert set(cards) == {"stayed", *told["causes"]}
        for share in ("observed", "predicted"):
            assert sum(card[share] for card in cards.values()) == pytest.approx(1)
        assert cards["voluntary"]["auc"] > 0.6
        level = cards["voluntary"]["predicted"] / cards["voluntary"]["observed"]
        assert 0.5 < level < 2
    beside = told["churn_model_on_the_same_rows"]
    assert beside["rows"] == len(trained.evaluation.test)
    assert beside["churn_model"]["auc"] == pytest.approx(run.data.metrics["auc"])
    assert beside["outcomes_by_horizon"]["auc"] > beside["churn_model"]["auc"] - 0.06


@pytest.mark.proof
def test_what_was_tried_is_in_mlflow_as_runs_inside_the_run(demo, tmp_path):
    own = {"uri": None}
    config = demo.config_in(tmp_path, training={"learning_rate": 0.1}, tracking=own)
    done = TRAIN.start(config, demo.as_of, challengers=True, search=True, trials=2)
    registry.connect(load_settings(config))
    client = mlflow.MlflowClient()

    def inside(parent):
        experiment = client.get_run(parent).info.experiment_id
        return client.search_runs([experiment], f"tags.mlflow.parentRunId = '{parent}'")

    held = {run.info.run_name: run for run in inside(done.registered.run_id)}
    assert set(held) == {each.name for each in done.trials.candidates}
    assert set(held) == {"the search's best trial", "63 leaves", "monotone"}
    for each in done.trials.candidates:
        data = held[each.name].data
        assert data.tags["verdict"] == each.verdict
        assert data.metrics["log_loss"] == pytest.approx(each.card["log_loss"].value)
        assert data.metrics["lift_at_10_pct"] > 0
        assert data.metrics["gap_low"] <= data.metrics["gap"] <= data.metrics["gap_high"]
    (record,) = records(tmp_path / "var", "train")
    assert set(record["notes"]) >= {each.verdict for each in done.trials.candidates}
    searches = client.get_experiment_by_name("churn-search").experiment_id
    (study,) = client.search_runs([searches], "run_name LIKE 'search %'")
    trials = sorted(run.info.run_name for run in inside(study.info.run_id))
    assert trials == ["trial 0", "trial 1"]
