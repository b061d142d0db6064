"""``python -m benchmarks.monotone``: what the monotone recipe costs, on a simulated company.

The newest three months are scored with one seed, learned from what was known before them. The
difference is monotone minus free, its 95 % interval over customers.
"""

import time
from dataclasses import replace
from datetime import date

import numpy as np

from benchmarks.companies import FOLDER, Company, demo_settings, simulated
from benchmarks.markdown import interval
from benchmarks.models.paired import Scored, difference, drawn
from models.boosters.hyperparameters import recipe_for
from models.churn.fit import fit
from models.dataset.splits import rolling_origin
from models.metrics.scorecard import measure

CUSTOMERS, MONTHS, SEED = 6_000, 50, 7
TODAY = date(2026, 3, 1)


def main() -> None:
    """Fit both on the same rows and print one line of figures each."""
    folder = FOLDER / "monotone"
    settings = simulated(demo_settings(folder), customers=CUSTOMERS, months=MONTHS, seed=SEED)
    examples = Company(settings, TODAY).examples()
    fold = rolling_origin(examples.as_of, settings.label_window(), 1, 3)[0]
    train, test = examples.take(fold.train), examples.take(fold.test)
    signed = sum(bool(sign) for sign in train.spec.signs)
    print(f"{len(train):,} rows, {signed} of {len(train.spec.columns)} features have a sign")
    scored = {}
    for monotone in (True, False):
        recipe = replace(recipe_for(len(train), 1, 1), monotone=monotone)
        started = time.process_time()
        model, report = fit(train, recipe)
        cpu = time.process_time() - started
        p = model.probability(test.x, test.product_line, 1)
        scored[monotone] = drawn(examples, [Scored(np.flatnonzero(fold.test), p)])
        found = measure(test.y, p)
        print(
            f"monotone {monotone}: AUC {found['auc']:.4f}, log loss {found['log_loss']:.5f}, "
            f"{tuple(trial.rounds for trial in report.grown)} rounds, {cpu:.0f} CPU-s"
        )
    for name, gap in zip(("AUC", "log loss"), difference(*scored.values()).values(), strict=True):
        print(f"{name}, difference: {interval(gap, '+.5f')}")


if __name__ == "__main__":
    main()
