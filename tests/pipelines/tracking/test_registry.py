"""The registry gives back exactly what was registered, or says why it cannot."""

import json
import os
import time
from dataclasses import replace

import lightgbm as lgb
import mlflow
import numpy as np
import pytest
from mlflow.utils.logging_utils import MLFLOW_LOGGING_STREAM

from features.errors import ModelError
from models.calibration.platt import Calibration
from models.churn.model import ChurnModel
from models.churn.serialization import to_files
from models.dataset.feature_spec import FeatureColumn, FeatureSpec
from pipelines.config.settings import load_settings
from pipelines.tracking import files, registry, runs

SPEC = FeatureSpec(
    (
        FeatureColumn("bill", "number", "bill_shock", "billing_friction", 1, "max(bill)"),
        FeatureColumn("wait", "number", "wait", "support_wait", 1, "max(wait)"),
    )
)


@pytest.fixture(scope="module")
def model():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(500, 2))
    y = (x.sum(axis=1) + rng.normal(size=500) > 0).astype(int)
    data = lgb.Dataset(x, y, feature_name=list(SPEC.names))
    booster = lgb.train({"objective": "binary", "verbosity": -1, "num_threads": 1}, data, 5)
    return ChurnModel((booster,), Calibration(0.9, -0.1), SPEC)


@pytest.fixture
def settings(demo, tmp_path):
    """The demo's store, with a registered model of its own."""
    return load_settings(demo.config_in(tmp_path, tracking={"model": tmp_path.name}))


def training(model, **changes):
    made = runs.Training(
        name="train-of-a-test",
        params={"rows": 500},
        metrics={"auc": 0.7},
        tags={"inputs_digest": "abc", "known_before": "2024-03-01"},
        files={"scorecard.json": b"{}", "plots/roc.png": b"png"},
        model_files=to_files(model),
    )
    return replace(made, **changes)


def test_a_registered_model_comes_back_as_it_was(settings, model):
    registered = runs.log_training(settings, training(model))
    assert registered.label == f"{settings.tracking.model}/1"
    assert registry.champion_version(settings) is None
    registry.promote(settings, registered, "a test")
    champion = registry.champion_version(settings)
    assert replace(champion, tags=registered.tags) == registered
    assert champion.tags["promoted_why"] == "a test"
    again = files.load(settings, champion)
    assert to_files(again) == to_files(model)
    x = np.random.default_rng(2).normal(size=(50, 2)).astype("float32")
    np.testing.assert_array_equal(again.probability(x), model.probability(x))

    second = runs.log_training(settings, training(model))
    assert second.label == f"{settings.tracking.model}/2"
    assert registry.champion_version(settings).version == "1"
    registry.promote(settings, second, "a test")
    assert registry.champion_version(settings).version == "2"


def test_mlflow_says_nothing_of_its_own(settings, model, capsys, monkeypatch):
    log_model = mlflow.pyfunc.log_model

    def talkative(**given):
        """As the first call in a process does."""
        MLFLOW_LOGGING_STREAM.enabled = True
        return log_model(**given)

    monkeypatch.setattr(mlflow.pyfunc, "log_model", talkative)
    for _ in range(2):
        registry.promote(settings, runs.log_training(settings, training(model)), "a test")
    assert tuple(capsys.readouterr()) == ("", "")


@pytest.mark.promise("whole_model")
def test_another_digest_is_refused_before_anything_is_parsed(settings, model, monkeypatch):
    registered = runs.log_training(settings, training(model))

    def never(*_, **__):
        raise AssertionError("parsed")

    monkeypatch.setattr(lgb, "Booster", never)
    with pytest.raises(ModelError, match="do not match the digest 000000000000"):
        files.load(settings, replace(registered, digest="0" * 64))


def test_a_version_that_training_did_not_register_is_refused(settings, model):
    registered = runs.log_training(settings, training(model))
    registry.promote(settings, registered, "a test")
    mlflow.MlflowClient().delete_model_version_tag(registered.name, registered.version, "digest")
    with pytest.raises(ModelError, match="has no digest") as refused:
        registry.champion_version(settings)
    assert "stille train" in str(refused.value)


def test_a_version_that_is_gone_is_refused(settings):
    registry.connect(settings)
    lost = registry.Registered(settings.tracking.model, "7", "run", "0" * 64, {})
    with pytest.raises(ModelError, match="/7 cannot be fetched"):
        files.load(settings, lost)


@pytest.mark.promise("no_code")
@pytest.mark.fault(36)
def test_nothing_of_an_artefact_can_run(demo, trained):
    stored = {path.name for path in demo.var.glob("mlartifacts/**/*") if path.is_file()}
    assert not {name for name in stored if name.endswith((".pkl", ".joblib", ".cloudpickle"))}
    assert os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"


@pytest.mark.promise("registry_down")
def test_a_dead_store_is_told_of_within_half_a_minute(demo, stille, tmp_path):
    config = demo.config_in(tmp_path, tracking={"uri": None})
    text = config.read_text().replace("model: churn", "model: churn\n  uri: http://127.0.0.1:9")
    config.write_text(text)
    begun = time.monotonic()
    ended = stille("nightly", "--plain", "--config", config, "--as-of", demo.as_of)
    assert ended.code == 4
    assert "http://127.0.0.1:9 cannot be used" in ended.err
    assert "tracking.uri" in ended.err
    assert "Traceback" not in ended.err
    assert time.monotonic() - begun < 30


def test_the_table_of_runs_opens_on_what_matters_and_on_who_is_champion(settings, model):
    """Also where the experiment was made by an older release; a kind that somebody chose stays."""
    experiment, client = registry.connect(settings), mlflow.MlflowClient()
    client.delete_experiment_tag(experiment, f"mlflow.sharedViewState.{registry.VIEW}")
    client.set_experiment_tag(experiment, "mlflow.experimentKind", "finetuning")
    registry.connect(settings)
    tags = client.get_experiment(experiment).tags
    shown = json.loads(tags[f"mlflow.sharedViewState.{registry.VIEW}"])["selectedColumns"]
    assert {"metrics.`auc`", "metrics.`log_loss`", "tags.`champion`"} <= set(shown)
    assert tags["mlflow.experimentKind"] == "finetuning"
    client.set_experiment_tag(experiment, "mlflow.experimentKind", "custom_model_development")
    first, second = (runs.log_training(settings, training(model)) for _ in range(2))
    registry.promote(settings, first, "a test")
    registry.promote(settings, second, "a test")
    told = [client.get_run(each.run_id).data.tags["champion"][:6] for each in (first, second)]
    assert told == ["until ", "since "]
    registry.roll_back(settings, second, first, "a test")
    told = [client.get_run(each.run_id).data.tags["champion"][:6] for each in (first, second)]
    assert told == ["since ", "until "]
