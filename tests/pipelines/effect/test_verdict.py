"""The verdict as one sentence: what was measured, and what to do."""

import math

import pytest

from models.causal.treatment_effect import Effect
from models.metrics.bootstrap import Interval
from pipelines.effect.result import verdict_sentence

MEASURED = "of 100 drawn for contact, {} leave than of 100 held out ({} to {})"


@pytest.mark.parametrize(
    ("verdict", "difference", "sentence"),
    [
        (
            "fewer_leave",
            Interval(-0.0241, -0.04, -0.008),
            f"Contact keeps customers: {MEASURED.format('2.4 fewer', '4.0 fewer', '0.8 fewer')}. "
            "Go on.",
        ),
        (
            "more_leave",
            Interval(0.03, 0.01, 0.05),
            "Contact drives customers away: "
            f"{MEASURED.format('3.0 more', '1.0 more', '5.0 more')}. Stop contacting, and find "
            "out why.",
        ),
        (
            "no_difference",
            Interval(-0.004, -0.018, 0.01),
            "Contact makes no difference that matters: "
            f"{MEASURED.format('0.4 fewer', '1.8 fewer', '1.0 more')}, all of it less than the "
            "2.0 fewer that are assumed. Contact in another way, or others.",
        ),
        (
            "not_measurable_yet",
            Interval(math.nan, -1.0, 1.0),
            "It cannot be told yet whether contact keeps customers or drives them away: 1,200 have "
            "been compared, about 9,000 are needed. Go on, and look again.",
        ),
    ],
)
def test_a_verdict_says_what_to_do(verdict, difference, sentence):
    unbounded = Interval(math.nan, -math.inf, math.inf)
    counts = ("all", "all", 1_000, 50, 600, 200, 15, 0)
    effect = Effect(*counts, difference, 0.02, unbounded, 0.4, 9_000, verdict)
    assert verdict_sentence(effect) == sentence
