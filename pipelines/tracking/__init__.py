"""MLflow: runs, artefacts and the registry of models. The only importer of MLflow."""

from pipelines.tracking.datasets import Rows
from pipelines.tracking.monitoring import log_monitoring
from pipelines.tracking.reading import Logged, find_logged
from pipelines.tracking.registry import (
    CHAMPION,
    Registered,
    champion,
    load,
    load_reference,
    promote,
)
from pipelines.tracking.runs import Training, log_ablation, log_training, plain_name
from pipelines.tracking.store import connect, tracking_uri

__all__ = [
    "CHAMPION",
    "Logged",
    "Registered",
    "Rows",
    "Training",
    "champion",
    "connect",
    "find_logged",
    "load",
    "load_reference",
    "log_ablation",
    "log_monitoring",
    "log_training",
    "plain_name",
    "promote",
    "tracking_uri",
]
