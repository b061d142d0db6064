"""The lists' page shows each figure in its place, and judges the goals by them."""

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.lists.causes import Ranked
from benchmarks.lists.deals import Dealt
from benchmarks.lists.page import Results, page
from benchmarks.lists.pilot import Pilot
from benchmarks.lists.sleepers import Sleepers
from benchmarks.lists.turnover import FORGETS, Turnover
from benchmarks.lists.worth import Worth, combined
from models.metrics.bootstrap import Interval

GAP = Interval(-0.5, -0.75, 0.25)


def results(fell=0.2, harm=0.5):
    named = [("call list", harm), ("by risk", 1.0), ("the truth's best", 0.0)]
    lists = [Worth(name, 1_500, 2_000.0, 3.25, 4.0, each) for name, each in named]
    turns = [
        Turnover("riskiest 5%", stays, 40.4, 0.5, 0.25, fell, 2.0, 1e4, GAP, GAP)
        for stays in (FORGETS, 0.35)
    ]
    judged = SimpleNamespace(
        by_effect=GAP, by_risk=GAP, gain=GAP, calibration=GAP, depth=0.1, weight=0.25, used=True
    )
    effect = SimpleNamespace(held_out=4_000, difference=GAP)
    return Results(
        lists=lists,
        dealt={1_200.0: [Dealt(each, 100.0) for each in lists]},
        sleepers=[Sleepers(1_200.0, None, lists[0], 0.5, 1_000, 20)],
        turns=turns,
        by_rule=turns[:1],
        pilots=[Pilot(8_000, effect, judged, 2.0, None)],
        ranked=Ranked((("driver", 0.01, 0.5, 18),), (("price_rise", 0.1, 0.25),)),
        stays=0.35,
    )


@pytest.mark.parametrize(
    "line",
    [
        "| call list | 1,500 | 2,000 | 100% | 3.2 | 4 | 0.500 |",
        "| 1,200 | by risk | 1,500 | 2,000 ± 100 | 3.2 | 4 | 1.000 |",
        "| 1,200 | never | 1,500 | 2,000 | 0.500 | 50% | 1,000 | 20 |",
        "| riskiest 5% | no memory | 40 | 50.0% | 25.0% | 20.0% | 2.00 | -0.50 (-0.75 to 0.25) "
        "| 10,000 | -0 (-1 to 0) |",
        "| 8,000 | 4,000 | -50.00 (-75.00 to 25.00) % | -0.50 | -0.50 | 2.00 "
        "| -0.50 (-0.75 to 0.25) | -0.50 (-0.75 to 0.25) | 0.25 | yes |",
        "| driver | 1% | 18 | 0.50 |",
        "| price_rise | 25.0% | 10.0% |",
    ],
)
def test_each_figure_stands_in_its_column(line):
    assert line in page(results()).splitlines()


def test_a_goal_is_reached_or_not_by_its_figure():
    text = page(results())
    assert "it avoids 50% (wanted: 80 %; not reached)" in text
    assert "- Riskiest 5%: 20.0% fall off (wanted: 20 %; reached)" in text
    other = page(results(fell=0.21, harm=0.2))
    assert "it avoids 80% (wanted: 80 %; reached)" in other
    assert "- Riskiest 5%: 21.0% fall off (wanted: 20 %; not reached)" in other


def test_lists_are_combined_figure_by_figure():
    parts = [Worth("a", 1, 2.0, 3.0, 4, 5.0), Worth("a", 3, 4.0, 5.0, 6, 7.0)]
    assert combined(parts, sum) == Worth("a", 4, 6.0, 8.0, 10, 12.0)
    assert combined(parts, np.mean) == Worth("a", 2, 3.0, 4.0, 5, 6.0)
