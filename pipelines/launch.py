"""Chooses how a run is carried: as a Prefect flow, or plainly when Prefect cannot start."""

import logging
from datetime import date
from pathlib import Path

from pipelines.monitor import Monitored
from pipelines.nightly import Night
from pipelines.recalibrate import Followed
from pipelines.runs import run_monitoring, run_nightly, run_recalibration, run_training
from pipelines.train import Trained
from pipelines.training.effort import AS_CONFIGURED, Effort

_LOG = logging.getLogger("stille")


def launch_training(
    config: Path, as_of: date | None, *, plain: bool, effort: Effort = AS_CONFIGURED
) -> Trained:
    """Train, watched by Prefect unless ``plain`` or Prefect does not start."""
    if plain or not _prefect_starts():
        return run_training(config, as_of, effort=effort, untracked=True)
    from pipelines import flows

    tried = effort.challengers, effort.search, effort.trials, effort.minutes
    return flows.train(str(config), as_of, *tried)


def launch_nightly(
    config: Path, as_of: date | None, *, plain: bool, backfill: bool = False
) -> Night:
    """Run a night, watched by Prefect unless ``plain`` or Prefect does not start."""
    if plain or not _prefect_starts():
        return run_nightly(config, as_of, backfill=backfill, untracked=True)
    from pipelines import flows

    return flows.nightly(str(config), as_of, backfill)


def launch_monitoring(config: Path, as_of: date | None, *, plain: bool) -> Monitored:
    """Monitor, watched by Prefect unless ``plain`` or Prefect does not start."""
    if plain or not _prefect_starts():
        return run_monitoring(config, as_of, untracked=True)
    from pipelines import flows

    return flows.monitor(str(config), as_of)


def launch_recalibration(config: Path, as_of: date | None, *, plain: bool) -> Followed:
    """Recalibrate, watched by Prefect unless ``plain`` or Prefect does not start."""
    if plain or not _prefect_starts():
        return run_recalibration(config, as_of, untracked=True)
    from pipelines import flows

    return flows.recalibrate(str(config), as_of)


def _prefect_starts() -> bool:
    """Reach the configured Prefect server, or start the embedded one of this process."""
    try:
        from prefect.client.orchestration import get_client

        with get_client(sync_client=True) as client:
            problem = client.api_healthcheck()
    except Exception as error:
        problem = error
    if problem is not None:
        _LOG.warning("Prefect does not start (%s); running untracked.", type(problem).__name__)
    return problem is None
