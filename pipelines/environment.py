"""Defaults for the libraries underneath: nothing calls home, everything stays under one folder.

Must run before Prefect or MLflow is imported; values already set in the environment win.
"""

import os
from pathlib import Path

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
