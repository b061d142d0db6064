"""The model of competing outcomes: what it learns, what it may not know, what it survives."""

import json
from dataclasses import replace
from datetime import date

import lightgbm as lgb
import numpy as np
import pytest

from features.contract import OUTCOMES
from features.errors import GateError, ModelError
from models.boosters.hyperparameters import Recipe
from models.boosters.text_format import plain_booster
from models.calibration.platt import Calibration
from models.churn.model import ChurnModel
from models.churn.serialization import digest, model_from_files, to_files
from models.competing_risks.fit import baseline, fit_incidence, group_causes
from models.competing_risks.model import (
    Incidence,
    evaluate_outcomes,
    followed_up_rows,
    voluntary_or_stayed,
)
from models.competing_risks.person_periods import count_outcomes, cumulative_incidence, expand
from models.dataset.exposure import NEVER, Exposure
from models.dataset.feature_spec import FeatureColumn, FeatureSpec
from models.dataset.histories import Histories

SPEC = FeatureSpec(
    (
        FeatureColumn("pain", "number", "wait", "support_wait", 1, "max(wait)"),
        FeatureColumn("moving", "number", "profile", "relationship", 0, "any(move)"),
    )
)
RECIPE = Recipe(seeds=(1, 2), threads=1)
REACH = {"lead_days": 14, "periods": 6}
TODAY = date(2024, 1, 1)


def company(customers=3000, months=12, seed=0, effect=1.5, shift=0.0):
    """Customers whose pain makes them give notice and whose plans make them move, day by day."""
    rng = np.random.default_rng(seed)
    pain, moving = rng.normal(size=customers), (rng.random(customers) < 0.3) * 1.0
    daily = np.column_stack(
        [
            np.exp(-7.2 + shift + effect * pain),
            np.exp(-8.2 + effect * moving),
            np.full(customers, 2e-5),
        ]
    )
    ends = rng.exponential(1 / daily)
    first = ends.argmin(axis=1)
    day = ends.min(axis=1)
    as_ofs = np.arange("2023-01", "2024-01", dtype="datetime64[M]")[:months].astype("M8[D]")
    passed = (as_ofs - as_ofs[0]).astype(int)
    who, when = np.nonzero(day[:, None] > passed)
    after = np.minimum(day[who] - passed[when], NEVER).astype(np.int64)
    known = as_ofs[when] + np.minimum(after, 10_000) < np.datetime64(TODAY)
    causes = np.array(["voluntary", "moved", "deceased"], dtype=object)[first[who]]
    return Histories(
        customer_id=np.array([f"{i:05d}" for i in who], dtype=object),
        as_of=as_ofs[when],
        x=np.asfortranarray(np.column_stack([pain, moving])[who], dtype=np.float32),
        cause=np.where(known, causes, ""),
        exposure=Exposure.untreated(np.where(known, after, NEVER)),
        spec=SPEC,
    )


@pytest.fixture(scope="module")
def rows():
    return company()


@pytest.fixture(scope="module")
def model(rows):
    return fit_incidence(rows, known_before=TODAY, recipe=RECIPE, **REACH)


def test_rare_causes_are_pooled_and_named(rows, model):
    assert model.causes == ("voluntary", "moved", "other")
    assert model.pooled == ("deceased", "end_of_supply", "non_payment", "company")
    assert {name for group in model.groups for name in group} == set(OUTCOMES)
    few = replace(rows, cause=np.where(rows.cause == "voluntary", "moved", rows.cause))
    with pytest.raises(GateError, match=r"0 customers who gave voluntary notice.*50 are needed"):
        group_causes(few, 14, 6, TODAY)


def test_every_answer_adds_up_and_never_falls(rows, model):
    found = model.incidence(rows.x[:500], (30, 60, 90, 180))
    np.testing.assert_allclose(found.sum(axis=2), 1, atol=1e-12)
    assert (np.diff(found[:, :, 1:], axis=1) >= 0).all()
    short = model.incidence(rows.x[:500], (30, 180))
    np.testing.assert_array_equal(short, found[:, [0, 3]])


