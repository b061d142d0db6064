"""Job registry: every run by its name, for the command line, the Prefect flows and the schedules.

A job is declared once here, so that the three start it alike and show the same of its result. What
would stop a run is looked at first: the modules that do its work take seconds to import.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from features.errors import ModelError
from features.markdown import markdown_table
from pipelines.config.run import Run, Step, open_run, plain
from pipelines.config.settings import Settings
from pipelines.publication.publish import publisher, refuse_older
from pipelines.publication.reader import manifest_facts
from pipelines.runtime.mirrors import name_of
from pipelines.runtime.run_record import close_dead
from pipelines.sources.files import require_folder


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of run. ``call`` and the ``artifacts``, Markdown texts of its result by their key,
    are functions named ``module:function``, imported when they are called.

    ``experiments`` are those of ``registry.require_store`` that it logs to; ``tables`` and
    ``champion`` say that it needs them: whether it can is known before it reads anything.
    """

    name: str
    call: str | Callable[..., Any]
    artifacts: Mapping[str, str] = field(default_factory=dict)
    experiments: tuple[str, ...] = ()
    tables: bool = True
    champion: bool = False

    def start(
        self,
        config: Path,
        as_of: date | None = None,
        step: Step = plain,
        *,
        untracked: bool = False,
        **options: Any,
    ) -> Any:
        """Run as ``open_run`` opens it and return its result; ``options`` are the job's own."""
        with open_run(self.name, config, as_of, step) as run:
            run.record_inputs()
            run.record.untracked = untracked
            if self.tables:
                require_folder(run.settings)
            self._require_models(run.settings)
            return self.function(run, **options)

    @property
    def function(self) -> Callable[..., Any]:
        return resolve_name(self.call) if isinstance(self.call, str) else self.call

    def contents(self, result: Any) -> Iterator[tuple[str, str]]:
        """Key and text of each artifact; counts and places, nothing of a customer."""
        for key, name in self.artifacts.items():
            yield key, resolve_name(name)(result)

    def _require_models(self, settings: Settings) -> None:
        # Where a champion is kept, the registry is asked once, by the run: it may be slow.
        kept = settings.paths.champion / "champion.json"
        needed, found = self.champion and not kept.is_file(), None
        if (needed or self.experiments) and settings.may_hold_models():
            from pipelines.tracking import registry

            require = partial(registry.require_store, settings, *self.experiments)
            found = registry.with_timeout(settings, require)
        if needed and found is None:
            store = settings.tracking.uri or settings.paths.mlflow_database
            raise ModelError(
                f"no model {settings.tracking.model!r} carries the alias champion in {store}. "
                "Train one: stille train."
            )


def night(run: Run, *, backfill: bool = False) -> Any:
    """``nightly`` as the only publisher; raises ``BusyError`` while another one is."""
    out = run.settings.paths.out
    with publisher(out) as notes:
        run.record.notes += notes
        run.record.notes += close_dead(run.settings.paths.runs, run.record)
        refuse_older(out, run.as_of, backfill=backfill)
        from pipelines.jobs.nightly import nightly

        return nightly(run, backfill=backfill)


def preview(run: Run, *, backfill: bool = False) -> Any:
    """``nightly`` into a folder below ``var``, which has the newest preview alone."""
    out = run.settings.paths.preview
    refuse_older(run.settings.paths.out, run.as_of, backfill=backfill)
    with publisher(out):
        close_dead(run.settings.paths.runs, run.record)
        for path in out.glob("[!.]*"):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        from pipelines.jobs.nightly import nightly

        return replace(nightly(run, out), written=False, dry_run=True)


def publication(night: Any) -> str:
    """Where a night's lists are, and how many rows each has."""
    folder = night.publication.folder
    what = "Published" if night.written else "Already published"
    lanes = manifest_facts(folder).get("lanes", {})
    table = markdown_table(("lane", "customers"), [(lane, f"{n:,}") for lane, n in lanes.items()])
    return "\n".join([f"{what}: `{name_of(folder)}`", "", *table])


CHECK = Job("check", "pipelines.jobs.check:check", tables=False)  # its page says what is absent
TRAIN = Job(
    "train",
    "pipelines.jobs.train:train",
    {"scorecard": "pipelines.training.result:scorecard_markdown"},
    ("", "search"),
)
NIGHTLY = Job(
    "nightly", f"{__name__}:night", {"publication": f"{__name__}:publication"}, champion=True
)
PREVIEW = Job("preview", f"{__name__}:preview", champion=True)
MONITOR = Job(
    "monitor",
    "pipelines.jobs.monitor:monitor",
    {"monitoring": "pipelines.monitoring.result:markdown"},
    ("monitoring",),
    champion=True,
)
EFFECT = Job(
    "effect", "pipelines.jobs.effect:measure", {"effect": "pipelines.effect.result:markdown"}
)
OUTCOMES = Job("outcomes", "pipelines.lists.reported_contacts:take_outcomes", tables=False)
RECALIBRATE = Job(
    "recalibrate", "pipelines.jobs.recalibrate:recalibrate", experiments=("",), champion=True
)

JOBS: Mapping[str, Job] = {
    job.name: job
    for job in (CHECK, TRAIN, NIGHTLY, PREVIEW, MONITOR, EFFECT, OUTCOMES, RECALIBRATE)
}
