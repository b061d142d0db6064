"""Drift is an effect size: none without a change, the planted feature first with one."""

import numpy as np
import pytest

from models.dataset.feature_spec import FeatureColumn, FeatureSpec
from models.drift.psi import by_family, feature_drift, score_drift
from models.drift.reference import Reference, counts_of, learn_reference, stability

FAMILIES = ("price", "support_wait", "information")
SPEC = FeatureSpec(
    (
        *(
            FeatureColumn(f"f{i}", "number", f"d{i}", FAMILIES[i % 3], 0, f"f{i}")
            for i in range(30)
        ),
        FeatureColumn("plan", "category", "plan", "price", 0, "plan", ("a", "b", "c")),
    )
)
ALARM = 0.25


def company(rng, rows):
    """Skewed, counted, half-empty and categorical columns, as a company's are."""
    x = np.empty((rows, 31), dtype=np.float32, order="F")
    for i in range(30):
        if i % 3 == 0:
            x[:, i] = rng.lognormal(size=rows)
        elif i % 3 == 1:
            x[:, i] = rng.poisson(0.2, rows)
        else:
            x[:, i] = np.where(rng.random(rows) < 0.5, np.nan, rng.normal(size=rows))
    x[:, 30] = rng.choice([0, 1, 2, np.nan], rows, p=[0.6, 0.3, 0.05, 0.05])
    return x


def days(rows, months=1):
    return np.datetime64("2024-01-01", "D") + 30 * (np.arange(rows) % months)


def learned(rng, rows=20_000, months=10):
    dates = days(rows, months)
    return learn_reference(company(rng, rows), dates, SPEC, rng.beta(1, 15, rows), dates)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("rows", [300, 5_000])
def test_without_a_change_nothing_comes_near_the_alarm(seed, rows):
    rng = np.random.default_rng(seed)
    reference = learned(rng)
    drifts = feature_drift(company(rng, rows), SPEC, reference)
    assert len(drifts) == 31
    assert drifts[0].psi < ALARM / 4
    assert max(by_family(drifts).values()) < ALARM / 10
    assert score_drift(rng.beta(1, 15, rows), reference).psi < ALARM / 4


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("planted", [3, 4, 5, 30])
def test_the_feature_that_moved_comes_first(seed, planted):
    rng = np.random.default_rng(seed)
    reference = learned(rng)
    x = company(rng, 3_000)
    if planted == 3:
        x[:, planted] *= 3
    elif planted == 4:
        x[:, planted] = rng.poisson(1.0, 3_000)
    elif planted == 5:
        x[rng.random(3_000) < 0.6, planted] = np.nan
    else:
        x[:, planted] = rng.choice([0, 1, 2], 3_000, p=[0.1, 0.2, 0.7])
    first, second = feature_drift(x, SPEC, reference)[:2]
    assert first.name == SPEC.names[planted]
    assert first.psi > ALARM > 4 * second.psi
    assert max(by_family((first, second)), key=by_family((first, second)).get) == first.family


@pytest.mark.parametrize("seed", range(4))
def test_what_moves_every_month_is_no_drift_and_what_moves_beyond_it_is(seed):
    rng = np.random.default_rng(seed)

    def bills(rows, day):
        x = company(rng, rows)
        x[:, 0] = day + rng.integers(0, 20, rows)
        return x

    dates = np.repeat(np.arange(10), 2_000)
    x = np.concatenate([bills(2_000, month % 5) for month in range(10)])
    as_of = np.datetime64("2024-01-01", "D") + 30 * dates
    reference = learn_reference(x, as_of, SPEC, rng.random(20_000), as_of)
    assert reference.features["f0"].usual > ALARM / 2
    for day in range(5):
        assert feature_drift(bills(2_000, day), SPEC, reference)[0].psi < ALARM
    strange = bills(2_000, 4)
    strange[:, 0] = 99
    first = feature_drift(strange, SPEC, reference)[0]
    assert (first.name, first.psi > ALARM) == ("f0", True)


