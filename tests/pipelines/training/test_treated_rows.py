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
EVERYBODY_STAYS = {"persuadable": 1.0, "sure": 0.0, "lost": 0.0, "sleeping_dog": 0.0}
LIST = OwnList(share=LISTED, held_out=0.15)
ACTED_ON = replace(KIND, own_list=LIST, types=EVERYBODY_STAYS, reach=1.0, fit=(2.5, 2.5))


@pytest.mark.proof
def test_a_list_that_works_does_not_unlearn_whom_it_calls(tmp_path, monkeypatch):
    """Both ways of training meet a twin company that calls nobody: who is right about it?

    Of those whom a list would call there, naive training expects too few to leave. The yardstick is
    what a model expects that learned in a third company, which calls nobody either.
    """
    monkeypatch.chdir(Path(__file__).parents[3])
    acted_on = prepared(tmp_path / "acted_on", ACTED_ON)
    twin = prepared(tmp_path / "twin", KIND)[1].examples
    members = listed(tmp_path / "twin", twin)
    models = {how: trained(*acted_on, how) for how in ("ignore", "weight")}
    models["uncalled"] = trained(*prepared(tmp_path / "third", KIND, seed=12), "ignore")
    expected = {
        name: float(model.probability(as_in(model.spec.names, twin))[members].mean())
        for name, model in models.items()
    }
    assert expected["ignore"] < 0.65 * expected["uncalled"]
    assert expected["weight"] == pytest.approx(expected["uncalled"], rel=0.2)


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
