"""MLflow tracking store: the configured one, or one SQLite file."""

from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException

from features.errors import ModelError
from pipelines.config.settings import Settings


class UnreachableError(ModelError):
    """The store did not answer; what was fetched from it before may still be good."""


def connect(settings: Settings, experiment: str | None = None) -> str:
    """Point MLflow at the configured store, by default SQLite under ``paths.var``.

    Returns the experiment's id. Raises ``UnreachableError`` when the store cannot be used.
    """
    var = point_at(settings)
    name = experiment or settings.tracking.experiment
    try:
        found = mlflow.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        local = tracking_uri(settings).startswith("sqlite:")
        location = (var / "mlartifacts").as_uri() if local else None
        tags = {"mlflow.experimentKind": "custom_model_development"}
        return str(mlflow.create_experiment(name, artifact_location=location, tags=tags))
    except (MlflowException, OSError) as error:
        raise unreachable(settings, error) from error


def point_at(settings: Settings) -> Path:
    """Make the configured store MLflow's, without asking it anything; returns ``paths.var``."""
    var = settings.paths.var.absolute()
    var.mkdir(parents=True, exist_ok=True)
    mlflow.set_tracking_uri(tracking_uri(settings))
    return var


def unreachable(settings: Settings, error: Exception) -> UnreachableError:
    """What to raise when the store answered with ``error`` or not at all."""
    return UnreachableError(
        f"the MLflow store {tracking_uri(settings)} cannot be used: {error}. "
        "Check tracking.uri in the configuration and that the server runs: stille doctor."
    )


def tracking_uri(settings: Settings) -> str:
    """The configured store, or the SQLite file ``mlflow.db`` under ``paths.var``."""
    return settings.tracking.uri or f"sqlite:///{settings.paths.mlflow_database.absolute()}"
