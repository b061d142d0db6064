"""Every rival on every fold of a set: AUC, log loss and CPU seconds, kept once measured."""

import time

from benchmarks.models.data import Set, reported
from benchmarks.models.keeping import Row, kept, settled
from benchmarks.models.rivals import RIVALS
from models.scorecard import measure


def contest(data: Set) -> list[Row]:
    """One row per rival and fold: set, rival, fold, rows, auc, log_loss, cpu (seconds)."""
    rows = []
    for number, fold in enumerate(reported(data)):
        train, test = data.examples.take(fold.train), data.examples.take(fold.test)
        for name, make in RIVALS.items():

            def measured() -> Row:
                started = time.process_time()
                p = make(train, data.window)(test)  # noqa: B023  (called within the loop)
                cpu = time.process_time() - started
                values = measure(test.y, p)  # noqa: B023
                return {"auc": values["auc"], "log_loss": values["log_loss"], "cpu": cpu}

            about = settled(len(train)) if name == "recipe" else {}
            found = kept(f"{data.name}-{number}-{name}", [data.digest, about], measured)
            if not found:
                break
            shared = {"fold": fold.name, "train_rows": len(train), "test_rows": len(test)}
            rows.append({"rival": name, **shared, **found})
            print(data.name, rows[-1], flush=True)
    whole = {fold: sum(row["fold"] == fold for row in rows) for fold in {r["fold"] for r in rows}}
    return [row for row in rows if whole[row["fold"]] == len(RIVALS)]
