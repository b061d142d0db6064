"""A simulated company, a model that knows nothing of the judged months, and their scores.

What takes minutes is kept below ``var/bench/lists``: each company and one file of scores.
"""

from dataclasses import asdict
from datetime import date
from pathlib import Path

import pandas as pd

from benchmarks import companies
from benchmarks.companies import demo_settings, examples_of, simulate_once, snapshot_of
from features.timeline import month_starts
from models.churn.fit import fit
from models.dataset.examples import MARGIN
from models.dataset.feature_spec import FeatureSpec
from pipelines.config.settings import Settings
from pipelines.config.text_files import ACTIONS
from pipelines.lists.actions import load_actions, suggest
from pipelines.lists.list_columns import REASONS
from pipelines.matrices.build import MatrixJob, build_matrix, catalog_of
from pipelines.matrices.files import KEYS
from pipelines.matrices.frames import read_matrix
from pipelines.scoring.scores import causes_of, score_rows
from pipelines.training.evaluation import recipe_of

FOLDER = companies.FOLDER / "lists"
CUSTOMERS, MONTHS, SEED = 8_000, 34, 11
MORE_SEEDS = (12, 13)
KNOWN_BEFORE, LAST = date(2024, 1, 1), date(2024, 7, 1)
EXPLAINED = 2_000
CUSTOMER, PROBABILITY = "customer_id", "churn_probability"


def settings_of(folder: Path = FOLDER) -> Settings:
    """The demo's configuration on this company; outcomes by horizon are not needed here."""

    def change(document: companies.Document) -> None:
        document["label"].pop("horizons")
        document["training"]["seeds"] = 1
        document["list"]["explained_rows"] = EXPLAINED

    return demo_settings(folder, change)


def folder_of(seed: int) -> Path:
    """Where the company of a seed is kept."""
    return FOLDER if seed == SEED else FOLDER / f"seed-{seed}"


def scores(folder: Path = FOLDER, seed: int = SEED) -> pd.DataFrame:
    """A row per customer and month from ``KNOWN_BEFORE`` to ``LAST``: what a night would know.

    Columns of ``score_rows`` and of ``suggest``; the model has learned from what was known before
    ``KNOWN_BEFORE`` only.
    """
    path = folder / "scores.parquet"
    if not path.is_file():
        _scored(folder, seed).to_parquet(path)
    return pd.read_parquet(path)


def _scored(folder: Path, seed: int) -> pd.DataFrame:
    settings = settings_of(folder)
    simulate_once(settings, customers=CUSTOMERS, months=MONTHS, seed=seed)
    snapshot = snapshot_of(settings, date(2024, 11, 1))
    examples = examples_of(settings, snapshot, KNOWN_BEFORE)
    model = fit(examples, recipe_of(settings, len(examples)))[0]
    (folder / "spec.json").write_text(model.spec.to_json(), encoding="utf-8")
    catalog, rules = catalog_of(settings.sources, snapshot), load_actions(ACTIONS)
    names = [*KEYS, *(feature.name for feature in catalog.features)]
    nights = []
    for as_of in month_starts(KNOWN_BEFORE, LAST):
        parts = build_matrix(
            settings, snapshot, MatrixJob(catalog, (as_of,)), folder / "parts", lambda: None
        )
        rows = score_rows(settings, model, read_matrix(parts, names))
        nights.append(rows.join(suggest(rows, rules, REASONS)))
    found = causes_of(settings, model, catalog, rows)
    pd.DataFrame([asdict(each) for each in found]).to_parquet(folder / "causes.parquet")
    return pd.concat(nights, ignore_index=True)


def spec_of(folder: Path = FOLDER) -> FeatureSpec:
    """The inputs of the model that gave the scores, which are columns of them."""
    return FeatureSpec.from_json((folder / "spec.json").read_bytes())


def causes(folder: Path = FOLDER) -> pd.DataFrame:
    """What removing each cause would be worth on ``LAST``, by the model: columns of ``Removal``."""
    return pd.read_parquet(folder / "causes.parquet")


def margins(rows: pd.DataFrame) -> "pd.Series[float]":
    """Each row's margin a year in minor units, NaN where it is not known."""
    return rows[MARGIN].astype("float64")
