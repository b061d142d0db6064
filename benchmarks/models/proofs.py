"""What is promised of the recipe beside its accuracy: stability, same bytes, cheap sampling."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import lightgbm as lgb
import numpy as np
import pandas as pd

from benchmarks.models.data import Set, reported
from benchmarks.models.keeping import Row
from benchmarks.models.paired import Scored, difference, drawn
from benchmarks.models.rivals import THREADS
from models.boosters.hyperparameters import Recipe, recipe_for, with_changes
from models.churn.fit import fit
from models.churn.serialization import digest, to_files
from models.dataset.array_types import Floats
from models.dataset.examples import Examples
from models.dataset.feature_spec import FeatureSpec

T = TypeVar("T")
_TOP = 0.10
_QUICK = {"max_rounds": 60, "seeds": (1, 2)}
_SEEDS = {
    "one seed": ((1,), (2,)),
    "three seeds": ((1, 2, 3), (4, 5, 6)),
    "five seeds": ((1, 2, 3, 4, 5), (6, 7, 8, 9, 10)),
}


def overlap(data: Set) -> Row:
    """Jaccard overlap of the top decile between two fits that share no seed."""
    fold = reported(data)[-1]
    train, test = data.examples.take(fold.train), data.examples.take(fold.test)
    found: Row = {"rows": len(test)}
    base = recipe_for(len(train), 3, THREADS, train.single_date)
    for name, sets in _SEEDS.items():
        tops = [_top(train, test, data, replace(base, seeds=seeds)) for seeds in sets]
        found[name] = len(tops[0] & tops[1]) / len(tops[0] | tops[1])
    return found


def same_bytes(data: Set) -> Row:
    """Digests of the model's files over repeats, threads and row orders (60 rounds, two seeds)."""
    recipe = with_changes(recipe_for(len(data.examples), 3, 1, data.examples.single_date), _QUICK)
    frame = _decoded(data.examples)
    shuffled = frame.sample(frac=1, random_state=1)
    columns = [*reversed(shuffled.columns)]
    return {
        "once": _digest(frame, data, recipe),
        "again": _digest(frame, data, recipe),
        "two threads": _digest(frame, data, replace(recipe, threads=2)),
        "rows shuffled": _digest(shuffled[columns], data, recipe),
    }


def sampling(data: Set) -> Row:
    """All stayers against so many per leaver, three seeds: means over folds, CPU seconds in all.

    ``auc_difference`` and ``log_loss_difference`` are [value, low, high] of the sample minus all.
    """
    folds = reported(data)
    found: Row = {"folds": len(folds), "train_rows": int(folds[-1].train.sum())}
    every: Floats | None = None
    for negatives in (None, 10, 20):
        scored, cpu = [], 0.0
        for fold in folds:
            train, test = data.examples.take(fold.train), data.examples.take(fold.test)
            base = recipe_for(len(train), 3, THREADS, train.single_date)
            recipe = replace(base, negatives=negatives)
            (model, _), seconds = _timed(partial(fit, train, recipe))
            p = model.probability(test.x, test.product_line, THREADS)
            scored.append(Scored(np.flatnonzero(fold.test), p))
            cpu += seconds
        draws = drawn(data.examples, scored)
        every = draws if every is None else every
        found["all" if negatives is None else f"1:{negatives}"] = {
            "auc": float(draws[0, 0]),
            **difference(draws, every),
            "cpu": cpu,
        }
    return found


def binning(data: Set) -> Row:
    """CPU seconds to bin, to write LightGBM's binary file, to read it, and to fit one seed."""
    examples = data.examples
    recipe = recipe_for(len(examples), 1, THREADS)
    params = recipe.params(1)

    def bins() -> lgb.Dataset:
        return lgb.Dataset(
            examples.x,
            examples.y,
            categorical_feature=list(examples.spec.categories),
            params=params,
        ).construct()

    made, binned = _timed(bins)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "bins")
        _, written = _timed(lambda: made.save_binary(path))
        size = path.stat().st_size
        _, read = _timed(lambda: lgb.Dataset(path, params=params).construct())
    _, fitted = _timed(lambda: fit(examples, recipe))
    cpu = {"bin": binned, "write": written, "read": read, "fit": fitted}
    return {"rows": len(examples), "features": examples.x.shape[1], "bytes": size, **cpu}


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.process_time()
    result = work()
    return result, time.process_time() - started


def _top(train: Examples, test: Examples, data: Set, recipe: Recipe) -> set[int]:
    model = fit(train, recipe)[0]
    p = model.probability(test.x, test.product_line, THREADS)
    return set(np.argsort(-p, kind="stable")[: round(_TOP * len(p))].tolist())


def _digest(frame: pd.DataFrame, data: Set, recipe: Recipe) -> str:
    spec: FeatureSpec = data.examples.spec
    model, _ = fit(Examples.build(frame, spec, frame["label"]), recipe)
    return digest(to_files(model))


def _decoded(examples: Examples) -> pd.DataFrame:
    columns: dict[str, object] = {
        "customer_id": examples.customer_id,
        "as_of": examples.as_of,
        "product_line": examples.product_line,
        "label": examples.y,
    }
    for position, column in enumerate(examples.spec.columns):
        values = examples.x[:, position]
        if column.kind == "category":
            words = np.array([*column.vocabulary, None], dtype=object)
            columns[column.name] = words[np.where(np.isnan(values), -1, values).astype(int)]
        else:
            columns[column.name] = values
    return pd.DataFrame(columns)
