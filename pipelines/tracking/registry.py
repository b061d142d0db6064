"""Model registry: an alias is resolved once, to a version and its digest.

A model is registered as native booster text and JSON with its digest in a tag of the model
version. The digest is checked before anything is parsed; no code from an artefact ever runs.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import mlflow
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from features.errors import ModelError
from pipelines.config.settings import Settings
from pipelines.tracking.store import point_at, tracking_uri, unreachable

CHAMPION = "champion"
_ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


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


def champion_version(settings: Settings) -> Registered | None:
    """The version that carries the alias ``champion`` now, or None when none does.

    Raises ``ModelError`` when the version has no digest, ``UnreachableError`` when the registry
    does not answer.
    """
    return aliased(settings, CHAMPION)


def aliased(settings: Settings, alias: str) -> Registered | None:
    """As ``champion_version``, for any alias."""
    point_at(settings)
    with answering(settings):
        try:
            client = mlflow.MlflowClient()
            return _registered(client.get_model_version_by_alias(settings.tracking.model, alias))
        except MlflowException as error:
            if error.error_code in _ABSENT:
                return None
            raise


def version_of(settings: Settings, version: str | None = None) -> Registered:
    """A version by its number; the newest one when none is given.

    Raises ``ModelError`` when there is none or it has no digest.
    """
    point_at(settings)
    name = settings.tracking.model
    with answering(settings):
        found = list(mlflow.MlflowClient().search_model_versions(f"name='{name}'"))
    numbers = sorted(int(each.version) for each in found)
    wanted = version or (str(numbers[-1]) if numbers else "")
    chosen = [each for each in found if str(each.version) == wanted]
    if not chosen:
        listed = ", ".join(map(str, numbers)) or "none"
        raise ModelError(
            f"the registry {tracking_uri(settings)} holds no version {wanted or 'at all'} of "
            f"{name}; it has: {listed}. Train one: stille train."
        )
    return _registered(chosen[0])


@contextmanager
def answering(settings: Settings) -> Iterator[None]:
    """Turn what MLflow raises in the block into an ``UnreachableError``."""
    try:
        yield
    except (MlflowException, OSError) as error:
        raise unreachable(settings, error) from error


def _registered(found: ModelVersion) -> Registered:
    tags = dict(found.tags)
    if "digest" not in tags:
        raise ModelError(
            f"model {found.name}/{found.version} has no digest, so it was not registered by "
            "`stille train`. Train again: stille train."
        )
    return Registered(found.name, str(found.version), str(found.run_id), tags["digest"], tags)
