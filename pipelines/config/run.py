"""Execution context of one run: its configuration, as-of date, run record and task runner.

Most steps of a run need several of the four, so they are passed as one immutable value.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar

from features.errors import ConfigError
from pipelines.config.announcement import Addressee, announce
from pipelines.config.file import read_config
from pipelines.config.ownership import ForeignError, claim
from pipelines.config.settings import Settings, load_settings
from pipelines.config.text_files import rule_files
from pipelines.runtime.atomic_files import DISK_ERRORS, digest, storage_errors
from pipelines.runtime.environment import instant, new_run_id, today_in
from pipelines.runtime.logs import CONTEXT, LOG
from pipelines.runtime.run_record import RunRecord, open_record

P = ParamSpec("P")
R = TypeVar("R")
NO_RESULT = {"paths", "engine", "tracking", "privacy", "notifications"}


class Step(Protocol):
    """How a run calls its steps."""

    def __call__(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call ``function`` and return what it returns; exceptions pass through."""


def plain(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    return function(*args, **kwargs)


@dataclass(frozen=True)
class Run:
    """One run of a job; only what was known before ``as_of``'s local midnight is used.

    ``step`` calls each step of the job: directly, or as a task of a scheduler. ``config`` is the
    file of the settings, which commands named in a message need.
    """

    settings: Settings
    as_of: date
    record: RunRecord
    step: Step = plain
    config: Path | None = None

    @property
    def configuration(self) -> dict[str, Any]:
        """What is given in the configuration and can change a result; addresses' secrets masked."""
        return self.settings.model_dump(mode="json", exclude=NO_RESULT, exclude_unset=True)

    @cached_property
    def config_digest(self) -> str:
        """SHA-256 (hex) of everything in the configuration that can change a result.

        The rule table and the sentences too; not folders, threads and the tracking store.
        """
        deciding = self.settings.model_dump(mode="json", exclude=NO_RESULT)
        files = rule_files(self.settings.list.languages)
        rules = {name: digest(path) for name, path in files.items() if path.exists()}
        return hashlib.sha256(json.dumps([deciding, rules], sort_keys=True).encode()).hexdigest()

    def record_inputs(self) -> None:
        """Write the as-of date and the configuration's digest into the run record."""
        self.record.as_of_date = str(self.as_of)
        self.record.config_digest = self.config_digest


@contextmanager
def open_run(
    command: str, config: Path, as_of: date | None = None, step: Step = plain
) -> Iterator[Run]:
    """Load the configuration and run with a new run record; what is raised is recorded first.

    ``as_of`` defaults to today in the company's zone. Who the configuration names hears how it
    ends, also where the rest of the configuration cannot be read. What the process makes is for
    its user alone. Raises ``ConfigError``, also where the folders are another company's.
    """
    os.umask(0o077)
    run_id = new_run_id(command)
    CONTEXT["run_id"] = run_id
    try:
        settings = load_settings(config)
    except ConfigError as error:
        record = RunRecord(run_id, command, instant(), exit_code=error.exit_code)
        with suppress(Exception):  # its own error is the one to be told
            told = read_config(config, Addressee, lambda _: ())
            announce(told, config, as_of, record, keep=not isinstance(error, ForeignError))
        raise
    CONTEXT["company"] = settings.company.name
    day = as_of or today_in(settings.company.timezone)
    LOG.info("%s as of %s", command, day)
    tell = partial(announce, settings, config, day)
    full = storage_errors(f"finish stille {command}", DISK_ERRORS)
    with open_record(settings.paths.runs, run_id, command, tell) as record, full:
        claim(settings.company, settings.paths, settings.tracking)
        yield Run(settings, day, record, step, config)
