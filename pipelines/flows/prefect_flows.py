"""Prefect flows: thin shells around the jobs, whose parameters and log Prefect shows.

A schedule's flow runs its job here, every step a task. Beside a run of the command line, the flow
only shows what that run says. Nothing of a customer gets to Prefect: its artifacts are counts and
places, and of an error that is not this project's own only the kind is told.
"""

import inspect
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from datetime import date
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from prefect import Flow, State, flow, get_run_logger, runtime, tags, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.exceptions import TerminationSignal
from prefect.states import Completed, Crashed, Failed

from features.errors import CompleteError, StilleError
from pipelines.config.settings import load_settings
from pipelines.jobs.entry import EFFECT, MONITOR, NIGHTLY, RECALIBRATE, TRAIN, Job
from pipelines.runtime.environment import today_in
from pipelines.runtime.run_record import TERMINATED

P = ParamSpec("P")
R = TypeVar("R")
Messages = Iterator[Mapping[str, Any]]

_LOG = logging.getLogger("stille")
_TASK: Mapping[str, Any] = {"cache_policy": NO_CACHE, "persist_result": False}
_PARAMETERS = """\
    config: File of the company's configuration.
    as_of: The day to stand on (default: today in the company's zone)."""
_MESSAGES: ContextVar[Messages | None] = ContextVar("messages", default=None)


def as_task(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Run one step as a Prefect task."""
    decorate = task(name=function.__name__.replace("_", " "), **_TASK)
    try:
        result: R = decorate(lambda: _discreet(function, *args, **kwargs))()
    except TerminationSignal:
        raise SystemExit(TERMINATED) from None
    return result


def _run_name() -> str:
    given = runtime.flow_run.parameters
    try:
        company = load_settings(Path(given["config"])).company
        name, day = company.name, given.get("as_of") or today_in(company.timezone)
    except StilleError:
        name, day = given["config"], given.get("as_of") or "today"
    return f"{runtime.flow_run.flow_name} {name} {day}"


def _flow(job: Job, call: Callable[..., Any]) -> Flow[..., Any]:
    """The flow of a job; its help is ``call``'s docstring, with the parameters that all have."""
    call.__name__ = job.name
    call.__doc__ = f"{inspect.getdoc(call)}\n{_PARAMETERS}"
    return flow(name=job.name, persist_result=False, flow_run_name=_run_name)(call)


def _nightly(config: str, as_of: date | None = None, backfill: bool = False) -> Any:
    """Score every customer with the champion and publish the lists and the report.

    Args:
        backfill: Allow a day before the published one, written beside it.
    """
    return _run(NIGHTLY, config, as_of, backfill=backfill)


def _train(
    config: str,
    as_of: date | None = None,
    challengers: bool = False,
    search: bool = False,
    trials: int | None = None,
    minutes: float | None = None,
) -> Any:
    """Learn from everything known before the as-of date, log to MLflow, and promote by rule.

    Args:
        challengers: Hold other ways to learn against the recipe.
        search: Look for a better recipe; a second run goes on.
        trials: Search until so many trials are done in all.
        minutes: Search this long.
    """
    effort = {"challengers": challengers, "search": search, "trials": trials, "minutes": minutes}
    return _run(TRAIN, config, as_of, **effort)


def _of_a_day(job: Job, help_text: str) -> Flow[..., Any]:
    def call(config: str, as_of: date | None = None) -> Any:
        return _run(job, config, as_of)

    call.__doc__ = f"{help_text}\n\nArgs:"
    return _flow(job, call)


nightly, train = _flow(NIGHTLY, _nightly), _flow(TRAIN, _train)
monitor = _of_a_day(MONITOR, "Hold past lists against outcomes, and inputs against training's.")
effect = _of_a_day(EFFECT, "Hold those drawn for treatment against the holdout.")
recalibrate = _of_a_day(RECALIBRATE, "Refit the champion's calibration on the newest outcomes.")
FLOWS: Mapping[str, Flow[..., Any]] = {
    each.name: each for each in (nightly, train, monitor, effect, recalibrate)
}


def show(messages: Messages) -> None:
    """Show a run of another process, by its ``messages``, until it ends.

    The first one says which; each of the others is a ``step`` that begins, a ``log``, an
    ``artifact``, or ``done`` with why the step, or at last the run, failed. Raises what Prefect
    raises when it does not take them.
    """
    first = next(messages)
    _MESSAGES.set(messages)
    with tags(first["job"], first["company"]):
        given = {**first["options"], "as_of": first["as_of"]}
        FLOWS[first["job"]](first["config"], **given, return_state=True)


def _run(job: Job, config: str, as_of: date | None, **options: Any) -> Any:
    """Run the job with its steps as tasks and show its result, also where alarms rang."""
    messages = _MESSAGES.get()
    if messages is not None:
        return _follow(messages)
    try:
        result = _discreet(job.start, Path(config), as_of, as_task, **options)
    except CompleteError as alarm:
        show_artifacts(job, alarm.result)
        raise
    show_artifacts(job, result)
    return result


def _follow(messages: Messages) -> State[Any]:
    """Show what happens until the step, or the run, is done; its state."""
    log = get_run_logger()
    for message in messages:
        match message:
            case {"step": name}:
                task(name=name, **_TASK)(lambda: _follow(messages))(return_state=True)
            case {"log": text, "level": level}:
                log.log(level, text)
            case {"artifact": key, "content": text}:
                create_markdown_artifact(text, key=key)
            case {"done": why}:
                return Failed(message=why) if why else Completed()
    return Crashed(message="The run's process ended without a word.")


def show_artifacts(job: Job, result: Any) -> None:
    """Create the job's artifacts; the result stands even if Prefect's server has gone."""
    for key, text in job.contents(result):
        try:
            create_markdown_artifact(text, key=key)
        except Exception as error:
            name = key.replace("-", " ")
            _LOG.warning("Prefect did not take the %s (%s).", name, type(error).__name__)


def _discreet(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Call; Prefect keeps the text of an exception, so one that may quote a row has none."""
    try:
        return function(*args, **kwargs)
    except StilleError:
        raise
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}:{place.lineno}"
        raise StilleError(f"{type(error).__name__} at {where}, which is a bug") from None
