"""Companies of the benchmarks: simulated once, with the demo's configuration, and read by it."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from models.dataset.examples import Examples
from pipelines.config.run import Run
from pipelines.config.settings import Settings, load_settings
from pipelines.jobs.read_tables import read_tables
from pipelines.runtime.run_record import RunRecord
from pipelines.simulator.simulate import simulate
from pipelines.snapshots.snapshot import Snapshot
from pipelines.training.examples import make_examples

FOLDER = Path("var/bench")
Document = dict[str, Any]


def demo_settings(
    folder: Path, change: Callable[[Document], None] = lambda document: None
) -> Settings:
    """The demo's configuration with ``data``, ``var`` and ``out`` below ``folder``.

    ``change`` edits the document in place before it is written to ``config.yaml`` and checked.
    """
    document = yaml.safe_load(Path("configs/demo.yaml").read_text("utf-8"))
    document["paths"] = {name: str(folder / name) for name in ("data", "var", "out")}
    change(document)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return load_settings(path)


def simulate_once(settings: Settings, *, customers: int, months: int, seed: int) -> None:
    """Simulate into the data folder; a finished company, which has an answer key, is left alone."""
    if not (settings.paths.data / "truth").is_dir():
        simulate(settings.paths.data, customers=customers, months=months, seed=seed)


def snapshot_of(settings: Settings, today: date) -> Snapshot:
    """The tables as known before ``today``."""
    return read_tables(_run(settings, today))


def examples_of(settings: Settings, snapshot: Snapshot, today: date) -> Examples:
    """The labelled matrix as known before ``today``."""
    return make_examples(_run(settings, today), snapshot).examples


def _run(settings: Settings, today: date) -> Run:
    return Run(settings, today, RunRecord("bench", "bench", ""))
