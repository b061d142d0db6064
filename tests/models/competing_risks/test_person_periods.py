"""Person-periods and cumulative incidence: by hand, as properties, against brute force.

Seen from 1 January 2024 with a lead of 14 days, period 0 covers 15 January to 13 February.
"""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.competing_risks.model import rounded
from models.competing_risks.person_periods import (
    complete_periods,
    count_outcomes,
    cumulative_incidence,
    expand,
)
from models.dataset.exposure import NEVER, Exposure
from models.dataset.feature_spec import FeatureSpec
from models.dataset.histories import Histories

CAUSES = (("voluntary",), ("moved",), ("deceased", "company"))
LEAD, PERIODS, TODAY = 14, 3, date(2024, 12, 31)


def histories(rows: list[tuple[int | None, str, int | None]], as_of: str = "2024-01-01"):
    """Rows of (days to the end, cause, days to a treatment), all seen from one day."""
    ends, causes, treated = zip(*rows, strict=True)
    days = [np.array([NEVER if d is None else d for d in one]) for one in (ends, treated)]
    return Histories(
        customer_id=np.array([f"{i:05d}" for i in range(len(rows))], dtype=object),
        as_of=np.full(len(rows), np.datetime64(as_of)),
        x=np.zeros((len(rows), 0), dtype=np.float32, order="F"),
        cause=np.array(causes, dtype=object),
        exposure=replace(Exposure.untreated(days[0]), treated_after=days[1]),
        spec=FeatureSpec(()),
    )


def expanded(rows, today=TODAY, as_of="2024-01-01"):
    found = expand(
        histories(rows, as_of), CAUSES, lead_days=LEAD, periods=PERIODS, known_before=today
    )
    return list(zip(found.row.tolist(), found.number.tolist(), found.outcome.tolist(), strict=True))


def test_expansion_by_hand():
    rows = [
        (None, "", None),
        (14, "voluntary", None),
        (43, "moved", None),
        (44, "voluntary", None),
        (103, "company", None),
        (104, "voluntary", None),
        (13, "voluntary", None),
        (-5, "moved", None),
    ]
    assert expanded(rows) == [
        *[(0, 0, 0), (0, 1, 0), (0, 2, 0)],
        (1, 0, 1),
        (2, 0, 2),
        *[(3, 0, 0), (3, 1, 1)],
        *[(4, 0, 0), (4, 1, 0), (4, 2, 3)],
        *[(5, 0, 0), (5, 1, 0), (5, 2, 0)],
    ]


@pytest.mark.parametrize(
    ("today", "periods"),
    [
        (date(2024, 2, 13), 0),
        (date(2024, 2, 14), 1),
        (date(2024, 3, 14), 1),
        (date(2024, 3, 15), 2),
        (date(2024, 4, 14), 3),
        (date(2030, 1, 1), 3),
        (date(2023, 1, 1), 0),
    ],
)
def test_periods_are_censored_one_by_one(today, periods):
    assert expanded([(None, "", None)], today) == [(0, k, 0) for k in range(periods)]
    as_of = np.array(["2024-01-01"], dtype="datetime64[D]")
    assert complete_periods(as_of, LEAD, today, PERIODS).tolist() == [periods]


def test_an_end_in_a_period_that_is_not_complete_is_not_there_yet():
    assert expanded([(50, "voluntary", None)], date(2024, 3, 14)) == [(0, 0, 0)]
    assert expanded([(50, "voluntary", None)], date(2024, 3, 15)) == [(0, 0, 0), (0, 1, 1)]


def test_a_treatment_ends_what_can_be_learned_and_what_came_before_it_stays():
    assert expanded([(None, "", 50)]) == [(0, 0, 0)]
    assert expanded([(None, "", 44)]) == [(0, 0, 0)]
    assert expanded([(None, "", 5)]) == []
    assert expanded([(90, "voluntary", 50)]) == [(0, 0, 0)]
    assert expanded([(50, "voluntary", 60)]) == [(0, 0, 0), (0, 1, 1)]


def test_a_cause_without_a_group_is_refused():
    with pytest.raises(ValueError, match="end_of_supply"):
        expanded([(50, "end_of_supply", None)])


