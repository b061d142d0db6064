"""The public sets as examples, and the folds on which everything is judged.

Settings may be tried out on half of the customers (Trupanion: on months before October) only.
Reported folds test the other half (Trupanion: October, November, December) and train on all
rows that are not tested, Trupanion on those whose label window had closed. Folds of customers
are drawn again for every repeat.
"""

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from benchmarks.companies import Company
from benchmarks.models.keeping import FOLDER
from features.timeline import LabelWindow
from models.dataset.examples import Examples
from models.dataset.splits import Fold, customer_share, rolling_origin
from pipelines.config.settings import load_settings
from pipelines.training.examples import rows_digest

SHARED = Path("../shared/data").resolve()
SETS = {
    "trupanion": date(2017, 1, 1),
    "powerco": date(2016, 2, 1),
    "cell2cell": date(2002, 1, 1),
    "telco": date(2018, 1, 1),
}
REPEATS = {"powerco": 3, "telco": 3}
_FOLDS = 5
_MONTHS = 3


@dataclass(frozen=True, slots=True)
class Set:
    """One company's examples, its label window and a digest of both."""

    name: str
    examples: Examples
    window: LabelWindow
    digest: str


def load(name: str) -> Set | None:
    """Read a set through its shipped configuration; None where its files are absent."""
    if "STILLE_EXAMPLE_DATA" not in os.environ and SHARED.is_dir():
        os.environ["STILLE_EXAMPLE_DATA"] = str(SHARED)
    os.environ["STILLE__PATHS__VAR"] = str(FOLDER / name)
    settings = load_settings(Path(f"configs/examples/{name}.yaml"))
    missing = [
        settings.paths.data / source.path
        for source in settings.sources.values()
        if source.path and not (settings.paths.data / source.path).is_file()
    ]
    if missing:
        print(f"{name}: skipped, {missing[0]} is absent (set STILLE_EXAMPLE_DATA)", flush=True)
        return None
    examples = Company(settings, SETS[name]).examples()
    digest = rows_digest(examples, examples.spec.to_json())
    return Set(name, examples, settings.label_window(), digest)


def reported(data: Set) -> tuple[Fold, ...]:
    """The folds of the page, of all repeats."""
    examples = data.examples
    if not examples.single_date:
        return rolling_origin(examples.as_of, data.window, _MONTHS, 1)
    half = customer_share(examples.customer_id, "benchmark") < 0.5
    repeats = (f"folds {number + 1}" for number in range(REPEATS.get(data.name, 1)))
    return tuple(fold for name in repeats for fold in _folds(examples, half, name))


def _folds(examples: Examples, tested: np.ndarray, name: str) -> tuple[Fold, ...]:
    """Folds that test the ``tested`` rows, each once, and learn from all others."""
    number = np.floor(customer_share(examples.customer_id, name) * _FOLDS)
    tests = ((number == fold) & tested for fold in range(_FOLDS))
    return tuple(Fold(~test, test, f"{name}, {fold + 1}") for fold, test in enumerate(tests))
