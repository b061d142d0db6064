"""MLflow: runs, artefacts and the registry of models. The only importer of MLflow."""

from pipelines.tracking.files import fetch, load, load_reference, read_folder
from pipelines.tracking.reading import Logged, champion_file, find_logged
from pipelines.tracking.registry import (
    CHAMPION,
    PASSED,
    PREVIOUS,
    Registered,
    UnreachableError,
    aliased,
    champion_version,
    connect,
    promote,
    roll_back,
    tracking_uri,
    version_of,
    write_verdict,
)
from pipelines.tracking.runs import (
    Rows,
    Training,
    log_inside,
    log_run,
    log_training,
    plain_name,
    search_run,
)

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
