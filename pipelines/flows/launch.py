"""Launcher: a run in this process, and beside it one of Prefect that is told what the run does.

Prefect never has the run in its hands: whatever it or its server does, the run goes on, and is
recorded as untracked unless Prefect has taken all of it in time.
"""

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from features.errors import CompleteError, StilleError
from pipelines.config.run import Run
from pipelines.jobs.entry import Job
from pipelines.runtime.environment import make_prefect_home

P = ParamSpec("P")
R = TypeVar("R")

_LOG = logging.getLogger("stille")
_START_SECONDS = 30.0
_END_SECONDS = 6.0


def launch(job: Job, config: Path, as_of: date | None, *, plain: bool, **options: Any) -> Any:
    """Run a job and return its result; Prefect shows it too unless ``plain``."""

    def in_view(run: Run, **options: Any) -> Any:
        with Mirror(job, run, options) as mirror:
            mirror.result = job.function(replace(run, step=mirror.step), **options)
        return mirror.result

    shown = job if plain else replace(job, call=in_view)
    return shown.start(config, as_of, untracked=True, **options)


class Mirror(logging.Handler):
    """A process of Prefect that shows one run, started by its first step.

    On leaving the block the run's record says whether Prefect took everything: it has 6 seconds
    for that, or what is left of the 30 after its start, unless the run was told to end. Nothing of
    it lives longer.
    """

    result: Any = None

    def __init__(self, job: Job, run: Run, options: dict[str, Any]) -> None:
        super().__init__(logging.INFO)
        self._job, self._run = job, run
        self._first = {
            "job": job.name,
            "config": str(run.config),
            "as_of": str(run.as_of),
            "company": run.settings.company.name,
            "options": options,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._start = 0.0
        self._whole = True

    def step(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run one step of the run, and tell Prefect when it begins and how it ends."""
        if self._process is None:
            self._open()
        self._tell(step=function.__name__.replace("_", " "))
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            self._tell(done=reason(error))
            raise
        self._tell(done=None)
        return result

    def emit(self, record: logging.LogRecord) -> None:
        """Pass on what this project logs during the run."""
        self._tell(log=record.getMessage(), level=record.levelno)

    def __enter__(self) -> Self:
        _LOG.addHandler(self)
        _LOG.setLevel(self.level)
        return self

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        _LOG.removeHandler(self)
        if self._process is None:
            return
        try:
            if error is None or isinstance(error, CompleteError):
                result = self.result if error is None else error.result
                for key, content in self._job.contents(result):
                    self._tell(artifact=key, content=content)
            self._tell(done=reason(error))
            patience = self._start + _START_SECONDS - time.monotonic()
            if patience < _END_SECONDS or isinstance(error, SystemExit | KeyboardInterrupt):
                patience = _END_SECONDS
            self._run.record.untracked = not self._ends(self._process, patience)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.communicate()

    def _open(self) -> None:
        make_prefect_home()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "pipelines.flows.mirror"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,
        )
        self._start = time.monotonic()
        if self._process.stdin is not None:
            os.set_blocking(self._process.stdin.fileno(), False)
        self._tell(**self._first)

    def _tell(self, **message: object) -> None:
        """Write a line to the process, which loses the run if it does not read it."""
        if self._process is None or self._process.stdin is None or not self._whole:
            return
        line = f"{json.dumps(message)}\n".encode()
        try:
            self._whole = os.write(self._process.stdin.fileno(), line) == len(line)
        except OSError:
            self._whole = False

    def _ends(self, process: subprocess.Popen[bytes], patience: float) -> bool:
        """Wait for Prefect to have taken everything, and say so where it has not."""
        why = f"no answer within {patience:.0f} s"
        try:
            if self._whole:
                why = process.communicate(timeout=patience)[0].decode().strip() or "it ended"
                if process.returncode == 0:
                    return True
        except subprocess.TimeoutExpired:
            pass
        _LOG.warning("Prefect did not take this run (%s): it is untracked. See: stille doctor", why)
        return False


def reason(error: BaseException | None) -> str | None:
    """Why a run ended, as Prefect may show it: of an error that is not ours only its kind."""
    if error is None:
        return None
    if isinstance(error, SystemExit | KeyboardInterrupt):
        return "The run was told to end."
    return f"{type(error).__name__}: {error if isinstance(error, StilleError) else ''}".rstrip(": ")
