"""Model registry of the tracking store: versions, their digests, and the aliases of a champion.

A model is registered as native booster text and JSON with its digest in a tag of the model
version. An alias is resolved once, to a version and its digest, which is checked before anything
is parsed; no code from an artefact ever runs.
"""

import json
import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import unquote, urlsplit

import mlflow
from mlflow.entities import Experiment, LifecycleStage
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from features.errors import ModelError, StilleError, without_passwords
from pipelines.config.settings import Settings
from pipelines.runtime.environment import instant, within

CHAMPION, PREVIOUS = "champion", "previous"
REFUSED, PASSED = "refused", "passed"
EXPERIMENTS = ("", "search", "monitoring")
_SECONDS = 25.0
_LOCAL_SECONDS = 120.0
VIEW = "stille"
# The columns of the table of runs: MLflow keeps them as a shared view, which its address names.
_METRICS = ("auc", "log_loss", "calibration_slope", "lift_at_10_pct")
_COLUMNS = [*(f"metrics.`{name}`" for name in _METRICS), f"tags.`{CHAMPION}`"]
_TAGS = {
    "mlflow.experimentKind": "custom_model_development",
    f"mlflow.sharedViewState.{VIEW}": json.dumps({"selectedColumns": _COLUMNS}),
}
_ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")

T = TypeVar("T")


class UnreachableError(ModelError):
    """The store did not answer; what was fetched from it before may still be good."""


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


def tracking_uri(settings: Settings) -> str:
    """The configured store, or the SQLite file ``mlflow.db`` under ``paths.var``.

    Of an address of the web without its user and password, as MLflow prints and keeps it.
    """
    uri = settings.tracking.uri or f"sqlite:///{settings.paths.mlflow_database.absolute()}"
    return re.sub("^(https?://)[^/]*@", r"\1", uri)


def store_name(settings: Settings) -> str:
    """The store as people may read it."""
    return without_passwords(tracking_uri(settings))


def point_at(settings: Settings) -> None:
    """Make the configured store MLflow's, without asking it anything."""
    settings.paths.var.absolute().mkdir(parents=True, exist_ok=True)
    given = urlsplit(settings.tracking.uri or "")
    if given.scheme in ("http", "https"):
        for name, value in (("USERNAME", given.username), ("PASSWORD", given.password)):
            if value:
                os.environ[f"MLFLOW_TRACKING_{name}"] = unquote(value)
    mlflow.set_tracking_uri(tracking_uri(settings))


@contextmanager
def answering(settings: Settings) -> Iterator[mlflow.MlflowClient]:
    """A client of the store; what MLflow raises in the block becomes an ``UnreachableError``."""
    point_at(settings)
    try:
        yield mlflow.MlflowClient()
    except StilleError:
        raise
    except Exception as error:  # a store that is broken, not away, breaks MLflow anywhere
        # The first line, without the SQL of a statement that failed.
        why = without_passwords(str(error)).partition("\n")[0].rstrip(".")
        raise _unreachable(settings, why or type(error).__name__) from error


def with_timeout(settings: Settings, work: Callable[[], T]) -> T:
    """Do what asks the store, ``within`` 25 seconds; raises ``UnreachableError``.

    A file gets longer: SQLite bounds itself how long it waits for a lock, and the rest is the
    speed of this machine, which is no reason to be without a registry.
    """
    served = tracking_uri(settings).startswith(("http:", "https:"))
    seconds = _SECONDS if served else _LOCAL_SECONDS
    try:
        return within(seconds, work)
    except TimeoutError:
        raise _unreachable(settings, f"no answer within {seconds:.0f} s") from None


def _unreachable(settings: Settings, why: object) -> UnreachableError:
    return UnreachableError(
        f"the MLflow store {store_name(settings)} cannot be used: {why}. Check tracking.uri in the "
        "configuration, and that the server runs or the file is whole: stille doctor."
    )


def connect(settings: Settings, part: str = "") -> str:
    """Id of one of the company's ``EXPERIMENTS``; made when there is none.

    Raises ``UnreachableError`` when the store cannot be used.
    """
    name = _experiment_name(settings, part)
    with answering(settings) as client:
        found = mlflow.get_experiment_by_name(name)
        if found is not None:
            for key in _TAGS.keys() - found.tags:
                client.set_experiment_tag(found.experiment_id, key, _TAGS[key])
            return _experiment_id(settings, found)
        local = tracking_uri(settings).startswith("sqlite:")
        location = settings.paths.mlflow_artifacts.absolute().as_uri() if local else None
        return str(mlflow.create_experiment(name, artifact_location=location, tags=dict(_TAGS)))


def require_store(settings: Settings, *experiments: str) -> Registered | None:
    """The champion, if there is one, once nothing stands in the way of logging; makes nothing.

    ``experiments`` are some of ``EXPERIMENTS``, what follows ``<experiment>-`` in their names.
    Raises ``UnreachableError`` when the store cannot be used, ``ModelError`` for a deleted
    experiment or a champion that is none of Stille's.
    """
    if not settings.may_hold_models():
        return None
    with answering(settings):
        for part in experiments:
            found = mlflow.get_experiment_by_name(_experiment_name(settings, part))
            if found is not None:
                _experiment_id(settings, found)
    return champion_version(settings)


