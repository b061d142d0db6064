"""Hazard of treatment without a lot: by hand, and where the tables show what decided it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.causal.propensity import treatment_hazard
from models.competing_risks.person_periods import count_outcomes, cumulative_incidence, expand
from models.dataset.exposure import NEVER, Exposure
from models.dataset.feature_spec import FeatureColumn, learn_spec
from models.dataset.histories import Histories

COLUMNS = (FeatureColumn("state", "number", "wait", "support_wait", 1, "max(wait)"),)


def rows(state, as_of):
    """Rows of each customer (n, months) at each as-of date, sorted, with their spec."""
    count, months = state.shape
    frame = pd.DataFrame({"state": state.ravel().astype("float32")})
    ids = np.repeat(np.array([f"{i:05d}" for i in range(count)], dtype=object), months)
    spec = learn_spec(COLUMNS, frame)
    return spec.encode(frame), spec, ids, np.tile(as_of, count)


def test_a_row_runs_through_the_customers_later_months_by_hand():
    """One in four was treated in January, of 8 rows: too few to learn from, so one chance."""
    as_of = np.array(["2024-01-01", "2024-02-01", "2024-03-01"], dtype="datetime64[D]")
    x, spec, ids, days = rows(np.zeros((3, 3)), as_of)
    keep = np.arange(9) != 8
    treated = np.where(np.isin(np.arange(9), (0, 3)), 20, NEVER)
    seen = replace(Exposure.untreated(np.full(9, NEVER)), treated_after=treated).take(keep)
    found = treatment_hazard(x[keep], spec, ids[keep], days[keep], seen, 90)
    january, february, march = np.log(4 / 3) / np.array([31, 29, 30])
    whole = np.log(4 / 3)
    np.testing.assert_allclose(found[0], [30 * january, 2 * whole, 2 * whole + 30 * march])
    np.testing.assert_allclose(found[1], [whole + march, whole + 31 * march, whole + 61 * march])
    np.testing.assert_allclose(
        found[7], [whole + february, whole + 31 * february, whole + 61 * february]
    )


def treated_by_state(seed, base, slope, customers=5_000, months=9):
    """Customers whose monthly state makes them leave and be treated at random days, for nothing."""
    rng = np.random.default_rng(seed)
    as_of = np.arange(months).astype("timedelta64[D]") * 30 + np.datetime64("2023-01-01")
    state = rng.normal(size=(customers, months))
    state = np.cumsum(state, axis=1) / np.sqrt(np.arange(1, months + 1))
    leaves, calls = (
        rng.exponential(30 / (rate * np.exp(grows * state)))
        for rate, grows in ((0.02, 0.8), (base, slope))
    )
    x, spec, ids, days = rows(state, as_of)
    first = [np.full((customers, months), NEVER) for _ in range(2)]
    for month in reversed(range(months)):
        for day, found in zip((leaves, calls), first, strict=True):
            later = found[:, month + 1] + 30 if month + 1 < months else NEVER
            here = day[:, month] < 30
            found[:, month] = np.where(here, day[:, month].astype(int), np.minimum(later, NEVER))
    # Who has left has no later rows: the first month with an end is the last.
    there = np.cumsum(np.column_stack([np.zeros(customers), leaves[:, :-1] < 30]), axis=1) == 0
    keep = there.ravel()
    seen = replace(Exposure.untreated(first[0].ravel()), treated_after=first[1].ravel()).take(keep)
    return x[keep], spec, ids[keep], days[keep], seen


def test_where_the_months_show_what_decides_the_level_is_found():
    x, spec, ids, as_of, seen = treated_by_state(3, base=0.12, slope=0.8)
    old = as_of < as_of.min() + 150
    y = (seen.ended_after < 104)[old]
    untreated = (seen.treated_after >= seen.until(104))[old]
    hazard = treatment_hazard(x, spec, ids, as_of, seen, 104, threads=1)
    weight = replace(seen, hazard=hazard).take(old).weights(104)
    assert 0.25 < 1 - untreated.mean() < 0.5
    assert abs(y[untreated].mean() / y.mean() - 1) > 0.05
    assert np.average(y, weights=weight) == pytest.approx(y.mean(), rel=0.04)
    own = ids == ids[np.flatnonzero(seen.treated_after < 30)[0]]
    swapped = replace(seen, treated_after=np.where(own, NEVER, seen.treated_after))
    np.testing.assert_array_equal(
        treatment_hazard(x, spec, ids, as_of, swapped, 104, threads=1)[own], hazard[own]
    )


def test_incidences_by_horizon_are_right_under_treatment_at_random():
    """Half a per cent is treated each day: who leaves early in a period must not count the more."""
    x, spec, ids, as_of, seen = treated_by_state(4, base=0.15, slope=0.0, customers=10_000)
    hazard = treatment_hazard(x, spec, ids, as_of, seen, 180, threads=1)
    weighted = replace(seen, hazard=hazard)
    off = {}
    truth = Exposure.untreated(seen.ended_after)
    for name, exposure in (("unweighted", seen), ("weighted", weighted), ("truth", truth)):
        cause = np.where(seen.ended_after < NEVER, "voluntary", "").astype(object)
        histories = Histories(ids, as_of, x, cause, exposure, spec)
        histories = histories.take(as_of < as_of.min() + 90)
        reach = {"lead_days": 0, "periods": 6, "known_before": np.datetime64("2024-01-01").item()}
        counts = count_outcomes(expand(histories, (("voluntary",),), **reach), 6, 1)
        hazards = (counts[:, 1] / counts.sum(axis=1))[None, :, None]
        off[name] = cumulative_incidence(hazards)[0, [0, 5], 1]
    assert (off["unweighted"] / off["truth"] > 1.05).all()
    np.testing.assert_allclose(off["weighted"], off["truth"], rtol=0.02)
