"""MLflow runs: logged with parameters, metrics, files, datasets and the model, and read back."""

import json
import re
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from importlib.metadata import version
from math import isfinite
from pathlib import Path
from typing import Any, Literal

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities import Dataset, DatasetInput, InputTag, Run
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.tracking.context.registry import resolve_tags
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import AnyType
from mlflow.utils.logging_utils import MLFLOW_LOGGING_STREAM
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT, MLFLOW_GIT_COMMIT, MLFLOW_RUN_NOTE

from features.errors import ConfigError
from models.churn.serialization import digest
from models.dataset.examples import Examples
from models.dataset.feature_spec import FeatureSpec
from pipelines.config.settings import Settings
from pipelines.tracking import registry
from pipelines.tracking.files import MODEL_FOLDER

_PIP = [f"{name}=={version(name)}" for name in ("lightgbm", "numpy", "pandas")]
_DIGEST_LENGTH = 12
PROVENANCE = "provenance.json"
FACTS = ("scorecard.json", "drivers.json", "feature_spec.json", PROVENANCE)
PICTURES = ("plots/calibration.png", "plots/gains.png")
_RUN_ID = re.compile(r"[0-9a-f]{32}")
_COLUMN_TYPES = {"number": DataType.double, "category": DataType.string}


@dataclass(frozen=True, slots=True)
class Training:
    """Everything of a training run that MLflow keeps; ``started_at`` is an instant in ISO 8601."""

    name: str
    params: Mapping[str, object]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    files: Mapping[str, bytes]
    model_files: Mapping[str, bytes]
    started_at: str | None = None
    datasets: tuple[DatasetInput, ...] = ()
    description: str = ""


def dataset_input(
    context: Literal["training", "test"], rows: Examples, digest: str, sources: Mapping[str, str]
) -> DatasetInput:
    """What a run learned from or was evaluated on: counts, columns and dates, and no row of it.

    ``digest`` is a SHA-256 (hex) of all ``rows``, ``sources`` what says where they came from.
    """
    columns = [
        ColSpec(_COLUMN_TYPES[each.kind], each.name, required=False) for each in rows.spec.columns
    ]
    schema = Schema([*columns, ColSpec(DataType.integer, "label")])
    profile = {
        "num_rows": len(rows),
        "num_elements": len(rows) * len(schema.inputs),
        "leavers": int(rows.y.sum()),
        "customers": len(np.unique(rows.customer_id.astype(str))),
        "as_of_dates": [str(day) for day in np.unique(rows.as_of)],
    }
    dataset = Dataset(
        name=context,
        digest=digest[:_DIGEST_LENGTH],
        source_type="stille",
        source=json.dumps(dict(sources)),
        schema=json.dumps({"mlflow_colspec": schema.to_dict()}),
        profile=json.dumps(profile),
    )
    return DatasetInput(dataset, [InputTag(MLFLOW_DATASET_CONTEXT, context)])


def log_training(settings: Settings, training: Training) -> registry.Registered:
    """Write one training run and register its model; the alias is left alone."""
    experiment, name = registry.connect(settings), settings.tracking.model
    started = training.started_at
    begun = None if started is None else int(datetime.fromisoformat(started).timestamp() * 1000)
    tags = {**training.tags, "digest": digest(training.model_files)}
    own = {MLFLOW_RUN_NOTE: training.description, MLFLOW_GIT_COMMIT: tags.get("commit", "unknown")}
    with registry.answering(settings) as client, tempfile.TemporaryDirectory() as scratch:
        created = client.create_run(experiment, begun, resolve_tags({**tags, **own}), training.name)
        model = Path(scratch, MODEL_FOLDER)
        _write(model, training.model_files)
        with mlflow.start_run(created.info.run_id) as run:
            mlflow.log_params(dict(training.params))
            mlflow.log_metrics(dict(training.metrics))
            if training.datasets:
                client.log_inputs(run.info.run_id, datasets=list(training.datasets))
            _log_files(training.files)
            spec = FeatureSpec.from_json(training.model_files["spec.json"])
            version = _log_model(name, model, spec)
        registry.tag_version(name, version, tags)
        if training.description:
            client.update_model_version(name, version, training.description)
        client.update_registered_model(name, _USE.format(name=name))
        client.update_run(run.info.run_id, name=f"{training.name}, v{version}")
    return registry.Registered(name, version, run.info.run_id, tags["digest"], tags)


def log_run(
    settings: Settings,
    kind: str,
    name: str,
    params: Mapping[str, object],
    metrics: Mapping[str, float],
    tags: Mapping[str, str] | None = None,
    files: Mapping[str, bytes] | None = None,
    parent: str | None = None,
) -> None:
    """Write one run to the experiment ``<experiment>-<kind>``, or nested in the run ``parent``.

    Metrics that are not finite are left out. Raises ``ModelError`` when the store is not reached.
    """
    experiment = registry.connect(settings, kind)
    if parent is not None:
        experiment = mlflow.get_run(parent).info.experiment_id
    labels = dict(tags or {})
    finite = {plain_name(n): value for n, value in metrics.items() if isfinite(value)}
    begin = partial(mlflow.start_run, experiment_id=experiment, run_name=name, tags=labels)
    with registry.answering(settings), begin(parent_run_id=parent):
        mlflow.log_params(dict(params))
        mlflow.log_metrics(finite)
        _log_files(files or {})