def test_each_cause_has_its_own_driver_and_its_own_level(model):
    """On other customers, whose sampling, order and ends the model has never seen."""
    later = company(seed=9, months=6)
    kept = followed_up_rows(later, 14, 180, np.ones(len(later), dtype=bool))
    cards = evaluate_outcomes(model, later.take(kept), 180)
    for name in ("stayed", "voluntary", "moved"):
        assert cards[name]["predicted"] == pytest.approx(cards[name]["observed"], rel=0.12)
    assert cards["voluntary"]["auc"] > 0.75
    assert cards["moved"]["auc"] > 0.6
    pained, planning = np.array([[2, 0], [0, 1]], dtype=np.float32)
    chances = model.incidence(np.asfortranarray([pained, planning]), (180,))[:, 0]
    assert chances[0, 1] > 3 * chances[1, 1]
    assert chances[1, 2] > 2 * chances[0, 2]


def test_without_splits_the_model_is_aalen_and_johansen(rows):
    """No feature says anything, four of ten still there are seen: the estimator comes back."""
    blank = replace(rows, x=np.zeros_like(rows.x))
    flat = fit_incidence(blank, known_before=TODAY, recipe=RECIPE, **REACH)
    counts = count_outcomes(
        expand(blank, flat.groups, known_before=TODAY, **REACH), 6, len(flat.causes)
    )
    hazards = counts[:, 1:] / counts.sum(axis=1, keepdims=True)
    expected = cumulative_incidence(hazards[None])[0]
    alone = Incidence((), flat.causes, flat.pooled, baseline(counts), 0 * flat.level, 14, SPEC)
    every = tuple(30 * k for k in range(1, 7))
    np.testing.assert_allclose(alone.incidence(blank.x[:1], every)[0], expected, atol=2e-4)
    level = replace(flat, level=0 * flat.level)
    np.testing.assert_allclose(level.incidence(blank.x[:1], every)[0], expected, rtol=0.02)


def test_a_cause_never_seen_in_a_period_is_unlikely_and_not_impossible():
    chances = np.exp(baseline(np.array([[90, 10, 0], [80, 0, 0], [0, 0, 0]])))
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    assert (chances > 0).all()
    assert chances[1, 1] < 0.001
    np.testing.assert_allclose(chances[2], np.array([170, 10, 0.5]) / 180.5)


def test_what_ends_after_today_changes_nothing(rows, model):
    shut = np.datetime64("2023-08-01")
    later = rows.as_of + np.minimum(rows.ended_after, 10_000) >= shut
    blind = replace(
        rows,
        exposure=Exposure.untreated(np.where(later, NEVER, rows.ended_after)),
        cause=np.where(later, "", rows.cause),
    )
    kept = [
        fit_incidence(one, known_before=shut.item(), recipe=replace(RECIPE, seeds=(1,)), **REACH)
        for one in (rows, blind)
    ]
    np.testing.assert_array_equal(*(one.incidence(rows.x[:50], (180,)) for one in kept))


def test_the_same_rows_give_the_same_bytes_on_any_number_of_threads():
    few = company(customers=900, months=4)
    one, two = (
        fit_incidence(few, known_before=TODAY, recipe=replace(RECIPE, threads=n), **REACH)
        for n in (1, 2)
    )
    texts = [[booster.model_to_string() for booster in found.boosters] for found in (one, two)]
    assert texts[0] == texts[1]
    np.testing.assert_array_equal(one.level, two.level)


def test_a_level_that_rose_lately_is_followed(rows):
    """In the newest three months one in fifty more gives notice, whoever they are."""
    more = (rows.as_of >= np.datetime64("2023-09-01")) & (np.arange(len(rows)) % 50 == 0)
    risen = replace(
        rows,
        exposure=Exposure.untreated(np.where(more, 20, rows.ended_after)),
        cause=np.where(more, "voluntary", rows.cause),
    )
    recipe = replace(RECIPE, seeds=(1,))
    before, after = (
        fit_incidence(one, known_before=TODAY, recipe=recipe, **REACH) for one in (rows, risen)
    )
    assert before.level[0] == after.level[0] == 0
    assert after.level[1] > before.level[1] + 0.2
    assert after.level[2] == pytest.approx(before.level[2], abs=0.15)


