"""What a monitoring run writes to MLflow: an experiment of its own, one run a date."""

import tempfile
from collections.abc import Mapping
from math import isfinite
from pathlib import Path

import mlflow

from pipelines.settings import Settings
from pipelines.tracking.store import connect


def log_monitoring(
    settings: Settings,
    name: str,
    tags: Mapping[str, str],
    metrics: Mapping[str, float],
    files: Mapping[str, bytes],
) -> str:
    """Write one run to ``<experiment>-monitoring`` and return its id.

    Metrics that are not finite are left out. Raises ``ModelError`` when the store is not reached.
    """
    experiment = connect(settings, f"{settings.tracking.experiment}-monitoring")
    with (
        tempfile.TemporaryDirectory() as scratch,
        mlflow.start_run(experiment_id=experiment, run_name=name) as run,
    ):
        mlflow.set_tags(dict(tags))
        mlflow.log_metrics({key: value for key, value in metrics.items() if isfinite(value)})
        for file, content in files.items():
            path = Path(scratch, file)
            path.write_bytes(content)
            mlflow.log_artifact(str(path))
    return str(run.info.run_id)
