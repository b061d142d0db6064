"""Evidence on a challenger: paired comparisons with baselines and with champions."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from models.churn.model import ChurnModel
from models.dataset.array_types import Floats, Labels, Matrix
from models.metrics.bootstrap import Interval, Rows, bootstrap, mean_interval
from models.metrics.logistic import base_rate_loss, log_losses, logit
from models.metrics.ranking import auc_difference, roc_auc

MARGIN = 0.025
_AUC_MARGIN = 0.0025
_BY_ORDER = ("next_date",)


@dataclass(frozen=True, slots=True)
class BaselineComparison:
    """A model beside one baseline by ``measure``: above 0, ``gain`` is the model's advantage.

    ``margin`` is what makes no difference to a list: 0.0025 of AUC, or 2.5 % of what the model's
    log loss gains over the base rate, which is about the same at an AUC of 0.7 to 0.8.
    """

    name: str
    measure: str
    model: float
    baseline: float
    gain: Interval
    margin: float

    @property
    def word(self) -> str:
        """``better``, ``worse``, or ``equal``, for all that the rows can tell.

        Worse is a gain wholly below 0, or below minus the margin by more than its standard error.

        >>> BaselineComparison("b", "AUC", 0.7, 0.705, Interval(-0.005, -0.012, 0.002), 0.002).word
        'worse'
        """
        error = (self.gain.high - self.gain.low) / 4
        if not self.gain.value >= -max(self.margin, error) or self.gain.high < 0:
            return "worse"
        return "better" if self.gain.low > 0 else "equal"

    @property
    def sentence(self) -> str:
        figures = f"{self.measure} {self.model:.4f} against {self.baseline:.4f}"
        return f"{self.word}, {figures}, gain {self.gain:.4f}"


def compare_baselines(rows: Rows, scores: Mapping[str, Floats]) -> tuple[BaselineComparison, ...]:
    """``scores["model"]`` beside each baseline of ``scores``, name → probabilities (n,).

    By log loss, or by AUC where a rule serves as an order only. The base rate has its own rule.
    """
    y, model = rows.y, scores["model"]
    losses, worth = log_losses(y, model), base_rate_loss(y)
    found = []
    for name, theirs in scores.items():
        if name in ("model", "base_rate"):
            continue
        if name in _BY_ORDER:
            gain = bootstrap(auc_difference(y, model, theirs), rows)
            both, margin, measure = (roc_auc(y, model), roc_auc(y, theirs)), _AUC_MARGIN, "AUC"
        else:
            other = log_losses(y, theirs)
            gain = mean_interval(other - losses, rows.customer_id)
            both, measure = (float(losses.mean()), float(other.mean())), "log loss"
            margin = MARGIN * max(worth - both[0], 0.0)
        found.append(BaselineComparison(name, measure, *both, gain, margin))
    return tuple(found)


_TENTH = 0.1
UNKNOWN = Interval(math.nan, math.nan, math.nan)


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
    gain: Interval = UNKNOWN
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
        return UNKNOWN
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
    scores = [b.predict(x, raw_score=True, num_threads=threads) for b in model.boosters]
    raw = np.array(scores, dtype=np.float64)
    if not np.isfinite(raw).all():
        return math.nan
    worst, together = min(roc_auc(y, each) for each in raw), roc_auc(y, raw.mean(axis=0))
    return (worst - 0.5) / (together - 0.5) if together > 0.5 else math.nan


@dataclass(frozen=True, slots=True)
class ChallengerEvidence:
    """What is known of a challenger, on rows later than all that the evaluated fit has seen.

    ``card`` is its scorecard there, ``slopes`` the calibration slope by product line where one
    has leavers enough, ``base_log_loss`` the base rate's log loss, ``baselines`` the comparison
    with every other baseline. ``own_gain`` and ``weakest_seed_ratio`` (see
    ``models.promotion.evidence``) are those of the registered model, which has learned
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