def test_incidence_by_hand():
    hazards = np.array([[[0.1, 0.2], [0.5, 0.1], [0.0, 1.0]]])
    expected = [
        [0.7, 0.1, 0.2],
        [0.28, 0.1 + 0.7 * 0.5, 0.2 + 0.7 * 0.1],
        [0.0, 0.45, 0.27 + 0.28],
    ]
    np.testing.assert_allclose(cumulative_incidence(hazards)[0], expected, atol=1e-15)


@st.composite
def chances(draw):
    shape = tuple(draw(st.tuples(st.integers(1, 4), st.integers(1, 8), st.integers(1, 6))))
    seed, scale = draw(st.integers(0, 2**32 - 1)), draw(st.floats(0.01, 30))
    score = np.random.default_rng(seed).normal(0, scale, (*shape[:2], shape[2] + 1))
    odds = np.exp(score - score.max(axis=2, keepdims=True))
    return (odds / odds.sum(axis=2, keepdims=True))[:, :, 1:]


@given(chances())
def test_incidences_add_up_to_one_and_never_fall(hazards):
    incidence = cumulative_incidence(hazards)
    np.testing.assert_allclose(incidence.sum(axis=2), 1, atol=1e-12)
    assert (incidence >= -1e-12).all()
    assert (np.diff(incidence[:, :, 1:], axis=1) >= 0).all()
    assert (np.diff(incidence[:, :, 0], axis=1) <= 0).all()


@given(chances())
def test_rounded_to_millionths_they_add_up_exactly_and_never_fall(hazards):
    whole = rounded(cumulative_incidence(hazards))
    assert (whole == np.rint(whole)).all()
    assert (whole.sum(axis=2) == 1_000_000).all()
    assert (whole >= 0).all()
    assert (np.diff(whole[:, :, 1:], axis=1) >= 0).all()
    assert (np.abs(whole[..., 1:] / 1e6 - cumulative_incidence(hazards)[..., 1:]) < 1.01e-6).all()


@given(st.integers(0, 2**32 - 1), st.integers(0, 150))
def test_counted_hazards_give_aalen_and_johansen(seed, passed):
    """Against an estimator written on single days in pandas, censored customers among them."""
    rng = np.random.default_rng(seed)
    size = 200
    ends = np.where(rng.random(size) < 0.7, rng.integers(-10, 150, size), NEVER)
    names = rng.choice(["voluntary", "moved", "deceased", "company"], size)
    rows = [
        (None if d == NEVER else int(d), "" if d == NEVER else str(n), None)
        for d, n in zip(ends, names, strict=True)
    ]
    as_ofs = np.datetime64("2024-01-01") + rng.integers(0, 200, size)
    all_rows = histories(rows)
    spread = replace(all_rows, as_of=as_ofs)
    today = (np.datetime64("2024-01-01") + 40 + passed).item()
    found = expand(spread, CAUSES, lead_days=LEAD, periods=PERIODS, known_before=today)
    counts = count_outcomes(found, PERIODS, len(CAUSES))
    at_risk = counts.sum(axis=1, keepdims=True)
    hazards = np.divide(counts[:, 1:], at_risk, out=np.zeros((PERIODS, 3)), where=at_risk > 0)
    np.testing.assert_allclose(
        cumulative_incidence(hazards[None])[0], brute_force(spread, today), atol=1e-12
    )


def brute_force(rows, today):
    """Cumulative incidence from one dictionary per customer, the slow and obvious way."""
    group = {name: i for i, names in enumerate(CAUSES) for name in names}
    frame = pd.DataFrame({"as_of": rows.as_of, "end": rows.ended_after, "cause": rows.cause})
    stayed, ended, out = 1.0, np.zeros(len(CAUSES)), []
    for k in range(PERIODS):
        start, stop = LEAD + 30 * k, LEAD + 30 * (k + 1)
        closed = frame["as_of"] + pd.to_timedelta(stop, "D") <= pd.Timestamp(today)
        risk = frame[closed & (frame["end"] >= start)]
        events = risk[risk["end"] < stop].groupby(risk["cause"].map(group)).size()
        hazard = np.array([events.get(i, 0) / max(len(risk), 1) for i in range(len(CAUSES))])
        ended = ended + stayed * hazard
        stayed *= 1 - hazard.sum()
        out.append([stayed, *ended])
    return np.array(out)
