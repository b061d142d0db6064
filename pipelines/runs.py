"""Runs as a person or a scheduler starts them: configuration, clock and run record around a run."""

from datetime import date
from pathlib import Path

from pipelines.clock import new_run_id, today_in
from pipelines.effect import Measured, measure
from pipelines.monitor import Monitored, monitor
from pipelines.nightly import Night, nightly
from pipelines.recalibrate import Followed, recalibrate
from pipelines.record import recorded
from pipelines.settings import load_settings
from pipelines.step import Step, plain
from pipelines.train import Trained, train
from pipelines.training.ablation import Ablation, ablate
from pipelines.training.effort import AS_CONFIGURED, Effort


def run_training(
    config: Path,
    as_of: date | None = None,
    step: Step = plain,
    *,
    effort: Effort = AS_CONFIGURED,
    untracked: bool = False,
) -> Trained:
    """Train with a run record; ``as_of`` defaults to today in the company's zone."""
    settings = load_settings(config)
    today = as_of or today_in(settings.company.timezone)
    with recorded(settings.paths.var, new_run_id("train"), "train") as record:
        record.untracked = untracked
        return train(settings, today, record, step, effort)


def run_nightly(
    config: Path,
    as_of: date | None = None,
    step: Step = plain,
    *,
    backfill: bool = False,
    untracked: bool = False,
) -> Night:
    """Run a night with a run record; ``as_of`` defaults to today in the company's zone."""
    settings = load_settings(config)
    day = as_of or today_in(settings.company.timezone)
    with recorded(settings.paths.var, new_run_id("nightly"), "nightly") as record:
        record.untracked = untracked
        return nightly(settings, day, record, step, backfill=backfill)


def run_ablation(config: Path, as_of: date | None = None) -> list[Ablation]:
    """Judge parts of the drivers, with a run record."""
    settings = load_settings(config)
    today = as_of or today_in(settings.company.timezone)
    with recorded(settings.paths.var, new_run_id("ablate"), "ablate") as record:
        return ablate(settings, today, record)


def run_effect(config: Path, as_of: date | None = None, step: Step = plain) -> Measured:
    """Measure whether contacting helps, with a run record."""
    settings = load_settings(config)
    today = as_of or today_in(settings.company.timezone)
    with recorded(settings.paths.var, new_run_id("effect"), "effect") as record:
        return measure(settings, today, record, step)


def run_monitoring(
    config: Path, as_of: date | None = None, step: Step = plain, *, untracked: bool = False
) -> Monitored:
    """Monitor with a run record; ``as_of`` defaults to today in the company's zone."""
    settings = load_settings(config)
    today = as_of or today_in(settings.company.timezone)
    with recorded(settings.paths.var, new_run_id("monitor"), "monitor") as record:
        record.untracked = untracked
        return monitor(settings, today, record, step)


def run_recalibration(
    config: Path, as_of: date | None = None, step: Step = plain, *, untracked: bool = False
) -> Followed:
    """Refit the champion's calibration, with a run record."""
    settings = load_settings(config)
    today = as_of or today_in(settings.company.timezone)
    with recorded(settings.paths.var, new_run_id("recalibrate"), "recalibrate") as record:
        record.untracked = untracked
        return recalibrate(settings, today, record, step)
