"""Prefect flows: thin shells around the jobs, whose parameters Prefect shows.

Every step of a run becomes a task; what a person wants to see becomes an artifact. A flow
that Prefect cannot even start is run plainly, and its record says that it was untracked.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from prefect import Flow, flow, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from features.errors import BusyError
from pipelines.effect.result import EffectResult
from pipelines.jobs.entry import COMPLETE, EFFECT, MONITOR, NIGHTLY, RECALIBRATE, TRAIN, Job
from pipelines.jobs.nightly import Night
from pipelines.jobs.recalibrate import RecalibrationResult
from pipelines.monitoring.result import MonitoringResult
from pipelines.training.recipe_comparison import Effort
from pipelines.training.result import TrainingResult

P = ParamSpec("P")
R = TypeVar("R")

_LOG = logging.getLogger("stille")
_RETRIES = 2
_RETRY_SECONDS = 5.0


def as_task(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Run one step as a Prefect task; only ``BusyError`` (input still being written) retries."""
    decorate = task(
        name=function.__name__.replace("_", " "),
        cache_policy=NO_CACHE,
        persist_result=False,
        retries=_RETRIES,
        retry_delay_seconds=_RETRY_SECONDS,
        retry_condition_fn=lambda _task, _run, state: _is_busy(state),
    )
    result: R = decorate(function)(*args, **kwargs)
    return result


def _is_busy(state: object) -> bool:
    result = getattr(state, "result", None)
    return callable(result) and isinstance(result(raise_on_failure=False), BusyError)


@flow(name="train", persist_result=False)
def train(
    config: str,
    as_of: date | None = None,
    challengers: bool = False,
    search: bool = False,
    trials: int | None = None,
    minutes: float | None = None,
) -> TrainingResult:
    """Learn from everything known before the as-of date (default: today)."""
    return _run(TRAIN, config, as_of, **asdict(Effort(challengers, search, trials, minutes)))


@flow(name="nightly", persist_result=False)
def nightly(config: str, as_of: date | None = None, backfill: bool = False) -> Night:
    """Publish the risk list of the as-of date (default: today)."""
    return _run(NIGHTLY, config, as_of, backfill=backfill)


@flow(name="monitor", persist_result=False)
def monitor(config: str, as_of: date | None = None) -> MonitoringResult:
    """Judge past publications and the inputs of the as-of date (default: today)."""
    return _run(MONITOR, config, as_of)


@flow(name="effect", persist_result=False)
def effect(config: str, as_of: date | None = None) -> EffectResult:
    """Hold those drawn for treatment against the holdout, by the as-of date (default: today)."""
    return _run(EFFECT, config, as_of)


@flow(name="recalibrate", persist_result=False)
def recalibrate(config: str, as_of: date | None = None) -> RecalibrationResult:
    """Refit the champion's calibration on the newest matured months (default: of today)."""
    return _run(RECALIBRATE, config, as_of)


FLOWS: Mapping[str, Flow[..., Any]] = {
    each.name: each for each in (nightly, train, monitor, effect, recalibrate)
}


def _run(job: Job[R], config: str, as_of: date | None, **options: Any) -> R:
    """Run the job with its steps as tasks and show its result, also where alarms rang."""
    try:
        result = job.start(Path(config), as_of, as_task, **options)
    except COMPLETE as alarm:
        show(job, alarm.result)
        raise
    show(job, result)
    return result


def show(job: Job[R], result: Any) -> None:
    """Create the job's artifacts; the result stands even if Prefect's server has gone."""
    for key, content in job.artifacts.items():
        try:
            made = content(result)
            if isinstance(made, str):
                create_markdown_artifact(made, key=key)
            else:
                create_table_artifact(made, key=key)
        except Exception as error:
            name = key.replace("-", " ")
            _LOG.warning("Prefect did not take the %s (%s).", name, type(error).__name__)
