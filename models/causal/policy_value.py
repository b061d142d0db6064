"""Policy value: what calling by each one's own effect brings more than calling by risk, in money.

What came of a customer gives their effect once more, doubly robust (AIPW: Robins, Rotnitzky and
Zhao 1994, JASA 89); as the lot is known, its mean over any group is right. A policy's value is the
mean over whom it calls (Athey and Wager 2021, Econometrica 89).
"""

from dataclasses import dataclass

import numpy as np

from models.causal.uplift import UpliftData, UpliftFit
from models.dataset.array_types import Floats, Mask, Texts
from models.metrics.bootstrap import Interval
from models.metrics.profit import Economics, expected_value, uplift_value
from models.metrics.sequential import sequential_z

_GROUPS = 4
_SMALLEST_GAIN = _SMALLEST_SLOPE = 0.5
"""What the intervals are tightest at: half of the money that is assumed of calling by risk, and
half of the effect expected."""


@dataclass(frozen=True, slots=True)
class UpliftEvaluation:
    """Two policies on ``customers`` unseen: money per customer (major units), and calibration.

    Both call the same ``depth`` of the customers, where it pays. ``weight`` is that of what each
    has of their own in the effect, 0 for the rule alone. ``calibration`` is the effect that came
    over the effect expected, 1 at best; ``groups`` have both for quarters of the customers, the
    least expected first. All intervals hold at every look (``models.metrics.sequential``).
    """

    customers: int
    depth: float
    weight: float
    by_effect: Interval
    by_risk: Interval
    gain: Interval
    calibration: Interval
    groups: tuple[tuple[float, Interval], ...]

    @property
    def used(self) -> bool:
        """Whether customers differ in their effect, and no less came than was expected."""
        return self.weight > 0 and self.calibration.high >= 1

    @property
    def accepted(self) -> bool:
        """Whether calling by effect brings more money beyond doubt."""
        return self.used and self.gain.low > 0


def evaluate_uplift(
    trial: UpliftData, fit: UpliftFit, economics: Economics, depth: float
) -> UpliftEvaluation:
    """Hold calling by effect against calling by risk, each the first ``depth`` (0 to 1) of all."""
    judged = np.isfinite(fit.effect)
    trial, leaving, effect = trial.take(judged), fit.leaving[judged], fit.effect[judged]
    measured = robust_effects(trial, leaving, effect)
    money = money_made(trial, effect, measured, economics)
    usual = expected_value(trial.p, trial.value, economics, offers=trial.offers)
    own = uplift_value(effect, trial.value, economics, 1 - trial.p, trial.offers)
    called, chosen = (first(each, depth, trial.customer_id) for each in (usual, own))
    promised = _SMALLEST_GAIN * float((np.abs(usual) * called).mean())
    claimed = (trial.treat - trial.share) * effect
    square = max(float(claimed @ claimed), 1e-12)
    slope = float(claimed @ (leaving - trial.left)) / square
    noise = claimed * (leaving - trial.left - slope * claimed) / square
    order = np.lexsort((trial.customer_id.astype(str), effect))
    assumed = float(trial.p.mean()) * economics.saved_share
    return UpliftEvaluation(
        customers=len(effect),
        depth=depth,
        weight=fit.model.weight,
        by_effect=_mean(money * chosen, promised),
        by_risk=_mean(money * called, promised),
        gain=_mean(money * (chosen * 1.0 - called), promised),
        calibration=_around(slope, float(noise @ noise), _SMALLEST_SLOPE),
        groups=tuple(
            (float(effect[rows].mean()), _mean(measured[rows], assumed))
            for rows in np.array_split(order, _GROUPS)
        ),
    )


def robust_effects(trial: UpliftData, leaving: Floats, effect: Floats) -> Floats:
    """Each one's effect (n,) by AIPW: the expected one, corrected by what came of them."""
    alone = leaving + trial.share * effect
    contacted = alone - effect
    of_treated = (contacted - trial.left) / trial.share
    of_held_out = (trial.left - alone) / (1 - trial.share)
    return effect + np.where(trial.treat, of_treated, of_held_out)


def first(score: Floats, depth: float, customer_id: Texts) -> Mask:
    """Who (n,) is called: the first ``depth`` of all by ``score`` that are above 0.

    >>> first(np.array([3.0, -1.0, 2.0, 1.0]), 0.5, np.array(["a", "b", "c", "d"])).tolist()
    [True, False, True, False]
    """
    called = np.zeros(len(score), dtype=bool)
    called[np.lexsort((customer_id.astype(str), -score))[: round(depth * len(score))]] = True
    return called & (score > 0)


def money_made(
    trial: UpliftData, expected: Floats, measured: Floats, economics: Economics
) -> Floats:
    """What contacting each brought (n,): ``uplift_value``, straight on from the effect expected.

    One customer's ``measured`` lies far from any effect, and is right in the mean only; so it
    must not decide itself whether there was an offer to pay for.
    """
    worth = uplift_value(expected, trial.value, economics, 1 - trial.p, trial.offers)
    slope = trial.value - (expected >= 0) * trial.offers * economics.offer_cost
    return worth + slope * (measured - expected)


def _mean(values: Floats, smallest: float) -> Interval:
    return _around(float(values.mean()), float(values.var()) / len(values), smallest)


def _around(value: float, variance: float, smallest: float) -> Interval:
    """An interval that holds at all looks together."""
    z = sequential_z(variance, max(smallest, 1e-9)) if variance > 0 else 0.0
    reach = z * float(np.sqrt(variance))
    return Interval(value, value - reach, value + reach)
