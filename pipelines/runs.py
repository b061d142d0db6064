"""Runs as a person or a scheduler starts them: configuration, clock and run record around a run.

``as_of`` defaults to today in the company's zone. What a run raises is recorded, then raised.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from pipelines.clock import new_run_id, today_in
from pipelines.effect import Measured, measure
from pipelines.monitor import Monitored, monitor
from pipelines.nightly import Night, nightly
from pipelines.recalibrate import Followed, recalibrate
from pipelines.record import recorded
from pipelines.run import Run
from pipelines.settings import load_settings
from pipelines.step import Step, plain
from pipelines.train import Trained, train
from pipelines.training.ablation import Ablation, ablate
from pipelines.training.effort import AS_CONFIGURED, Effort


@contextmanager
def _run(
    kind: str, config: Path, as_of: date | None, step: Step = plain, *, untracked: bool = False
) -> Iterator[Run]:
    settings = load_settings(config)
    day = as_of or today_in(settings.company.timezone)
    with recorded(settings.paths.var, new_run_id(kind), kind) as record:
        record.untracked = untracked
        yield Run(settings, day, record, step)


def run_training(
    config: Path,
    as_of: date | None = None,
    step: Step = plain,
    *,
    effort: Effort = AS_CONFIGURED,
    untracked: bool = False,
) -> Trained:
    """Train a model on what was known before ``as_of``."""
    with _run("train", config, as_of, step, untracked=untracked) as run:
        return train(run, effort)


def run_nightly(
    config: Path,
    as_of: date | None = None,
    step: Step = plain,
    *,
    backfill: bool = False,
    untracked: bool = False,
) -> Night:
    """Score the customers of ``as_of`` and publish the lists."""
    with _run("nightly", config, as_of, step, untracked=untracked) as run:
        return nightly(run, backfill=backfill)


def run_ablation(config: Path, as_of: date | None = None) -> list[Ablation]:
    """Judge parts of the drivers."""
    with _run("ablate", config, as_of) as run:
        return ablate(run)


def run_effect(config: Path, as_of: date | None = None, step: Step = plain) -> Measured:
    """Measure whether contacting helps."""
    with _run("effect", config, as_of, step) as run:
        return measure(run)


def run_monitoring(
    config: Path, as_of: date | None = None, step: Step = plain, *, untracked: bool = False
) -> Monitored:
    """Compare what was predicted with what happened."""
    with _run("monitor", config, as_of, step, untracked=untracked) as run:
        return monitor(run)


def run_recalibration(
    config: Path, as_of: date | None = None, step: Step = plain, *, untracked: bool = False
) -> Followed:
    """Refit the champion's calibration."""
    with _run("recalibrate", config, as_of, step, untracked=untracked) as run:
        return recalibrate(run)
