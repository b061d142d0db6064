"""MLflow: runs, artefacts and the registry of models. The only importer of MLflow."""

from pipelines.tracking.registry import CHAMPION, Registered, champion, load, promote
from pipelines.tracking.runs import Training, log_ablation, log_training, plain_name
from pipelines.tracking.store import connect, tracking_uri

__all__ = [
    "CHAMPION",
    "Registered",
    "Training",
    "champion",
    "connect",
    "load",
    "log_ablation",
    "log_training",
    "plain_name",
    "promote",
    "tracking_uri",
]
