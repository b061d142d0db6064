"""Who responds, kept between nights: as text, checked, and only while it wins."""

import json
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.causal.treatment_effect import RandomisedAssignments, measure_effects
from models.causal.uplift import UpliftData, UpliftModel, fit_uplift
from models.dataset.feature_spec import FeatureColumn, FeatureSpec
from pipelines.config.run import Run
from pipelines.config.settings import load_settings
from pipelines.jobs.entry import NIGHTLY
from pipelines.jobs.nightly import effect_digest
from pipelines.publication.manifest import MANIFEST, Stamp, manifest_bytes
from pipelines.publication.reader import verify
from pipelines.runtime.escaping import plain_json
from pipelines.runtime.run_record import RunRecord, open_record
from pipelines.scoring import uplift
from pipelines.tracking.champion import resolve_champion

SPEC = FeatureSpec(
    tuple(FeatureColumn(name, "number", name, name, 0, name) for name in ("one", "two"))
)
OTHER = FeatureSpec(SPEC.columns[::-1])


@pytest.fixture(scope="module")
def model() -> tuple[UpliftModel, UpliftData]:
    rng = np.random.default_rng(3)
    rows = 1_500
    x = np.asfortranarray(rng.normal(size=(rows, 2)), dtype=np.float32)
    ids = np.array([f"{n:05d}" for n in range(rows)], dtype=object)
    treat, left = rng.random(rows) < 0.7, rng.random(rows) < 0.2
    trial = UpliftData(ids, x, SPEC.names, (), np.full(rows, 0.2), treat, left)
    return fit_uplift(trial, threads=1), trial


def record() -> RunRecord:
    return RunRecord("night-1", "nightly", "")


def test_what_was_kept_is_read_back_with_the_same_effects(tmp_path: Path, model) -> None:
    kept, trial = model
    assert uplift.read(tmp_path, SPEC, record()) is None
    assert uplift.model_digest(tmp_path) == ""
    uplift.keep(tmp_path, kept, SPEC)
    named = uplift.model_digest(tmp_path)
    uplift.keep(tmp_path, replace(kept, alone=kept.alone + 1), SPEC)
    assert "" != named != uplift.model_digest(tmp_path)
    uplift.keep(tmp_path, kept, SPEC)
    assert uplift.model_digest(tmp_path) == named
    found = uplift.read(tmp_path, SPEC, record())
    assert found is not None
    np.testing.assert_array_equal(found.effect(trial.x, trial.p), kept.effect(trial.x, trial.p))
    uplift.withdraw(tmp_path)
    uplift.withdraw(tmp_path)
    assert uplift.read(tmp_path, SPEC, record()) is None


@pytest.mark.parametrize("damage", ["text", "facts", "digest", "features"])
def test_one_that_cannot_be_trusted_is_noted_and_not_used(
    tmp_path: Path, model, damage: str
) -> None:
    uplift.keep(tmp_path, model[0], SPEC)
    text, facts = tmp_path / "uplift.txt", tmp_path / "uplift.json"
    if damage == "text":
        text.write_bytes(text.read_bytes().replace(b"tree", b"TREE", 1))
    elif damage == "facts":
        facts.write_text("[]")
    elif damage == "digest":
        facts.write_text(json.dumps(json.loads(facts.read_bytes()) | {"digest": "0"}))
    told = record()
    spec = OTHER if damage == "features" else SPEC
    assert uplift.read(tmp_path, spec, told) is None
    [note] = told.notes
    assert "stille effect" in note


