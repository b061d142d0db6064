"""The Prefect flows: thin shells around the plain runs.

Every step of a run becomes a task; what a person wants to see becomes an artifact. A flow
that Prefect cannot even start is run plainly, and its record says that it was untracked.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import ParamSpec, TypeVar

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from features.errors import BusyError
from pipelines import sayeffect
from pipelines.effect import HarmError, Measured
from pipelines.monitor import AlarmError, Monitored
from pipelines.monitoring.summary import markdown
from pipelines.nightly import Night
from pipelines.recalibrate import Followed
from pipelines.runs import (
    run_effect,
    run_monitoring,
    run_nightly,
    run_recalibration,
    run_training,
)
from pipelines.show import scorecard_markdown, top_rows
from pipelines.train import Trained
from pipelines.training.effort import Effort

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
) -> Trained:
    """Learn from everything known before the as-of date (default: today)."""
    effort = Effort(challengers, search, trials, minutes)
    trained = run_training(Path(config), as_of, as_task, effort=effort)
    show_training(trained)
    return trained


@flow(name="nightly", persist_result=False)
def nightly(config: str, as_of: date | None = None, backfill: bool = False) -> Night:
    """Publish the risk list of the as-of date (default: today)."""
    night = run_nightly(Path(config), as_of, as_task, backfill=backfill)
    show_night(night)
    return night


@flow(name="monitor", persist_result=False)
def monitor(config: str, as_of: date | None = None) -> Monitored:
    """Judge past publications and the inputs of the as-of date (default: today)."""
    try:
        found = run_monitoring(Path(config), as_of, as_task)
    except AlarmError as alarm:
        show_monitoring(alarm.found)
        raise
    show_monitoring(found)
    return found


@flow(name="effect", persist_result=False)
def effect(config: str, as_of: date | None = None) -> Measured:
    """Hold those drawn for treatment against the holdout, by the as-of date (default: today)."""
    try:
        found = run_effect(Path(config), as_of, as_task)
    except HarmError as harm:
        show_effect(harm.found)
        raise
    show_effect(found)
    return found


@flow(name="recalibrate", persist_result=False)
def recalibrate(config: str, as_of: date | None = None) -> Followed:
    """Refit the champion's calibration on the newest matured months (default: of today)."""
    return run_recalibration(Path(config), as_of, as_task)


def show_training(trained: Trained) -> None:
    """The scorecard as a Markdown artifact."""
    with _not_decisive("scorecard"):
        create_markdown_artifact(scorecard_markdown(trained), key="scorecard")


def show_night(night: Night) -> None:
    """The top of the list as a table artifact, and where it stands as Markdown."""
    what = "Published" if night.written else "Already published"
    with _not_decisive("top of the list"):
        create_table_artifact(top_rows(night.publication.folder), key="top-of-the-list")
        create_markdown_artifact(f"{what}: `{night.publication.folder}`", key="publication")


def show_monitoring(found: Monitored) -> None:
    """The figures and the alarms as a Markdown artifact."""
    with _not_decisive("monitoring"):
        create_markdown_artifact(markdown(found), key="monitoring")


def show_effect(found: Measured) -> None:
    """The comparison of the arms as a Markdown artifact."""
    with _not_decisive("effect"):
        create_markdown_artifact(sayeffect.markdown(found), key="effect")


@contextmanager
def _not_decisive(what: str) -> Iterator[None]:
    """What is done stands, even if Prefect's server has gone and cannot show it."""
    try:
        yield
    except Exception as error:
        _LOG.warning("Prefect did not take the %s (%s).", what, type(error).__name__)
