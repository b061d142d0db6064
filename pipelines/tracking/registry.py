"""The registry of models: an alias is resolved once, to a version and its digest.

A model is registered as native booster text and JSON with its digest in a tag of the model
version. The digest is checked before anything is parsed; no code from an artefact ever runs.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import mlflow
from mlflow.exceptions import MlflowException

from features.errors import ModelError
from models.artefact import REFERENCE, digest, model_from_files
from models.churn import ChurnModel
from models.distribution import Reference
from pipelines.settings import Settings
from pipelines.tracking.store import connect

CHAMPION = "champion"
MODEL_FOLDER = "model"


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
    return model_from_files(_files(registered), registered.digest)


def load_reference(registered: Registered) -> Reference:
    """How the rows that a version was trained on were distributed.

    Raises ``ModelError`` when the files do not have their digest or hold no reference.
    """
    files = _files(registered)
    if REFERENCE not in files or digest(files) != registered.digest:
        raise ModelError(
            f"model {registered.label} holds no {REFERENCE} to compare with, or was changed. "
            "Train again: stille train."
        )
    return Reference.from_json(files[REFERENCE])


def _files(registered: Registered) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as scratch:
        try:
            folder = mlflow.artifacts.download_artifacts(
                artifact_uri=f"models:/{registered.name}/{registered.version}", dst_path=scratch
            )
        except (MlflowException, OSError) as error:
            raise ModelError(f"model {registered.label} cannot be fetched: {error}") from error
        return {
            path.name: path.read_bytes()
            for path in Path(folder, "artifacts", MODEL_FOLDER).iterdir()
            if path.is_file()
        }


def promote(registered: Registered) -> None:
    """Give a version the alias ``champion``."""
    mlflow.MlflowClient().set_registered_model_alias(registered.name, CHAMPION, registered.version)
