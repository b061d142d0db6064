"""Every rival on every fold of a set: probabilities, AUC, log loss and CPU seconds, kept once."""

import time
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from statistics import mean

import numpy as np

from benchmarks.models.data import Set, reported
from benchmarks.models.keeping import Row, kept, settled
from benchmarks.models.paired import Scored, difference, drawn
from benchmarks.models.rivals import RIVALS
from models.dataset.splits import Fold
from models.metrics.scorecard import measure

OURS = "recipe"


def contest(data: Set) -> list[Row]:
    """One row per rival and fold: rival, fold (its number), rows, auc, log_loss, cpu, p.

    ``cpu`` are seconds, ``p`` the test rows' probabilities. A fold that not every rival has been
    measured on is left out.
    """
    rows = []
    for number, fold in enumerate(reported(data)):
        found = {name: _kept(data, number, fold, name) for name in RIVALS}
        if all(found.values()):
            shared = {"fold": number, "train_rows": int(fold.train.sum())}
            rows += [{"rival": name, **shared, **each} for name, each in found.items()]
    return rows


def standings(data: Set, rows: Sequence[Row]) -> list[Row]:
    """One row per rival: the mean of each figure, and how the recipe differs from it.

    ``auc_difference`` and ``log_loss_difference`` are [value, low, high] of the recipe minus the
    rival, ``won`` counts the folds on which the recipe's AUC is higher.
    """
    folds = reported(data)
    by: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by[row["rival"]].append(row)
    draws = {
        name: drawn(
            data.examples,
            [Scored(np.flatnonzero(folds[r["fold"]].test), np.array(r["p"])) for r in found],
        )
        for name, found in by.items()
    }
    table = []
    for name, found in by.items():
        shared = {key: mean(row[key] for row in found) for key in ("auc", "log_loss", "cpu")}
        line: Row = {"rival": name, "folds": len(found), **shared}
        line |= {key: found[0][key] for key in ("train_rows", "test_rows")}
        if name != OURS:
            line |= difference(draws[OURS], draws[name])
            line["won"] = sum(a["auc"] > b["auc"] for a, b in zip(by[OURS], found, strict=True))
        table.append(line)
    return table


def _kept(data: Set, number: int, fold: Fold, name: str) -> Row:
    about = settled(int(fold.train.sum())) if name == OURS else {}
    found = kept(
        f"{data.name}-{number}-{name}",
        [data.digest, fold.name, about],
        partial(_measured, data, fold, name),
    )
    if found:
        figures = f"{found['auc']:.4f} {found['cpu']:.1f} s"
        print(data.name, fold.name, name, figures, flush=True)
    return found


def _measured(data: Set, fold: Fold, name: str) -> Row:
    train, test = data.examples.take(fold.train), data.examples.take(fold.test)
    started = time.process_time()
    p = RIVALS[name](train, data.window)(test)
    cpu = time.process_time() - started
    values = measure(test.y, p)
    figures = {"auc": values["auc"], "log_loss": values["log_loss"], "cpu": cpu}
    return {**figures, "test_rows": len(test), "p": [float(f"{each:.8g}") for each in p]}
