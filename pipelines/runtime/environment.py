"""Process environment: defaults of the libraries underneath, version of this code, system clock.

The defaults must be set before Prefect or MLflow is imported: nothing calls home then, and
everything stays under one folder. Values already set in the environment win.
"""

import json
import os
import secrets
from datetime import UTC, date, datetime
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from zoneinfo import ZoneInfo

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


def make_prefect_home() -> None:
    """Make the folder of Prefect's files, which Prefect itself makes in a folder that is there."""
    Path(os.environ["PREFECT_HOME"]).mkdir(parents=True, exist_ok=True)


def code_version() -> str:
    """The package's version, with the commit of a repository; "unknown" when not installed."""
    try:
        found = distribution("stille")
    except PackageNotFoundError:
        return "unknown"
    origin = json.loads(found.read_text("direct_url.json") or "{}")
    commit = origin.get("vcs_info", {}).get("commit_id", "")
    return f"{found.version}+{commit}" if commit else found.version


def today_in(zone: str) -> date:
    return datetime.now(ZoneInfo(zone)).date()


def now() -> datetime:
    """The instant now, UTC."""
    return datetime.now(UTC)


def instant() -> str:
    """The instant now as text, UTC to the second."""
    return now().strftime("%Y-%m-%dT%H:%M:%SZ")


def new_run_id(command: str) -> str:
    """A unique name that sorts by time: command, UTC second, six random hex digits."""
    return f"{command}-{now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
