"""Process environment: defaults of the libraries underneath, version of this code, clock.

The defaults must be set before Prefect or MLflow is imported: nothing calls home then, and
everything stays under one folder. Values already set in the environment win.
"""

import json
import os
import secrets
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, distributions
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

T = TypeVar("T")
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
    "PREFECT_LOGGING_EXTRA_LOGGERS": "stille",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "MPLBACKEND": "Agg",
    "OMP_WAIT_POLICY": "passive",
}


def quiet_libraries() -> None:
    """Set what is not set yet; Prefect's own files go to ``var/prefect``, for this user alone.

    That is in the checkout, and ``~/.stille/prefect`` where this package is installed without one.
    """
    os.umask(0o077)
    checkout = Path(__file__).parents[2]
    there = (checkout / "pyproject.toml").is_file()
    home = checkout / "var" if there else Path.home() / ".stille"
    for name, value in {**_DEFAULTS, "PREFECT_HOME": str(home / "prefect")}.items():
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


def commit() -> str:
    """The commit of the checkout that this code is, "-dirty" if changed; "unknown" in another."""
    git = ["git", "--git-dir=.git", "describe", "--always", "--dirty", "--exclude=*", "--abbrev=40"]
    with suppress(OSError):  # there is no git
        root = Path(__file__).parents[2]
        done = subprocess.run(git, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603  (fixed words)
        return done.stdout.strip() or "unknown"
    return "unknown"


@cache
def packages() -> dict[str, str]:
    """The version of every installed package, by name."""
    return dict(sorted((each.name.lower(), each.version) for each in distributions()))


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


def background(work: Callable[[], T]) -> Future[T]:
    """The future of ``work``, on a thread that ends with the process."""
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return done


def within(seconds: float, work: Callable[[], T]) -> T:
    """What ``work`` returns, or ``TimeoutError``: its thread is left behind then.

    Limits of single requests do not bound a server that answers byte by byte, or only connects.
    """
    return background(work).result(seconds)
