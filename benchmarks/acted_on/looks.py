"""What monthly looks at the effect of contact say in the end: many companies, one law.

A company assigns so many customers a month, a share of them held out by lot; ``BASE`` leave alone.
Contact keeps a share of those reached who would have left. A look compares all assigned so far.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from benchmarks.models.keeping import Row
from models.causal.treatment_effect import Effect, measure_effects, randomised_assignments

BASE, HELD_OUT, SMALLEST = 0.08, 0.1, 0.3
COMPANIES = 150


@dataclass(frozen=True, slots=True)
class Trial:
    """Customers a month, months, share of the leavers reached that are kept, and reach."""

    monthly: int
    looks: int
    kept: float = 0.0
    reach: float = 1.0


def summary(trial: Trial, seed: int, companies: int = COMPANIES) -> Row:
    """What is said in the end, as shares of the companies.

    ``first_none``: the first verdict that says anything is no difference; ``harm`` and ``help``: a
    look ever says so; ``customers``: assigned when 80 % have seen that contact helps (0 where
    fewer ever do), ``one_look``: those that one look needs.
    """
    rng = np.random.default_rng(seed)
    found = [list(_looks(trial, rng)) for _ in range(companies)]
    said = [[e.verdict for e in company if e.verdict not in SILENT] for company in found]
    first = [each[0] if each else "nothing" for each in said]
    sizes = [
        next((e.treated + e.held_out for e in each if e.verdict == "fewer_leave"), np.inf)
        for each in found
    ]
    customers = float(np.quantile(sizes, 0.8, method="higher"))
    return {
        "companies": companies,
        "harm": float(np.mean(["more_leave" in each for each in said])),
        "help": float(np.mean(["fewer_leave" in each for each in said])),
        "first_none": float(np.mean([each == "no_difference" for each in first])),
        "customers": customers if np.isfinite(customers) else 0.0,
        "one_look": _one_look(trial),
    }


def _one_look(trial: Trial) -> float:
    """Customers with which one look sees ``SMALLEST`` of those reached four times in five."""
    change = SMALLEST * trial.reach
    left = BASE * (1 - change)
    spread = left * (1 - left) / (1 - HELD_OUT) + BASE * (1 - BASE) / HELD_OUT
    return float(spread * ((norm.isf(0.025) + norm.isf(0.2)) / (BASE * change)) ** 2)


SILENT = ("not_measurable_yet",)


def _looks(trial: Trial, rng: np.random.Generator) -> Iterator[Effect]:
    size = trial.monthly * trial.looks
    month = np.repeat(np.arange(trial.looks), trial.monthly)
    treat = rng.random(size) >= HELD_OUT
    reached = treat & (rng.random(size) < trial.reach)
    left = rng.random(size) < BASE * np.where(reached, 1 - trial.kept, 1.0)
    rows = pd.DataFrame(
        {
            "customer_id": [f"c{number:07d}" for number in range(size)],
            "assigned_on": np.datetime64("2024-01", "M") + month,
            "arm": np.where(treat, "treat", "holdout"),
            "left": left,
            "reached": reached,
        }
    ).assign(
        risk_band="high", lane="call", action="A4", product_line="electricity", household_id=None
    )
    rows["assigned_on"] = rows["assigned_on"].astype("datetime64[s]")
    for look in range(1, trial.looks + 1):
        seen = randomised_assignments(rows.iloc[: look * trial.monthly])
        yield measure_effects(seen, SMALLEST)[0]
