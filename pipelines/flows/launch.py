"""Launcher: a job runs as a Prefect flow, or plainly when Prefect is not wanted or cannot start."""

import logging
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from pipelines.jobs.entry import Job
from pipelines.runtime.environment import make_prefect_home

R = TypeVar("R")

_LOG = logging.getLogger("stille")


def launch(job: Job[R], config: Path, as_of: date | None, *, plain: bool, **options: Any) -> R:
    """Run a job, tracked by Prefect unless ``plain`` or Prefect does not start."""
    if plain or not _prefect_starts():
        return job.start(config, as_of, untracked=True, **options)
    from pipelines.flows.prefect_flows import FLOWS

    result: R = FLOWS[job.name](str(config), as_of, **options)
    return result


def _prefect_starts() -> bool:
    """Reach the configured Prefect server, or start the embedded one of this process."""
    try:
        make_prefect_home()
        from prefect.client.orchestration import get_client

        with get_client(sync_client=True) as client:
            problem = client.api_healthcheck()
    except Exception as error:
        problem = error
    if problem is not None:
        _LOG.warning("Prefect does not start (%s); running untracked.", type(problem).__name__)
    return problem is None
