"""Artefact download: a model's files, parsed once their names, sizes and digest are checked.

Nothing but the files that ``models.churn.serialization`` knows is ever fetched, whatever the
artefact's ``MLmodel`` says; each has a bound on its size, and no link is followed.
"""

import stat
import tempfile
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

import mlflow

from features.errors import ModelError, StilleError
from models.boosters.text_format import NEXT
from models.churn.model import ChurnModel
from models.churn.serialization import REFERENCE, check_names, check_sizes, digest, model_from_files
from models.drift.reference import Reference
from pipelines.config.settings import Settings
from pipelines.tracking.booster_sandbox import check_boosters
from pipelines.tracking.registry import Registered, UnreachableError, point_at

MODEL_FOLDER = "model"
_FOLDER = f"artifacts/{MODEL_FOLDER}"


def load(settings: Settings, registered: Registered) -> ChurnModel:
    """The model of a version, parsed once its digest is right and another process has parsed it.

    Raises ``ModelError``.
    """
    return model_from_files(fetch(settings, registered), registered.digest, check_boosters)


def load_reference(settings: Settings, registered: Registered) -> Reference:
    """How the rows that a version was trained on were distributed.

    Raises ``ModelError`` when the files do not have their digest or hold no reference.
    """
    files = fetch(settings, registered)
    if REFERENCE not in files or digest(files) != registered.digest:
        raise ModelError(
            f"model {registered.label} holds no {REFERENCE} to compare with, or was changed. "
            "Train again: stille train."
        )
    return Reference.from_json(files[REFERENCE])


def fetch(settings: Settings, registered: Registered) -> dict[str, bytes]:
    """The version's files as they are stored, name → content, unparsed.

    Raises ``ModelError`` for a name, a size or a link that no model has, ``UnreachableError``
    when the store does not answer.
    """
    point_at(settings)
    try:
        client = mlflow.MlflowClient()
        stored = client.get_model_version_download_uri(registered.name, registered.version)
        if urlparse(stored).scheme in ("", "file"):
            return read_folder(Path(url2pathname(urlparse(stored).path), _FOLDER))
        return _download(f"models:/{registered.name}/{registered.version}/{_FOLDER}")
    except StilleError:
        raise
    except Exception as error:  # as in ``registry.answering``
        raise UnreachableError(
            f"model {registered.label} cannot be fetched: {error}. Check the artefact store: "
            "stille doctor."
        ) from error


def read_folder(folder: Path) -> dict[str, bytes]:
    """The model's files of a local folder; raises ``ModelError`` unless all are plain files."""
    names = sorted(path.name for path in folder.iterdir())
    found = {name: (folder / name).lstat() for name in names}
    check_names(names)
    linked = [name for name, info in found.items() if not stat.S_ISREG(info.st_mode)]
    if linked or folder.resolve() != folder.parent.resolve() / folder.name:
        raise ModelError(
            f"{', '.join(linked) or folder.name} of the model is a link or no plain file. {NEXT}"
        )
    check_sizes({name: info.st_size for name, info in found.items()})
    return {name: (folder / name).read_bytes() for name in names}


def _download(root: str) -> dict[str, bytes]:
    listed = mlflow.artifacts.list_artifacts(artifact_uri=root)
    sizes = {each.path.removeprefix(f"{_FOLDER}/"): each.file_size or 0 for each in listed}
    check_names(sizes)
    check_sizes(sizes)
    with tempfile.TemporaryDirectory() as scratch:
        for name in sizes:
            mlflow.artifacts.download_artifacts(artifact_uri=f"{root}/{name}", dst_path=scratch)
        return read_folder(Path(scratch, _FOLDER))
