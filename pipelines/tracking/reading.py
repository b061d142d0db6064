"""Reader of logged training runs, by run id, version number or alias."""

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import mlflow
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from features.errors import ConfigError
from pipelines.config.settings import Settings
from pipelines.tracking.registry import answering, champion_version, connect

FACTS = ("scorecard.json", "drivers.json", "feature_spec.json", "curves.json")
_RUN_ID = re.compile(r"[0-9a-f]{32}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True, slots=True)
class Logged:
    """What MLflow holds of one training run; ``facts`` are those of ``FACTS`` that it has."""

    label: str
    run_id: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    facts: Mapping[str, Any]


def find_logged(settings: Settings, name: str) -> Logged:
    """The run of a run id, of a version number, or of the version with an alias.

    Raises ``ConfigError`` when there is none, naming what there is, and ``ModelError`` when the
    store cannot be reached.
    """
    connect(settings)
    client, model = mlflow.MlflowClient(), settings.tracking.model
    try:
        if _RUN_ID.fullmatch(name):
            return _logged(client.get_run(name), name[:8])
        if not _NAME.fullmatch(name):
            raise _unknown(model, name)
        version = (
            client.get_model_version(model, name)
            if name.isdigit()
            else client.get_model_version_by_alias(model, name)
        )
        return _logged(client.get_run(str(version.run_id)), f"{model}/{version.version}")
    except MlflowException as error:
        raise _unknown(model, name) from error


def champion_file(settings: Settings, name: str) -> bytes | None:
    """A file of the run that made the champion; None without a champion or such a file.

    Raises ``ModelError`` when the champion has no digest, ``UnreachableError`` when the store
    does not answer.
    """
    registered = champion_version(settings)
    if registered is None:
        return None
    with answering(settings):
        return _files(registered.run_id, (name,)).get(name)


def _logged(run: Run, label: str) -> Logged:
    return Logged(
        label=label,
        run_id=run.info.run_id,
        params=dict(run.data.params),
        metrics=dict(run.data.metrics),
        tags=dict(run.data.tags),
        facts={n: json.loads(text) for n, text in _files(run.info.run_id, FACTS).items()},
    )


def _files(run_id: str, names: Sequence[str]) -> dict[str, bytes]:
    """Those of the run's files that it has."""
    there = {each.path for each in mlflow.MlflowClient().list_artifacts(run_id)}
    download = partial(mlflow.artifacts.download_artifacts, run_id=run_id)
    with tempfile.TemporaryDirectory() as scratch:
        return {
            name: Path(download(artifact_path=name, dst_path=scratch)).read_bytes()
            for name in names
            if name in there
        }


def _unknown(model: str, name: str) -> ConfigError:
    client = mlflow.MlflowClient()
    registered = client.search_registered_models(f"name = '{model}'")
    aliases = sorted(alias for each in registered for alias in each.aliases)
    versions = client.search_model_versions(f"name = '{model}'")
    numbers = sorted((int(each.version) for each in versions), reverse=True)
    return ConfigError(
        f"{name!r} is no run id, version or alias of the model {model!r}. Versions: "
        f"{', '.join(map(str, numbers)) or 'none'}; aliases: {', '.join(aliases) or 'none'}. "
        "`stille ui` shows the runs."
    )
