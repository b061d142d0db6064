"""Companies of the benchmarks: their tables as known before a day, matrices and examples."""

import shutil
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from features.catalog import Catalog
from models.dataset.examples import Examples
from pipelines.config.run import Run
from pipelines.config.settings import Settings, load_settings
from pipelines.jobs.read_tables import read_tables
from pipelines.matrices.build import MatrixJob, build_matrix, catalog_of
from pipelines.matrices.files import MatrixPart
from pipelines.runtime.environment import instant
from pipelines.runtime.run_record import RunRecord
from pipelines.simulator.simulate import simulate
from pipelines.snapshots.snapshot import Snapshot
from pipelines.training.examples import make_examples

FOLDER = Path("var/bench").absolute()
Document = dict[str, Any]


@dataclass(frozen=True)
class Company:
    """A configuration and its tables, of which only what was known before ``today`` is read."""

    settings: Settings
    today: date

    @cached_property
    def snapshot(self) -> Snapshot:
        """The tables, whatever the gates say of their last days."""
        return read_tables(self._run(self.today), accept=True)

    @cached_property
    def catalog(self) -> Catalog:
        """The features that the tables can carry."""
        return catalog_of(self.settings.sources, self.snapshot)

    def examples(self, known_before: date | None = None) -> Examples:
        """The labelled matrix, by default as known before ``today``."""
        return make_examples(self._run(known_before or self.today), self.snapshot).examples

    def matrix(
        self, as_ofs: Sequence[date], names: Sequence[str], *, labelled: bool
    ) -> dict[date, list[MatrixPart]]:
        """The named features by as-of date; ``labelled``: with the outcomes known by ``today``."""
        known = self.today if labelled else None
        job = MatrixJob(self.catalog.only(names), tuple(as_ofs), labels_known_before=known)
        folder, parts = self.settings.paths.var / "bench", defaultdict(list)
        shutil.rmtree(folder, ignore_errors=True)
        for part in build_matrix(self.settings, self.snapshot, job, folder, lambda: None):
            parts[date.fromisoformat(part.features.parent.name[len("as_of=") :])].append(part)
        return parts

    def _run(self, today: date) -> Run:
        return Run(self.settings, today, RunRecord("bench", "bench", instant()))


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


def simulated(settings: Settings, *, customers: int, months: int, seed: int) -> Settings:
    """Simulate into the data folder; a finished company, which has an answer key, is left alone."""
    if not (settings.paths.data / "truth").is_dir():
        simulate(settings.paths.data, customers=customers, months=months, seed=seed)
    return settings
