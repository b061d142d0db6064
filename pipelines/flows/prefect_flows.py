"""Prefect flows: thin shells around the jobs, whose parameters and log Prefect shows.

A schedule's flow runs its job here, every step a task. Of a run of the command line, the flow only
shows what it was, stage by stage, when it has ended. Nothing of a customer gets to Prefect: its
artifacts are counts and places, and of an error that is not this project's own only the kind.
"""

import inspect
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from prefect import Flow, State, flow, get_run_logger, runtime, tags, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.exceptions import TerminationSignal
from prefect.states import Failed

from features.errors import CompleteError, StilleError, without_passwords
from pipelines.config.settings import load_settings
from pipelines.jobs.entry import JOBS, Job
from pipelines.runtime.environment import today_in
from pipelines.runtime.logs import LOG
from pipelines.runtime.run_record import TERMINATED

P = ParamSpec("P")
R = TypeVar("R")

_TASK: Mapping[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False}
_ARGS = """\n
Args:
    config: File of the company's configuration.
    as_of: The day to stand on (default: today in the company's zone)."""
FLOWS: dict[str, Flow[..., Any]] = {}
LOG.setLevel("INFO")  # of which Prefect shows what its own settings name


def as_task(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    decorate = task(name=function.__name__.replace("_", " "), **_TASK)
    try:
        result: R = decorate(_discreet()(lambda: function(*args, **kwargs)))()
    except TerminationSignal:
        raise SystemExit(TERMINATED) from None
    return result


def _run_name() -> str:
    given = runtime.flow_run.parameters
    name, day = given["config"], given.get("as_of")
    with suppress(StilleError):
        company = load_settings(Path(name)).company
        name, day = company.name, day or today_in(company.timezone)
    return f"{runtime.flow_run.flow_name} {name} {day or 'today'}"


def _flow(declared: Callable[..., None]) -> Flow[..., Any]:
    """The flow of a job: every step a task, and the artifacts also where alarms rang.

    Name, help and options are those of what is declared, whose body is not used.
    """
    name = declared.__name__
    text, _, own = str(inspect.getdoc(declared)).partition("\n\nArgs:")

    @wraps(declared)
    def call(config: str, as_of: date | None = None, **options: Any) -> Any:
        job = JOBS[name]
        try:
            with _discreet():
                result = job.start(Path(config), as_of, as_task, **options)
        except CompleteError as alarm:
            show_artifacts(job, alarm.result)
            raise
        show_artifacts(job, result)
        return result

    call.__doc__ = text + _ARGS + own
    FLOWS[name] = flow(name=name, persist_result=False, flow_run_name=_run_name)(call)
    return FLOWS[name]


@_flow
def nightly(config: str, as_of: date | None = None, backfill: bool = False) -> None:
    """Score every customer with the champion and publish the lists and the report.

    Args:
        backfill: Allow a day before the published one, written beside it.
    """


@_flow
def train(
    config: str,
    as_of: date | None = None,
    challengers: bool = False,
    search: bool = False,
    trials: int | None = None,
    minutes: float | None = None,
) -> None:
    """Learn from everything known before the as-of date, log to MLflow, and promote by rule.

    Args:
        challengers: Hold other ways to learn against the recipe.
        search: Look for a better recipe; a second run goes on.
        trials: Search until so many trials are done in all.
        minutes: Search this long.
    """


@_flow
def monitor(config: str, as_of: date | None = None) -> None:
    """Hold past lists against outcomes, and inputs against training's."""


@_flow
def effect(config: str, as_of: date | None = None) -> None:
    """Hold those drawn for treatment against the holdout."""


@_flow
def recalibrate(config: str, as_of: date | None = None) -> None:
    """Refit the champion's calibration on the newest outcomes."""


def main() -> None:
    """Show the run that standard input describes; print why, and exit with 1, where that fails.

    It has the described ``seconds`` for it, also when nobody waits any more.
    """
    described = json.load(sys.stdin)
    watchdog = threading.Timer(described["seconds"], os.killpg, (0, signal.SIGKILL))
    watchdog.daemon = True
    watchdog.start()
    # Prefect's own clock begins when it is told.
    took = f", {described['took']:.1f} s"
    shown: Any = FLOWS[described["job"]].with_options(flow_run_name=lambda: _run_name() + took)
    shown.fn = wraps(shown.fn)(lambda *_, **__: _replay(described))
    try:
        with tags(described["job"], described["company"]):
            state = shown(**described["parameters"], return_state=True)
        if state.is_crashed() or state.is_completed() == bool(described["failure"]):
            raise RuntimeError(f"the flow is {state.name}, {state.message}")
    except Exception as error:
        print(without_passwords(f"{type(error).__name__}: {error}"))
        raise SystemExit(1) from None


def _replay(ended: Mapping[str, Any]) -> State[Any] | None:
    """Show the stages, notes and artifacts of a run that has ended; its state if it failed."""
    log = get_run_logger()
    for stage in ended["stages"]:
        state: Any = None if stage["finished"] else Failed(message="not finished")
        name = f"{stage['name']}, {stage['seconds']:.1f} s"
        shown = task(name=stage["name"], task_run_name=name, **_TASK)(lambda state=state: state)
        shown(return_state=True)
        log.info(stage["summary"])
    for note in ended["notes"]:
        log.info(note)
    for key, text in ended["artifacts"].items():
        create_markdown_artifact(text, key=key)
    return Failed(message=ended["failure"]) if ended["failure"] else None


def show_artifacts(job: Job, result: Any) -> None:
    """Create the job's artifacts; the result stands even if Prefect's server has gone."""
    try:
        for key, text in job.contents(result):
            create_markdown_artifact(text, key=key)
    except Exception as error:
        LOG.warning("Prefect did not take what was found (%s).", type(error).__name__)


@contextmanager
def _discreet() -> Iterator[None]:
    """Prefect keeps the text of an exception, so one that may quote a row has none."""
    try:
        yield
    except StilleError:
        raise
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        raise StilleError(f"{type(error).__name__} at {where}, which is a bug") from None
