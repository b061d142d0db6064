"""Launcher: a run in this process, which a process of Prefect's own shows when it has ended.

Prefect never has the run in its hands: whatever it or its server does, the run is complete, and is
recorded as untracked unless Prefect has taken it in time.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from features.errors import CompleteError, StilleError
from pipelines.config.run import Run
from pipelines.jobs.entry import Job
from pipelines.runtime.environment import make_prefect_home
from pipelines.runtime.logs import LOG

_SECONDS = 60.0
_SHOW = "from pipelines.flows.prefect_flows import main; main()"


def launch(job: Job, config: Path, as_of: date | None, *, plain: bool, **options: Any) -> Any:
    """Run a job and return its result; Prefect shows it too unless ``plain``.

    A run that was told to end ends at once, untracked; of one that was refused before its first
    stage nobody is told.
    """

    def work(run: Run, **options: Any) -> Any:
        result, failure = None, ""
        try:
            result = job.function(run, **options)
        except Exception as error:
            result = error.result if isinstance(error, CompleteError) else None
            failure = f"{type(error).__name__}: {error if isinstance(error, StilleError) else ''}"
            raise
        finally:
            if run.record.stages and (result is not None or failure):
                told = _description(job, run, options, result, failure.rstrip(": "))
                run.record.untracked = not _tell_prefect(told)
        return result

    seen = job if plain else replace(job, call=work)
    return seen.start(config, as_of, untracked=True, **options)


def _description(
    job: Job, run: Run, options: Mapping[str, Any], result: Any, failure: str
) -> dict[str, Any]:
    """What Prefect may know of a run: counts and places; of an error not ours only its kind."""
    took = datetime.now(UTC) - datetime.fromisoformat(run.record.started_at)
    return {
        "job": job.name,
        "company": run.settings.company.name,
        "parameters": {"config": str(run.config), "as_of": str(run.as_of), **options},
        "stages": [asdict(stage) | {"summary": stage.summary} for stage in run.record.stages],
        "notes": run.record.notes,
        "artifacts": {} if result is None else dict(job.contents(result)),
        "failure": failure,
        "took": took.total_seconds(),
        "seconds": _SECONDS,
    }


def _tell_prefect(described: Mapping[str, Any]) -> bool:
    """Whether Prefect took a run in time; nothing of it lives longer."""
    with contextlib.suppress(OSError):  # it says itself what it cannot write
        make_prefect_home()
    process = subprocess.Popen(  # noqa: S603  (this interpreter, fixed words)
        [sys.executable, "-P", "-c", _SHOW],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,
    )
    try:
        words, _ = process.communicate(json.dumps(described).encode(), timeout=_SECONDS)
        why = words.decode().partition("\n")[0] or "it ended"
    except subprocess.TimeoutExpired:
        why = f"no answer within {_SECONDS:.0f} s"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    if process.returncode != 0:
        LOG.warning("Prefect did not take this run (%s): it is untracked. See: stille doctor", why)
    return process.returncode == 0
