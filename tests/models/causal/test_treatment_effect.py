"""The effect of treatment: its interval, its verdict, and who counts in it."""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm

from models.causal.risk_difference import Strata, power, required_customers, risk_difference
from models.causal.treatment_effect import measure_effects, randomised_assignments
from models.metrics.sequential import sequential_z


def strata(*rows: tuple[float, float, float, float]) -> Strata:
    """Rows of treated, their leavers, held out, their leavers."""
    return Strata(*np.array(rows, dtype=np.float64).T)


def company(
    seed: int, effect: Callable[[np.ndarray], np.ndarray], customers: int = 6_000
) -> pd.DataFrame:
    """Bands of very different risk, the riskier ones held out more often than others."""
    rng = np.random.default_rng(seed)
    band = rng.integers(0, 4, customers)
    risk = np.array([0.03, 0.08, 0.15, 0.3])[band]
    treat = rng.random(customers) >= np.array([0.2, 0.2, 0.3, 0.4])[band]
    left = rng.random(customers) < np.where(treat, effect(risk), risk)
    arms = {
        "customer_id": [f"{number:06}" for number in range(customers)],
        "assigned_on": pd.Timestamp("2024-01-01"),
        "arm": np.where(treat, "treat", "holdout"),
        "left": left,
        "reached": treat,
        "risk_band": band.astype(str).astype(object),
        "lane": np.where(band > 1, "call", "inform").astype(object),
        **dict.fromkeys(("household_id", "action", "product_line")),
    }
    return randomised_assignments(pd.DataFrame(arms))


def test_one_stratum_is_the_plain_difference_with_an_interval_from_inverting_its_test() -> None:
    """The ends are where the squared distance is z² times Sato's variance at that distance."""
    x1, n1, x0, n0 = 12.0, 80.0, 9.0, 40.0
    found = risk_difference(strata((n1, x1, n0, x0)))
    assert found.value == pytest.approx(x1 / n1 - x0 / n0)
    n, weight = n1 + n0, n1 * n0 / (n1 + n0)
    for end in (found.low, found.high):
        p = (n1**2 * x0 - n0**2 * x1 + n1 * n0 * (n0 - n1) / 2) / n**2
        q = (x1 * (n0 - x0) + x0 * (n1 - x1)) / (2 * n)
        variance = (end * p + q) / weight**2
        assert (found.value - end) ** 2 == pytest.approx(norm.ppf(0.975) ** 2 * variance)


def test_variance_of_equal_arms_is_that_of_two_binomials() -> None:
    """By hand: 30 and 20 of 100 leave. At the value itself Sato's variance is p1q1/n + p0q0/n."""
    found = risk_difference(strata((100, 30, 100, 20)))
    assert found.value == pytest.approx(0.1)
    middle = (found.low + found.high) / 2
    half = (found.high - found.low) / 2
    slope = 2 * (middle - found.value)
    plain = norm.ppf(0.975) ** 2 * (0.3 * 0.7 + 0.2 * 0.8) / 100
    assert half**2 == pytest.approx(middle**2 - found.value**2 + plain - slope * found.value)


def test_strata_take_away_what_only_the_mix_of_risks_makes() -> None:
    """Simpson: in each stratum treatment halves leaving, and the pooled shares say the reverse."""
    mixed = strata((900, 180, 100, 40), (100, 1, 900, 18))
    pooled = (181 / 1000) - (58 / 1000)
    assert pooled > 0
    assert risk_difference(mixed).high < 0


def test_a_stratum_with_one_arm_only_changes_nothing() -> None:
    both = strata((50, 10, 40, 12))
    more = strata((50, 10, 40, 12), (70, 7, 0, 0), (0, 0, 9, 9))
    assert risk_difference(more) == risk_difference(both)


def test_nothing_to_compare_is_not_a_number_with_the_widest_interval() -> None:
    found = risk_difference(strata((10, 1, 0, 0)))
    assert math.isnan(found.value)
    assert (found.low, found.high) == (-1.0, 1.0)


@pytest.mark.parametrize(("p1", "p0", "n1", "n0"), [(0.02, 0.03, 180, 20), (0.3, 0.2, 45, 15)])
def test_exact_coverage_of_a_small_comparison_is_near_nominal(
    p1: float, p0: float, n1: int, n0: int
) -> None:
    """Summed over every outcome that two binomials can give, no simulation."""
    chance = 0.0
    for x1 in range(n1 + 1):
        if binom.pmf(x1, n1, p1) < 1e-9:
            continue
        for x0 in range(n0 + 1):
            found = risk_difference(strata((n1, x1, n0, x0)))
            if found.low <= p1 - p0 <= found.high:
                chance += binom.pmf(x1, n1, p1) * binom.pmf(x0, n0, p0)
    assert chance > 0.925


