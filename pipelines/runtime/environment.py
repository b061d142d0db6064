"""Process environment: defaults of the libraries underneath, and the version of this code.

The defaults must be set before Prefect or MLflow is imported: nothing calls home then, and
everything stays under one folder. Values already set in the environment win.
"""

import json
import os
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

_NAME = "stille"

_DEFAULTS = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "8",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "MPLBACKEND": "Agg",
    "OMP_WAIT_POLICY": "passive",
}


def quiet_libraries() -> None:
    """Set what is not set yet; Prefect's own files go to ``var/prefect``."""
    home = Path("var/prefect").absolute()
    for name, value in {**_DEFAULTS, "PREFECT_HOME": str(home)}.items():
        os.environ.setdefault(name, value)


def code_version() -> str:
    """The package's version, with the commit if it was installed from a repository.

    "unknown" when the package is not installed.
    """
    try:
        found = distribution(_NAME)
    except PackageNotFoundError:
        return "unknown"
    commit = _commit(found)
    return f"{found.version}+{commit}" if commit else found.version


def _commit(found: Distribution) -> str | None:
    text = found.read_text("direct_url.json")
    origin = json.loads(text) if text else {}
    return str(origin.get("vcs_info", {}).get("commit_id", "")) or None
