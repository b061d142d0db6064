"""Feature ablation: the same fit and the same test rows, on parts of the features.

Each part is a run of one MLflow experiment, so that the tensions between the source articles
stay visible: waiting against resolution (S3, S1), price alone against everything (S3), how much
"there and then" surveys add (S1), whether outreach wakes who sleeps (S0, S3), and what the way of
paying adds, which lowers risk and hides price rises (S3).

    python -m benchmarks.ablation configs/yours.yaml
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from models.dataset.feature_spec import FeatureColumn
from models.metrics.bootstrap import Interval
from models.metrics.scorecard import scorecard
from pipelines.config.run import Run
from pipelines.jobs.entry import Job
from pipelines.jobs.read_tables import read_tables
from pipelines.tracking import runs
from pipelines.training.evaluation import fit_fold, rows_to_measure, test_folds
from pipelines.training.examples import make_examples

_WAIT = ("wait", "bot_loop", "fault_response")
_PAYING = ("payment_method", "payment_setup")
_RESOLUTION = ("unresolved_case", "late_delivery")

PARTS: Mapping[str, Callable[[FeatureColumn], bool]] = {
    "all": lambda column: True,
    "price only": lambda column: column.family == "price",
    "wait only": lambda column: column.driver in _WAIT,
    "resolution only": lambda column: column.driver in _RESOLUTION,
    "wait and resolution": lambda column: column.driver in (*_WAIT, *_RESOLUTION),
    "without price": lambda column: column.family != "price",
    "without binding": lambda column: column.driver != "binding",
    "without satisfaction": lambda column: column.family != "satisfaction",
    "without contact volume": lambda column: column.driver != "contact_volume",
    "without outreach": lambda column: column.driver != "outreach",
    "without payment method": lambda column: column.driver not in _PAYING,
}


Ablation = tuple[str, int, dict[str, Interval]]
"""A part of the features: its name, how many they are, and the scorecard of a model on it."""


def ablate(run: Run) -> list[Ablation]:
    """Evaluate every part that has features on the newest test rows, and log each to MLflow."""
    settings, snapshot = run.settings, read_tables(run)
    examples = make_examples(run, snapshot).examples
    fold = test_folds(settings, examples)[-1]
    ablations: list[Ablation] = []
    for name, keep in PARTS.items():
        part = examples.part(keep)
        if part is None:
            run.record.notes.append(f"no features for the part: {name}")
            continue
        model = fit_fold(settings, part.take(fold.train), f"{name}, {fold.name}")
        test = part.take(fold.test)
        p = model.probability(test.x, test.product_line, settings.engine.threads)
        card = scorecard(rows_to_measure(settings, part, test), p)
        ablations.append((name, len(part.spec.columns), card))
        params = {"part": name, "features": len(part.spec.columns)}
        values = {metric: interval.value for metric, interval in card.items()}
        runs.log_run(settings, "ablations", name, params, values)
    return ablations


ABLATION = Job("ablation", ablate, experiments=("ablations",))


def main(config: Path) -> None:
    """Print each part with its number of features, AUC and log loss, with 95 % intervals."""
    for part, features, card in ABLATION.start(config):
        print(f"{part:22} {features:4} {card['auc']:.4f}  {card['log_loss']:.4f}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "configs/demo.yaml"))
