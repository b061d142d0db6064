"""Retraining in a simulated company whose list works: naive training unlearns what it works on."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from models.churn.fit import fit
from models.churn.model import ChurnModel
from models.dataset.array_types import Mask, Matrix
from models.dataset.examples import Examples
from pipelines.config.run import Run
from pipelines.config.settings import Settings, load_settings
from pipelines.jobs.read_tables import read_tables
from pipelines.runtime.run_record import open_record
from pipelines.simulator.options import KIND, Dials, OwnList
from pipelines.simulator.simulate import simulate
from pipelines.training.evaluation import recipe_of
from pipelines.training.examples import TrainingData, leave_out_treated, make_examples

TODAY, LISTED = date(2024, 7, 1), 0.05
LIST = OwnList(share=LISTED, held_out=0.15)
ACTED_ON = replace(KIND, own_list=LIST, reach=1.0, fit=(2.5, 2.5))
EVERYBODY_STAYS = {"persuadable": 1.0, "sure": 0.0, "lost": 0.0, "sleeping_dog": 0.0}
NOBODY_RESPONDS = {"persuadable": 0.0, "sure": 1.0, "lost": 0.0, "sleeping_dog": 0.0}
WORKS, IN_VAIN = (replace(ACTED_ON, types=t) for t in (EVERYBODY_STAYS, NOBODY_RESPONDS))


@pytest.mark.proof
def test_a_list_that_works_does_not_unlearn_whom_it_calls(tmp_path, monkeypatch):
    """Lists that keep nearly everybody and lists in vain teach the same of those left alone.

    Models meet a twin company that calls nobody: how many of those whom a list would call there are
    expected to leave. Companies of either kind are learned from alike, from as few rows.
    """
    monkeypatch.chdir(Path(__file__).parents[3])
    twin = prepared(tmp_path / "twin", KIND)[1].examples
    members, expected = listed(tmp_path / "twin", twin), {}
    for dials, seeds in ((WORKS, (11, 14, 15)), (IN_VAIN, (12, 16, 17))):
        companies = [prepared(tmp_path / f"company-{seed}", dials, seed) for seed in seeds]
        for how in ("ignore", "weight"):
            models = [trained(*company, how) for company in companies]
            scores = [model.probability(as_in(model.spec.names, twin)) for model in models]
            expected[dials is WORKS, how] = np.mean([p[members].mean() for p in scores])
    assert expected[True, "ignore"] < 0.65 * expected[False, "ignore"]
    assert expected[True, "weight"] == pytest.approx(expected[False, "weight"], rel=0.1)


def prepared(folder: Path, dials: Dials, seed: int = 11) -> tuple[Settings, TrainingData]:
    """A company of 3,000 customers and its labelled rows; no outcomes by horizon."""
    simulate(folder / "data", customers=3_000, months=30, seed=seed, dials=dials)
    document = yaml.safe_load(Path("configs/demo.yaml").read_text("utf-8"))
    document["paths"] = {name: str(folder / name) for name in ("data", "var", "out")}
    document["label"].pop("horizons")
    (folder / "config.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    settings = load_settings(folder / "config.yaml")
    with open_record(settings.paths.runs, "train-1", "train") as record:
        run = Run(settings, TODAY, record)
        return settings, make_examples(run, read_tables(run))


def trained(settings: Settings, prepared: TrainingData, how: str) -> ChurnModel:
    """The recipe on what one way of training learns from."""
    training = settings.training.model_copy(update={"feedback": how, "seeds": 2})
    settings = settings.model_copy(update={"training": training})
    with open_record(settings.paths.runs, f"train-{how}", "train") as record:
        fair, _ = leave_out_treated(Run(settings, TODAY, record), prepared)
    recipe = recipe_of(settings, len(fair.examples))
    return fit(fair.examples, recipe)[0]


def listed(folder: Path, examples: Examples) -> Mask:
    """Which rows are at their as-of date, by the answer key, among the riskiest of all."""
    rows = pd.read_parquet(folder / "data" / "truth" / "hazard.parquet")
    rows["month"] = pd.to_datetime(rows["month"]).astype("datetime64[us]")
    place = rows.set_index(["customer_id", "month"])["hazard"].groupby("month").rank(pct=True)
    as_of = examples.as_of.astype("datetime64[us]")
    keys = pd.MultiIndex.from_arrays([examples.customer_id, as_of])
    return place.reindex(keys).to_numpy() > 1 - LISTED


def as_in(names: tuple[str, ...], examples: Examples) -> Matrix:
    """The matrix of ``examples`` with these columns; NaN for one that never varied there."""
    own = {name: examples.x[:, i] for i, name in enumerate(examples.spec.names)}
    nothing = np.full(len(examples), np.nan, dtype=np.float32)
    columns = [own.get(name, nothing) for name in names]
    return np.asfortranarray(np.column_stack(columns), dtype=np.float32)