def test_an_effect_that_does_not_differ_is_judged_and_not_used(
    demo, tmp_path: Path, stille, model
) -> None:
    """A lot drawn afterwards changed nobody: arms at random on an earlier day's list."""
    day = date(2023, 10, 1)
    config = demo.config_in(tmp_path, economics={"saved_share": 0.9})
    everybody = pd.read_parquet(demo.data / "tables" / "customers.parquet")
    rng = np.random.default_rng(5)
    treat = rng.random(len(everybody)) < 0.5
    rows = everybody[["customer_id"]].assign(
        churn_probability=rng.uniform(0.01, 0.2, len(everybody)),
        risk_band="low",
        lane=np.where(treat, "call", "suppressed"),
        lane_rule=pd.Series(np.where(treat, None, "holdout"), dtype="str"),
    )
    folder = tmp_path / "out" / day.isoformat() / "nightly-1"
    folder.mkdir(parents=True)
    rows.to_parquet(folder / "risk_list.parquet")
    made = datetime(2023, 10, 1, tzinfo=UTC)
    stamp = Stamp(day, "nightly-1", made, "i", "c", "churn/1", "m", 90, {})
    (folder / MANIFEST).write_bytes(manifest_bytes(folder, stamp, {}))
    var = load_settings(config).paths.var
    uplift.keep(var / "uplift", model[0], SPEC)
    ended = stille("effect", "--config", config, "--as-of", demo.as_of)
    assert ended.code == 0, ended.err
    assert "Ranking by effect is not used, risk ranks" in ended.out
    found = json.loads((var / "effect" / f"{demo.as_of}.json").read_bytes())
    assert found["responds"]["used"] is False
    assert found["responds"]["gain"]["low"] <= 0
    assert not (var / "uplift" / "uplift.json").exists()


def test_a_night_values_contacts_by_an_accepted_effect(demo, published, tmp_path: Path) -> None:
    """The same night with a model that keeps nobody: no contact is worth its cost, none is made.

    A measured effect of everybody stands beside what was assumed, and both name the night.
    """
    config = demo.config_in(tmp_path)
    settings = load_settings(config)
    with open_record(settings.paths.runs, "n", "nightly") as told:
        spec = resolve_champion(Run(settings, demo.as_of, told)).model.spec
    rows = 400
    x = np.asfortranarray(np.zeros((rows, len(spec.names))), dtype=np.float32)
    ids = np.array([f"{n:05d}" for n in range(rows)], dtype=object)
    treat, left = np.arange(rows) % 2 == 0, np.arange(rows) % 5 == 0
    trial = UpliftData(ids, x, spec.names, spec.categories, np.full(rows, 0.2), treat, left)
    uplift.keep(settings.paths.var / "uplift", fit_uplift(trial, 1), spec)
    with_model = effect_digest(settings, demo.as_of)
    # of 1,000 held out 100 left, of 4,000 treated 320: a fifth of the leavers was saved
    arms = pd.DataFrame({"customer_id": np.arange(5_000).astype(str), "arm": "treat"})
    arms.loc[:999, "arm"] = "holdout"
    arms["left"] = (arms.index < 100) | arms.index.isin(range(1_000, 1_320))
    arms = arms.assign(assigned_on=pd.Timestamp("2023-01-01"), probability=0.1, reached=True)
    texts = dict.fromkeys(("risk_band", "lane", "action", "product_line"), "one")
    effects = measure_effects(RandomisedAssignments.build(arms.assign(**texts)))
    measured = {"effects": [asdict(each) for each in effects], "waiting": 3, "harmful": []}
    settings.paths.effect.mkdir(parents=True)
    (settings.paths.effect / f"{demo.as_of}.json").write_bytes(plain_json(measured))
    night = NIGHTLY.start(config, demo.as_of)
    ours = pd.read_parquet(night.publication.folder / "risk_list.parquet")
    theirs = pd.read_parquet(published.publication.folder / "risk_list.parquet")
    assert ours["churn_probability"].equals(theirs["churn_probability"])
    assert ours["expected_value"].between(-61, -30).all()
    assert (theirs["expected_value"] > 0).any()
    assert not ours["lane"].eq("call").any()
    told = verify(night.publication.folder)["stille"]
    assert told["effect_digest"] == effect_digest(settings, demo.as_of) not in ("", with_model)
    assert verify(published.publication.folder)["stille"]["effect_digest"] == ""
    share = told["saved_share"]
    assert (share["assumed"], round(share["measured"], 3)) == (0.3, 0.2)
    assert share["measured"] < share["used"] < share["assumed"]
    assert share["day"] == f"{demo.as_of}"
