"""Parity: shares of groups with intervals that hold for all of them together."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from models.metrics.by_subgroup import SMALLEST_GROUP, parity


def wilson(hits, n, level):
    """Wilson (1927), equation of the score interval, written out."""
    z = norm.ppf(0.5 + level / 2)
    centre = (hits + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(hits * (n - hits) / n + z * z / 4)
    return centre - half, centre + half


def shares_of(sizes, hits):
    groups = pd.DataFrame({"segment": np.repeat([*sizes], [*sizes.values()]).astype(object)})
    groups["segment"] = groups["segment"].where(groups["segment"].ne("unknown"), None)
    called = np.concatenate([np.arange(n) < hits[name] for name, n in sizes.items()])
    return {each.group: each for each in parity(groups, pd.DataFrame({"called": called}))}


def test_shares_and_intervals_are_wilsons_for_all_groups_of_a_kind_together():
    found = shares_of({"a": 400, "b": 60, "c": 30}, {"a": 20, "b": 20, "c": 0})
    everybody = found["all"].shares["called"]
    assert (everybody.low, everybody.high) == pytest.approx(wilson(40, 490, 0.95))
    for name, hits, n in (("a", 20, 400), ("b", 20, 60), ("c", 0, 30)):
        share = found[name].shares["called"]
        assert share.value == hits / n
        assert (share.low, share.high) == pytest.approx(wilson(hits, n, 1 - 0.05 / 3), abs=1e-12)
    assert {name: each.differs for name, each in found.items()} == {
        "all": (),
        "a": (),
        "b": ("called",),
        "c": (),
    }


def test_a_small_group_shows_nothing_and_does_not_widen_the_others():
    sizes = {"a": 100, "b": 100, "c": SMALLEST_GROUP - 1, "unknown": SMALLEST_GROUP}
    found = shares_of(sizes, dict.fromkeys(sizes, 10))
    assert (found["c"].customers, found["c"].shares) == (None, {})
    assert found[None].customers == SMALLEST_GROUP
    share = found["a"].shares["called"]
    assert (share.low, share.high) == pytest.approx(wilson(10, 100, 1 - 0.05 / 3))


def test_equal_groups_seldom_differ():
    """Of 200 lists without any difference, at most about one in twenty names a group."""
    rng = np.random.default_rng(3)
    groups = pd.DataFrame({"segment": rng.choice([*"abcdefgh"], 4000)})
    named = 0
    for _ in range(200):
        called = pd.DataFrame({"called": rng.random(4000) < 0.1})
        named += any(each.differs for each in parity(groups, called))
    assert named <= 18


def test_every_customer_is_in_one_group_of_a_kind():
    rng = np.random.default_rng(5)
    groups = pd.DataFrame({"a": rng.choice([*"xyz"], 900), "b": rng.choice([*"pq"], 900)})
    outcomes = pd.DataFrame({"called": rng.random(900) < 0.3, "held_out": rng.random(900) < 0.1})
    found = list(parity(groups, outcomes))
    for kind in groups:
        rows = [each for each in found if each.kind == kind]
        assert sum(each.customers for each in rows) == 900
        for outcome, hits in outcomes.sum().items():
            total = sum(each.customers * each.shares[outcome].value for each in rows)
            assert total == pytest.approx(hits)
