"""MLflow: runs, artefacts and the registry of models. The only importer of MLflow.

A model is registered as native booster text and JSON with its digest in a tag of the model
version. A nightly run resolves the alias once, to a version and a digest, and checks the
digest before anything is parsed; it never runs code from an artefact.
"""

import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from features.errors import ModelError
from models.artefact import digest, model_from_files
from models.classifier import ChurnModel
from models.scorecard import Interval
from pipelines.settings import Settings

CHAMPION = "champion"
_MODEL_FOLDER = "model"
_PIP = ["lightgbm", "numpy"]


@dataclass(frozen=True, slots=True)
class Registered:
    """One version of the registered model, resolved: its run, digest and tags."""

    name: str
    version: str
    run_id: str
    digest: str
    tags: Mapping[str, str]

    @property
    def label(self) -> str:
        return f"{self.name}/{self.version}"


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


def connect(settings: Settings, experiment: str | None = None) -> str:
    """Point MLflow at the configured store, by default SQLite under ``paths.var``.

    Returns the experiment's id. Raises ``ModelError`` when the store cannot be reached.
    """
    var = settings.paths.var.absolute()
    var.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(tracking_uri(settings))
    name = experiment or settings.tracking.experiment
    try:
        found = mlflow.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        local = settings.tracking.uri is None
        location = (var / "mlartifacts").as_uri() if local else None
        tags = {"mlflow.experimentKind": "custom_model_development"}
        return str(mlflow.create_experiment(name, artifact_location=location, tags=tags))
    except (MlflowException, OSError) as error:
        raise ModelError(
            f"the MLflow store {tracking_uri(settings)} cannot be used: {error}. "
            "Check tracking.uri in the configuration."
        ) from error


def tracking_uri(settings: Settings) -> str:
    """The configured store, or the SQLite file ``mlflow.db`` under ``paths.var``."""
    return settings.tracking.uri or f"sqlite:///{settings.paths.var.absolute() / 'mlflow.db'}"


def log_training(settings: Settings, training: Training) -> Registered:
    """Write one training run and register its model; the alias is left alone."""
    experiment = connect(settings)
    name = settings.tracking.model
    with tempfile.TemporaryDirectory() as scratch:
        _write(Path(scratch), training.files)
        _write(Path(scratch, _MODEL_FOLDER), training.model_files)
        with mlflow.start_run(experiment_id=experiment, run_name=training.name) as run:
            mlflow.log_params(dict(training.params))
            mlflow.log_metrics(dict(training.metrics))
            mlflow.set_tags(dict(training.tags))
            for path in training.files:
                folder = str(Path(path).parent)
                mlflow.log_artifact(str(Path(scratch, path)), None if folder == "." else folder)
            version = _log_model(name, Path(scratch, _MODEL_FOLDER), training.feature_names)
    client = mlflow.MlflowClient()
    tags = {**training.tags, "digest": digest(training.model_files)}
    for key, value in tags.items():
        client.set_model_version_tag(name, version, key, value)
    return Registered(name, version, run.info.run_id, tags["digest"], tags)


def log_ablation(
    settings: Settings, name: str, features: int, card: Mapping[str, Interval]
) -> None:
    """Write the scorecard of one part of the features as a run of the ablations' experiment."""
    experiment = connect(settings, f"{settings.tracking.experiment}-ablations")
    with mlflow.start_run(experiment_id=experiment, run_name=name):
        mlflow.log_params({"part": name, "features": features})
        values = {plain_name(metric): interval.value for metric, interval in card.items()}
        mlflow.log_metrics({key: value for key, value in values.items() if isfinite(value)})


def plain_name(metric: str) -> str:
    """A metric's name without the signs that MLflow refuses."""
    return metric.replace("@", "_at_").replace("%", "_pct")


def champion(settings: Settings) -> Registered | None:
    """The version that carries the alias ``champion`` now, or None when none does.

    Raises ``ModelError`` when the store cannot be reached or the version has no digest.
    """
    connect(settings)
    name = settings.tracking.model
    try:
        found = mlflow.MlflowClient().get_model_version_by_alias(name, CHAMPION)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise ModelError(f"the MLflow registry does not answer: {error}") from error
    tags = dict(found.tags)
    if "digest" not in tags:
        raise ModelError(
            f"model {name}/{found.version} has no digest, so it was not registered by "
            "`stille train`. Train again: stille train."
        )
    return Registered(name, str(found.version), str(found.run_id), tags["digest"], tags)


def load(registered: Registered) -> ChurnModel:
    """Download a version and parse it once its digest is right; raises ``ModelError``."""
    with tempfile.TemporaryDirectory() as scratch:
        try:
            folder = mlflow.artifacts.download_artifacts(
                artifact_uri=f"models:/{registered.name}/{registered.version}", dst_path=scratch
            )
        except (MlflowException, OSError) as error:
            raise ModelError(f"model {registered.label} cannot be fetched: {error}") from error
        files = {
            path.name: path.read_bytes()
            for path in Path(folder, "artifacts", _MODEL_FOLDER).iterdir()
            if path.is_file()
        }
    return model_from_files(files, registered.digest)


def promote(registered: Registered) -> None:
    """Give a version the alias ``champion``."""
    mlflow.MlflowClient().set_registered_model_alias(registered.name, CHAMPION, registered.version)


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
            registered_model_name=name,
        )
    return str(logged.registered_model_version)


def _signature(names: tuple[str, ...]) -> ModelSignature:
    columns = Schema([ColSpec(DataType.double, name, required=False) for name in names])
    return ModelSignature(inputs=columns, outputs=Schema([ColSpec(DataType.double)]))


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
