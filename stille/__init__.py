"""Stille in Python, for notebooks and scripts: what the commands do, as functions.

A day ``as_of`` is the as-of date: only what was known before its local midnight is used. Functions
that read tables check them as a night does, leave a record in ``paths.runs``, and raise what the
commands print (``features.errors``). Everything is imported when it is first asked for.
"""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from stille.shadowing import refuse_shadows

_COMMAND = Path(sys.argv[0]).stem in ("stille", "-m")
refuse_shadows("features", "models", "pipelines", command=_COMMAND)

from pipelines.runtime.environment import quiet_libraries  # noqa: E402

quiet_libraries()
# Bars are of text: without ipywidgets, tqdm warns in a notebook of every import of MLflow.
warnings.filterwarnings("ignore", "IProgress not found")

if TYPE_CHECKING:
    import pandas as pd

    from features.families import FAMILIES as FAMILIES
    from models.churn.model import ChurnModel
    from models.dataset.array_types import Floats
    from models.dataset.examples import Examples
    from models.dataset.splits import Fold
    from pipelines.comparison.difference import compare_runs as compare_runs
    from pipelines.config.run import Run
    from pipelines.config.settings import Settings
    from pipelines.config.settings import load_settings as load_settings
    from pipelines.jobs.entry import CHECK, TRAIN
    from pipelines.simulator.simulate import simulate as simulate
    from pipelines.tracking.champion import Champion
    from pipelines.training.evaluation import fit_fold as fit_fold
    from pipelines.training.evaluation import test_folds as test_folds

    check_tables, train = CHECK.start, TRAIN.start

_ELSEWHERE = {
    "FAMILIES": "features.families:FAMILIES",
    "check_tables": "pipelines.jobs.entry:CHECK.start",
    "compare_runs": "pipelines.comparison.difference:compare_runs",
    "fit_fold": "pipelines.training.evaluation:fit_fold",
    "load_settings": "pipelines.config.settings:load_settings",
    "simulate": "pipelines.simulator.simulate:simulate",
    "test_folds": "pipelines.training.evaluation:test_folds",
    "train": "pipelines.jobs.entry:TRAIN.start",
}


def __getattr__(name: str) -> Any:
    """What stands in another package; ``check_tables`` and ``train`` are jobs' starts."""
    if name not in _ELSEWHERE:
        raise AttributeError(f"module 'stille' has no attribute {name!r}")
    return resolve_name(_ELSEWHERE[name])


def __dir__() -> list[str]:
    return sorted({*globals(), *_ELSEWHERE})


def matrix(settings: "Settings", as_of: date) -> "pd.DataFrame":
    """One row per customer of the cohort: customer_id, as_of, product_line, features and facts.

    Raises ``ContractError`` for broken tables and ``GateError`` for those that a night refuses.
    """
    from pipelines.jobs.read_tables import read_tables
    from pipelines.matrices.build import MatrixJob, catalog_of, make_matrix

    with _run(settings, as_of) as run:
        snapshot = read_tables(run)
        catalog = catalog_of(settings.sources, snapshot)
        names = [feature.name for feature in catalog.features]
        return make_matrix(run, snapshot, MatrixJob(catalog, (as_of,)), names)


def examples(settings: "Settings", as_of: date) -> "Examples":
    """The labelled rows that a training on this day learns from, of all matured months.

    ``x`` (n, f) is encoded as ``spec`` says, ``y`` (n,) is 1 for a voluntary notice in the label
    window. Raises ``GateError`` when no label window is complete.
    """
    from pipelines.jobs.read_tables import read_tables
    from pipelines.training.examples import leave_out_treated, make_examples

    with _run(settings, as_of) as run:
        return leave_out_treated(run, make_examples(run, read_tables(run)))[0].examples


def scorecard(
    settings: "Settings", examples: "Examples", fold: "Fold", probability: "Floats"
) -> "pd.DataFrame":
    """Metrics of ``probability`` (k,) on the k test rows of ``fold``: value, low and high.

    The 95 % intervals are by customer and hold the swing of months. Raises ``GateError`` where all
    rows have one label, or a score is no probability.
    """
    import pandas as pd

    from models.metrics.scorecard import scorecard as card_of
    from pipelines.training.evaluation import rows_to_measure

    card = card_of(rows_to_measure(settings, examples, examples.take(fold.test)), probability)
    values = {name: [each.value, each.low, each.high] for name, each in card.items()}
    return pd.DataFrame.from_dict(values, orient="index", columns=["value", "low", "high"])


def champion(settings: "Settings") -> "Champion":
    """The version that nights use: ``registered`` (label, tags) and ``model``.

    Raises ``ModelError`` when there is none or it cannot be trusted.
    """
    from pipelines.runtime.environment import today_in
    from pipelines.tracking.champion import resolve_champion

    with _run(settings, today_in(settings.company.timezone)) as run:
        return resolve_champion(run)


def score(model: "ChurnModel", matrix: "pd.DataFrame") -> "pd.Series[float]":
    """Probability of a voluntary notice in the label window, by the rows of ``matrix``.

    Columns are found by name and extra ones ignored. Raises ``ModelError`` for a column that is
    missing or holds another kind of value than in training.
    """
    import pandas as pd

    p = model.probability(model.spec.encode(matrix), matrix["product_line"].to_numpy(dtype=object))
    return pd.Series(p, index=matrix.index, name="churn_probability")


def explain(model: "ChurnModel", matrix: "pd.DataFrame") -> "pd.DataFrame":
    """What each driver adds to the log-odds of each row (SHAP), a column a driver.

    Raises as ``score`` does. It is association, not cause.
    """
    from models.explain.shap_values import by_driver

    x, lines = model.spec.encode(matrix), matrix["product_line"].to_numpy(dtype=object)
    return by_driver(model.contributions(x, lines), model.spec).set_index(matrix.index)


@contextmanager
def _run(settings: "Settings", as_of: date) -> "Iterator[Run]":
    from pipelines.config.run import Run
    from pipelines.runtime.environment import new_run_id
    from pipelines.runtime.run_record import open_record

    with open_record(settings.paths.runs, new_run_id("notebook"), "notebook") as record:
        run = Run(settings, as_of, record)
        run.record_inputs()
        yield run
