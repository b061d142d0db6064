"""Nested MLflow runs: the trials of a training run or of a search."""

from collections.abc import Mapping

import mlflow
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from pipelines.config.settings import Settings
from pipelines.tracking.runs import write_run
from pipelines.tracking.store import connect


def log_inside(
    settings: Settings,
    parent: str,
    name: str,
    params: Mapping[str, object],
    metrics: Mapping[str, float],
    tags: Mapping[str, str],
) -> None:
    """Write one run nested in the run ``parent``; metrics that are not finite are left out."""
    connect(settings)
    experiment = mlflow.get_run(parent).info.experiment_id
    write_run(experiment, name, params, metrics, {**tags, MLFLOW_PARENT_RUN_ID: parent}, {})


def search_run(settings: Settings, study: str) -> str:
    """Id of the run that holds the trials of ``study``, made when there is none yet."""
    experiment = connect(settings, f"{settings.tracking.experiment}-search")
    client = mlflow.MlflowClient()
    found = client.search_runs([experiment], f"tags.study = '{study}'", max_results=1)
    if found:
        return str(found[0].info.run_id)
    run = client.create_run(experiment, run_name=f"search {study[:8]}", tags={"study": study})
    client.set_terminated(run.info.run_id)
    return str(run.info.run_id)
