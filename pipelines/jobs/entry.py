"""Job registry: every run by its name, for the command line, the Prefect flows and the schedules.

A job is declared once here, so that the three start it alike and show the same of its result.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from pipelines.config.run import Step, open_run, plain
from pipelines.effect.result import HarmError, markdown
from pipelines.jobs.ablate import ablate
from pipelines.jobs.effect import measure
from pipelines.jobs.monitor import monitor
from pipelines.jobs.nightly import Night, nightly
from pipelines.jobs.recalibrate import recalibrate
from pipelines.jobs.train import train
from pipelines.lists.previous_nights import top_rows
from pipelines.lists.reported_contacts import take_outcomes
from pipelines.monitoring import result as monitoring
from pipelines.monitoring.result import AlarmError
from pipelines.runtime.mirrors import name_of
from pipelines.tracking import registry
from pipelines.tracking.champion import with_timeout
from pipelines.training.recipe_comparison import Effort
from pipelines.training.result import scorecard_markdown

R = TypeVar("R")
Content = str | list[dict[str, Any]]

# Raised once everything is written: ``result`` is what the run found.
COMPLETE = (AlarmError, HarmError)


@dataclass(frozen=True, slots=True)
class Job(Generic[R]):
    """One kind of run; ``artifacts`` are Markdown or table rows of its result, by their key.

    ``experiments`` are those of ``registry.require_store`` that it logs to: whether it can is
    known before it reads anything.
    """

    name: str
    run: Callable[..., R]
    artifacts: Mapping[str, Callable[[R], Content]] = field(default_factory=dict)
    experiments: tuple[str, ...] = ()

    def start(
        self,
        config: Path,
        as_of: date | None = None,
        step: Step = plain,
        *,
        untracked: bool = False,
        **options: Any,
    ) -> R:
        """Run as ``open_run`` opens it; ``options`` are the job's own."""
        with open_run(self.name, config, as_of, step) as run:
            run.record.untracked = untracked
            if self.experiments:
                require = partial(registry.require_store, run.settings, *self.experiments)
                with_timeout(run.settings, require)
            return self.run(run, **options)


def _publication(night: Night) -> str:
    what = "Published" if night.written else "Already published"
    return f"{what}: `{name_of(night.publication.folder)}`"


TRAIN = Job(
    "train",
    lambda run, **effort: train(run, Effort(**effort)),
    {"scorecard": scorecard_markdown},
    ("", "search"),
)
NIGHTLY = Job(
    "nightly",
    nightly,
    {
        "top-of-the-list": lambda night: top_rows(night.publication.folder),
        "publication": _publication,
    },
)
MONITOR = Job("monitor", monitor, {"monitoring": monitoring.markdown}, ("monitoring",))
EFFECT = Job("effect", measure, {"effect": markdown})
OUTCOMES = Job("outcomes", take_outcomes)
RECALIBRATE = Job("recalibrate", recalibrate, experiments=("",))
ABLATE = Job("ablate", ablate, experiments=("ablations",))

_ALL: tuple[Job[Any], ...] = (TRAIN, NIGHTLY, MONITOR, EFFECT, OUTCOMES, RECALIBRATE, ABLATE)
JOBS: Mapping[str, Job[Any]] = {job.name: job for job in _ALL}