def test_power_at_the_needed_size_is_the_wanted_one() -> None:
    total = required_customers(0.1, -0.3, 0.1, 0.8, 0.05)
    assert total is not None
    held_out = round(total * 0.1)
    assert power(0.1, -0.3, total - held_out, held_out, 0.05) == pytest.approx(0.8, abs=0.002)


def test_nobody_leaving_has_no_power_and_no_needed_size() -> None:
    assert power(0.0, -0.3, 100, 10, 0.05) == 0.0
    assert required_customers(0.0, -0.3, 0.1, 0.8, 0.05) is None
    assert required_customers(0.1, -0.3, 0.0, 0.8, 0.05) is None
    assert required_customers(0.1, 0.0, 0.1, 0.8, 0.05) is None


def drawn(rng: np.random.Generator, effect: float) -> Strata:
    """Leavers of both arms of one company in four bands, drawn as counts."""
    risk = np.array([0.03, 0.08, 0.15, 0.3])
    treated, held_out = np.array([600, 600, 520, 450]), np.array([150, 150, 230, 300])
    left = rng.binomial(treated, risk + effect), rng.binomial(held_out, risk)
    return Strata(*(a.astype(np.float64) for a in (treated, left[0], held_out, left[1])))


@pytest.mark.parametrize("effect", [0.0, -0.02, 0.05])
def test_a_planted_effect_lies_inside_its_interval_at_the_nominal_rate(effect: float) -> None:
    """Without one this is the rate of false positives; 5,000 companies, so ±0.6 %."""
    rng = np.random.default_rng(1)
    found = [risk_difference(drawn(rng, effect)) for _ in range(5_000)]
    inside = np.mean([each.low <= effect <= each.high for each in found])
    assert inside == pytest.approx(0.95, abs=0.01)
    assert np.mean([each.value for each in found]) == pytest.approx(effect, abs=0.002)


def test_companies_that_contact_in_vain_stay_undecided_at_every_monthly_look() -> None:
    """A/A with 20 looks: a fixed 1.96 shows harm in one company of ten, and must never be asked."""
    rng = np.random.default_rng(5)
    wrong = {"fixed": 0, "all looks": 0}
    for _ in range(120):
        months = [drawn(rng, 0.0) for _ in range(20)]
        looks = [joined(months[:n]) for n in range(1, 21)]
        wrong["fixed"] += any(risk_difference(look).low > 0 for look in looks)
        wrong["all looks"] += any(
            risk_difference(look, sequential_z(look.variance, 0.04)).low > 0 for look in looks
        )
    assert wrong["fixed"] >= 10
    assert wrong["all looks"] <= 5


def joined(months: list[Strata]) -> Strata:
    names = ("treated", "treated_left", "held_out", "held_out_left")
    return Strata(*(np.concatenate([getattr(each, name) for each in months]) for name in names))


@given(st.lists(st.tuples(*[st.integers(0, 30)] * 4), min_size=1, max_size=4))
def test_swapping_the_arms_turns_the_interval_round(
    counts: list[tuple[int, int, int, int]],
) -> None:
    rows = [(1 + n1 + x1, x1, 1 + n0 + x0, x0) for n1, x1, n0, x0 in counts]
    found = risk_difference(strata(*rows), 2.7)
    other = risk_difference(strata(*((n0, x0, n1, x1) for n1, x1, n0, x0 in rows)), 2.7)
    assert other.value == pytest.approx(-found.value, abs=1e-12)
    assert (other.low, other.high) == pytest.approx((-found.high, -found.low), abs=1e-9)


def test_no_difference_is_said_only_within_the_smallest_that_matters() -> None:
    """Of 20,000 customers; the truth is none, a tenth of γ and γ."""
    none, tenth, whole = (
        measure_effects(company(4, lambda risk, kept=kept: risk * (1 - kept), 20_000))[0]
        for kept in (0.0, 0.03, 0.3)
    )
    assert (none.verdict, tenth.verdict, whole.verdict) == (
        "no_difference",
        "no_difference",
        "fewer_leave",
    )
    assert none.smallest_itt is not None
    assert -none.smallest_itt < none.difference.low < none.difference.high < none.smallest_itt
    early = measure_effects(company(4, lambda risk: risk, 2_000))[0]
    assert early.verdict == "not_measurable_yet"


