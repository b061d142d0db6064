"""Where MLflow keeps runs and models: the configured store, or one SQLite file."""

import mlflow
from mlflow.exceptions import MlflowException

from features.errors import ModelError
from pipelines.settings import Settings


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
        local = tracking_uri(settings).startswith("sqlite:")
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
