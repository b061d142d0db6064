"""MLflow logging of runs: parameters, metrics, tags, files and the model."""

import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import mlflow
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.utils.logging_utils import MLFLOW_LOGGING_STREAM
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

from models.churn.serialization import digest
from pipelines.config.settings import Settings
from pipelines.tracking.datasets import Rows, log_datasets
from pipelines.tracking.files import MODEL_FOLDER
from pipelines.tracking.registry import Registered
from pipelines.tracking.store import connect

_PIP = ["lightgbm", "numpy"]


@dataclass(frozen=True, slots=True)
class Training:
    """Everything of a training run that MLflow keeps."""

    name: str
    params: Mapping[str, object]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    files: Mapping[str, bytes]
    model_files: Mapping[str, bytes]
    feature_names: tuple[str, ...]
    datasets: tuple[Rows, ...] = ()
    description: str = ""


def log_training(settings: Settings, training: Training) -> Registered:
    """Write one training run and register its model; the alias is left alone."""
    experiment = connect(settings)
    name = settings.tracking.model
    with tempfile.TemporaryDirectory() as scratch:
        _write(Path(scratch, MODEL_FOLDER), training.model_files)
        with mlflow.start_run(experiment_id=experiment, run_name=training.name) as run:
            mlflow.log_params(dict(training.params))
            mlflow.log_metrics(dict(training.metrics))
            mlflow.set_tags({**training.tags, MLFLOW_RUN_NOTE: training.description})
            log_datasets(run.info.run_id, training.datasets)
            _log_files(Path(scratch), training.files)
            version = _log_model(name, Path(scratch, MODEL_FOLDER), training.feature_names)
    tags = {**training.tags, "digest": digest(training.model_files)}
    _describe(name, version, tags, training.description)
    mlflow.MlflowClient().update_run(run.info.run_id, name=f"{training.name}, v{version}")
    return Registered(name, version, run.info.run_id, tags["digest"], tags)


def _describe(name: str, version: str, tags: Mapping[str, str], description: str) -> None:
    client = mlflow.MlflowClient()
    for key, value in tags.items():
        client.set_model_version_tag(name, version, key, value)
    if description:
        client.update_model_version(name, version, description)


def log_run(
    settings: Settings,
    kind: str,
    name: str,
    params: Mapping[str, object],
    metrics: Mapping[str, float],
    tags: Mapping[str, str] | None = None,
    files: Mapping[str, bytes] | None = None,
) -> str:
    """Write one run to the experiment ``<experiment>-<kind>`` and return its id.

    Metrics that are not finite are left out. Raises ``ModelError`` when the store is not reached.
    """
    experiment = connect(settings, f"{settings.tracking.experiment}-{kind}")
    return write_run(experiment, name, params, metrics, tags or {}, files or {})


def write_run(
    experiment: str,
    name: str,
    params: Mapping[str, object],
    metrics: Mapping[str, float],
    tags: Mapping[str, str],
    files: Mapping[str, bytes],
) -> str:
    """As ``log_run``, to an experiment by its id in the store that MLflow points at."""
    known = {plain_name(key): value for key, value in metrics.items() if isfinite(value)}
    with (
        tempfile.TemporaryDirectory() as scratch,
        mlflow.start_run(experiment_id=experiment, run_name=name, tags=dict(tags)) as run,
    ):
        mlflow.log_params(dict(params))
        mlflow.log_metrics(known)
        _log_files(Path(scratch), files)
    return str(run.info.run_id)


def plain_name(metric: str) -> str:
    """A metric's name without the signs that MLflow refuses."""
    return metric.replace("@", "_at_").replace("%", "_pct")


@contextmanager
def _silent() -> Iterator[None]:
    """Keep MLflow from telling of what it registers: what a run says is this project's."""
    MLFLOW_LOGGING_STREAM.enabled = False
    try:
        yield
    finally:
        MLFLOW_LOGGING_STREAM.enabled = True


def _log_model(name: str, folder: Path, features: tuple[str, ...]) -> str:
    with warnings.catch_warnings():
        # The signature is given, so an input example and type hints would add nothing.
        warnings.simplefilter("ignore", UserWarning)
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).with_name("pyfunc.py")),
            artifacts={"model": str(folder)},
            signature=_signature(features),
            pip_requirements=_PIP,
        )
    # Registered apart, because logging switches MLflow's words on again.
    with _silent():
        return str(mlflow.register_model(f"models:/{logged.model_id}", name).version)


def _signature(names: tuple[str, ...]) -> ModelSignature:
    columns = [ColSpec(DataType.double, name, required=False) for name in names]
    product_line = ColSpec(DataType.string, "product_line", required=False)
    return ModelSignature(
        inputs=Schema([*columns, product_line]), outputs=Schema([ColSpec(DataType.double)])
    )


def _log_files(scratch: Path, files: Mapping[str, bytes]) -> None:
    _write(scratch, files)
    for path in files:
        folder = str(Path(path).parent)
        mlflow.log_artifact(str(scratch / path), None if folder == "." else folder)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