def test_the_interval_of_a_group_holds_for_all_looks_and_all_groups_of_its_kind() -> None:
    """Two lanes: half of 5 % each; tight at γ of the leavers that the lane's held out have."""
    assigned = company(6, lambda risk: risk)
    call = measure_effects(assigned)[1]
    rows = assigned.lane == "call"
    held_out = rows & ~assigned.treat
    smallest = 0.3 * assigned.left[held_out].mean()
    drawn = (assigned.loc[rows, name].to_numpy() for name in ("treat", "left", "stratum"))
    counted = Strata.count(*drawn)
    z = sequential_z(counted.variance, smallest, 0.025)
    assert (call.kind, call.group) == ("lane", "call")
    assert call.smallest_itt == pytest.approx(smallest)
    assert call.difference == risk_difference(counted, z)


def test_the_woken_count_against_the_leavers_kept_down_to_half_of_them() -> None:
    """γ 0.3 of the leavers, p of the held out; ω 1 % of the stayers is 0.01(1 − p)/p of p."""
    assigned = company(6, lambda risk: risk)
    base = assigned.left[~assigned.treat].mean()
    few, many = (measure_effects(assigned, 0.3, woken)[0] for woken in (0.01, 0.5))
    assert few.smallest_itt == pytest.approx(0.3 * base - 0.01 * (1 - base))
    assert many.smallest_itt == pytest.approx(0.15 * base)


def test_the_smallest_effect_and_the_needed_size_know_the_reach() -> None:
    """At a reach of 0.5 the effect is half, and four times as many are needed."""
    whole = company(2, lambda risk: risk)
    half = whole.assign(reached=whole.treat & (np.arange(len(whole)) % 2 == 0))
    first, second = (measure_effects(each)[0] for each in (whole, half))
    assert (first.smallest_itt or 0) / (second.smallest_itt or 1) == pytest.approx(2, abs=0.1)
    assert (second.needed or 0) / (first.needed or 1) == pytest.approx(4, abs=0.5)
    assert second.power < first.power
    unknown = measure_effects(whole.assign(reached=False))[0]
    assert unknown.smallest_itt == first.smallest_itt
    assert math.isinf(unknown.complier.high)
    nobody = measure_effects(whole.assign(reached=True))[0]
    assert (nobody.smallest_itt, nobody.needed, nobody.verdict) == (
        None,
        None,
        "not_measurable_yet",
    )


def test_contact_that_makes_people_leave_is_a_red_flag() -> None:
    found = measure_effects(company(1, lambda risk: risk + 0.06))
    assert found[0].verdict == "more_leave"
    fewer = measure_effects(company(1, lambda risk: risk - 0.02))
    assert "more_leave" not in [each.verdict for each in fewer]


def test_too_few_customers_say_nothing_whatever_the_difference() -> None:
    found = measure_effects(company(3, lambda risk: risk * 0, 120))[0]
    assert found.verdict == "not_measurable_yet"
    assert found.needed is not None
    assert found.needed > found.treated + found.held_out
    assert found.power < 0.8


def test_a_smaller_effect_asked_for_needs_more_customers() -> None:
    assigned = company(2, lambda risk: risk)
    asked = [measure_effects(assigned, smallest)[0].needed or 0 for smallest in (0.4, 0.2, 0.1)]
    assert asked == sorted(asked)
    assert asked[0] < asked[1] < asked[2]


def test_a_household_counts_once_with_its_first_assignment() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": ["b", "a", "b", "a", "c"],
            "household_id": [None, "h", None, "h", "h"],
            "assigned_on": pd.to_datetime(
                ["2024-03-01", "2024-02-01", "2024-01-01", "2024-03-01", "2024-02-02"]
            ),
            "arm": ["treat", "treat", "holdout", "holdout", "holdout"],
            "left": [True, False, False, True, True],
            "reached": [True, True, False, False, False],
            "risk_band": ["high", None, "low", "low", "low"],
            "lane": ["call", "call", None, None, None],
            "action": [None] * 5,
            "product_line": ["power"] * 5,
        }
    )
    found = randomised_assignments(frame)
    assert found.customer_id.tolist() == ["a", "b"]
    assert found.treat.tolist() == [True, False]
    assert found.left.tolist() == [False, False]
    assert found.stratum.tolist() == ["2024-02 none given", "2024-01 low"]
    shuffled = randomised_assignments(frame.sample(frac=1, random_state=3))
    assert shuffled.customer_id.tolist() == found.customer_id.tolist()
    assert shuffled.treat.tolist() == found.treat.tolist()
