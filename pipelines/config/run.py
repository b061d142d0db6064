"""Execution context of one run: its configuration, as-of date, run record and task runner.

Most steps of a run need several of the four, so they are passed as one immutable value.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

from pipelines.config.ownership import claim
from pipelines.config.settings import Settings, load_settings
from pipelines.config.text_files import rule_files
from pipelines.runtime.atomic_files import digest
from pipelines.runtime.environment import new_run_id, today_in
from pipelines.runtime.run_record import RunRecord, open_record

P = ParamSpec("P")
R = TypeVar("R")


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

    @cached_property
    def config_digest(self) -> str:
        """SHA-256 (hex) of everything in the configuration that can change a result.

        The rule table and the sentences too; not folders, threads and the tracking store.
        """
        excluded = {"paths", "engine", "tracking", "privacy"}
        deciding = self.settings.model_dump(mode="json", exclude=excluded)
        files = rule_files(self.settings.list.languages)
        rules = {path.as_posix(): digest(path) for path in files if path.exists()}
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

    ``as_of`` defaults to today in the company's zone. Raises ``ConfigError``, also where the
    folders are another company's. What the process makes is for its user alone.
    """
    os.umask(0o077)
    settings = load_settings(config)
    day = as_of or today_in(settings.company.timezone)
    with open_record(settings.paths.runs, new_run_id(command), command) as record:
        claim(settings.company, settings.paths, settings.tracking)
        yield Run(settings, day, record, step, config)
