"""MLflow: runs, artefacts and the registry of models. The only importer of MLflow."""

from pipelines.tracking.aliases import PASSED, PREVIOUS, promote, roll_back, write_verdict
from pipelines.tracking.datasets import Rows
from pipelines.tracking.files import fetch, load, load_reference, read_folder
from pipelines.tracking.reading import Logged, champion_file, find_logged
from pipelines.tracking.registry import CHAMPION, Registered, aliased, champion_version, version_of
from pipelines.tracking.runs import Training, log_run, log_training, plain_name
from pipelines.tracking.store import UnreachableError, connect, tracking_uri
from pipelines.tracking.trials import log_inside, search_run

__all__ = [
    "CHAMPION",
    "PASSED",
    "PREVIOUS",
    "Logged",
    "Registered",
    "Rows",
    "Training",
    "UnreachableError",
    "aliased",
    "champion_file",
    "champion_version",
    "connect",
    "fetch",
    "find_logged",
    "load",
    "load_reference",
    "log_inside",
    "log_run",
    "log_training",
    "plain_name",
    "promote",
    "read_folder",
    "roll_back",
    "search_run",
    "tracking_uri",
    "version_of",
    "write_verdict",
]