def _experiment_name(settings: Settings, part: str) -> str:
    return "-".join(filter(None, (settings.tracking.experiment, part)))


def _experiment_id(settings: Settings, experiment: Experiment) -> str:
    if experiment.lifecycle_stage != LifecycleStage.ACTIVE:
        store = store_name(settings)
        raise ModelError(
            f"the experiment {experiment.name!r} of {store} was deleted, so nothing can be logged "
            "to it. Name another one under tracking.experiment, or restore it: MLFLOW_TRACKING_URI="
            f"{shlex.quote(store)} mlflow experiments restore -x {experiment.experiment_id}"
        )
    return str(experiment.experiment_id)


def champion_version(settings: Settings, alias: str = CHAMPION) -> Registered | None:
    """The version that carries the alias now, or None when none does; of now or ``PREVIOUS``.

    Raises ``ModelError`` when the version has no digest, ``UnreachableError`` when the registry
    does not answer.
    """
    with answering(settings) as client:
        try:
            return _registered(client.get_model_version_by_alias(settings.tracking.model, alias))
        except MlflowException as error:
            if error.error_code in _ABSENT:
                return None
            raise


def version_of(settings: Settings, version: str | None = None) -> Registered:
    """One of ``versions`` by its number, by default the newest; ``ModelError`` without one."""
    found = versions(settings)
    numbers = sorted(found, key=int)
    wanted = version or (numbers[-1] if numbers else "at all")
    if wanted not in found:
        raise ModelError(
            f"the registry {store_name(settings)} holds no version {wanted} of "
            f"{settings.tracking.model} that stille train registered; it has: "
            f"{', '.join(numbers) or 'none'}. Train one: stille train."
        )
    return found[wanted]


def versions(settings: Settings) -> dict[str, Registered]:
    """All versions that Stille registered, by their number."""
    with answering(settings) as client:
        found = client.search_model_versions(f"name='{settings.tracking.model}'")
    return {str(each.version): _registered(each) for each in found if "digest" in each.tags}


def _registered(stored: ModelVersion) -> Registered:
    tags = dict(stored.tags)
    if "digest" not in tags:
        raise ModelError(
            f"model {stored.name}/{stored.version} has no digest, so it was not registered by "
            "`stille train`. If it has the alias champion or previous, take that from it on the "
            "model's page: stille ui. Then train: stille train."
        )
    return Registered(stored.name, str(stored.version), str(stored.run_id), tags["digest"], tags)


def tag_version(name: str, version: str, tags: Mapping[str, str]) -> None:
    for key, value in tags.items():
        mlflow.MlflowClient().set_model_version_tag(name, version, key, value)


def write_verdict(
    settings: Settings, registered: Registered, failed: Sequence[str], facts: bytes, **more: str
) -> None:
    """Tag the version ``verdict`` (passed or refused), ``verdict_failed`` (rule names), ``more``.

    ``facts`` becomes the run's ``verdict.json``.
    """
    verdict = REFUSED if failed else PASSED
    tags = {"verdict": verdict, "verdict_failed": "; ".join(failed) or "none", **more}
    with answering(settings) as client:
        client.log_text(registered.run_id, facts.decode(), "verdict.json")
        tag_version(registered.name, registered.version, tags)


def promote(settings: Settings, registered: Registered, why: str) -> None:
    """Give a version the alias ``champion`` and tag it with when and why.

    The champion until now becomes ``previous``, the way back. That is written before ``champion``
    and removed after it, so a command that was killed in between leaves a champion, and the same
    command run again finishes. A version that is champion already stays so.
    """
    now = champion_version(settings)
    if now is not None and now.version == registered.version:
        return
    tags = {"promoted_at": instant(), "promoted_why": why}
    with answering(settings) as client:
        if now is not None:
            client.set_registered_model_alias(now.name, PREVIOUS, now.version)
            tags["promoted_over"] = now.version
        tag_version(registered.name, registered.version, tags)
        client.set_registered_model_alias(registered.name, CHAMPION, registered.version)
        _show(client, registered, now)


def roll_back(settings: Settings, bad: Registered, good: Registered, why: str) -> None:
    """Give ``champion`` back to ``good`` and use up ``previous``; ``bad`` is tagged."""
    with answering(settings) as client:
        if bad.version != good.version:
            tags = {"rolled_back_at": instant(), "rolled_back_why": why}
            tag_version(bad.name, bad.version, tags)
            client.set_registered_model_alias(good.name, CHAMPION, good.version)
            _show(client, good, bad)
        client.delete_registered_model_alias(good.name, PREVIOUS)


def _show(client: mlflow.MlflowClient, champion: Registered, before: Registered | None) -> None:
    """Say in the table of runs since when and until when each was champion, for people only."""
    with suppress(MlflowException):
        client.set_tag(champion.run_id, CHAMPION, f"since {instant()}")
        if before is not None:
            client.set_tag(before.run_id, CHAMPION, f"until {instant()}")
