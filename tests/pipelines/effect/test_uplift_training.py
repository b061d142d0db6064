"""Who responds, kept between nights: as text, checked, and only while it wins."""

import json
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.causal.treatment_effect import measure_effects, randomised_assignments
from models.causal.uplift import UpliftData, UpliftModel, fit_uplift
from models.dataset.feature_spec import FeatureColumn, FeatureSpec
from models.metrics.profit import Economics
from pipelines.config.measurement import EFFECT_VERSION
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


def trial_of(spec: FeatureSpec, rows: int) -> UpliftData:
    """Nobody is kept by contact, whoever it is."""
    ids, line = (np.array([text] * rows, dtype=object) for text in ("", "insurance"))
    ids[:] = [f"{n:05d}" for n in range(rows)]
    days, x = np.full(rows, np.datetime64("2023-10-01")), np.zeros((rows, len(spec.names)))
    treat, left = np.arange(rows) % 2 == 0, np.arange(rows) % 5 == 0
    return UpliftData(
        ids, line, days, np.asfortranarray(x, dtype=np.float32), spec.names, spec.categories,
        np.linspace(0.05, 0.6, rows), np.full(rows, 4_000.0), treat, left, np.full(rows, 0.5),
        np.full(rows, True),
    )  # fmt: skip


@pytest.fixture(scope="module")
def model() -> tuple[UpliftModel, UpliftData]:
    trial = trial_of(SPEC, 800)
    fitted = fit_uplift(trial, Economics(0, 1, 30, 300, 0.3), threads=1).model
    return replace(fitted, asleep_days=30), trial


def record() -> RunRecord:
    return RunRecord("night-1", "nightly", "")


def test_what_was_kept_is_read_back_with_the_same_effects(tmp_path: Path, model) -> None:
    kept, trial = model
    assert uplift.read(tmp_path, SPEC, record()) is None
    assert uplift.model_digest(tmp_path) == ""
    uplift.keep(tmp_path, kept, SPEC)
    named = uplift.model_digest(tmp_path)
    uplift.keep(tmp_path, replace(kept, asleep_days=None), SPEC)
    assert "" != named != uplift.model_digest(tmp_path)
    uplift.keep(tmp_path, kept, SPEC)
    assert uplift.model_digest(tmp_path) == named
    found = uplift.read(tmp_path, SPEC, record())
    assert found is not None
    assert found.asleep_days == 30
    asked = trial.x, trial.p, trial.product_line
    np.testing.assert_array_equal(found.effect(*asked), kept.effect(*asked))
    uplift.withdraw(tmp_path)
    uplift.withdraw(tmp_path)
    assert uplift.read(tmp_path, SPEC, record()) is None


@pytest.mark.parametrize("damage", ["text", "facts", "digest", "features", "version"])
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
    elif damage == "version":
        known = json.loads(facts.read_bytes())
        facts.write_text(json.dumps({name: known[name] for name in known if name != "ranges"}))
    told = record()
    spec = OTHER if damage == "features" else SPEC
    assert uplift.read(tmp_path, spec, told) is None
    [note] = told.notes
    assert "stille effect" in note


