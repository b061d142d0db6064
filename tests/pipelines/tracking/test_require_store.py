"""What would keep a run from being logged is known before anything is read."""

import mlflow
import pytest
from trees import records

from features.errors import ConfigError, ModelError
from pipelines.doctor.doctor import examine, exit_code
from pipelines.jobs.entry import JOBS, TRAIN
from pipelines.tracking import registry


def deleted(settings, part=""):
    """Delete the experiment in MLflow, as a person does on its page."""
    client = mlflow.MlflowClient(registry.tracking_uri(settings))
    client.delete_experiment(registry.connect(settings, part))


def diagnosis(tmp_path):
    found = examine(tmp_path / "config.yaml")
    assert exit_code(found) == 4
    return next(each for each in found if each.check == "model")


def test_asking_makes_no_database(company):
    settings = company()
    assert registry.require_store(settings, *registry.EXPERIMENTS) is None
    assert not settings.paths.mlflow_database.exists()


def test_a_deleted_experiment_stops_training_before_the_tables_are_read(company, tmp_path):
    settings = company()
    deleted(settings)
    with pytest.raises(ModelError, match=r"'churn' of .* was deleted.* experiments restore -x 1"):
        TRAIN.start(tmp_path / "config.yaml")
    (record,) = records(settings.paths.var, "train")
    assert (record["exit_code"], record["stages"]) == (4, [])
    assert "was deleted" in diagnosis(tmp_path).message
    with pytest.raises(ModelError, match="was deleted"):
        registry.connect(settings)


def test_only_the_experiments_of_the_run_are_asked_for(company):
    settings = company()
    deleted(settings, "monitoring")
    assert registry.require_store(settings, "", "search") is None
    with pytest.raises(ModelError, match=r"'churn-monitoring' .* was deleted"):
        registry.require_store(settings, "monitoring")
    assert {part for job in JOBS.values() for part in job.experiments} == set(registry.EXPERIMENTS)


def test_a_champion_that_is_none_of_ours_is_told_with_the_way_out(company, tmp_path):
    settings = company()
    registry.connect(settings)
    client = mlflow.MlflowClient(registry.tracking_uri(settings))
    client.create_registered_model("churn")
    client.create_model_version("churn", (tmp_path / "elsewhere").as_uri())
    client.set_registered_model_alias("churn", "champion", "1")
    with pytest.raises(ModelError, match=r"churn/1 has no digest.* take that from it"):
        TRAIN.start(tmp_path / "config.yaml")
    assert "churn/1 has no digest" in diagnosis(tmp_path).message


def test_a_folder_that_would_lead_to_another_database_is_refused(company, tmp_path):
    with pytest.raises(ConfigError, match=r"paths\.var: .*what\?/var has a \?"):
        company(paths={"data": str(tmp_path / "data"), "var": str(tmp_path / "what?" / "var")})
