"""A small synthetic company: three numbers that matter, one category, one column of noise."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.timeline import LabelWindow, month_starts
from models.boosters.hyperparameters import Recipe
from models.churn.fit import fit
from models.churn.model import ChurnModel
from models.dataset.examples import Examples
from models.dataset.feature_spec import FeatureColumn, learn_spec

COLUMNS = (
    FeatureColumn("bill", "number", "bill_shock", "billing_friction", 1, "max(bill)"),
    FeatureColumn("wait", "number", "wait", "support_wait", 1, "max(wait)"),
    FeatureColumn("silent", "number", "profile", "relationship", 0, "null"),
    FeatureColumn("channel", "category", "profile", "relationship", 0, "any(channel)"),
    FeatureColumn("noise", "number", "tenure", "relationship", 0, "random()"),
)
RECIPE = Recipe(max_rounds=200, patience=10, seeds=(1, 2), threads=1)
WINDOW = LabelWindow(lead_days=14, horizon_days=30)


def company(customers: int = 300, months: int = 12, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    days = month_starts(date(2023, 1, 1), date(2030, 1, 1))[:months]
    rows = customers * months
    frame = pd.DataFrame(
        {
            "customer_id": np.repeat([f"{i:05d}" for i in range(customers)], months),
            "as_of": np.tile(np.array(days, dtype="datetime64[D]"), customers),
            "product_line": "power",
            "bill": rng.normal(size=rows).astype("float32"),
            "wait": np.where(rng.random(rows) < 0.3, np.nan, rng.exponential(size=rows)),
            "silent": np.full(rows, np.nan, dtype="float32"),
            "channel": rng.choice(["phone", "chat", "mail"], rows),
            "noise": rng.normal(size=rows).astype("float32"),
        }
    ).astype({"wait": "float32"})
    score = frame["bill"] + frame["wait"].fillna(0) + (frame["channel"] == "chat") - 2.5
    frame["label"] = (rng.random(rows) < 1 / (1 + np.exp(-score))).astype(int)
    return frame


def examples_of(frame: pd.DataFrame) -> Examples:
    return Examples.build(frame, learn_spec(COLUMNS, frame), frame["label"])


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    return company()


@pytest.fixture(scope="session")
def examples(frame: pd.DataFrame) -> Examples:
    return examples_of(frame)


@pytest.fixture(scope="session")
def model(examples: Examples) -> ChurnModel:
    return fit(examples, RECIPE)[0]


@pytest.fixture(scope="session")
def train() -> Callable[..., ChurnModel]:
    """Fit on a frame with changed recipe fields."""

    def run(frame: pd.DataFrame, **changes: object) -> ChurnModel:
        return fit(examples_of(frame), replace(RECIPE, **changes))[0]

    return run


@pytest.fixture(scope="session")
def later() -> Examples:
    """Other customers of the same company."""
    return examples_of(company(seed=7))


@pytest.fixture(scope="session")
def small() -> Callable[..., pd.DataFrame]:
    """Make a company of a given size."""
    return company


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    return RECIPE


@pytest.fixture(scope="session")
def window() -> LabelWindow:
    return WINDOW