def test_an_effect_that_does_not_differ_is_judged_and_not_used(
    demo, tmp_path: Path, stille, model, monkeypatch
) -> None:
    """A lot drawn afterwards changed nobody: arms at random on an earlier day's list."""
    # The CRM reports few contacts after that list, so that it could show nothing of their effect.
    monkeypatch.setattr("pipelines.jobs.effect.TARGET_POWER", 0.0)
    day = date(2023, 10, 1)
    config = demo.config_in(tmp_path, economics={"saved_share": 0.9})
    everybody = pd.read_parquet(demo.data / "tables" / "customers.parquet")
    rng = np.random.default_rng(5)
    treat = rng.random(len(everybody)) < 0.5
    p = rng.uniform(0.01, 0.2, len(everybody))
    rows = everybody[["customer_id"]].assign(
        product_line="insurance",
        churn_probability=p,
        value_at_risk=p * 4_000,
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
    assert "Who responds is not used, risk ranks" in ended.out
    found = json.loads((var / "effect" / f"{demo.as_of}.json").read_bytes())["responds"]
    assert found["used"] is found["accepted"] is False
    assert found["gain"]["low"] <= 0
    assert found["depth"] == 1
    assert 0 < found["customers"] < len(rows)
    assert not (var / "uplift" / "uplift.json").exists()


def test_a_night_values_by_effect_whom_the_trial_had_and_protects_the_others(
    demo, published, tmp_path: Path
) -> None:
    """A model that says that contact keeps everybody, from a trial without sleepers.

    It must not put one more of them on the list. Whom the trial had are worth as much as they are
    at risk. A measured effect of everybody stands beside what was assumed, and both name the night.
    """
    config = demo.config_in(tmp_path)
    settings = load_settings(config)
    with open_record(settings.paths.runs, "n", "nightly") as told:
        spec = resolve_champion(Run(settings, demo.as_of, told)).model.spec
    fitted = fit_uplift(trial_of(spec, 400), Economics(0, 1, 30, 300, 0.3), 1).model
    ranges = dict.fromkeys(("electricity", "broadband", "insurance"), (0.05, 0.6))
    keeps = replace(fitted, saved=1.0, woken=0.0, weight=0.0, ranges=ranges, asleep_days=30)
    uplift.keep(settings.paths.var / "uplift", keeps, spec)
    with_model = effect_digest(settings, demo.as_of)
    # of 1,000 held out 100 left, of 4,000 treated 320: a fifth of the leavers was saved
    arms = pd.DataFrame({"customer_id": np.arange(5_000).astype(str), "arm": "treat"})
    arms.loc[:999, "arm"] = "holdout"
    arms["left"] = (arms.index < 100) | arms.index.isin(range(1_000, 1_320))
    arms = arms.assign(assigned_on=pd.Timestamp("2023-01-01"), reached=True)
    arms["household_id"] = None
    texts = dict.fromkeys(("risk_band", "lane", "action", "product_line"), "one")
    effects = measure_effects(randomised_assignments(arms.assign(**texts)))
    measured = {
        "lots": [asdict(effects[0]) | {"channel_reach": 1.0, "source": "publications"}],
        "effects": [],
        "waiting": 3,
    }
    measured |= {"schema_version": EFFECT_VERSION}
    settings.paths.effect.mkdir(parents=True)
    (settings.paths.effect / f"{demo.as_of}.json").write_bytes(plain_json(measured))
    night = NIGHTLY.start(config, demo.as_of)
    ours = pd.read_parquet(night.publication.folder / "risk_list.parquet").set_index("customer_id")
    theirs = pd.read_parquet(published.publication.folder / "risk_list.parquet")
    theirs = theirs.set_index("customer_id").loc[ours.index]
    assert ours["churn_probability"].equals(theirs["churn_probability"])
    raised = ours["expected_value"] > theirs["expected_value"] + 1
    p = ours["churn_probability"]
    assert raised.sum() > 50
    assert p[raised].between(0.05, 0.6).all()
    assert ours["product_line"][raised].isin([*ranges]).all()
    least = ours["value_at_risk"] - 300 * p - 30 - 30
    phoned = raised & ours["use_channel"].eq("phone")
    assert phoned.sum() > 20
    assert (ours["expected_value"] >= least - 0.1)[phoned].all()
    sleeping = theirs["lane_rule"].eq("asleep")
    assert sleeping.sum() > 50
    assert not raised[sleeping].any()
    assert ours["lane_rule"][sleeping].eq("asleep").all()
    told = verify(night.publication.folder)["stille"]
    assert told["effect_digest"] == effect_digest(settings, demo.as_of) not in ("", with_model)
    assert verify(published.publication.folder)["stille"]["effect_digest"] == ""
    share = told["saved_share"]
    assert (share["assumed"], round(share["measured"], 3)) == (0.3, 0.2)
    assert share["measured"] < share["used"] < share["assumed"]
    assert share["day"] == f"{demo.as_of}"


def test_who_is_not_alike_to_anybody_in_the_trial_has_no_effect(company, model) -> None:
    settings = company()
    uplift.keep(settings.paths.uplift, model[0], SPEC)
    awake = {"one": 0.0, "two": 0.0, "autopay": 0.0, "product_line": "insurance"}
    rows = [
        awake | {"churn_probability": 0.3},
        awake | {"churn_probability": 0.9},
        awake | {"churn_probability": 0.3, "product_line": None},
        awake | {"churn_probability": 0.3, "autopay": 1.0},
    ]
    told = record()
    scored = pd.DataFrame(rows)
    found = uplift.read(settings.paths.uplift, SPEC, told)
    effect = uplift.effects(found, SPEC.encode(scored), scored, date(2024, 3, 1), 1)
    assert np.isnan(effect).tolist() == [False, True, True, True]
    uplift.note_effects(told, pd.Series(effect))
    [note] = told.notes
    assert "1 of 4 customers" in note
