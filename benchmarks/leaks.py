"""``python -m benchmarks.leaks``: what the search for leaks costs, in CPU-seconds.

200,000 rows of 160 columns that tell nothing, so that no column is given up early.
"""

import time

import numpy as np
import pandas as pd

from features.timeline import LabelWindow
from models.dataset.examples import Examples
from models.dataset.feature_spec import FeatureColumn, FeatureSpec
from models.leaks.search import find_leaks

CUSTOMERS, MONTHS, COLUMNS, LEAVE = 10_000, 20, 160, 0.025
WINDOW = LabelWindow(lead_days=14, horizon_days=90)


def company() -> Examples:
    """A row per customer and month."""
    rng, rows = np.random.default_rng(0), CUSTOMERS * MONTHS
    names = [f"column_{number}" for number in range(COLUMNS)]
    frame = pd.DataFrame(rng.normal(size=(rows, COLUMNS)).astype(np.float32), columns=names)
    months = pd.date_range("2022-01-01", periods=MONTHS, freq="MS")
    frame = frame.assign(
        customer_id=np.repeat([f"C{number:07d}" for number in range(CUSTOMERS)], MONTHS),
        as_of=np.tile(months, CUSTOMERS),
        product_line="electricity",
    )
    columns = (FeatureColumn(name, "number", name, "family", 0, name) for name in names)
    left = pd.Series(rng.random(rows) < LEAVE).astype("int8")
    return Examples.build(frame, FeatureSpec(tuple(columns)), left)


def main() -> None:
    """Search once and print the cost."""
    examples = company()
    started = time.process_time()
    found = find_leaks(examples, WINDOW, pd.unique(examples.customer_id))
    cpu = time.process_time() - started
    print(f"{len(examples):,} rows of {COLUMNS} columns: {cpu:.1f} CPU-s, {len(found)} findings")


if __name__ == "__main__":
    main()
