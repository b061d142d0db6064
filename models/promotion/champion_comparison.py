"""Champion comparison, paired on the same rows, and the evidence that the rules judge."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from models.churn.model import ChurnModel
from models.dataset.array_types import Floats, Labels, Matrix
from models.metrics.bootstrap import Interval, Rows, mean_interval
from models.metrics.logistic import log_losses, logit
from models.metrics.ranking import roc_auc
from models.promotion.baseline_comparison import BaselineComparison

_TENTH = 0.1
_NONE = Interval(math.nan, math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class ChampionComparison:
    """A champion beside a challenger, on ``rows`` that neither had learned from.

    ``label`` is its version, ``leavers`` how many of the rows left. ``gain`` is its mean log loss
    minus the challenger's, ``profit`` the challenger's profit minus its own (None without
    economics): above 0 the challenger is better. ``worth`` is what it gains itself over the base
    rate of these rows, in log loss; ``card`` its scorecard there. ``overlap`` is the Jaccard index
    of their riskiest tenths; ``spread`` its mean absolute contribution by driver family. With no
    rows, ``reason`` says what is in the way.
    """

    label: str = ""
    rows: int = 0
    leavers: int = 0
    gain: Interval = _NONE
    worth: float = math.nan
    card: Mapping[str, Interval] = field(default_factory=dict)
    overlap: float = math.nan
    spread: Mapping[str, float] | None = None
    profit: Interval | None = None
    reason: str = ""


def log_loss_gain(
    rows: Rows, challenger: Floats, champion: Floats, alpha: float = 0.05
) -> Interval:
    """Mean log loss of ``champion`` minus that of ``challenger``, with a paired interval.

    Both have shape (n,); ``alpha`` is the interval's two-sided error. Months that swing move the
    gain where one level is above the other: the rows' shocks widen it by that. A score that is not
    a probability gives NaN.
    """
    with np.errstate(invalid="ignore"):
        difference = log_losses(rows.y, champion) - log_losses(rows.y, challenger)
    if np.isnan(difference).any():
        return _NONE
    if rows.shocks is None:
        return mean_interval(difference, rows.customer_id, alpha)
    # A shock moves the chance of leaving by p(1 − p), and each leaver the gain by the odds' ratio.
    move = challenger * (1 - challenger) * (logit(challenger) - logit(champion)) / len(rows)
    return mean_interval(difference, rows.customer_id, alpha, rows.shocks.deviation(move))


def top_overlap(first: Floats, second: Floats) -> float:
    """Jaccard index of the rows in the highest tenth of both scores, (n,); ties in row order.

    NaN when a score is not finite or there are no rows.

    >>> top_overlap(np.arange(20.0), np.arange(20.0) % 19)
    0.3333333333333333
    """
    size = math.ceil(_TENTH * len(first))
    if size == 0 or not (np.isfinite(first).all() and np.isfinite(second).all()):
        return math.nan
    a, b = (set(np.argsort(-p, kind="stable")[:size].tolist()) for p in (first, second))
    return len(a & b) / len(a | b)


def weakest_seed_ratio(model: ChurnModel, x: Matrix, y: Labels, threads: int = 2) -> float:
    """How far the worst booster's AUC is above 0.5, in multiples of that of all together.

    NaN when the boosters together do not rank, or one gives scores that are not finite.
    """
    each = [b.predict(x, raw_score=True, num_threads=threads) for b in model.boosters]
    alone = [_auc(y, np.asarray(raw, dtype=np.float64)) for raw in each]
    together = _auc(y, np.mean(each, axis=0))
    if not all(map(math.isfinite, [*alone, together])) or together <= 0.5:
        return math.nan
    return (min(alone) - 0.5) / (together - 0.5)


def _auc(y: Labels, score: Floats) -> float:
    return roc_auc(y, score) if np.isfinite(score).all() else math.nan


@dataclass(frozen=True, slots=True)
class ChallengerEvidence:
    """What is known of a challenger, on rows later than all that the evaluated fit has seen.

    ``card`` is its scorecard there, ``slopes`` the calibration slope by product line where one
    has leavers enough, ``base_log_loss`` the base rate's log loss, ``baselines`` the comparison
    with every other baseline. ``own_gain`` and ``weakest_seed_ratio`` (see
    ``models.promotion.champion_comparison``) are those of the registered model, which has learned
    from these rows too. ``spread`` is the mean absolute contribution by driver family. ``rival``
    is the comparison with the champion, None without one; ``anchor`` that with the best champion
    of the year, None where it is the champion; ``looks`` how many challengers were compared
    within the year, this one among them.
    """

    card: Mapping[str, Interval]
    slopes: Mapping[str, Interval]
    base_log_loss: float
    own_gain: Interval
    weakest_seed: float
    same_features: bool
    spread: Mapping[str, float]
    leak: str | None
    rival: ChampionComparison | None
    anchor: ChampionComparison | None = None
    looks: int = 1
    baselines: tuple[BaselineComparison, ...] = ()