def history(months, odd):
    """A column of months that are alike, but for the ``odd`` ones, where it is a hundred more."""
    rng = np.random.default_rng(0)
    dates = np.arange(months).repeat(500)
    x = company(rng, len(dates))
    x[np.isin(dates, odd), 0] += 100
    as_of = np.datetime64("2022-01-01", "D") + 30 * dates
    return learn_reference(x, as_of, SPEC, rng.random(len(x)), as_of)


@pytest.mark.parametrize(("months", "odd"), [(24, [0]), (30, [29]), (48, [3, 30])])
def test_one_odd_month_of_two_years_does_not_hide_a_lasting_shift(months, odd):
    x = company(np.random.default_rng(1), 3_000)
    x[:, 0] += 100
    first = feature_drift(x, SPEC, history(months, odd))[0]
    assert (first.name, first.psi > ALARM) == ("f0", True)
    assert first.raw == pytest.approx(first.psi + first.by_chance + first.usual)


@pytest.mark.parametrize(("months", "odd"), [(12, [3]), (24, [11, 23]), (36, [0, 12, 24])])
def test_a_month_that_may_be_odd_every_year_is_usual(months, odd):
    x = company(np.random.default_rng(1), 3_000)
    x[:, 0] += 100
    drifts = feature_drift(x, SPEC, history(months, odd))
    (found,) = (drift for drift in drifts if drift.name == "f0")
    assert found.psi < ALARM < found.raw


def test_a_reference_by_hand():
    """Ten values in tenths, one of them null; then twice as many above the lowest edge."""
    spec = FeatureSpec((FeatureColumn("f", "number", "d", "price", 0, "f"),))
    x = np.array([[0], [0], [0], [1], [2], [3], [4], [5], [6], [np.nan]], dtype=np.float32)
    reference = learn_reference(x, days(10), spec, np.full(10, 0.5), days(10))
    f = reference.features["f"]
    assert f.edges == (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
    assert f.shares == pytest.approx((0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1))
    assert (f.null, f.mean) == pytest.approx((0.1, 21 / 9))
    assert counts_of(np.array([0.0, 0.0, 9.0, np.nan]), (0.0, 5.0)).tolist() == [2, 0, 1, 1]
    moved = np.array([[0], [0], [0], [1], [2], [3], [4], [5], [9], [9]], dtype=np.float32)
    (drift,) = feature_drift(moved, spec, reference)
    # the last bin 0.1 → 0.2, null 0.1 → 0 (kept at 0.0001)
    index = 0.1 * np.log(2) + (0.0001 - 0.1) * np.log(0.0001 / 0.1)
    assert (drift.by_chance, drift.usual) == pytest.approx((7 * 2 / 10, 0))
    counts = counts_of(moved[:, 0], f.edges), counts_of(x[:, 0], f.edges)
    assert stability(*counts) == pytest.approx((index, 1.4))
    assert drift.psi == 0
    assert drift.shift == pytest.approx((33 / 10 - 21 / 9) / np.nanstd(x))
    assert (drift.null_then, drift.null_now) == pytest.approx((0.1, 0.0))


def test_a_reference_comes_back_from_its_text_and_holds_no_row():
    reference = learned(np.random.default_rng(0), 1_000)
    assert Reference.from_json(reference.to_json()) == reference
    assert all(len(each.shares) <= 10 for each in reference.features.values())


def test_columns_without_values_or_without_a_reference_are_no_drift():
    rng = np.random.default_rng(0)
    x = company(rng, 1_000)
    x[:, 2] = np.nan
    reference = learn_reference(x, days(1_000), SPEC, rng.random(1_000), days(1_000))
    drifts = {drift.name: drift for drift in feature_drift(x, SPEC, reference)}
    assert (drifts["f2"].psi, drifts["f2"].shift, drifts["f2"].null_now) == (0, 0, 1)
    fewer = Reference(
        reference.rows,
        reference.scored,
        {name: each for name, each in reference.features.items() if name != "f7"},
        reference.scores,
    )
    assert "f7" not in {drift.name for drift in feature_drift(x, SPEC, fewer)}
