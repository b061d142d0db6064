"""``python -m benchmarks.sample [CUSTOMERS]``: accuracy of a training sample against all rows.

A model learns from all customers of a simulated company and from halves, quarters and eighths of
them, drawn as the training sample is. All are judged on every row of the newest month, which none
has seen: AUC, and its difference from all rows' with an interval by customer.
"""

import sys
from datetime import date

from benchmarks import companies
from models.churn.fit import fit
from models.dataset.splits import customer_share, rolling_origin
from models.metrics.bootstrap import Rows, bootstrap
from models.metrics.ranking import auc_difference, roc_auc
from pipelines.training.evaluation import recipe_of

CUSTOMERS, MONTHS, SEED = 100_000, 36, 1
FIRST, TODAY = date(2024, 1, 1), date(2025, 1, 1)
SHARES = (1.0, 0.5, 0.25, 0.125)


def main(customers: int) -> None:
    """Print a line a share."""

    def change(document: companies.Document) -> None:
        document["label"]["horizons"] = []
        document["training"] |= {"first_as_of": FIRST, "max_rows": 10**9}

    settings = companies.demo_settings(companies.FOLDER / f"sample-{customers}", change)
    companies.simulated(settings, customers=customers, months=MONTHS, seed=SEED)
    examples = companies.Company(settings, TODAY).examples()
    fold = rolling_origin(examples.as_of, settings.label_window(), 1, 1)[0]
    past, newest = examples.take(fold.train), examples.take(fold.test)
    drawn = customer_share(past.customer_id, "sample")
    of_all = None
    for share in SHARES:
        rows = past.take(drawn < share)
        model, _ = fit(rows, recipe_of(settings, len(rows)))
        p = model.probability(newest.x, newest.product_line)
        of_all = p if of_all is None else of_all
        gap = bootstrap(auc_difference(newest.y, p, of_all), Rows(newest.customer_id, newest.y))
        print(
            f"{share:.1%} of {customers:,} customers: {len(rows):,} rows, {int(rows.y.sum()):,} "
            f"leavers; AUC {roc_auc(newest.y, p):.4f}, {gap:+.4f} of that from all rows",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else CUSTOMERS)