def test_the_champions_question_leaves_the_others_out():
    incidence = np.array([[0.6, 0.3, 0.1], [0.6, 0.3, 0.1]])
    np.testing.assert_allclose(voluntary_or_stayed(incidence), 1 / 3)


def test_who_ended_in_the_lead_or_was_treated_first_does_not_judge(rows):
    few = rows.take(np.arange(len(rows)) < 5)
    untreated = Exposure.untreated(np.array([13, 14, NEVER, 60, 200]))
    treated = replace(untreated, treated_after=np.array([NEVER, 20, 100, 30, 104]))
    few, every = replace(few, exposure=treated), np.ones(5, dtype=bool)
    assert followed_up_rows(few, 14, 90, every).tolist() == [1, 4]
    assert followed_up_rows(few, 14, 90, every & (np.arange(5) != 1)).tolist() == [4]


@pytest.fixture(scope="module")
def whole(rows, model):
    """A churn model on the same features, with the outcomes beside it."""
    names = list(SPEC.names)
    data = lgb.Dataset(rows.x, label=rows.cause == "voluntary", feature_name=names)
    booster = lgb.train({"objective": "binary", "verbosity": -1, "num_threads": 1}, data, 5)
    return ChurnModel((plain_booster(booster),), Calibration(), SPEC, model)


def test_it_travels_in_the_artefact(rows, model, whole):
    files = to_files(whole)
    added = {"incidence.json", "incidence_0.txt", "incidence_1.txt"}
    assert set(files) - set(to_files(replace(whole, incidence=None))) == added
    seen = []
    again = model_from_files(files, digest(files), seen.extend).incidence
    assert [files[name] for name in ("booster_0.txt", "incidence_0.txt")] == seen[:2]
    assert again is not None
    asked = (rows.x[:50], (30, 180))
    np.testing.assert_array_equal(again.incidence(*asked), model.incidence(*asked))
    assert to_files(replace(whole, incidence=again)) == files
    for name in sorted(added):
        with pytest.raises(ModelError, match="digest"):
            model_from_files({**files, name: files[name] + b" "}, digest(files))


@pytest.mark.parametrize("name", ["incidence_0.txt", "incidence_1.txt", "incidence.json"])
def test_no_part_of_it_may_be_absent_or_alone(whole, name):
    files = {key: content for key, content in to_files(whole).items() if key != name}
    with pytest.raises(ModelError):
        model_from_files(files, digest(files))


def test_a_booster_of_another_kind_or_with_other_leaves_is_refused(whole):
    files = to_files(whole)
    text = files["incidence_0.txt"]
    line = text.index(b"leaf_value=") + len(b"leaf_value=")
    other = text[:line] + (b"1" if text[line : line + 1] != b"1" else b"2") + text[line + 1 :]
    for changed in (files["booster_0.txt"], text.replace(b"num_class=4", b"num_class=3"), other):
        damaged = {**files, "incidence_0.txt": changed}
        with pytest.raises(ModelError):
            model_from_files(damaged, digest(damaged))


@pytest.mark.parametrize(
    "change",
    [
        {"causes": ["voluntary"]},
        {"causes": ["voluntary", "voluntary", "moved"]},
        {"causes": ["voluntary", "=1+1", "moved"]},
        {"level": [0, 0, 0, float("nan")]},
        {"baseline": [[0, 0]]},
        {"baseline": []},
        {"lead_days": "soon"},
        {"probe": []},
    ],
)
def test_a_description_that_is_none_is_refused(whole, change):
    files = to_files(whole)
    told = json.loads(files["incidence.json"]) | change
    files["incidence.json"] = json.dumps(told).encode()
    with pytest.raises(ModelError):
        model_from_files(files, digest(files))


def test_a_horizon_that_was_not_learned_is_refused(rows, model):
    for days in (45, 210, 0):
        assert not model.covers(days)
        with pytest.raises(ModelError, match=f"reach 180 days.*{days}"):
            model.incidence(rows.x[:1], (days,))