def search_run(settings: Settings, study: str) -> str:
    """Id of the run that holds the trials of ``study``, made when there is none yet."""
    experiment = registry.connect(settings, "search")
    client = mlflow.MlflowClient()
    found = client.search_runs([experiment], f"tags.study = '{study}'", max_results=1)
    if found:
        return str(found[0].info.run_id)
    run = client.create_run(experiment, run_name=f"search {study[:8]}", tags={"study": study})
    client.set_terminated(run.info.run_id)
    return str(run.info.run_id)


def plain_name(metric: str) -> str:
    """A metric's name without the signs that MLflow refuses."""
    return metric.replace("@", "_at_").replace("%", "_pct")


def _log_model(name: str, folder: Path, spec: FeatureSpec) -> str:
    # MLflow takes no whole number for a double, so the model itself looks at numbers.
    kinds: dict[str, Any] = {"number": AnyType(), "category": DataType.string}  # type: ignore[no-untyped-call]
    columns = [ColSpec(kinds[each.kind], each.name) for each in spec.columns]
    product_line = ColSpec(DataType.string, "product_line", required=False)
    # A row of no customer's: zeros, and the first word of each category.
    example = {each.name: next(iter(each.vocabulary), 0.0) for each in spec.columns}
    outputs = Schema([ColSpec(DataType.double)])
    signature = ModelSignature(inputs=Schema([*columns, product_line]), outputs=outputs)
    with warnings.catch_warnings():
        # Of type hints, which the signature stands for, and of what pandas will not take one day.
        warnings.simplefilter("ignore")
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).with_name("pyfunc.py")),
            artifacts={"model": str(folder)},
            signature=signature,
            input_example=pd.DataFrame([example]),
            pip_requirements=_PIP,
        )
    # What a run says is this project's. Registered apart, because logging switches MLflow's words
    # on again.
    MLFLOW_LOGGING_STREAM.enabled = False
    try:
        return str(mlflow.register_model(f"models:/{logged.model_id}", name).version)
    finally:
        MLFLOW_LOGGING_STREAM.enabled = True


def _log_files(files: Mapping[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        _write(Path(scratch), files)
        if files:
            mlflow.log_artifacts(scratch)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


_USE = """\
The probability that a customer gives notice of their own accord. Each version says what it learned
from, how good it is on later months, and what it is not for; nights use the alias `champion`. Input
is a matrix of `stille.matrix`, or any table with the columns of the signature, by name:

    mlflow.pyfunc.load_model("models:/{name}@champion").predict(matrix)
"""


@dataclass(frozen=True, slots=True)
class Logged:
    """What MLflow holds of one training run: of ``FACTS`` and ``PICTURES`` those that it has."""

    label: str
    run_id: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    facts: Mapping[str, Any]
    pictures: Mapping[str, bytes] = field(default_factory=dict)


def find_logged(settings: Settings, name: str) -> Logged:
    """The run of a run id, of a version number, or of the version with an alias.

    Raises ``ConfigError`` when there is none, naming what there is, and ``ModelError`` when the
    store cannot be reached.
    """
    registry.connect(settings)
    client, model = mlflow.MlflowClient(), settings.tracking.model
    try:
        if _RUN_ID.fullmatch(name):
            return _logged(client.get_run(name), name[:8])
        by_alias = client.get_model_version_by_alias
        version = (client.get_model_version if name.isdigit() else by_alias)(model, name)
        return _logged(client.get_run(str(version.run_id)), f"{model}/{version.version}")
    except MlflowException as error:
        raise _unknown(model, name) from error


def champion_file(settings: Settings, name: str) -> bytes | None:
    """A file of the run that made the champion; None without a champion or such a file.

    Raises ``ModelError`` when the champion has no digest, ``UnreachableError`` when the store
    does not answer.
    """
    registered = registry.champion_version(settings)
    if registered is None:
        return None
    with registry.answering(settings):
        return _files(registered.run_id, (name,)).get(name)


def _logged(run: Run, label: str) -> Logged:
    return Logged(
        label=label,
        run_id=run.info.run_id,
        params=dict(run.data.params),
        metrics=dict(run.data.metrics),
        tags=dict(run.data.tags),
        facts={n: json.loads(text) for n, text in _files(run.info.run_id, FACTS).items()},
        pictures=_files(run.info.run_id, PICTURES),
    )


def _files(run_id: str, names: Sequence[str]) -> dict[str, bytes]:
    """Those of the run's files that it has."""
    client, folders = mlflow.MlflowClient(), {name.rpartition("/")[0] for name in names}
    there = {each.path for path in folders for each in client.list_artifacts(run_id, path or None)}
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
