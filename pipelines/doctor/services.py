"""Health checks of other processes: lock, last night, model and Prefect."""

import json
import os
import urllib.request
from collections.abc import Iterator

from filelock import FileLock, Timeout

from features.errors import BusyError, ModelError
from pipelines.config.errors import mask_passwords
from pipelines.config.settings import Settings
from pipelines.doctor.checks import Finding

_PATIENCE_SECONDS = 5


def lock(settings: Settings) -> Iterator[Finding]:
    """Whether a run is publishing now."""
    path = settings.paths.out / ".lock"
    if not path.is_file():
        yield Finding("lock", "ok", "nobody has published here yet")
        return
    lock = FileLock(path, blocking=False, fallback_to_soft=False)
    try:
        with lock:
            yield Finding("lock", "ok", f"{path}: free")
    except Timeout:
        said = f"{path}: a run is publishing now; a second one would end with 75"
        yield Finding("lock", "look", said, BusyError.exit_code)


def last_night(settings: Settings) -> Iterator[Finding]:
    """How the newest night ended."""
    runs = sorted(settings.paths.runs.glob("nightly-*.json"))
    if not runs:
        yield Finding("last night", "look", "none yet; run: stille nightly")
        return
    try:
        record = json.loads(runs[-1].read_text(encoding="utf-8"))
        status, code = record["status"], record["exit_code"]
    except (OSError, ValueError, KeyError):
        yield Finding("last night", "look", f"{runs[-1]}: cannot be read")
        return
    said = f"{runs[-1].stem}: {status}" + ("" if code is None else f", exit code {code}")
    yield Finding("last night", "ok" if status == "succeeded" else "look", said)


def model(settings: Settings) -> Iterator[Finding]:
    """Whether there is a champion."""
    local = settings.paths.mlflow_database
    if settings.tracking.uri is None and not local.is_file():
        raise ModelError(f"no model yet: {local} is not there. Train one: stille train.")
    from pipelines import tracking

    champion = tracking.champion_version(settings)
    if champion is None:
        raise ModelError("no version carries the alias champion. Train one: stille train.")
    yield Finding("model", "ok", f"{champion.label} is champion")


def prefect(_: Settings) -> Iterator[Finding]:
    """Whether the configured server answers; without one, each run starts its own."""
    address = os.environ.get("PREFECT_API_URL", "")
    if not address.startswith(("http://", "https://")):
        yield Finding("Prefect", "ok", "no server configured; each run starts its own")
        return
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=_PATIENCE_SECONDS):  # noqa: S310  (configured)
            yield Finding("Prefect", "ok", f"{mask_passwords(address)} answers")
    except (OSError, ValueError) as error:
        reason = type(error).__name__
        answer = f"{mask_passwords(address)} does not answer ({reason})"
        yield Finding("Prefect", "look", f"{answer}; nights run untracked until it does")
